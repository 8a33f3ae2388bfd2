"""Masking: no secret is written, and nothing else is lost."""

from __future__ import annotations

import pytest

from fsm_runner.journal.masking import MASK, masked


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "Authorization",
        "x-api-key",
        "X_API_KEY",
        "api_key",
        "apikey",
        "authorization_token",
        "auth-token",
    ],
)
def test_a_text_under_a_secrets_name_is_masked(name):
    """Whatever the case and the hyphens, at any depth."""
    assert {"a": [{name: MASK}]} == masked({"a": [{name: "hush"}]})


def test_lists_of_secrets_are_masked():
    """One name, several values."""
    assert {"cookie": [MASK, MASK]} == masked({"cookie": ["a", b"b"]})


@pytest.mark.parametrize(
    "params", [{}, {"max_tokens": 9}, {"token_budget": "x"}, {"properties": {"password": {"type": 3}}}]
)
def test_what_holds_no_secret_stays_the_same_object(params):
    """A hash over it can be remembered by identity."""
    assert masked(params) is params


def test_the_callers_parameters_are_not_changed():
    """Masking makes a copy."""
    params = {"headers": {"x-api-key": "hush"}}
    masked(params)

    assert {"headers": {"x-api-key": "hush"}} == params
