"""Our runner and the SDK's, side by side: random conversations, and nothing that can be seen differs.

``FSM_RUNNER_SCENARIOS`` says how many, for all four tests together.  What differs on purpose is kept out of the
comparison in these places, and nowhere else:

- `play.NO_MESSAGE`: the error of `until_done` when there is no message;
- `play.with_equal_replies_once`: two paused replies that say the same, of which the SDK drops one where the caller
  changed the history afterwards, and ours none;
- `play.Seen.warned`: how a warning goes on after its first sentence;
- `play.Seen.calls`: the order of the calls of one turn, which run side by side;
- `play.Player.play`: a run that raised is over, since going on from there is ours alone; and nobody asks for the last
  message of a run that was closed in the middle of a stream;
- `scenarios.reply_with`, `fault_with`, `few`: a paused reply without content or with a call, a stream that ends
  early without a word, a reply that the caller adds a second time behind other messages;
  and, for the SDK reads on in what it has closed, acts after closing a stream that was read in part;
- `scenarios.TOOLS`: a tool that returns what is no tool result.
"""

from __future__ import annotations

import dataclasses
import os

import pytest
from hypothesis import HealthCheck, given, settings

from tests.conformance.play import Seen, play
from tests.conformance.scenarios import Scenario, scenarios

SCENARIOS = int(os.environ.get("FSM_RUNNER_SCENARIOS", "200"))
FEW = settings(
    max_examples=SCENARIOS // 4,
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def compare(scenario: Scenario, flavour: str) -> None:
    """Play `scenario` through both.  Raises: AssertionError, with what differs first."""
    expected, actual = (play(scenario, flavour=flavour, ours=ours) for ours in (False, True))
    for name in (each.name for each in dataclasses.fields(Seen)):
        assert (name, getattr(expected, name)) == (name, getattr(actual, name))


@pytest.mark.parametrize("flavour", ["sync", "async"])
@FEW
@given(scenario=scenarios(stream=False))
def test_a_conversation_in_messages_goes_as_with_the_sdks_runner(flavour, scenario):
    """Requests, messages, tool calls, acts, errors and the end are the same, but for the differences on purpose."""
    compare(scenario, flavour)


@pytest.mark.parametrize("flavour", ["sync", "async"])
@FEW
@given(scenario=scenarios(stream=True))
def test_a_conversation_in_streams_goes_as_with_the_sdks_runner(flavour, scenario):
    """The same of streams, read to the end, in part or not at all, with tools that run early or not."""
    compare(scenario, flavour)
