"""`fsm-runner export`."""

from __future__ import annotations

import json

import pytest

from fsm_runner.charts import load
from fsm_runner.charts.export import markup, xstate

CHART = load("states")


@pytest.mark.parametrize(("to", "made"), [("transitions", markup(CHART)), ("xstate", xstate(CHART))])
def test_json_is_written_to_a_file(command, tmp_path, to, made):
    """The file holds what the function makes."""
    done = command("export", "--to", to, "-o", "chart.json")

    assert (0, "wrote chart.json\n") == (done.exit_code, done.output)
    assert made == json.loads((tmp_path / "chart.json").read_text(encoding="utf-8"))


def test_a_model_for_spin_is_printed(command):
    """With its claims in the first line."""
    assert command("export", "--to", "promela").stdout.startswith("/* tool_loop: a chart of fsm_runner.  Claims: comp")


def test_a_chart_that_does_not_pass_the_check_is_not_exported(command, tmp_path):
    """What cannot run here would not run there."""
    (tmp_path / "bad.yaml").write_text(
        "schema: fsm_runner/chart/v1\nname: bad\ninitial: a\nstates: {a: {phase: a}, b: {phase: b, final: true}}\n"
    )
    done = command("export", "bad.yaml")

    assert 2 == done.exit_code
    assert "it does not pass the check" in done.stderr
