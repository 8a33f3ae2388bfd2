"""Many journals: each is replayed, in order, by however many processes, and a bad one stops nobody."""

from __future__ import annotations

import gzip
import multiprocessing
import os
import signal
import sys
import textwrap
from dataclasses import replace

import pytest

from fsm_runner.engine.errors import JournalError
from fsm_runner.loop.events import Continued, Replied
from fsm_runner.replaying import ReplayReport
from fsm_runner.replaying.batch import journals_in, replay_many
from fsm_runner.replaying.totals import EXAMPLES, Totals
from tests.journal.worlds import Life, recorded, small_chart, text
from tests.support.processes import PATIENCE, spawned

GOOD = recorded(lambda journal: Life(journal).tell(Continued()).perform(Replied(message=text())))
BAD = GOOD.replace(b'"reason":"completed"', b'"reason":"closed"')


@pytest.fixture
def folder(tmp_path):
    """Nine journals: one cannot be read, one diverges, one is compressed and deeper inside."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for number in range(7):
        (tmp_path / f"{number}.jsonl").write_bytes(BAD if number == 3 else GOOD)
    (tmp_path / "7.jsonl").write_bytes(b"no journal\n")
    (tmp_path / "deep" / "er" / "8.jsonl.gz").write_bytes(gzip.compress(GOOD))
    (tmp_path / "notes.txt").write_text("not a journal", encoding="utf-8")
    return tmp_path


def test_a_folder_stands_for_the_journals_in_it_at_any_depth(folder):
    """By their names, sorted; a file stands for itself, and so does what is not there."""
    inside = [*(str(folder / f"{number}.jsonl") for number in range(8)), str(folder / "deep" / "er" / "8.jsonl.gz")]

    assert inside == journals_in([str(folder)])
    assert ["notes.txt", "nowhere", "-"] == journals_in(["notes.txt", "nowhere", "-"])


def test_a_folder_that_cannot_be_opened_is_among_what_was_found(folder, monkeypatch):
    """Its journals would be missed without a word."""
    closed = str(folder / "deep" / "er")
    scan = os.scandir

    def refuse(path):
        if os.fspath(path) == closed:
            raise PermissionError(13, "Permission denied", closed)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = dict(replay_many(journals_in([str(folder)])))

    assert f"{closed}: cannot be read: permission denied" == str(found[closed])
    assert 9 == len(found)


@pytest.mark.parametrize("workers", [1, 2, None])
def test_reports_come_in_the_order_of_the_files_whoever_made_them(folder, workers):
    """One process or two give the same."""
    sources = [*journals_in([str(folder)]), str(folder / "nowhere.jsonl")]
    found = list(replay_many(sources, workers=workers))

    assert sources == [source for source, _ in found]
    assert [True] * 3 + [False] + [True] * 3 + [None, True, None] == [
        each.conforms if isinstance(each, ReplayReport) else None for _, each in found
    ]
    assert [7, 9] == [at for at, (_, each) in enumerate(found) if isinstance(each, JournalError)]
    assert "cannot be read: no such file or directory" in str(found[9][1])
    assert ["/reason"] == [each.pointer for each in found[3][1].divergences]


def test_a_folder_without_journals_is_said_to_be_one(tmp_path):
    """With the endings that are looked for."""
    ((_, found),) = replay_many(journals_in([str(tmp_path)]))

    assert f"{tmp_path}: the folder holds no journal (journals there end in .jsonl or .jsonl.gz)" == str(found)


def test_nothing_is_left_of_the_processes(folder):
    """Neither at the end nor when nobody wants the rest."""
    sources = journals_in([str(folder)])
    for _ in replay_many(sources, workers=2):
        pass
    early = replay_many(sources * 100, workers=2)
    next(early)
    early.close()

    assert [] == multiprocessing.active_children()


def test_divergences_beyond_those_kept_are_counted(tmp_path):
    """What is kept does not grow with what is wrong."""
    wrong = GOOD.replace(b'"reason":"completed"', b'"reason":"closed"').replace(b'"detail":null', b'"detail":"so"')
    (tmp_path / "run.jsonl").write_bytes(wrong)
    ((_, report),) = replay_many([str(tmp_path / "run.jsonl")], keep=1)

    assert (1, 2) == (len(report.divergences), report.runs[0].differs)
    assert str(report).endswith("run.jsonl: 1 divergence more")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_diverges_does_not_conform_however_little_is_kept(folder, workers):
    """One divergence is always kept, since a run without one conforms."""
    sources = journals_in([str(folder)])[:6]
    found = [report.conforms for _, report in replay_many(sources, keep=0, workers=workers)]

    assert [True] * 3 + [False] + [True] * 2 == found


def test_totals_keep_a_few_examples_of_each_change(tmp_path):
    """However many runs there are."""
    start, request, tools, done = small_chart().states
    call, finish, give_up = request.transitions
    goes_on = small_chart(
        states=(start, replace(request, transitions=(call, replace(finish, target="request"), give_up)), tools, done)
    )
    (tmp_path / "run.jsonl").write_bytes(GOOD)
    totals = Totals()
    for _, report in replay_many([str(tmp_path / "run.jsonl")] * 9, chart=goes_on):
        totals.add(report)
    ((change, places),) = totals.changes.items()

    assert ("diverges", "request", "replied") == (change.verdict, change.state, change.event)
    assert ("done", "request") == (change.was.row.target, change.goes.row.target)
    assert (9, EXAMPLES) == (places.runs, len(places.examples))


PROGRAM = """
    import sys
    from fsm_runner.replaying.batch import replay_many

    if __name__ == "__main__":
        for source, _ in replay_many(sys.argv[1:] * 4000, workers=2):
            print(source, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_the_process_that_began_them(tmp_path, folder, number):
    """Interrupted or killed: the pipe that they inherited is closed, so nobody is left; and nobody complains."""
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM), encoding="utf-8")
    line = [sys.executable, str(tmp_path / "program.py"), *journals_in([str(folder)])]
    with spawned(line, alone=True) as child:
        child.stdout.readline()
        if number == signal.SIGINT:
            os.killpg(child.pid, number)  # as a terminal does: everyone is told
        else:
            child.kill()
        _, said = child.communicate(timeout=PATIENCE)

    assert child.returncode == -number or said.rstrip().endswith("KeyboardInterrupt")
    assert "SpawnProcess" not in said
