"""The resume point: where a journaled run stands, and whether it can go on from there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fsm_runner.engine.errors import JournalError, RunError
from fsm_runner.journal import Reading, Record
from fsm_runner.journal.masking import MASK
from fsm_runner.journal.records import Made
from fsm_runner.loop.effects import CallTool
from fsm_runner.loop.events import Json
from fsm_runner.loop.facts import Fact
from fsm_runner.loop.tool_loop import Machine, Snapshot
from fsm_runner.replaying.machines import Machines
from fsm_runner.replaying.verifier import RunVerifier

NAMED = 10
"""How many runs a message names."""

UNKNOWN_OUTCOME = (
    "The outcome of this call is unknown: the program was stopped while the tool was at work. It may have done all of "
    "it, a part of it, or nothing. Find out what was done before you call it again."
)
"""What the model is told of a call that was cut off and must not run again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumePoint:
    """Where a journaled run stands: immutable.

    Attributes:
        source: the journal's name.
        run: the run's id.
        seq: the number of its last record.
        machine: the chart that it ran on last, compiled.
        facts: the version of each fact that this chart asked.
        snapshot: where it is.
        begun: the ids of the tool calls that were scheduled and have no result.
        numbered: how many effects other than tool calls were scheduled.
        reply: the last message that its caller was handed; None before the first.
        owed: the records that follow from its last event, which a killed process did not write.
    """

    source: str
    run: str
    seq: int
    machine: Machine
    facts: Mapping[str, object]
    snapshot: Snapshot
    begun: frozenset[str]
    numbered: int
    reply: Json | None
    owed: tuple[Made, ...]

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do."""
        return self.machine.chart.state(self.snapshot.state).final

    def problem(self, text: str) -> str:
        """Return `text` behind the names of the journal and the run."""
        return f"{self.source}: run '{self.run}': {text}"


def resume_point_of(
    source: str | os.PathLike[str],
    *,
    run_id: str | None = None,
    facts: Iterable[Fact] = (),
    at: int | None = None,
) -> ResumePoint:
    """Return where a run of a journal stands.

    Args:
        source: the journal.
        run_id: which run; may be left out when there is one, or, without `at`, one that has not ended.
        facts: facts of the user's own that its chart asks.
        at: the number of a record after which nothing is read; None: to the end.

    Raises:
        JournalError: the file or a line of it cannot be read, or it holds no such run, or several to choose from.
        ChartError: the chart asks a fact that has no code.
        RunError: it does not follow from its own events.
    """
    name = os.fspath(source)
    reading = Reading(name, run=run_id)  # what is damaged in other runs is no concern of it
    machines = Machines(reading.source, None, tuple(facts))
    runs: dict[str, RunVerifier] = {}
    last: dict[str, Record] = {}
    lean: dict[str, Record] = {}
    counts: dict[str, int] = {}
    firsts: dict[str, Record] = {}
    for record in _records(reading, run_id):
        counts[record.run] = record.seq
        firsts.setdefault(record.run, record)
        if at is not None and record.seq > at:
            continue
        last[record.run] = record
        if record.run in runs:
            runs[record.run].take(record)
        elif record.run in lean or _is_lean(record):
            lean.setdefault(record.run, record)
        else:
            runs[record.run] = RunVerifier(record, machines)
    for run, first in firsts.items():
        problem = _cut_off_fork(first, counts[run])
        if problem and (run == run_id or len(firsts) == 1):
            raise RunError(f"{reading.source}: run '{run}': {problem}")
        if problem:
            runs.pop(run, None)
            lean.pop(run, None)
    for run in lean:
        if not runs or at is not None or not _is_end(last[run]):
            raise _left_out(reading.source, run)
    if not runs:
        raise JournalError(reading.source, None, "it holds no run (is it the right file?)")
    found = {name: _standing(reading.source, run, last[name].seq) for name, run in runs.items()}
    chosen = _chosen(reading.source, found, any_of_them=at is not None)
    for divergence in runs[chosen.run].divergences[:1]:
        raise RunError(f"{divergence} (a run goes on only from a journal that replays: see `fsm-runner replay`)")
    return chosen


def _cut_off_fork(first: Record, count: int) -> str:
    """What is wrong with a fork of which only `count` records are there; empty if all are, or if it is no fork."""
    origin = first.data.get("forked_from")
    wanted = origin.get("records", origin.get("seq")) if isinstance(origin, Mapping) else None
    if not isinstance(origin, Mapping) or not isinstance(wanted, int) or count >= wanted:
        return ""
    hint = f"fork run '{origin.get('run')}' again, from record {origin.get('seq')}, under another id"
    return f"the fork was cut off while it was written: it has {count} of {wanted} records ({hint})"


def _is_lean(first: Record) -> bool:
    return first.data.get("content", "full") != "full" or bool(first.data.get("redacted"))


def _is_end(last: Record) -> bool:
    return last.type == "ended" and last.data.get("final") is not False


def _left_out(source: str, run: str) -> RunError:
    hint = "only a journal with content='full', and nothing redacted, holds what a run needs to go on"
    return RunError(f"{source}: run '{run}': its payloads were left out ({hint})")


def _standing(source: str, run: RunVerifier, seq: int) -> ResumePoint:
    return ResumePoint(
        source=source,
        run=run.report().run,
        seq=seq,
        machine=run.machine,
        facts=run.facts,
        snapshot=run.snapshot,
        begun=frozenset(run.in_flight.begun),
        numbered=run.in_flight.numbered,
        reply=run.reply,
        owed=run.owed,
    )


def _records(reading: Reading, run_id: str | None) -> Iterator[Record]:
    """The records that are read.

    Raises:
        JournalError: a line cannot be read, or it holds no run, or none of that id; then with those that there are.
    """
    try:
        yield from reading
    except JournalError as error:
        if error.line is not None:
            raise
        known = _known(reading.source)
        problem = f"it holds no run '{run_id}' (there is: {_names(known)})"
        raise JournalError(
            reading.source, None, problem if known else "it holds no run (is it the right file?)"
        ) from None


def _known(source: str) -> Iterable[str]:
    """The runs in a journal, up to a line that cannot be read."""
    known: dict[str, None] = {}
    try:
        for record in Reading(source):
            known[record.run] = None
    except JournalError as error:
        if error.line is None:
            raise
    return known


def _names(runs: Iterable[str]) -> str:
    """The first of `runs`, and how many more there are."""
    names = [f"'{run}'" for run in runs]
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def _chosen(source: str, found: Mapping[str, ResumePoint], *, any_of_them: bool) -> ResumePoint:
    alone = any_of_them or len(found) == 1
    going = [each for each in found.values() if alone or not each.ended]
    if len(going) != 1:
        names = _names(each.run for each in going or found.values())
        raise JournalError(source, None, f"which run is not clear (give run_id, or --run-id: one of {names})")
    return going[0]


def check_open(point: ResumePoint) -> None:
    """Refuse a run that has ended.

    Raises:
        RunError: it has.
    """
    if point.ended:
        stop = point.snapshot.stop
        reason = None if stop is None else stop.reason
        hint = "begin a new run, or fork it before its end"
        raise RunError(point.problem(f"it has ended: {reason} ({hint})"), reason)


def given_again(point: ResumePoint, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of the requests to come: the run's own, and over them `params`.

    Raises:
        RunError: the journal does not hold one of them, and it is not among `params`.
    """
    known = dict(point.snapshot.context.settings.params)
    typed = known.pop("output_format", None)
    given = params.get("output_format")
    if typed is not None and getattr(given, "__qualname__", None) != typed and repr(given) != typed:
        hint = "give it again: params={'output_format': ...}"
        raise RunError(point.problem(f"its replies are parsed into '{typed}' ({hint})"))
    for name, value in known.items():
        if name not in params and masked_in(value):
            hint = f"give it again: params={{'{name}': ...}}"
            raise RunError(point.problem(f"'{name}' holds a secret, which the journal does not ({hint})"))
    return {**known, **params}


