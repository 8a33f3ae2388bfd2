"""A recorded run as a regression test: yesterday's run on today's code and chart, without a model or tools.

pytest examples/regression
"""

from __future__ import annotations

from pathlib import Path

from fsm_runner import Chart, find_chart, load, replay
from fsm_runner.charts import loads

RECORDED = Path(__file__).with_name("run.jsonl")
CHART = find_chart("states")


def other_rows(chart: Chart) -> list[tuple[object, object]]:
    """Return the recorded row and the row on `chart`, wherever the run would take another row."""
    return [(each.recorded, each.now) for each in replay(RECORDED, chart=chart).divergences]


def test_the_recorded_run_still_follows_from_its_events():
    """On the recorded chart, every row, fact and request comes out the same."""
    report = replay(RECORDED)

    assert report.conforms, str(report)


def test_today_s_chart_sends_it_the_same_way():
    """On the chart of today, this run still takes the same rows."""
    assert other_rows(load(CHART)) == []


def test_an_edit_that_sends_it_another_way_is_seen():
    """An edit that ends the run instead of calling tools is reported."""
    text = CHART.read_text(encoding="utf-8")
    edited = text.replace("{id: finish,          guard: {turn: finished}", "{id: finish, guard: {turn: wants_tools}")

    assert other_rows(loads(edited, verify=False)) == [("call_tools", "finish")]
