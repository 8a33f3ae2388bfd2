"""Charts of one's own: states, effects and facts that the default chart does not know."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsm_runner import ChartError, Reported, RunError, fact, find_chart
from fsm_runner.testing import reply, text
from tests.drivers.drive import use, words

DEFAULT = find_chart("states").read_text(encoding="utf-8")
ASKING = """\
  asking:
    phase: call_tools
    effect: ask_human
    transitions:
      - {id: allowed, event: allowed, target: call_tools}
      - {id: denied,  event: denied,  target: inspect, consumes: calls}
      - {id: no_answer, event: failed, target: failed}

"""


def edited(tmp_path: Path) -> Path:
    """The default chart, with a state that asks a person before the tool `delete` runs."""
    row = "      - {id: call_tools,      guard: {turn: wants_tools},"
    assert 1 == DEFAULT.count(row)
    guarded = row.replace("call_tools, ", "ask_first, ").replace("wants_tools}", "wants_tools, asks: person}")
    text_ = DEFAULT.replace(row, f"{guarded} target: asking, consumes: calls}}\n{row}")
    text_ = text_.replace(
        "facts:", "effects:\n  ask_human: [allowed, denied, failed]\n\nfacts:\n  asks: [person, nobody]", 1
    )
    head, sep, rest = text_.partition("  # ── compact ")
    path = tmp_path / "mine.yaml"
    path.write_text(f"{head}{ASKING}{sep}{rest}", encoding="utf-8")
    return path


@fact(answers=("person", "nobody"))
def asks(context):
    """Whether a person is to be asked before the calls of this turn."""
    allowed = "allowed" in context.reports
    return "person" if not allowed and any(call.name == "delete" for call in context.turn.calls) else "nobody"


@pytest.fixture
def ran():
    """The tools that ran."""
    return []


@pytest.fixture
def tools(ran):
    """Two tools that take note."""

    async def delete(path: str) -> str:
        """Delete a file."""
        ran.append("delete")
        return f"deleted {path}"

    async def look(path: str) -> str:
        """Look at a file."""
        ran.append("look")
        return f"seen {path}"

    return delete, look


BOTH = reply(use("delete", path="a"), use("look", path="b"))


def test_an_own_effect_decides_which_way_the_run_goes(drive, tmp_path, tools, ran):
    """It sees the calls, and names what happened."""
    seen = []

    def ask_human(view):
        seen.append(([call["name"] for call in view.calls], len(view.messages), view.reply["stop_reason"]))
        return "allowed"

    run = drive.run(
        [BOTH, text("done")], *tools, chart=edited(tmp_path), facts=[asks], effects={"ask_human": ask_human}
    )
    run.until_done()

    assert [(["delete", "look"], 2, "tool_use")] == seen
    assert ["ask_first", "allowed"] == [row for row in drive.rows if row in ("ask_first", "allowed", "denied")]
    assert ["delete", "look"] == sorted(ran)


def test_an_own_effect_can_answer_calls(drive, tmp_path, tools, ran):
    """A call that has its result does not run; the others do."""

    def ask_human(view):
        refused = [call for call in view.calls if call["name"] == "delete"]
        results = tuple(
            {"type": "tool_result", "tool_use_id": call["id"], "content": "a person said no", "is_error": True}
            for call in refused
        )
        return Reported(name="allowed", data={"by": "ann"}, results=results)

    run = drive.run(
        [BOTH, text("done")], *tools, chart=edited(tmp_path), facts=[asks], effects={"ask_human": ask_human}
    )
    run.until_done()
    answers = drive.requests[1]["messages"][-1]["content"]

    assert ["a person said no", "seen b"] == [answer["content"] for answer in answers]
    assert (["look"], {"by": "ann"}) == (ran, dict(run.snapshot.context.reports["allowed"]))


def test_all_calls_answered_by_an_own_effect(drive, tmp_path, tools, ran):
    """No tool runs, and the results go out with the next request."""

    def ask_human(view):
        results = tuple({"type": "tool_result", "tool_use_id": call["id"], "content": "no"} for call in view.calls)
        return Reported(name="denied", results=results)

    run = drive.run(
        [BOTH, text("done")], *tools, chart=edited(tmp_path), facts=[asks], effects={"ask_human": ask_human}
    )
    run.until_done()

    assert ["no", "no"] == [block["content"] for block in drive.requests[1]["messages"][-1]["content"]]
    assert [] == ran


def test_an_own_effect_that_raises_fails_the_run(drive, tmp_path, tools, ran):
    """The caller gets the exception, and going on performs the effect again."""
    asked = []

    def ask_human(view):
        asked.append(1)
        if len(asked) == 1:
            raise ConnectionError("nobody there")
        return "allowed"

    run = drive.run(
        [BOTH, text("done")], *tools, chart=edited(tmp_path), facts=[asks], effects={"ask_human": ask_human}
    )
    next(run)
    with pytest.raises(ConnectionError, match="nobody there"):
        next(run)

    assert ("failed", "failed") == (run.snapshot.state, run.stop.reason)
    assert "done" == words(run.until_done())
    assert 2 == len(asked)


@pytest.mark.parametrize("outcome", [None, 7, True])
def test_an_own_effect_must_say_what_happened(drive, tmp_path, tools, outcome):
    """The error says what to return."""
    run = drive.run([BOTH], *tools, chart=edited(tmp_path), facts=[asks], effects={"ask_human": lambda view: outcome})
    next(run)
    with pytest.raises(TypeError, match=r"effect 'ask_human': it returned \w+ \(return the event's name"):
        next(run)


def test_an_effect_without_function_is_refused(drive, tmp_path):
    """Before anything is sent, with the way out."""
    with pytest.raises(ValueError, match=r"declares 'ask_human' \(give it: effects="):
        drive.run([], chart=edited(tmp_path), facts=[asks])


def test_a_function_without_effect_is_refused(drive):
    """It would never be called."""
    with pytest.raises(ValueError, match="declares no 'ask_human'"):
        drive.run([], effects={"ask_human": lambda view: "allowed"})


def test_a_fact_without_code_is_refused(drive, tmp_path):
    """The chart cannot run."""
    with pytest.raises(ChartError, match="asks"):
        drive.run([], chart=edited(tmp_path), effects={"ask_human": lambda view: "allowed"})


def test_a_fact_of_ones_own_takes_the_place_of_a_built_in_one(drive, tmp_path):
    """A run that closes itself after three messages."""

    @fact(answers=("true", "false"))
    def closed(context):
        """Whether the conversation is long enough."""
        return "true" if len(context.conversation.history) >= 3 else "false"

    async def look(path: str) -> str:
        """Look at a file."""
        return "seen"

    run = drive.run([use("look", path="a")], look, facts=[closed])
    run.until_done()

    assert "stop_closed" == run.stop.row


# ── limits ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"limits": {"turns": 3}}, ValueError, r"has no limit 'turns' \(it has: iterations\)"),
        ({"limits": {"iterations": "3"}}, TypeError, "'iterations': a whole number from 0 up, or None, got '3'"),
        ({"limits": {"iterations": True}}, TypeError, "got True"),
        ({"limits": {"iterations": 1}, "max_iterations": 1}, ValueError, "are the same limit"),
        ({"max_iterations": 1.5}, TypeError, r"got 1\.5"),
    ],
)
def test_limits_that_cannot_be_right_are_refused(drive, given, error, said):
    """Before anything is sent."""
    with pytest.raises(error, match=said):
        drive.run([], **given)


def test_a_chart_that_does_not_exist_is_refused(drive):
    """By its name."""
    with pytest.raises((ChartError, OSError), match="nowhere"):
        drive.run([], chart="nowhere.yaml")


ROUND = """
schema: fsm_runner/chart/v1
name: round
initial: here
facts: {closed: [true, false]}
states:
  here:
    phase: inspect
    transitions: [{id: there, event: continued, guard: {closed: false}, target: there, consumes: caller},
                  {id: out, event: continued, target: done}]
  there:
    phase: inspect
    transitions: [{id: back, event: continued, target: here, consumes: caller}]
  done: {phase: done, final: true}
"""


def test_states_at_rest_that_lead_to_one_another_do_not_keep_the_caller_for_ever(drive, tmp_path):
    """Nothing is done on the way, so nothing will ever be handed out."""
    path = tmp_path / "round.yaml"
    path.write_text(ROUND)
    run = drive.run([], chart=path)

    with pytest.raises(RunError, match="state 'there': 'continued' leads back to it without an effect"):
        run.until_done()
