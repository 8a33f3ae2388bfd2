"""A run as text and as JSON: how it began, a line for each row that was taken, its totals; and a list of runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fsm_runner.cli.screen import Part, Screen, cleaned, shortened, show
from fsm_runner.engine.text import counted, duration, json_text
from fsm_runner.inspecting import Entry, Header, Summary, Totals
from fsm_runner.inspecting.data import Wait
from fsm_runner.inspecting.entry_text import token_words
from fsm_runner.journal.timeline import moment, since

if TYPE_CHECKING:
    from fsm_runner.cli.journals import Source
    from fsm_runner.cli.screen import Screen
    from fsm_runner.inspecting import Summary


MARGIN = 18
"""Columns before a state: a record's number, and when it was written."""

ROOM = 36
"""Columns below which what happened stands on a line of its own."""

LABEL = 11
"""Columns of the words before a fact about the run."""

LONGEST = 160
"""Characters of what happened that are shown; the journal has the rest."""

WIDEST = 24
"""Columns that the names of states and rows are aligned to at most."""

_WHOLE = "\N{NO-BREAK SPACE}"  # where a line is not broken; shown as a space

_DAY = 24 * 60 * 60

PHASES: Mapping[str | None, str] = {
    "request": "state", "call_tools": "call", "compact": "note", "done": "good", "failed": "bad",
}  # fmt: skip
"""The style of a state, by its phase; that of any other phase is a row's."""

CONTENT = {
    "none": "no payloads",
    "redacted": "payloads, redacted in part",
    "full": "payloads in full",
}
SEALS = {
    "no": "not sealed",
    "hash": "sealed without a key",
    "key": "sealed with a key (fsm-runner verify --key-file checks it)",
    "wrong": "its seal does not fit (fsm-runner verify says more)",
}


