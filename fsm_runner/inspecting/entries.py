"""Entries: reads one run record by record, for a timeline and the totals at its end; and finds the runs of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fsm_runner.engine.errors import JournalError
from fsm_runner.inspecting.data import Ended, Entry, Header, Kind, Open, Sealed, Summary, Wait
from fsm_runner.inspecting.declared import Declared, declared_in, mapping, text, whole
from fsm_runner.inspecting.entry_text import EntryText, call_words, event_words, request_words
from fsm_runner.inspecting.summary import Adding
from fsm_runner.journal import Reading, Record, Torn
from fsm_runner.journal.chain import seal_of
from fsm_runner.journal.timeline import OpenEffect, Timeline, moment, since
from fsm_runner.loop.context import Usage
from fsm_runner.loop.effects import REQUESTS
from fsm_runner.loop.events import ACTS
from fsm_runner.loop.messages import blocks_of, usage_of

_ACTS = frozenset(act.name for act in ACTS)
_ASKS = frozenset({"continued", "answer_asked"})


class Entries:
    """One run of a file: mutable, fed record by record.

    Attributes:
        header: how it began.
        declared: the chart that it runs on at present.
    """

    def __init__(self, source: str, first: Record) -> None:
        """Begin with the run's first record."""
        self.declared: Declared = declared_in(first.data.get("chart"))
        self.header: Header = header_of(source, first, self.declared)
        self._timeline = Timeline(self.declared.initial, usage_at_start(first))
        self._timeline.take(first)
        self._was = self._timeline.state
        self._adding = Adding()
        self._tools: dict[str, str] = {}  # the tool's name for each call that may still be mentioned, by id
        self._pending: Entry | None = None
        self._ended: Ended | None = None
        self._sealed: Sealed = "no"
        self._torn = 0

    def summary(self) -> Summary:
        """Return the summary of the records so far."""
        return Summary(
            header=self.header,
            totals=self._adding.totals(self._timeline),
            ended=self._ended,
            state=self._timeline.state,
            at=self._timeline.at,
            under_way=tuple(
                Open(id=each.id, effect=each.effect, tool=each.tool, at=each.at)
                for each in self._timeline.open.values()
            ),
            sealed=self._sealed,
            torn=self._torn,
        )

    def take(self, record: Record, line: bytes = b"") -> tuple[Entry, ...]:
        """Return the entries of one more record; `line` is its line, for the seal."""
        self._was, waits = self._timeline.state, self._waits()
        self._timeline.take(record)
        if record.type != "resumed" and self._was is not None:
            self._adding.waited(waits, self._timeline.passed)
        self._sealed = _sealed(line) if record.type in ("ended", "sealed") else "no"
        return tuple(self._told(record))

    def rest(self) -> tuple[Entry, ...]:
        """Return the entries that were held back for a record that did not come."""
        pending, self._pending = self._pending, None
        return () if pending is None else (pending,)

    def _waits(self) -> Wait:
        return self.declared.waits(self._timeline.state or "")

    # ── records ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _told(self, record: Record) -> Iterator[Entry]:
        data = record.data
        torn = whole(data.get("torn"))
        if torn is not None:
            yield from self.rest()
            self._torn += 1
            said = EntryText(
                text=f"the line before was left unfinished ({torn} bytes)", bad=True, detail={"bytes": torn}
            )
            yield self._entry(record, "torn", said, before=True)
        if record.type not in ("completed", "note") and not (record.type == "transition" and data.get("event")):
            yield from self.rest()
        match record.type:
            case "transition":
                yield self._row(record)
            case "event":
                yield from self._event(record)
            case "scheduled":
                yield from self._scheduled(record)
            case "completed" | "failed" | "cancelled":
                yield from self._closed(record)
            case "resumed":
                yield from self._resumed(record)
            case "note":
                bad = data.get("level") != "info"
                said = EntryText(
                    text=text(data.get("text")) or str(data.get("code")), bad=bad, detail={"code": data.get("code")}
                )
                yield self._entry(record, "note", said)
            case "ended":
                yield self._end(record)
            case "sealed":
                yield self._entry(record, "sealed", EntryText(text="the journal was closed"))

    def _row(self, record: Record) -> Entry:
        data = record.data
        row, source, target = (str(data.get(key)) for key in ("row", "source", "target"))
        event, known = text(data.get("event")), self.declared.rows.get(row)
        entry, self._pending = self._pending or self._entry(record, "row", EntryText(text="")), None
        asked = self.declared.asked(row, data.get("facts"))
        entry = replace(
            entry, kind="row", seq=record.seq, line=record.line, row=row, target=target, asked=asked, event=event,
            state=source, phase=self.declared.phase(source),
        )  # fmt: skip
        to = self.declared.states.get(target)
        self._adding.row(known.spends if known else None, rests=to is not None and to.rests)
        self._ended = None
        return entry

    def _event(self, record: Record) -> Iterator[Entry]:
        event = str(record.data.get("event"))
        took = self._took(event, record)
        said = event_words(event, record.data, self._tools)
        if event == "tool_finished":
            said = self._called(record, said, took)
        elif event in ("replied", "summarised"):
            self._adding.answered(took)
            self._replied(mapping(record.data.get("message")))
        if event not in _ACTS | _ASKS:
            self._adding.failing = event == "failed"
        name = str(record.data.get("name")) if event == "reported" else event
        entry = replace(self._entry(record, "event", said), event=name, took=took)
        if event in _ACTS:
            yield entry
        else:
            self._pending = entry

    def _took(self, event: str, record: Record) -> float | None:
        """How long the effect that `event` reports took, or the caller took; None for any other event."""
        timeline, now = self._timeline, moment(record.at)
        if event in _ASKS and self._waits() == "caller":
            return since(timeline.entered, now)
        if event == "tool_finished":
            return since(timeline.closed[0].began, now) if timeline.closed else timeline.lasted
        if event in ("replied", "summarised", "opened") or (event == "failed" and self._waits() == "api"):
            return since(timeline.asked, now)
        return timeline.lasted if event in ("failed", "reported") else None

    def _replied(self, message: Mapping[str, object]) -> None:
        """Keep the names of the calls in a reply, and of calls that are still open."""
        calls = {str(block.get("id")): str(block.get("name")) for block in blocks_of(message) if "name" in block}
        self._tools = {**{id: self._tools[id] for id in self._timeline.open if id in self._tools}, **calls}

    def _called(self, record: Record, said: EntryText, took: float | None) -> EntryText:
        begun, tool = next(iter(self._timeline.closed), None), self._tools.pop(str(record.data.get("id")), None)
        if tool is not None:
            self._adding.called(tool, took, error=said.bad)
        known = [] if begun is None else [call_words(begun.kind), "while the reply streams" if begun.early else ""]
        told = ", ".join(filter(None, known))
        return replace(said, text=f"{said.text} ({told})") if told else said

    def _scheduled(self, record: Record) -> Iterator[Entry]:
        tool = text(record.data.get("tool"))
        if tool is not None:
            self._tools[str(record.data.get("id"))] = tool
        if str(record.data.get("effect")) not in REQUESTS:
            return
        self._adding.requests = replace(self._adding.requests, sent=self._adding.requests.sent + 1)
        entry = self._entry(record, "request", request_words(record.data))
        yield entry if self._timeline.compacts else replace(entry, turn=self._timeline.turns + 1)

    def _closed(self, record: Record) -> Iterator[Entry]:
        if record.type == "failed" and str(record.data.get("effect")) in REQUESTS:
            requests = self._adding.requests
            self._adding.requests = replace(requests, failed=requests.failed + 1)
        if record.type == "cancelled":
            for begun in self._timeline.closed:
                yield replace(self._lost(record, begun, "cancelled"), took=self._timeline.lasted)

    def _lost(self, record: Record, told: OpenEffect, how: str) -> Entry:
        self._adding.lost(told.effect, told.tool)
        detail = {"id": told.id, "effect": told.effect, "tool": told.tool, "how": how}
        said = EntryText(text=f"{told.tool or told.effect}: {how.replace('_', ' ')}", bad=True, detail=detail)
        return self._entry(record, "lost", said, before=True)

    def _resumed(self, record: Record) -> Iterator[Entry]:
        for begun in self._timeline.closed:
            yield self._lost(record, begun, "cut_off")
        self._ended = None
        moved = ""
        if record.data.get("chart") is not None:
            self.declared = declared_in(record.data.get("chart"))
            moved = f" by chart '{self.declared.name}'"
        entry = self._entry(record, "resumed", EntryText(text=f"goes on in '{self._timeline.state}'{moved}"))
        yield replace(entry, took=self._timeline.passed)

    def _end(self, record: Record) -> Entry:
        data = record.data
        row = str(data.get("row"))
        self._ended = Ended(
            reason=str(data.get("reason")),
            row=row,
            detail=text(data.get("detail")),
            facts=self.declared.asked(row, data.get("facts")),
            final=data.get("final") is not False,
        )
        said = EntryText(text=self._ended.reason, bad=not self._ended.good, detail={"final": data.get("final")})
        return self._entry(record, "ended", said)

    def _entry(self, record: Record, kind: Kind, said: EntryText, *, before: bool = False) -> Entry:
        """`before`: it happened in the state in which the run was before the record."""
        state = self._was if before else self._timeline.state
        return Entry(
            seq=record.seq,
            line=record.line,
            at=record.at,
            offset=since(self._timeline.began, moment(record.at)),
            kind=kind,
            state=state,
            phase=self.declared.phase(state),
            text=said.text,
            asked={},
            bad=said.bad,
            detail=said.detail,
        )