def masked_in(value: object) -> bool:
    """Whether a secret was masked somewhere in `value`."""
    if isinstance(value, Mapping):
        return any(map(masked_in, value.values()))
    if isinstance(value, str):
        return MASK in value
    return isinstance(value, (list, tuple)) and any(map(masked_in, value))


def cut_off(point: ResumePoint, idempotent: Iterable[str]) -> tuple[CallTool, ...]:
    """Return the calls whose outcome is unknown: begun, without a result, and not to run again.

    Args:
        point: where the run stands.
        idempotent: the names of the tools and toolsets whose calls may run twice.
    """
    names = set(idempotent)
    again = point.machine.resume(point.snapshot).effects
    return tuple(
        effect
        for effect in again
        if isinstance(effect, CallTool)
        and effect.id in point.begun
        and effect.kind == "run"
        and not names & {effect.block.get("name"), effect.block.get("toolset_name")}
    )


def unknown_result(effect: CallTool) -> Json:
    """Return the ``tool_result`` block for a call whose outcome is unknown."""
    family = effect.block.get("toolset_name")
    member = {} if family is None else {"toolset_name": family}
    told = {"content": UNKNOWN_OUTCOME, "is_error": True}
    return {"type": "tool_result", "tool_use_id": effect.id, **member, **told}


def ask_person(point: ResumePoint, effects: Iterable[CallTool]) -> None:
    """Raise an error if the outcome of a call is unknown, so that a person decides.

    Raises:
        RunError: with the calls.
    """
    names = ", ".join(f"'{effect.block.get('name')}' ({effect.id})" for effect in effects)
    if names:
        hint = "find out, then resume with idempotent=[...] to run it again, or on_unknown='tell'"
        raise RunError(point.problem(f"it was cut off in calls whose outcome is unknown: {names} ({hint})"))