class Timeline:
    """Shows runs on a screen, one after another."""

    def __init__(self, screen: Screen, now: datetime) -> None:
        """Take the time that it is, by which an unended run is known to be old or not."""
        self._screen = screen
        self._now = now
        self._widths = (0, 0)
        self._shown = 0

    def begin(self, header: Header, states: Iterable[str], rows: Iterable[str]) -> None:
        """Show how a run began; `states` and `rows` are the names that will be aligned."""
        self._widths = (_widest(states), _widest(rows))
        if self._shown:
            self._screen.line()
        self._shown += 1
        self._screen.line(("run ", "faint"), (_name(header.run), "state"), f"  {cleaned(header.source)}")
        if header.forked_from is not None:
            run, seq = header.forked_from
            self._fact("forked", f"from run {_name(run)}, of which it shares {counted(seq, 'record')}")
        self._fact("chart", f"{header.chart or '(not on record)'} ({(header.sha256 or '')[:12]})")
        most = "" if header.max_tokens is None else f", at most {header.max_tokens:,} tokens a reply"
        self._fact("model", f"{header.model or '(not on record)'}{most}{', streamed' if header.stream else ''}")
        if header.tools:
            self._fact("tools", ", ".join(header.tools))
        versions = [f"{name} {version}" for name, version in header.versions.items() if version]
        started = "at a time not on record" if header.at is None else _clock(header.at)
        self._fact("started", ", ".join([started, *versions]))
        if header.content != "full":
            self._fact("holds", CONTENT.get(header.content, header.content))
        self._screen.line()

    def entry(self, entry: Entry) -> None:
        """Show one thing that happened."""
        match entry.kind:
            case "row":
                self._row(entry)
            case "request":
                head = "" if entry.turn is None else f"turn {entry.turn}  "
                self._below(entry, head, entry.text, style="who")
            case "ended":
                pass  # the row before says so, and what is shown last
            case "resumed":
                idle = "" if entry.took is None else f", {duration(entry.took)} after its last record"
                self._below(entry, "resumed  ", entry.text + idle, style="note")
            case "sealed":
                self._below(entry, "", entry.text)
            case _:
                head = {"lost": "lost  ", "torn": "torn  ", "note": "note  "}.get(entry.kind, "")
                self._below(entry, head, _told(entry), style="bad" if entry.bad else "note")

    def end(self, summary: Summary) -> None:
        """Show what a run adds up to."""
        totals = summary.totals
        self._screen.line()
        self._ended(summary)
        self._fact("took", took_words(totals))
        compactions = f", and {counted(totals.compactions, 'compaction')}" if totals.compactions else ""
        self._fact("turns", f"{totals.turns:,}{compactions}")
        replies = f"{totals.tokens.replies:,} {'reply' if totals.tokens.replies == 1 else 'replies'}"
        self._fact("tokens", f"{token_words(totals.tokens)}, in {replies}")
        self._fact("requests", request_totals(totals))
        for number, told in enumerate(tool_totals(totals)):
            self._fact("" if number else "tools", told)
        spans = [f"{state} {duration(seconds)}" for state, seconds in totals.states.items() if seconds >= 0.0005]
        if spans:
            self._fact("states", ", ".join(spans))
        if summary.header.limits:
            self._fact("limits", limit_words(summary))
        torn = f"; {counted(summary.torn, 'line')} left unfinished by a kill, repaired" if summary.torn else ""
        rows = sum(totals.rows.values())
        told = f"{counted(totals.records, 'record')}, {counted(rows, 'row')} taken, {SEALS[summary.sealed]}{torn}"
        self._fact("journal", told)

    # ── entries ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _row(self, entry: Entry) -> None:
        states, rows = self._widths
        state, row, target = (shortened(str(name), WIDEST) for name in (entry.state, entry.row, entry.target))
        style = PHASES.get(entry.phase, "row")
        head: list[Part] = [*_place(entry), (state.ljust(states), style), f"  {row.ljust(rows)}", (" → ", "faint")]
        told, faint = (_told(entry), False) if entry.text else (asked_words(entry.asked), True)
        if not told:
            self._screen.line(*head, target)
            return
        used = MARGIN + states + 2 + rows + 3 + states + 2
        lines = self._wrapped(told, used)
        if lines is None:
            self._screen.line(*head, target)
            lines, used = self._wrapped(told, MARGIN) or [told], MARGIN
        else:
            first, *lines = lines
            self._screen.line(*head, f"{target.ljust(states)}  ", self._styled(entry, first, faint=faint))
        for line in lines:
            self._screen.line(" " * used, self._styled(entry, line, faint=faint))

    def _styled(self, entry: Entry, text: str, *, faint: bool) -> Part:
        return (text, "bad") if entry.bad else (text, "faint") if faint else text

    def _wrapped(self, text: str, used: int) -> list[str] | None:
        """`text` in lines for what is left beside `used` columns; None when that is too little."""
        import textwrap

        if not self._screen.terminal:
            return [text.replace(_WHOLE, " ")]
        room = self._screen.width - used
        if room < min(ROOM, len(text)):
            return None
        return [line.replace(_WHOLE, " ") for line in textwrap.wrap(text, max(room, ROOM))] or [text]

    def _below(self, entry: Entry, head: str, text: str, *, style: str = "faint") -> None:
        first, *rest = self._wrapped(shortened(text, LONGEST), MARGIN + len(head)) or [text]
        self._screen.line(*_place(entry), (head, style), first)
        for line in rest:
            self._screen.line(" " * (MARGIN + len(head)), line)

    # ── facts about the run ─────────────────────────────────────────────────────────────────────────────────────────

    def _fact(self, label: str, text: str, style: str = "faint") -> None:
        self._screen.block((f"  {label.ljust(LABEL)}", style), shortened(text, 10 * LONGEST), indent=LABEL + 2)

    def _ended(self, summary: Summary) -> None:
        ended = summary.ended
        if ended is None:
            age = since(moment(summary.at), self._now)
            old = "" if age is None else f"; its last record is {duration(age)} old"
            old = f"; its last record is of {_clock(summary.at or '')}" if age is not None and age > _DAY else old
            where = f"in state '{summary.state}'"
            self._fact("no end", f"is on record: the run goes on, or was killed, {where}{old}", "note")
            for each in summary.under_way:
                self._fact("under way", f"{each.tool or each.effect} ({each.id}): begun, and cut off if it was killed")
            return
        style = "good" if ended.good else "bad"
        why = asked_words(ended.facts)
        detail = f": {ended.detail}" if ended.detail else ""
        told = f"{ended.reason}, by row '{ended.row}'{f' ({why})' if why else ''}{detail}"
        self._fact("ended", shortened(told, LONGEST), style)
        if not ended.final:
            self._fact("", "it can go on: to ask for more is to try again what failed")


