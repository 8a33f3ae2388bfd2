"""`tool_runner` and the SDK's own method: the same parameters by name, and what each refuses."""

from __future__ import annotations

import inspect
import warnings

import anthropic
import pytest
from anthropic.resources.beta.messages import AsyncMessages, Messages

import fsm_runner
from fsm_runner.options import RequestParams, RunnerOptions
from fsm_runner.testing import ScriptedModel

TYPED = {"client", "tools", "stream", "output_format"}
"""What the overloads name themselves, because it decides the type."""


@pytest.mark.parametrize("method", [AsyncMessages.tool_runner, Messages.tool_runner], ids=["async", "sync"])
def test_every_parameter_of_the_sdks_method_is_there_by_name(method):
    """A version of the SDK that takes one more makes this fail."""
    theirs = set(inspect.signature(method).parameters) - {"self"}

    assert set() == theirs - set(RunnerOptions.__annotations__) - TYPED
    assert set() == set(RequestParams.__annotations__) - theirs


def test_the_function_takes_what_its_types_say():
    """Each of our own options is a parameter of the function, with a default."""
    ours = set(RunnerOptions.__annotations__) - set(RequestParams.__annotations__)
    parameters = inspect.signature(fsm_runner.tool_runner).parameters

    assert set() == ours - set(parameters)
    assert [] == [name for name in ours if parameters[name].default is inspect.Parameter.empty]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"chart": "staets"}, fsm_runner.ChartError, "no chart is called that"),
        ({"compaction_control": {}}, ValueError, "compaction_control: 'enabled'"),
        ({"compaction_control": {"enabled": True, "threshold": 1}}, ValueError, "compaction_control: 'threshold'"),
        ({"effects": {"ask": print}}, ValueError, "declares no 'ask'"),
        ({"limits": {"turns": 3}}, ValueError, "has no limit 'turns' .it has: iterations."),
        ({"limits": {"iterations": 3}, "max_iterations": 3}, ValueError, "are the same limit"),
        ({"limits": {"iterations": "3"}}, TypeError, "a whole number from 0 up, or None, got '3'"),
        ({"max_iterations": True}, TypeError, "a whole number from 0 up, or None, got True"),
        ({"messages": ["hi"]}, TypeError, "a message is a dict"),
        ({"run_tools_eagerly": True}, ValueError, "mutually exclusive"),
        ({"temprature": 0}, TypeError, "unexpected keyword argument 'temprature'"),
        ({"thread": {"type": "create"}}, TypeError, "`thread` cannot be set"),
        ({"tools": ["search"]}, TypeError, "a tool is one of the SDK's tool objects or a dict, got str"),
    ],
)
def test_what_cannot_be_right_is_refused_before_anything_is_sent(arguments, error, message):
    """The message says which argument, what is wrong, and the way out."""
    model = ScriptedModel([])
    given = {
        "model": "claude-haiku-4-5",
        "max_tokens": 10,
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [],
    }

    with pytest.raises(error, match=message):
        fsm_runner.tool_runner(model.client(), **{**given, **arguments})

    assert [] == model.requests


def test_a_deprecated_model_is_said_once_at_the_callers_line():
    """As the SDK's own method does."""
    model = ScriptedModel([])
    deprecated = next(iter(anthropic.resources.messages.DEPRECATED_MODELS))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fsm_runner.tool_runner(model.client(), model=deprecated, max_tokens=10, messages=[], tools=[])

    assert [(DeprecationWarning, __file__)] == [(each.category, each.filename) for each in caught]


def test_without_the_sdks_table_no_model_is_deprecated(monkeypatch):
    """The SDK does not document it, so it may move; runs are made all the same."""
    deprecated = next(iter(anthropic.resources.messages.DEPRECATED_MODELS))
    monkeypatch.delattr(anthropic.resources.messages, "DEPRECATED_MODELS")
    model = ScriptedModel([])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fsm_runner.tool_runner(model.client(), model=deprecated, max_tokens=10, messages=[], tools=[])
