"""Records: the lines of a journal.  This is the one place where they are made.

Inputs are the truth: `run_started` and `event`.  Derived records (`transition`, `note`, `ended`) follow from them, and
a replay must make the same ones.  The other records say what happened to effects.  Every function here returns a
record's type and its own fields; the writer puts ``v``, ``run``, ``seq`` and ``type`` in front.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import Literal, NamedTuple, TypeAlias, assert_never, cast, get_args

from fsm_runner.journal.codec import Data, chart_data, context_data, event_data, plain
from fsm_runner.journal.masking import masked, masked_text
from fsm_runner.journal.render import render
from fsm_runner.loop.context import Context
from fsm_runner.loop.effects import CallTool, DrainStream, Effect, LendStream, Perform, SendRequest, Summarise
from fsm_runner.loop.events import Event, Json
from fsm_runner.loop.history import History
from fsm_runner.loop.tool_loop import Machine, Snapshot, Step

VERSION = 1
"""The version of the format, which is in every line."""

Type: TypeAlias = Literal[
    "run_started",
    "event",
    "transition",
    "note",
    "ended",
    "scheduled",
    "completed",
    "failed",
    "cancelled",
    "resumed",
    "sealed",
]
"""What a record is about."""

TYPES: frozenset[str] = frozenset(get_args(Type))
DERIVED: frozenset[str] = frozenset({"transition", "note", "ended"})
"""The types of the records that follow from the events."""

_OF_THE_LINE = frozenset({"torn", "prev", "seal"})
"""The fields that say something of the line or of the line before it, and nothing of the run."""

Made: TypeAlias = tuple[Type, Data]
"""A new record: its type and its own fields, in the order in which they are written."""


class Record(NamedTuple):
    """One line of a journal, as read: immutable.  It is a tuple because there are so many of them.

    Attributes:
        run: the id of its run.
        seq: its number in the run, from 1, without gaps.
        type: what it is about; one of `Type`.
        data: its own fields.
        line: its line in the file, counted from 1.
        at: when it was written, in ISO 8601 and UTC; None if that was not written.
        prev: the hash of the run's previous line; None in its first.
    """

    run: str
    seq: int
    type: str
    data: Mapping[str, object]
    line: int
    at: str | None = None
    prev: str | None = None


def answers_of(facts: object) -> Mapping[str, str]:
    """Return the answers in the field ``facts`` of a record, by fact; empty if it has none."""
    return {str(name): str(answer) for name, answer in facts.items()} if isinstance(facts, Mapping) else {}


def run_started(machine: Machine, context: Context, content: str = "full", redacted: Sequence[str] = ()) -> Made:
    """The first record of a run: everything that replay needs besides the events, and what is written of payloads."""
    return "run_started", {
        **_machine(machine),
        "versions": dict(_versions()),
        "content": content,
        "redacted": list(redacted),
        "context": context_data(context),
    }


def event(event: Event) -> Made:
    """An input, unchanged."""
    word, data = event_data(event)
    return "event", {"event": word, **data}


def derived(step: Step) -> Iterator[Made]:
    """Everything that follows from one event: the rows taken, notes for a person, and the end."""
    for taken in step.transitions:
        yield (
            "transition",
            {
                "event": taken.event,  # first, as in the record of an event
                "row": taken.row,
                "source": taken.source,
                "target": taken.target,
                "facts": taken.facts,
                "output": taken.output,
            },
        )
    for note in step.notes:
        yield "note", {"level": note.level, "code": note.code, "text": masked_text(note.text)}
    stop = step.snapshot.stop
    if stop is not None and step.transitions:  # an act of the caller after the stop makes no second `ended`
        usage = plain(step.snapshot.context.counters.usage)
        detail = None if stop.detail is None else masked_text(stop.detail)
        ended: Data = {"reason": stop.reason, "row": stop.row, "facts": stop.facts, "detail": detail}
        yield "ended", {**ended, "final": step.final, "usage": usage}


def asked(effect: Effect, digests: Digests) -> Data:
    """Return what a `scheduled` record says of `effect`: only what a replay can compute again."""
    match effect:
        case SendRequest():
            return {
                "effect": effect.name,
                "purpose": effect.purpose,
                "stream": effect.stream,
                "messages": len(effect.messages),
                "tools": None if effect.tools is None else len(effect.tools),
                "sha256": digests.of(effect.messages, effect.params, effect.tools),
            }
        case CallTool():
            tool = effect.block.get("name")
            return {"effect": effect.name, "tool": tool, "kind": effect.kind, "early": effect.early}
        case Summarise():
            limits = {"model": effect.model, "max_tokens": effect.max_tokens}
            sha256 = digests.of(effect.messages, limits)
            return {"effect": effect.name, "messages": len(effect.messages), **limits, "sha256": sha256}
        case LendStream() | DrainStream() | Perform():
            return {"effect": effect.name}
        case _:
            assert_never(effect)


def scheduled(effect: Effect, id: str, digests: Digests) -> Made:
    """An effect is about to be performed."""
    return "scheduled", {"id": id, **asked(effect, digests)}


def completed(id: str, effect: str) -> Made:
    """An effect was performed."""
    return "completed", {"id": id, "effect": effect}


def failed(id: str, effect: str, error: BaseException) -> Made:
    """An effect failed."""
    return "failed", {"id": id, "effect": effect, "error": type(error).__name__, "text": _text(error)}


def cancelled(id: str, effect: str) -> Made:
    """An effect was cancelled."""
    return "cancelled", {"id": id, "effect": effect}


def resumed(snapshot: Snapshot, machine: Machine | None = None) -> Made:
    """The run goes on where it was cut off; `machine` is given if it is not the one that the run had."""
    return "resumed", {"state": snapshot.state, **({} if machine is None else _machine(machine))}


def _machine(machine: Machine) -> Data:
    chart, sha256 = chart_data(machine.chart)
    return {
        "chart": {"name": machine.chart.name, "sha256": sha256, "data": dict(chart)},
        "facts": {name: fact.version for name, fact in machine.facts.items()},
    }


def copied(record: Record) -> Made:
    """A record of another run as a record of a new run, with the same time."""
    data = {key: value for key, value in record.data.items() if key not in _OF_THE_LINE}
    at = {} if record.at is None else {"at": record.at}
    return cast(Type, record.type), {**data, **at}


def sealed() -> Made:
    """The journal is closed, and nothing more is written."""
    return "sealed", {}


LONGEST_TEXT = 2_000
"""How many characters of an error's text a record keeps."""


