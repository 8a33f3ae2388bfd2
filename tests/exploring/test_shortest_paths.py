"""The search: shortest conversations, and what it says when it finds none."""

from __future__ import annotations

import pytest

from fsm_runner import fact
from fsm_runner.charts import load, loads
from fsm_runner.exploring import explore, reach
from fsm_runner.exploring.scenarios import Beginning, FactFailed, beginnings
from tests.exploring.charts import ASKING, BUDGET, FACTS, STOPS, asks, budget, chart


def codes(explored, row):
    """What is done in the conversation of `row`, line by line."""
    (path,) = [path for path in explored.paths if path.row.id == row]
    return [move.code for move, _ in path.conversation.moves]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("begin", ["next(runner)", 'text("Done.")']),
        ("stop_closed", ["runner.close()"]),
        ("compact", ["runner.compact_before_next_turn()", "next(runner)", 'compaction("Short.")']),
        ("tools_failed", ["next(runner)", 'tool_use("search")', "next(runner)", "Interrupted()", "runner.close()"]),
        ("resend", ["next(runner)", 'thread_error("thread_unsupported_request")', 'text("Done.")']),
    ],
)
def test_a_conversation_is_as_short_as_can_be(row, expected):
    """Up to its row; what follows goes well, up to where the caller has the turn."""
    assert expected == codes(explore(load("states"), rows=[row]), row)


def test_only_what_was_asked_for_is_looked_for():
    """In the order of the file."""
    explored = explore(load("states"), rows=["finish", "begin"])

    assert ["begin", "finish"] == [path.row.id for path in explored.paths]


def test_options_of_the_run_are_part_of_the_search():
    """A limit, where a row asks for one."""
    (path,) = explore(load("states"), rows=["stop_limit"]).paths

    assert {"max_iterations": 1} == dict(path.conversation.beginning.options)


def test_limits_of_a_users_are_set_by_name():
    """`max_iterations` is the argument for that one limit alone."""
    assert {"limits": {"iterations": 1, "turns": 1}} == dict(
        Beginning(limits=(("iterations", 1), ("turns", 1))).options
    )


def test_a_limit_with_a_fact_of_its_own_is_left_to_the_chart():
    """Lowering it would take away what it allows."""
    assert {(), (("iterations", 1),)} == {each.limits for each in beginnings(load("finalise"), ["search"])}


def test_a_fact_that_counts_is_followed_beyond_one_turn():
    """Runs that differ in nothing else are told apart where plain ones do not suffice."""

    @fact(answers=("few", "many"))
    def turns(context):
        """Whether three replies were made."""
        return "many" if context.counters.usage.replies >= 3 else "few"

    mine = chart(
        (FACTS, "facts:\n  turns: [few, many]\n  #"),
        (STOPS, "      - {id: enough, guard: {turns: many}, target: done}\n" + STOPS),
    )
    (path,) = explore(mine, facts=[turns], rows=["enough"]).paths

    assert 3 == sum(move.who == "model" for move, _ in path.conversation.moves)


def test_a_search_that_ends_early_says_so():
    """It proves nothing, and names the way out."""
    (path,) = explore(chart(*BUDGET), facts=[budget], rows=["over_budget"], most=1).missing

    assert "not-found" == path.without
    assert "which proves nothing (allow more: --most" in path.why


SMALL = """\
schema: fsm_runner/chart/v1
name: small
initial: start
facts:
  turn: [none, wants_tools, answered, paused, finished, unreadable]
states:
  start:
    phase: request
    transitions: [{id: begin, event: continued, target: request, consumes: caller}]
  request:
    phase: request
    effect: send_request
    transitions:
      - {id: replied, event: replied, guard: {turn: none}, target: done, output: message}
      - {id: other, event: replied, target: done, output: message}
      - {id: opened, event: opened, target: done}
      - {id: failed, event: failed, target: done}
  done:
    phase: done
    final: true
"""


def test_a_search_that_is_whole_says_so():
    """All that the moves lead to was looked at: a reply that is there asks for something.  It is no proof."""
    explored = explore(loads(SMALL))
    (path,) = explored.missing

    assert ("replied", "not-found") == (path.row.id, path.without)
    said = f"none of the {explored.places} situations that the scripted moves lead to takes it, which proves nothing"
    assert path.why.startswith(said)


def test_a_row_that_only_another_tool_leads_to_is_found_with_its_name():
    """The model calls what it is told of."""
    explored = explore(chart(*ASKING), facts=[asks], rows=["ask_first"], tools=["delete"])

    assert ["next(runner)", 'tool_use("delete")', "next(runner)"] == codes(explored, "ask_first")[:3]


def test_a_fact_that_raises_is_named():
    """As it would raise in the run."""

    @fact(answers=("left", "spent"))
    def budget(context):
        """It fails."""
        raise KeyError("tokens")

    with pytest.raises(FactFailed, match=r"fact 'budget': it raised KeyError: 'tokens'"):
        explore(chart(*BUDGET), facts=[budget])


def test_a_fact_that_answers_otherwise_is_named():
    """With its answers."""

    @fact(answers=("left", "spent"))
    def budget(context):
        """It fails."""
        return "gone"

    with pytest.raises(FactFailed, match=r"fact 'budget': it answered 'gone' \(its answers: left, spent\)"):
        explore(chart(*BUDGET), facts=[budget])


def test_a_boolean_is_an_answer():
    """As in a run."""

    @fact(answers=("true", "false"))
    def late(context):
        """Whether it is late."""
        return context.turn.reply is not None

    mine = chart(
        (FACTS, "facts:\n  late: [true, false]\n  #"),
        (STOPS, "      - {id: too_late, guard: {late: true}, target: done}\n" + STOPS),
    )

    assert () == explore(mine, facts=[late], rows=["too_late"]).missing


def test_a_conversation_leads_to_a_state():
    """And `until` is the way up to it."""
    reached = reach(load("states"), "draining")

    assert "draining" == reached.conversation.until("draining")[-1].target
    assert 4 == len(reached.conversation.until("draining"))


def test_where_a_fact_lacks_its_code_no_conversation_is_made_up():
    """The way through states and answers is shown all the same."""
    reached = reach(chart(*ASKING), "asking")

    assert ["begin", "ask_first"] == [taken.row for taken in reached.reach.path]
    assert "each row that leads there asks fact 'asks' (give the code: --fact MODULE:NAME)" == reached.why
    assert reached.conversation is None


def test_the_initial_state_needs_no_way():
    """A run begins there."""
    reached = reach(load("states"), "start")

    assert ((), None, "") == (reached.reach.path, reached.conversation, reached.why)
