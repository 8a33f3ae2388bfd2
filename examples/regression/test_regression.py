"""A recorded run as a regression test: yesterday's run, on today's chart, without a model or a tool.

pytest examples/regression
"""

from __future__ import annotations

from pathlib import Path

from fsm_runner import find_chart, load
from fsm_runner.charts import loads
from fsm_runner.replay import replay

RECORDED = Path(__file__).with_name("run.jsonl")
CHART = find_chart("states")


def test_the_recorded_run_still_goes_the_same_way():
    """Every row taken, every fact and every request follows from the recorded events, as it did then."""
    report = replay(RECORDED, chart=load(CHART))

    assert report.conforms, str(report)


def test_an_edit_that_sends_it_another_way_is_seen():
    """A chart that ends the run where it called tools is told from the chart that was recorded, row by row."""
    ends_at_tools = CHART.read_text(encoding="utf-8").replace(
        "- {id: finish,          guard: {turn: finished}, ",
        "- {id: finish,          guard: {turn: [finished, wants_tools]}, ",
    )
    report = replay(RECORDED, chart=loads(ends_at_tools, verify=False))

    assert (report.divergences[0].recorded, report.divergences[0].now) == ("call_tools", "finish")
