"""`fsm-runner paths` and `fsm-runner reach`."""

from __future__ import annotations

import json

import pytest

from fsm_runner.charts import load
from tests.exploring.charts import ASKING, BUDGET, LONELY, LOST, edited


def test_paths_prints_every_row(command):
    """In file order; nothing is said beside it."""
    done = command("paths", "tools_first")
    rows = [row.id for row in load("tools_first").rows]

    assert (0, "") == (done.exit_code, done.stderr)
    assert rows == [line.partition(":")[0] for line in done.stdout.splitlines()[:-1] if line[:1].strip()]
    assert f"{len(rows)} of {len(rows)} rows taken" == done.stdout.splitlines()[-1]


def test_paths_for_one_row_in_words(command):
    """Who does what, the rows with the answers that decided, and what comes of it."""
    done = command("paths", "--row", "finish")

    assert 0 == done.exit_code
    assert [
        "finish: inspect → done, turn=finished",
        "  caller  next(runner)",
        "            start -begin→ inspect   continued",
        "            inspect -ask→ request",
        '  model   text("Done.")                         → a message',
        "            request -replied→ offered   replied",
        "  caller  next(runner)                          → the end of the run",
        "            offered -go_on→ inspect   continued",
        "            inspect -finish→ done   turn=finished",
        "",
    ] == done.stdout.splitlines()[:-1]


def test_paths_for_a_program(command):
    """Events, rows, and all facts of each decision."""
    done = command("paths", "--row", "stop_limit", "--format", "json")
    (row,) = json.loads(done.stdout)["rows"]
    first = row["moves"][0]["events"][0]

    assert (True, {"max_iterations": 1}) == (row["found"], row["options"])
    assert "continued" == first["event"]
    assert ["begin", "ask"] == [taken["row"] for taken in first["rows"]]
    assert "none" == first["rows"][1]["facts"]["turn"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_row_that_is_not_taken_is_told_and_exits_with_1(command, tmp_path, form):
    """It is never left out."""
    (tmp_path / "mine.yaml").write_text(edited(*BUDGET), encoding="utf-8")
    done = command("paths", "mine.yaml", "--row", "over_budget", "--format", form)

    assert 1 == done.exit_code
    assert "it asks fact 'budget' (give the code: --fact MODULE:NAME)" in done.stdout


def test_a_facts_code_is_asked(command, tmp_path):
    """It is imported from the module that was named."""
    (tmp_path / "mine.yaml").write_text(edited(*BUDGET), encoding="utf-8")
    code = "from fsm_runner import fact\n@fact(answers=('left', 'spent'))\ndef budget(context): return 'spent'\n"
    (tmp_path / "budgets.py").write_text(code, encoding="utf-8")
    done = command("paths", "mine.yaml", "--row", "over_budget", "--fact", "budgets:budget")

    assert 0 == done.exit_code
    assert "inspect -over_budget→ done   budget=spent" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--row", "finsh"], "--row 'finsh': chart 'tool_loop' has no such row (did you mean 'finish'?)"),
        (["--call", 'a"b'], "--call 'a\"b': a tool's name is 1 to 128 letters, digits, _ or -"),
        (["--fact", "agent:plain"], "--fact 'agent:plain': it is a function (decorate it with fsm_runner.fact)"),
    ],
)
def test_paths_used_wrongly(command, arguments, said):
    """Named, with the way out."""
    done = command("paths", *arguments)

    assert (2, said) == (done.exit_code, done.stderr.strip())


def test_paths_of_a_chart_that_cannot_run(command, tmp_path):
    """A conversation with it would be refused."""
    (tmp_path / "mine.yaml").write_text(edited(LONELY), encoding="utf-8")
    done = command("paths", "mine.yaml")

    assert 1 == done.exit_code
    assert "no rows lead here from 'start'" in done.stderr


def test_reach_shows_the_way_and_a_conversation(command):
    """From the start of a run."""
    done = command("reach", "states", "running_early")

    assert 0 == done.exit_code
    way = "start -begin→ inspect -ask→ request -opened→ streaming -call_early→ running_early"
    assert f"state 'running_early' can be reached: {way}" == done.stdout.splitlines()[0]
    assert "  options stream=True, run_tools_eagerly=True" in done.stdout.splitlines()
    assert "  caller  stream.until_done()" in done.stdout.splitlines()


def test_reach_proves_that_there_is_no_way(command, tmp_path):
    """The chart need not pass the check, which would not let it."""
    (tmp_path / "mine.yaml").write_text(edited(LONELY), encoding="utf-8")
    done = command("reach", "mine.yaml", "lonely")

    assert 1 == done.exit_code
    assert "state 'lonely' cannot be reached" == done.stdout.splitlines()[0]
    assert "  no row of theirs leads anywhere else" in done.stdout.splitlines()
    assert "  no row of any other state leads to 'lonely'" in done.stdout.splitlines()


