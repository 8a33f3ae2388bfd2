"""Exceptions as events: what the machine and the journal are told of one."""

from __future__ import annotations

import anthropic
import httpx2
import pytest

from fsm_runner.adapters.anthropic.plain import MAX_TEXT, error_code, failed
from fsm_runner.loop.events import Failed

REQUEST = httpx2.Request("POST", "https://api.example")


def refused(status, body):
    """An answer that is an error."""
    return anthropic.APIStatusError("no", response=httpx2.Response(status, request=REQUEST), body=body)


def test_an_answer_has_its_status_and_code():
    """By the code the API says what to do about it."""
    body = {"type": "error", "error": {"type": "x", "details": {"error_code": "thread_not_found"}}}

    assert Failed(error="APIStatusError", text="no", status=404, code="thread_not_found") == failed(refused(404, body))


def test_no_answer_has_no_status():
    """As with a connection that was lost, or an exception of another library."""
    assert Failed(error="APIConnectionError", text="lost") == failed(
        anthropic.APIConnectionError(message="lost", request=REQUEST)
    )
    assert Failed(error="ReadTimeout", text="slow") == failed(httpx2.ReadTimeout("slow"))


@pytest.mark.parametrize("length", [MAX_TEXT - 1, MAX_TEXT, MAX_TEXT + 1])
def test_a_long_text_is_cut(length):
    """A journal is no place for a whole page of HTML."""
    assert min(length, MAX_TEXT) == len(failed(ValueError("x" * length)).text)


@pytest.mark.parametrize(
    "body",
    [None, "text", [], {}, {"error": None}, {"error": {"details": []}}, {"error": {"details": {"error_code": 7}}}],
)
def test_a_body_of_another_shape_has_no_code(body):
    """Proxies answer in their own ways."""
    assert error_code(body) is None