def _told(entry: Entry) -> str:
    text = shortened(entry.text, LONGEST).replace(_WHOLE, " ")
    if entry.took is None or entry.took < 0.0005:
        return text
    return f"{text} ({duration(entry.took).replace(' ', _WHOLE)})"


def _place(entry: Entry) -> tuple[Part, Part]:
    when = "" if entry.offset is None else duration(entry.offset)
    return (f"{entry.seq:>5}", "faint"), f"{when:>11}  "


def _name(run: str) -> str:
    return f"'{shortened(run, LONGEST)}'"


def _widest(names: Iterable[str]) -> int:
    return min(WIDEST, max((len(cleaned(name)) for name in names), default=0))


def _clock(at: str) -> str:
    known = moment(at)
    return at if known is None else f"{known:%Y-%m-%d %H:%M:%S} {known.tzname() or ''}".rstrip()


class Documents:
    """Writes runs as JSON, one after another; for the keys see `data` of `inspecting`."""

    def __init__(self) -> None:
        self._first = True

    def begin(self, header: Header, states: Iterable[str], rows: Iterable[str]) -> None:
        """Begin a document with how a run began."""
        self._first = True
        show(json_text(header, indent=None)[:-1] + ', "timeline": [')

    def entry(self, entry: Entry) -> None:
        """Write one thing that happened."""
        show(("" if self._first else ", ") + json_text(entry, indent=None))
        self._first = False

    def end(self, summary: Summary) -> None:
        """End the document with what the run adds up to."""
        show("], " + json_text(end_data(summary), indent=None)[1:] + "\n")


def end_data(summary: Summary) -> dict[str, Any]:
    """Return what a run adds up to as JSON data; `until` is when its last record was written."""
    rest = asdict(summary)
    del rest["header"]
    return {("until" if key == "at" else key): each for key, each in rest.items()}


def run_data(summary: Summary) -> dict[str, Any]:
    """Return a run as JSON data: its document without the timeline."""
    return {**asdict(summary.header), **end_data(summary)}


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


LONGEST_ID = 36

LEAST = (5, 4, 3, 1)
"""The columns that are left out where a terminal is too narrow, the first of them first."""


def listed(screen: Screen, source: Source) -> None:
    """Print the runs of `source`: id, when it began, how long it took, turns, tokens, calls, and how it stands."""
    runs = source.runs
    screen.line(f"{cleaned(source.name)}: ", (counted(len(runs), "run"), "state"))
    lines = [_cells(summary) for summary in runs.values()]
    kept = list(range(len(lines[0])))
    for column in LEAST if screen.terminal else ():
        if sum(max(len(line[each]) for line in lines) + 2 for each in kept) > screen.width:
            kept.remove(column)
    rows: list[list[Part]] = [
        [*(line[column] for column in kept[:-1]), (line[kept[-1]], _style(summary))]
        for line, summary in zip(lines, runs.values(), strict=True)
    ]
    screen.table(rows, right=range(1, len(kept) - 1))


def _cells(summary: Summary) -> tuple[str, ...]:
    totals, ended = summary.totals, summary.ended
    calls = sum(use.calls for use in totals.tools.values())
    return (
        shortened(summary.header.run, LONGEST_ID),
        (summary.header.at or "")[:19].replace("T", " "),
        "" if totals.elapsed is None else duration(totals.elapsed),
        counted(totals.turns, "turn"),
        counted(totals.tokens.total_tokens, "token"),
        counted(calls, "call"),
        f"no end, in '{summary.state}'" if ended is None else ended.reason,
    )


def _style(summary: Summary) -> str:
    if summary.ended is None:
        return "note"
    return "good" if summary.ended.good else "bad"