def _text(error: BaseException) -> str:
    try:
        return masked_text(str(error))[:LONGEST_TEXT]
    except Exception:  # an error whose text cannot be made must still be recorded
        return ""


@lru_cache(maxsize=1)
def _versions() -> Mapping[str, str | None]:
    return {
        "fsm_runner": _version("fsm-runner"),
        "anthropic": _version("anthropic"),
        "python": platform.python_version(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


class Digests:
    """The hashes of one run's requests: mutable, because it remembers the state of the last hash."""

    def __init__(self) -> None:
        self._history: History | None = None
        self._chain = b""
        self._rest: tuple[Json, object] | None = None
        self._rest_bytes = b""

    def of(self, messages: Sequence[Json], params: Json, tools: Sequence[Json] | None = None) -> str:
        """Return the SHA-256, in hex, of a request: of each message, then of the other parameters, secrets masked."""
        return sha256(self._chained(messages) + self._rendered(params, tools)).hexdigest()

    def _chained(self, messages: Sequence[Json]) -> bytes:
        known = self._history
        chain, start = b"", 0
        if known is not None and isinstance(messages, History) and messages.extends(known):
            chain, start = self._chain, len(known)
        for message in messages[start:] if start else messages:
            chain = sha256(chain + render(message)).digest()
        if isinstance(messages, History):
            self._history, self._chain = messages, chain
        return chain

    def _rendered(self, params: Json, tools: Sequence[Json] | None) -> bytes:
        """Parameters and tools seldom change between two requests; if they do not, they are the same objects."""
        if self._rest is None or self._rest[0] is not params or self._rest[1] is not tools:
            self._rest = (params, tools)
            self._rest_bytes = sha256(render((masked(params), tools))).digest()
        return self._rest_bytes
