"""Killing: a life in a process of its own, ended by SIGKILL at a moment or an instant, and what must be true then.

The process is a fork of this one, which has imported everything, so a life takes some milliseconds.  A *moment* is a
place where the process may die: before and within the write of each record, and within each effect.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias

import structlog

import fsm_runner
from fsm_runner.journal import read, verify, whole_write
from fsm_runner.replaying.resume_point import UNKNOWN_OUTCOME, resume_point_of
from tests.crash.lives import MOST_TOKENS, PREFIX, RUN, Life, live, unmarked

DIGEST = 64

UNENDED = "its line has no end"
"""What `verify` says of a run that was killed in the last byte of its last line: nothing is lost."""

Kind: TypeAlias = Literal["record", "torn", "effect"]
"""Of a moment: before a record is written, when half of it is, within an effect."""


@dataclass
class Clockwork:
    """Counts moments by kind, and ends the process at the one that is `fatal`; None: never.

    Of a write that is torn, `cut` says how much of it is done: from 0, a byte, to 1, all but a byte."""

    fatal: tuple[Kind, int] | None = None
    cut: float = 0.5
    counts: Counter[Kind] = field(default_factory=Counter)

    def __call__(self) -> None:
        """A moment within an effect."""
        self.kill_if(self.due("effect"))

    def due(self, kind: Kind) -> bool:
        """Whether this moment, which counts, is the fatal one."""
        self.counts[kind] += 1
        return self.fatal == (kind, self.counts[kind])

    def part_of(self, data: bytes) -> bytes:
        """What is written of `data` when the process dies within."""
        return data[: 1 + int(self.cut * (len(data) - 2))]

    def kill_if(self, due: bool) -> None:
        """End the process, as nothing can prevent."""
        if due:
            os.kill(os.getpid(), signal.SIGKILL)


def die(
    life: Life,
    folder: Path,
    *,
    idempotent: bool,
    fatal: tuple[Kind, int] | None = None,
    cut: float = 0.5,
    after: float | None = None,
) -> bool:
    """Live in a process of its own, killed at the moment `fatal`, or `after` seconds; return whether it was.

    Every record that it acknowledged is in the journal.  A life that is over leaves a count of its moments.

    Raises:
        AssertionError: a record is missing, or the process ended in an error.
    """
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        _be_the_child(life, folder, writes, Clockwork(fatal, cut), idempotent=idempotent)
    os.close(writes)
    if after is not None:
        ending = os.pidfd_open(child)
        if not select.select([ending], [], [], after)[0]:
            os.kill(child, signal.SIGKILL)
        os.close(ending)
    with os.fdopen(reads, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), f"the life ended with status {status}"
    missing = lost(told, folder)
    assert not missing, f"{len(missing)} records that were acknowledged are not in the journal"
    return status != 0


def lost(told: bytes, folder: Path) -> list[bytes]:
    """The digests in `told`, each of a record that was acknowledged, whose lines are not in the journal."""
    journal = folder / "run.jsonl"
    lines = journal.read_bytes().split(b"\n") if journal.exists() else []
    there = {sha256(line).hexdigest().encode() for line in lines}
    pieces = [told[at : at + DIGEST] for at in range(0, len(told) - DIGEST + 1, DIGEST)]
    return [each for each in pieces if each not in there]


def _be_the_child(life: Life, folder: Path, writes: int, moment: Clockwork, *, idempotent: bool) -> None:
    status = 1
    try:
        setattr(structlog, "BytesLogger", _logger_that_dies(moment, writes))  # noqa: B010 - a type cannot be assigned to
        setattr(whole_write, "os", _DyingOs(moment))  # noqa: B010 - nor can a module
        live(life, folder / "run.jsonl", folder / "noted", moment, idempotent=idempotent)
        (folder / "moments").write_text(json.dumps(moment.counts))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _logger_that_dies(moment: Clockwork, writes: int) -> Any:
    class Dying(structlog.BytesLogger):
        """Writes lines, acknowledges each, and may die before, within and after one."""

        def __init__(self, file: BinaryIO) -> None:
            super().__init__(file)
            self.file = file
            self.counts = str(getattr(file, "name", "")).endswith("run.jsonl")

        def msg(self, message: bytes) -> None:
            if not self.counts:
                super().msg(message)
                return
            moment.kill_if(moment.due("record"))
            if moment.due("torn"):
                self.file.write(moment.part_of(message + b"\n"))
                self.file.flush()
                moment.kill_if(True)
            super().msg(message)
            line = message.removeprefix(b"\n")  # which ends a line that was left unfinished
            os.write(writes, sha256(line).hexdigest().encode())

    return Dying


class _DyingOs:
    """The module `os`, but that a write may be the last."""

    def __init__(self, moment: Clockwork) -> None:
        self._moment = moment

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def write(self, number: int, data: bytes) -> int:
        if self._moment.due("torn"):
            os.write(number, self._moment.part_of(data))
            self._moment.kill_if(True)
        return os.write(number, data)


def answered(folder: Path) -> set[str]:
    """The keys of the calls whose end, or whose result, the journal holds: none of them may run again."""
    journal = folder / "run.jsonl"
    ends = {("completed", "call_tool"), ("event", "tool_finished")}
    return {
        str(record.data["id"]).removeprefix(PREFIX)
        for record in (read(journal) if journal.exists() else ())
        if record.run == RUN and (record.type, record.data.get("effect", record.data.get("event"))) in ends
    }


def noted(folder: Path) -> Counter[str]:
    """How often the tool ran, by key."""
    path = folder / "noted"
    return Counter(path.read_text().split()) if path.exists() else Counter()


def messages(folder: Path) -> list[Mapping[str, Any]]:
    """The conversation of the run, as its journal has it, without the marks of the processes."""
    history = resume_point_of(folder / "run.jsonl", run_id=RUN).snapshot.context.conversation.history
    return list(json.loads(unmarked(json.dumps(list(history)))))


def same(expected: list[Mapping[str, Any]], found: list[Mapping[str, Any]], *, idempotent: bool) -> bool:
    """Whether two conversations say the same; a result of unknown outcome stands for any, where calls run only once."""
    return expected == found or (not idempotent and len(expected) == len(found) and all(map(_alike, expected, found)))


def _alike(expected: Any, found: Any) -> bool:
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        if found.get("content") == UNKNOWN_OUTCOME:
            return expected.get("tool_use_id") == found.get("tool_use_id")
        return expected.keys() == found.keys() and all(_alike(expected[key], found[key]) for key in expected)
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(_alike, expected, found))
    return bool(expected == found)


def check_life(folder: Path, before: set[str], ran: Counter[str]) -> None:
    """What must be true of one life of a run, before which calls had been answered and tools had run.

    Raises: AssertionError.
    """
    more = noted(folder) - ran
    again = before & more.keys()
    assert not again, f"tools that had completed ran again: {sorted(again)}"
    assert max(more.values(), default=0) <= 1, f"a tool ran more than once in one life: {more}"


def check_end(folder: Path, life: Life, expected: list[Mapping[str, Any]], *, idempotent: bool) -> None:
    """What must be true of a run that was killed and has been resumed to its end.

    Raises: AssertionError.
    """
    report = fsm_runner.replay(folder / "run.jsonl")
    assert report.conforms, str(report)
    assert ["completed"] == [each.ended for each in report.runs if each.run == RUN], str(report)
    assert {None, "completed"} >= {each.ended for each in report.runs}, str(report)
    verification = verify(folder / "run.jsonl", life.key)
    flaws = [flaw for flaw in verification.flaws if flaw.run in (None, RUN, "neighbour") and flaw.problem != UNENDED]
    assert not flaws, str(verification)
    if life.forks:
        params = resume_point_of(folder / "run.jsonl", run_id=RUN).snapshot.context.settings.params
        assert MOST_TOKENS == params["max_tokens"], "the fork went on with parameters of before"
    found, ran = messages(folder), noted(folder)
    assert same(expected, found, idempotent=idempotent), "the final messages differ"
    told = set(re.findall(r"noted (\w+)", json.dumps(found)))
    lost = told - {unmarked(key) for key in ran}
    assert not lost, f"the model was told of tools that did not run: {sorted(lost)}"
    assert not life.approval or not [key for key in ran if unmarked(key) == "b"], "a tool ran that a person had refused"
    if not idempotent:
        assert max(ran.values(), default=0) <= 1, f"a tool that must run once ran again: {ran}"