def test_reach_on_a_chart_that_does_not_run(command, tmp_path):
    """There is a way, and no conversation."""
    (tmp_path / "mine.yaml").write_text(edited(LONELY), encoding="utf-8")
    done = command("reach", "mine.yaml", "offered")

    assert 0 == done.exit_code
    assert "but there is no conversation: the chart does not pass the check, so it does not run" in done.stdout


def test_reach_for_a_program(command, tmp_path):
    """The path with its answers, or the cut."""
    (tmp_path / "mine.yaml").write_text(edited(LONELY), encoding="utf-8")
    way = json.loads(command("reach", "states", "compact", "--format", "json").stdout)
    cut = json.loads(command("reach", "mine.yaml", "lonely", "--format", "json").stdout)

    assert ["begin", "compact"] == [taken["row"] for taken in way["path"]]
    assert "runner.compact_before_next_turn()" == way["conversation"]["moves"][0]["code"]
    assert (False, [], []) == (cut["reachable"], cut["leaving"], cut["toward"])


def test_reach_of_a_state_that_is_not_there(command):
    """Named, with the way out."""
    done = command("reach", "states", "ofered")

    assert (2, "chart 'tool_loop' has no state 'ofered' (did you mean 'offered'?)\n") == (done.exit_code, done.stderr)


def test_reach_tells_why_no_row_crosses_the_cut(command, tmp_path):
    """Those that leave what is reached, then those of states that are not reached themselves."""
    (tmp_path / "mine.yaml").write_text(edited(*LOST), encoding="utf-8")
    done = command("reach", "mine.yaml", "lonely")
    cut = json.loads(command("reach", "mine.yaml", "lonely", "--format", "json").stdout)

    assert [
        "  each row that leads on from there can never be taken:",
        "    inspect -odd→ lonely: it wants turn=wants_tools, calls=done, which cannot happen",
        "    offered -dead→ lonely: it is dead: 'go_on' before it cover all of it",
        "    compact -idle→ lonely: nothing reports 'summarised' while a run is in 'compact'",
        "  other rows lead to 'lonely', but none can be taken:",
        "    beside -over→ lonely: state 'beside' cannot be reached",
    ] == done.stdout.splitlines()[2:]
    assert ["odd", "dead", "idle"] == [each["row"] for each in cut["leaving"]]


def test_reach_where_a_fact_has_no_code(command, tmp_path):
    """As far as rows and answers say; the answers that it takes are shown."""
    (tmp_path / "mine.yaml").write_text(edited(*ASKING), encoding="utf-8")
    done = command("reach", "mine.yaml", "asking")
    said = json.loads(command("reach", "mine.yaml", "asking", "--format", "json").stdout)

    assert 0 == done.exit_code
    assert "can be reached as far as rows and answers say, by 2 rows:" in done.stdout
    assert "asks=person" in done.stdout
    assert (True, None) == (said["reachable"], said["conversation"])
    assert "person" == said["path"][1]["facts"]["asks"]


def test_reach_of_the_state_where_runs_begin(command):
    """There is nothing to do."""
    done = command("reach", "states", "start")

    assert (0, "state 'start' can be reached: every run begins there\n") == (done.exit_code, done.stdout)


def test_what_is_assumed_of_a_fact_is_told(command, tmp_path):
    """In words, too."""
    (tmp_path / "mine.yaml").write_text(edited(*BUDGET), encoding="utf-8")
    done = command("paths", "mine.yaml", "--row", "finish")

    assert "  assumed fact 'budget' answers left" in done.stdout.splitlines()


def test_reach_takes_a_chart_from_standard_input(command):
    """As `check` and `diff` do: `git show main:mine.yaml | fsm-runner reach - lonely`."""
    done = command("reach", "-", "lonely", stdin=edited(LONELY))

    assert (1, "state 'lonely' cannot be reached") == (done.exit_code, done.stdout.splitlines()[0])


def test_reach_refuses_a_chart_whose_names_do_not_resolve(command, tmp_path):
    """As `check` does."""
    (tmp_path / "mine.yaml").write_text(
        edited(("target: inspect, consumes: caller", "target: inspct")), encoding="utf-8"
    )
    done = command("reach", "mine.yaml", "done")

    assert 1 == done.exit_code
    assert "target 'inspct' is not declared (did you mean 'inspect'?)" in done.stderr
