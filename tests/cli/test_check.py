"""`fsm-runner check`: problems at their places, proofs in words."""

from __future__ import annotations

import json
import shutil

import pytest

from fsm_runner.charts import find_chart
from tests.cli.conftest import BROKEN


def edited(*replacements: tuple[str, str]) -> str:
    """The default chart with a piece of its text replaced."""
    text = find_chart("states").read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def test_a_fine_chart_exits_with_0_and_says_what_was_proved(command):
    """A reviewer reads that it is complete, bounded and without dead rows."""
    done = command("check")

    assert 0 == done.exit_code
    assert "chart 'tool_loop' can run; proved:\n" in done.stdout
    assert "combinations of answers" in done.stdout
    assert "rows is dead" in done.stdout
    assert "every cycle is bounded" in done.stdout


def test_overlaps_are_counted_unless_asked_for(command):
    """Thirty lines of what the order decides would hide the rest; --explain lists them and the proofs."""
    short, long = command("check"), command("check", "--explain")

    assert "pairs of rows can both hold" in short.stdout
    assert "comes first" not in short.stdout
    assert "rows 'finish' and 'stop_limit' both hold" in long.stdout
    assert "spends limit iterations; once it is reached" in long.stdout
    assert "request: start -begin-> inspect -ask-> request\n" in long.stdout


def test_strict_refuses_overlaps(command):
    """Whoever wants each row to stand alone gets each pair as a problem."""
    done = command("check", "--strict")

    assert 1 == done.exit_code
    assert "[overlap]" in done.stdout


def test_a_problem_is_shown_with_its_line_and_a_caret_under_its_column(command):
    """As a good compiler does: place, what, way out, code, source line, caret."""
    done = command("check", shutil.copy(BROKEN / "target_is_not_declared.yaml", "chart.yaml"))
    place, line, caret, total = done.stdout.splitlines()
    said = "state 'start': target 'don' is not declared (did you mean 'done'?)  [unknown-target]"

    assert 1 == done.exit_code
    assert f"chart.yaml:9:27: {said}" == place
    assert "  9 │       - {id: end, target: don}" == line
    assert line[caret.index("^") :].startswith("don")
    assert "chart.yaml: 1 problem" == total


def test_a_very_long_line_is_cut_around_its_place(command, tmp_path):
    """The caret stands under the word also where the line is wider than any terminal."""
    guard = "turn: [" + ", ".join(["none", "answered"] * 20) + ", nosuch]"
    (tmp_path / "chart.yaml").write_text(edited(("guard: {turn: finished}", f"guard: {{{guard}}}")), encoding="utf-8")
    done = command("check", "chart.yaml")
    lines = done.stdout.splitlines()
    at = next(index for index, line in enumerate(lines) if "'nosuch'" in line)

    assert lines[at + 1][lines[at + 2].index("^") :].startswith("nosuch")
    assert len(lines[at + 1]) < 130


@pytest.mark.parametrize("name", ["tab_for_indent", "control_character", "nothing_but_comments", "unclosed_bracket"])
def test_text_that_is_no_yaml_has_a_place_too(command, name):
    """Whatever is in the file, the answer is a place and a sentence."""
    done = command("check", shutil.copy(BROKEN / f"{name}.yaml", "chart.yaml"))

    assert 1 == done.exit_code
    assert done.stdout.startswith("chart.yaml:")
    assert all(char.isprintable() for line in done.stdout.splitlines() for char in line)


def test_json_holds_all_that_is_known(command):
    """A program reads the same verdict."""
    fine = json.loads(command("check", "--format", "json").stdout)
    done = command("check", "--format", "json", BROKEN / "target_is_not_declared.yaml")
    (problem,) = json.loads(done.stdout)["problems"]

    assert (True, "tool_loop", []) == (fine["ok"], fine["chart"], fine["problems"])
    assert {"proofs", "ways", "covered", "bounds", "notes"} <= fine.keys()
    assert (1, "unknown-target", 9, 27) == (done.exit_code, problem["code"], problem["line"], problem["column"])


def test_github_gets_an_annotation_for_each_problem(command):
    """One line each, with what GitHub takes for syntax escaped."""
    done = command("check", "--format", "github", shutil.copy(BROKEN / "target_is_not_declared.yaml", "a,b.yaml"))

    assert (
        "::error file=a%2Cb.yaml,line=9,col=27,title=unknown-target::"
        "state 'start': target 'don' is not declared (did you mean 'done'?)\n"
    ) == done.stdout


def test_facts_of_ones_own_are_taken_at_the_chart_s_word_or_compared_with_their_code(command, tmp_path):
    """Without their code a chart can be checked; with it, its answers must be the same."""
    late = edited(
        ("\n\nrules:", "\n  late: [yes, no, maybe]\n\nrules:"),
        ("guard: {turn: finished}, ", "guard: {turn: finished, late: [yes, no, maybe]}, "),
    )
    (tmp_path / "chart.yaml").write_text(late, encoding="utf-8")
    trusted, compared = command("check", "chart.yaml"), command("check", "chart.yaml", "--fact", "agent:late")

    assert (0, 1) == (trusted.exit_code, compared.exit_code), trusted.output
    assert "fact 'late': its code answers yes, no (list exactly these)" in compared.stdout


def test_a_fact_that_is_none_is_refused(command):
    """A plain function has no answers to compare."""
    done = command("check", "--fact", "agent:plain")

    assert (2, "--fact 'agent:plain': it is a function (decorate it with fsm_runner.fact)\n") == (
        done.exit_code,
        done.stderr,
    )