def _sealed(line: bytes) -> Sealed:
    worth, _ = seal_of(line, None)
    if worth == "other":
        return "key" if b',"seal":"hmac-sha256:' in line[-120:] else "wrong"
    return "no" if worth == "none" else "hash"


def header_of(source: str, first: Record, declared: Declared) -> Header:
    """Return how a run began, from its first record `first`."""
    data = first.data
    context = mapping(data.get("context"))
    settings = mapping(context.get("settings"))
    params = mapping(settings.get("params"))
    limits = mapping(mapping(context.get("counters")).get("limits"))
    runnable = settings.get("runnable")
    return Header(
        source=source,
        run=first.run,
        line=first.line,
        at=first.at,
        chart=declared.name,
        sha256=declared.sha256,
        model=text(params.get("model")),
        max_tokens=whole(params.get("max_tokens")),
        tools=tuple(map(str, runnable)) if isinstance(runnable, list) else (),
        stream=settings.get("stream") is True,
        limits={**declared.limits, **{name: whole(value) for name, value in limits.items()}},
        versions={name: text(version) for name, version in mapping(data.get("versions")).items()},
        content=text(data.get("content")) or "full",
        forked_from=_forked_from(data.get("forked_from")),
    )


def _forked_from(value: object) -> tuple[str, int] | None:
    origin = mapping(value)
    run, seq = text(origin.get("run")), whole(origin.get("seq"))
    return None if run is None or seq is None else (run, seq)


