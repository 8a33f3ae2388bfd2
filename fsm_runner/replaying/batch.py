"""Batches: many journals, replayed by as many processes as there are cores, and reported in their order."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from fsm_runner.engine.chart import Chart
from fsm_runner.engine.errors import FsmRunnerError, JournalError, RunError
from fsm_runner.engine.text import why
from fsm_runner.loop.facts import Fact
from fsm_runner.replaying.report import ReplayReport
from fsm_runner.replaying.verify import Replayer

KEPT = 20
"""How many divergences of each run are kept; all are counted."""

LITTLE = 32_000_000
"""Bytes of all journals together up to which they are replayed in this process."""

SHARE = 1_000_000
"""Bytes of journals that a worker is given at a time, unless one of them is larger."""

MOST = 64
"""How many journals a worker is given at a time, at most."""

SUFFIXES = (".jsonl", ".jsonl.gz")
"""How the journals in a folder are called."""

Found: TypeAlias = ReplayReport | FsmRunnerError
"""What became of a journal: the report on it, or why there is none."""

Given: TypeAlias = Callable[[], Iterable[Fact]]
"""Gives the facts of the user's own.  Each worker calls it, so it must be a function that it can import."""


def journals_in(sources: Iterable[str]) -> list[str]:
    """Return the journals that `sources` name: files as they are, of a folder all that it holds, at any depth."""
    return [journal for source in sources for journal in _inside(source) or [source]]


def _inside(source: str) -> list[str]:
    """The journals in a folder, sorted, and the folders in it that cannot be opened, whose journals are missed else."""
    unread: list[str] = []
    found = [
        str(Path(folder, name))
        for folder, _, names in os.walk(source, onerror=lambda error: unread.append(str(error.filename)))
        for name in names
        if name.endswith(SUFFIXES)
    ]
    return sorted([*found, *unread])


def replay_many(
    sources: Sequence[str],
    *,
    chart: Chart | None = None,
    facts: Given = tuple,
    keep: int = KEPT,
    workers: int | None = None,
) -> Generator[tuple[str, Found], None, None]:
    """Yield each journal with what became of it, in the order of `sources`.  Close it to end its processes early.

    Args:
        sources: the journals' paths; ``"-"`` is standard input.
        chart: a chart to replay on instead of the recorded ones; checked by whoever made it.
        facts: gives the facts of the user's own that the charts ask.
        keep: how many divergences of each run are kept, from 1 up; all are counted.
        workers: how many processes; None: as many as there are cores, or this one alone when there is little to do.

    Raises:
        ChartError: `chart` asks a fact that has no code.
        RunError: a worker was killed.
    """
    keep = max(1, keep)  # a run without a divergence conforms
    replayer = Replayer(chart, tuple(facts()), keep=keep)
    count = _workers(sources) if workers is None else min(workers, len(sources))
    if count < 2 or "-" in sources:
        return ((source, _replayed(replayer, source)) for source in sources)
    return _side_by_side(sources, (chart, facts, keep), count)


def _workers(sources: Sequence[str]) -> int:
    """How many processes are worth their start."""
    if len(sources) < 2 or sum(map(_size, sources)) < LITTLE:
        return 1
    return min(len(sources), len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _size(source: str) -> int:
    try:
        return Path(source).stat().st_size
    except OSError:
        return 0


def _replayed(replayer: Replayer, source: str) -> Found:
    try:
        if Path(source).is_dir():
            os.scandir(source).close()  # whether it can be read
            hint = f"journals there end in {' or '.join(SUFFIXES)}"
            return JournalError(source, None, f"the folder holds no journal ({hint})")
    except OSError as error:
        return JournalError(source, None, f"cannot be read: {why(error)}")
    try:
        return replayer.replay(source)
    except FsmRunnerError as error:
        return error


# ── side by side ────────────────────────────────────────────────────────────────────────────────────────────────────


def _side_by_side(
    sources: Sequence[str], given: tuple[Chart | None, Given, int], workers: int
) -> Generator[tuple[str, Found], None, None]:
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin, given)
    at_work: deque[tuple[list[str], Future[list[Found]]]] = deque()
    shares = _shares(sources)
    try:
        for share in islice(shares, 2 * workers):
            at_work.append((share, pool.submit(_work, share)))
        while at_work:
            share, work = at_work.popleft()
            found = work.result()
            for more in islice(shares, 1):
                at_work.append((more, pool.submit(_work, more)))
            yield from zip(share, found, strict=True)
    except BrokenProcessPool:
        raise RunError("a process that replayed was killed (is there enough memory? try one worker)") from None
    except BaseException:  # also if the caller stops here: jobs that are running are not waited for
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _shares(sources: Iterable[str]) -> Iterator[list[str]]:
    """The journals in the shares that workers are given."""
    share: list[str] = []
    size = 0
    for source in sources:
        share.append(source)
        size += _size(source)
        if size >= SHARE or len(share) == MOST:
            yield share
            share, size = [], 0
    if share:
        yield share


_replayers: list[Replayer] = []
"""A worker's own, made once."""


def _begin(chart: Chart | None, facts: Given, keep: int) -> None:
    """Begin a worker.  It ends with the process that began it, also when that is killed; Ctrl-C is for that one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _replayers.append(Replayer(chart, tuple(facts()), keep=keep))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _work(sources: list[str]) -> list[Found]:
    return [_replayed(_replayers[0], source) for source in sources]
