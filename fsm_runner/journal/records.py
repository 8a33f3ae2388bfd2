"""Records: one line of a journal each, and the one place where they are made.

Inputs are the truth: `run_started` and `event`.  Derived records (`transition`, `note`, `ended`) follow from them, and
replay must make the same.  The rest says what became of effects.  Every function here returns a record's type and its
own fields; the writer puts ``v``, ``run``, ``seq`` and ``type`` before them.
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
"""The version of the format, in every line."""

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
"""What a record says of its own line and the one before, not of the run."""

Made: TypeAlias = tuple[Type, Data]
"""A record as it is made: its type and its own fields, in the order in which they are written."""


class Record(NamedTuple):
    """One line of a journal, as read: immutable, and a tuple, because there are so many of them.

    Attributes:
        run: the id of the run that it belongs to.
        seq: its number in the run, from 1, without gaps.
        type: what it is about; one of `Type`.
        data: its own fields.
        line: where it stands in the file, counted from 1.
        at: when it was written, in ISO 8601 and UTC; None when nobody noted it.
        prev: the hash of the run's line before; None in its first.
    """

    run: str
    seq: int
    type: str
    data: Mapping[str, object]
    line: int
    at: str | None = None
    prev: str | None = None


def answers_of(facts: object) -> Mapping[str, str]:
    """Return the answers in the field ``facts`` of a record, by fact; empty when it holds none."""
    return {str(name): str(answer) for name, answer in facts.items()} if isinstance(facts, Mapping) else {}


def run_started(machine: Machine, context: Context, content: str = "full", redacted: Sequence[str] = ()) -> Made:
    """The first record of a run: all that replay needs besides the events, and what is written of payloads."""
    return "run_started", {
        **_machine(machine),
        "versions": dict(_versions()),
        "content": content,
        "redacted": list(redacted),
        "context": context_data(context),
    }


def event(event: Event) -> Made:
    """An input, as it came."""
    word, data = event_data(event)
    return "event", {"event": word, **data}


def derived(step: Step) -> Iterator[Made]:
    """All that follows from one event: the rows taken, what a person should be told, and the end."""
    for taken in step.transitions:
        yield (
            "transition",
            {
                "event": taken.event,  # first, as of an event's own record
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
    if stop is not None and step.transitions:  # an act of the caller after the stop is no second one
        usage = plain(step.snapshot.context.counters.usage)
        detail = None if stop.detail is None else masked_text(stop.detail)
        ended: Data = {"reason": stop.reason, "row": stop.row, "facts": stop.facts, "detail": detail}
        yield "ended", {**ended, "final": step.final, "usage": usage}


def asked(effect: Effect, digests: Digests) -> Data:
    """What a `scheduled` record says of `effect`: all that replay can tell again."""
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
    """An effect did not succeed."""
    return "failed", {"id": id, "effect": effect, "error": type(error).__name__, "text": _text(error)}


def cancelled(id: str, effect: str) -> Made:
    """An effect was cut off."""
    return "cancelled", {"id": id, "effect": effect}


def resumed(snapshot: Snapshot, machine: Machine | None = None) -> Made:
    """The run goes on where it was cut off; by `machine`, when that is not the one that it had."""
    return "resumed", {"state": snapshot.state, **({} if machine is None else _machine(machine))}


def _machine(machine: Machine) -> Data:
    chart, sha256 = chart_data(machine.chart)
    return {
        "chart": {"name": machine.chart.name, "sha256": sha256, "data": dict(chart)},
        "facts": {name: fact.version for name, fact in machine.facts.items()},
    }


def copied(record: Record) -> Made:
    """A record of another run as a new run's own, of the same time."""
    data = {key: value for key, value in record.data.items() if key not in _OF_THE_LINE}
    at = {} if record.at is None else {"at": record.at}
    return cast(Type, record.type), {**data, **at}


def sealed() -> Made:
    """Nothing more is written: the journal is closed."""
    return "sealed", {}


LONGEST_TEXT = 2_000
"""Characters of an error's text that a record keeps."""


def _text(error: BaseException) -> str:
    try:
        return masked_text(str(error))[:LONGEST_TEXT]
    except Exception:  # an error that cannot say what it is must not hide that it happened
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
    """The hashes of one run's requests: mutable, for it remembers where the last one ended."""

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
        """Parameters and tools seldom change between two requests, and are the same objects when they have not."""
        if self._rest is None or self._rest[0] is not params or self._rest[1] is not tools:
            self._rest = (params, tools)
            self._rest_bytes = sha256(render((masked(params), tools))).digest()
        return self._rest_bytes