RULES = """
  summary_last: {never: {after: {row: summarised}, enter: compact}}
  ends: {always_reaches: [done]}

states:
"""


def test_a_broken_rule_is_shown_with_the_path_that_breaks_it(command, tmp_path):
    """Under the problem stands each transition, with the event or the answers; a program reads the same."""
    (tmp_path / "chart.yaml").write_text(edited(("\n\nstates:\n", RULES)), encoding="utf-8")
    done, found = command("check", "chart.yaml"), command("check", "chart.yaml", "--format", "json")
    (violation,) = json.loads(found.stdout)["violations"]

    assert 1 == done.exit_code
    assert "rule 'summary_last': 'compact' comes after row 'summarised': start -begin-> inspect" in done.stdout
    assert "  summarise  summarised      → inspect    summarised\n" in done.stdout
    assert "  → compact    turn=finished, compaction=asked, closed=false\n" in done.stdout.replace(
        "last_compaction ", "  "
    )
    assert "chart.yaml: 1 problem" == done.stdout.splitlines()[-1]
    assert "summary_last" == violation["rule"]
    assert ["begin", "summarise", "summarised", "last_compaction"] == [taken["row"] for taken in violation["path"]]
    assert ["finished"] == violation["path"][-1]["facts"]["turn"]


def test_rules_that_hold_are_among_the_proofs(command, tmp_path):
    """By name, so that a reviewer sees what was asked."""
    kept = RULES.replace("after: {row: summarised}, enter: compact", "enter: {row: ask, guard: {limit: reached}}")
    (tmp_path / "chart.yaml").write_text(edited(("\n\nstates:\n", kept)), encoding="utf-8")
    rules = "inspected_first, closed_begins_nothing, refused_change_stops, summary_last, ends"

    assert f"  - every path keeps the rules {rules}\n" in command("check", "chart.yaml").stdout


def test_the_row_that_leaves_a_cycle_at_its_limit_is_named(command):
    """Which limit, and what is taken in place of what."""
    long = command("check", "--explain").stdout

    assert "spends limit iterations; once it is reached, 'stop_limit' leaves it in place of 'ask'\n" in long


def test_strict_spares_a_last_row_without_guard(command, tmp_path):
    """It says "else"; only guards that overlap are refused."""
    done = command("check", "--strict")

    assert "[overlap]" in done.stdout
    assert "and 'ask' both hold" not in done.stdout


@pytest.mark.parametrize(("suffix", "caption"), [("mmd", ""), ("dot", "rule summary_last: a shortest path")])
def test_the_path_that_breaks_a_rule_is_drawn(command, tmp_path, suffix, caption):
    """Its rows with the numbers of their steps, and where it breaks the rule; the report stays as it is."""
    (tmp_path / "chart.yaml").write_text(edited(("\n\nstates:\n", RULES)), encoding="utf-8")
    plain = command("check", "chart.yaml")
    done = command("check", "chart.yaml", "--draw", f"broken.{suffix}")
    picture = (tmp_path / f"broken.{suffix}").read_text(encoding="utf-8")

    assert (1, plain.stdout, f"wrote broken.{suffix}\n") == (done.exit_code, done.stdout, done.stderr)
    assert caption in picture
    assert [True, True, True, True, False] == [f"step {number}" in picture for number in range(1, 6)]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("broken.gif", "check: 'broken.gif': the suffix tells no format (use one of: .mmd, .dot, .gv, .svg, .png)\n"),
        ("no/broken.dot", "no/broken.dot: cannot be written: no such file or directory\n"),
    ],
)
def test_a_picture_that_cannot_be_is_said_in_a_line(command, tmp_path, file, expected):
    """And exits with 2."""
    (tmp_path / "chart.yaml").write_text(edited(("\n\nstates:\n", RULES)), encoding="utf-8")
    done = command("check", "chart.yaml", "--draw", file)

    assert (2, expected) == (done.exit_code, done.stderr)


def test_without_a_broken_rule_there_is_nothing_to_draw(command, tmp_path):
    """No file is written."""
    assert 0 == command("check", "--draw", "broken.dot").exit_code
    assert not (tmp_path / "broken.dot").exists()


def test_github_is_not_told_of_overlaps_unless_every_note_is_asked_for(command):
    """It shows ten notices of a step: those of the order, which is mostly meant, would push out the others."""
    few, all_of_them = (command("check", "--format", "github", *more).stdout for more in ([], ["--explain"]))

    assert "title=limit-is-null" in few
    assert ("title=overlap" in few, "title=overlap" in all_of_them) == (False, True)


@pytest.mark.parametrize(
    ("content", "name", "code", "said"), [(b"a: \xff\n", "odd.yaml", 1, "not-utf8"), (None, "none", 2, "unknown-chart")]
)
def test_a_file_that_cannot_be_read_has_its_code_in_every_format(command, tmp_path, content, name, code, said):
    """A program that reads the output gets its JSON, or its annotation, whatever is wrong."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    as_json, as_github = command("check", name, "--format", "json"), command("check", name, "--format", "github")

    assert (code, code) == (as_json.exit_code, as_github.exit_code)
    assert [said] == [problem["code"] for problem in json.loads(as_json.stdout)["problems"]]
    assert as_github.stdout.startswith(f"::error file={name},line=1,")


def test_the_number_of_cycles_is_not_said_to_be_that_of_all(command):
    """The proof is of every cycle; what is counted and shown is a shortest one through each row."""
    assert "every cycle is bounded: of the 29 shortest through a row, 2 by a limit and 27 by a supply" in (
        command("check").stdout
    )