def usage_at_start(first: Record) -> Usage:
    """Return the tokens that a run had used when it began: usually none."""
    counters = mapping(mapping(first.data.get("context")).get("counters"))
    usage = mapping(counters.get("usage"))
    known = usage_of({"usage": usage})
    return Usage(
        input_tokens=known.input_tokens,
        output_tokens=known.output_tokens,
        cache_creation_input_tokens=known.cache_creation_input_tokens,
        cache_read_input_tokens=known.cache_read_input_tokens,
        replies=whole(usage.get("replies")) or 0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One run of a file: immutable.

    Attributes:
        summary: its summary.
        last: the line of its last record, counted from 1.
    """

    summary: Summary
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """The runs of a file: immutable.

    Attributes:
        runs: by id, in the order in which they begin.
        mixed: whether the records of different runs are mixed.
        torn: the lines that were not written to their end.
        problem: why the file could not be read to its end; None if it could.
    """

    runs: Mapping[str, Found]
    mixed: bool
    torn: tuple[Torn, ...]
    problem: JournalError | None


def census(reading: Reading) -> Census:
    """Return which runs `reading` holds, up to the first line that cannot be read.

    Raises:
        JournalError: the file as a whole cannot be read.
    """
    tellings: dict[str, Entries] = {}
    last: dict[str, int] = {}
    current, mixed, problem = None, False, None
    try:
        for record in reading:
            if record.run not in tellings:
                tellings[record.run] = Entries(reading.source, record)
            else:
                tellings[record.run].take(record, reading.line)
                mixed = mixed or record.run != current
            current = record.run
            last[record.run] = record.line
    except JournalError as error:
        if error.line is None:
            raise
        problem = error
    runs = {run: Found(summary=telling.summary(), last=last[run]) for run, telling in tellings.items()}
    return Census(runs=runs, mixed=mixed, torn=reading.torn, problem=problem)
