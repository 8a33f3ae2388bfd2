"""Sums: what a run adds up to, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fsm_runner.charts.drawing.runs import duration
from fsm_runner.engine.text import counted
from fsm_runner.inspecting import Summary, Totals
from fsm_runner.inspecting.data import Wait

WAITS: Mapping[Wait, str] = {
    "api": "for the API", "tools": "for tools", "caller": "for the caller", "effects": "for own effects",
}  # fmt: skip


def took_words(totals: Totals) -> str:
    """Return how long a run took, and whom it waited for meanwhile."""
    if totals.elapsed is None:
        return "a time that is not on record"
    waits = [f"{duration(totals.waits[who])} {words}" for who, words in WAITS.items() if who in totals.waits]
    down = f"; and {duration(totals.idle)} in which nobody ran it" if totals.idle else ""
    return duration(totals.elapsed) + (f", waiting {', '.join(waits)}" if waits else "") + down


def request_totals(totals: Totals) -> str:
    """Return what the requests of a run add up to."""
    requests = totals.requests
    together = ""
    if requests.seconds is not None and requests.longest is not None:
        together = f", {duration(requests.seconds)} together, the longest {duration(requests.longest)}"
    failed = f", {requests.failed:,} failed" if requests.failed else ""
    lost = f", {requests.lost:,} lost" if requests.lost else ""
    return f"{requests.sent:,} sent{failed}{lost}{together}"


def tool_totals(totals: Totals) -> Sequence[str]:
    """Return what the calls of each tool add up to."""
    told = []
    for name, use in totals.tools.items():
        together = "" if use.seconds is None else f", {duration(use.seconds)}"
        longest = f" together, the longest {duration(use.longest)}" if use.longest and use.calls > 1 else ""
        errors = f", {counted(use.errors, 'error')}" if use.errors else ""
        lost = f", {use.lost:,} lost" if use.lost else ""
        told.append(f"{name} ×{use.calls}{together}{longest}{errors}{lost}")
    return told


def limit_words(summary: Summary) -> str:
    """Return how much of each limit a run spent."""
    spent = summary.totals.spent
    return ", ".join(
        f"{name}: {spent.get(name, 0):,} " + ("spent, no end" if value is None else f"of {value:,} spent")
        for name, value in summary.header.limits.items()
    )


def asked_words(facts: Mapping[str, str]) -> str:
    """Return answers of facts as ``turn = finished, not closed``."""
    return ", ".join(
        fact if answer == "true" else f"not {fact}" if answer == "false" else f"{fact} = {answer}"
        for fact, answer in facts.items()
    )
