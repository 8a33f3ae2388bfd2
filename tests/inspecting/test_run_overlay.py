"""Run overlays: what journals mark on a chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fsm_runner.engine.chart import Chart, FactUse, Row, State
from fsm_runner.inspecting.run_overlay import overlay_of_runs, runs_of

HERE = State(
    name="here",
    phase="request",
    transitions=(
        Row(id="again", event="replied", guard=(("turn", ("paused",)),), target="here"),
        Row(id="stop", event="replied", target="done"),
    ),
)
SMALL = Chart(
    name="small",
    initial="here",
    states=(HERE, State(name="done", phase="done", final=True)),
    facts=(FactUse(name="turn", answers=("none", "paused", "over")),),
)


@dataclass(frozen=True)
class Line:
    """A record of a journal, as far as an overlay reads it."""

    type: str
    data: Mapping[str, object] = field(default_factory=dict)
    at: str | None = None
    run: str = "r1"


def took(row: str, target: str, second: int | None = None, run: str = "r1") -> Line:
    """A row that was taken, at a second of a minute."""
    at = None if second is None else f"2026-01-01T12:00:{second:02}+00:00"
    return Line("transition", {"row": row, "target": target}, at, run)


ENDED = Line("ended", {"reason": "completed", "row": "stop", "facts": {"turn": "over"}, "detail": None})


def test_rows_say_how_often_they_were_taken_and_at_which_steps():
    """Of one run; a row that was not taken is faint, one taken more often is thicker."""
    runs = runs_of([took("again", "here"), took("again", "here"), took("stop", "done"), ENDED])
    overlay = overlay_of_runs(SMALL, runs, caption="run r1")

    assert ["2×: steps 1, 2", "1×: step 3"] == [overlay.row(row).note for row in ("again", "stop")]
    assert overlay.row("again").weight > overlay.row("stop").weight > 1
    assert "faint" == overlay_of_runs(SMALL, runs_of([took("stop", "done")])).row("again").tone


def test_a_long_path_counts_the_steps_that_it_does_not_name():
    """A row names six steps."""
    overlay = overlay_of_runs(SMALL, runs_of([took("again", "here")] * 9))

    assert "9×: steps 1, 2, 3, 4, 5, 6, + 3 more" == overlay.row("again").note


def test_several_runs_add_up():
    """Steps are not named, since they belong to different runs; the ends are counted by reason."""
    failed = Line("ended", {"reason": "failed"}, run="r2")
    runs = runs_of(
        [took("stop", "done"), ENDED, took("again", "here", run="r2"), failed, took("stop", "done", run="r3")]
    )
    overlay = overlay_of_runs(SMALL, runs)

    assert "2×" == overlay.row("stop").note
    assert "1× stopped here: completed\n1× here, no end recorded" == overlay.state("done").note
    assert "1× stopped here: failed" == overlay.state("here").note
    assert "3 runs" == overlay.caption


def test_the_caption_says_where_a_run_stopped_and_why():
    """With the answers that decided; a failure with its text."""
    lost = Line("ended", {"reason": "failed", "row": "again", "facts": {}, "detail": "Lost: no"})
    caption = overlay_of_runs(SMALL, runs_of([took("stop", "done"), ENDED]), caption="run r1").caption

    assert "run r1\nstopped: completed, in state 'done', by row 'stop' (turn = over)" == caption
    assert "by row 'again': Lost: no" in overlay_of_runs(SMALL, runs_of([took("again", "here"), lost])).caption
    assert "no end is recorded" in overlay_of_runs(SMALL, runs_of([took("again", "here")])).caption


def test_going_on_after_a_stop_undoes_it():
    """A run that failed and was tried again has not stopped there."""
    runs = runs_of([took("again", "here"), Line("ended", {"reason": "failed"}), took("stop", "done"), ENDED])

    assert "" == overlay_of_runs(SMALL, runs).state("here").note


def test_time_in_a_state_is_from_entering_to_leaving():
    """Stays are added up; a run that was cut off spends no time until it is resumed."""
    lines = [took("again", "here", 1), took("again", "here", 4), Line("scheduled", {}, "2026-01-01T12:00:05+00:00")]
    lines += [Line("resumed", {}, "2026-01-01T12:00:50+00:00"), took("stop", "done", 52)]

    assert "6.0 s" == overlay_of_runs(SMALL, runs_of(lines)).state("here").note
    assert "" == overlay_of_runs(SMALL, runs_of([took("again", "here"), took("stop", "done")])).state("here").note


def test_rows_of_another_chart_are_named_in_the_caption():
    """Nothing that was taken is passed over in silence."""
    runs = runs_of([took("other", "here"), took("stop", "done"), ENDED])

    assert "rows taken that are not in this chart: 'other' 1×" in overlay_of_runs(SMALL, runs).caption
