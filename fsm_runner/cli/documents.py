"""The timeline of a run, as JSON: one document a run, each on a line of its own, written while it is read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from fsm_runner.cli.screen import show
from fsm_runner.inspecting import Entry, Header, Summary


class Documents:
    """Writes runs as JSON, one after another; for the keys see `data` of `inspecting`."""

    def __init__(self) -> None:
        self._first = True

    def begin(self, header: Header, states: Iterable[str], rows: Iterable[str]) -> None:
        """Begin a document with how a run began."""
        self._first = True
        show(_rendered(asdict(header))[:-1] + ', "timeline": [')

    def entry(self, entry: Entry) -> None:
        """Write one thing that happened."""
        show(("" if self._first else ", ") + _rendered(asdict(entry)))
        self._first = False

    def end(self, summary: Summary) -> None:
        """End the document with what the run adds up to."""
        show("], " + _rendered(end_data(summary))[1:] + "\n")


def end_data(summary: Summary) -> dict[str, Any]:
    """Return what a run adds up to as JSON data; `until` is when its last record was written."""
    rest = asdict(summary)
    del rest["header"]
    return {("until" if key == "at" else key): each for key, each in rest.items()}


def run_data(summary: Summary) -> dict[str, Any]:
    """Return a run as JSON data: its document without the timeline."""
    return {**asdict(summary.header), **end_data(summary)}


def _rendered(data: Mapping[str, Any]) -> str:
    """`data` as JSON of ASCII, which no terminal obeys."""
    return json.dumps(rounded(data), default=str)


def rounded(value: Any) -> Any:
    """Return `value` with each span of time to the microsecond, as clocks have it."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, Mapping):
        return {str(key): rounded(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(each) for each in value]
    return value
