"""Payloads beside the journal: what is large goes to a file of its own, and nobody who reads need know."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

import fsm_runner
from fsm_runner.core.errors import JournalError
from fsm_runner.core.events import Appended, Continued, Replied, ToolFinished
from fsm_runner.forking import fork
from fsm_runner.journal import Journal, read, verify
from fsm_runner.journal.render import render
from tests.journal.worlds import Life, recorded, result, text, uses
from tests.replaying.test_resuming import World, finished

OVER = 4_000
IMAGE = "aGk=" * 2_000


def picture(journal):
    """A run whose tool finds an image."""
    life = Life(journal).tell(Continued()).perform(Replied(message=uses("a")))
    source = {"type": "base64", "media_type": "image/png", "data": IMAGE}
    life.perform(ToolFinished(id="a", result=result("a", [{"type": "image", "source": source}])))
    life.perform(Replied(message=text()))


def told(*messages):
    """A run that is told `messages`."""
    return lambda journal: Life(journal).tell(Appended(messages=messages))


def said(content):
    """A message of the user's."""
    return {"role": "user", "content": content}


@pytest.fixture
def write(tmp_path):
    """Write a journal with a side folder; return its path."""

    def write(live, name="run.jsonl", **options):
        path = tmp_path / name
        given = {"run": "r1", "clock": None, "payloads": tmp_path / "payloads", "payloads_over": OVER, **options}
        with Journal.open(path, **given) as journal:
            live(journal)
        return path

    return write


def data_of(path, **options):
    """What a journal says, record by record."""
    return [(record.seq, record.type, record.data) for record in read(path, **options)]


def whole(live):
    """The same, of a journal with all in it."""
    return data_of(io.BytesIO(recorded(live)))


def files(folder):
    """What is in a folder, by path from it."""
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_what_is_large_is_in_a_file_named_by_its_hash(write, tmp_path):
    """As JSON; a stand-in is left, and the record says where."""
    lines = write(picture).read_bytes().splitlines()
    (line,) = [json.loads(line) for line in lines if b"$payload" in line]
    body = render(IMAGE)
    name = sha256(body).hexdigest()

    assert {f"{name[:2]}/{name}": body} == files(tmp_path / "payloads")
    assert {"$payload": f"sha256:{name}", "bytes": len(body)} == line["result"]["content"][0]["source"]["data"]
    assert {"folder": "payloads", "at": ["/result/content/0/source/data"]} == line["payloads"]
    assert ["payloads", "prev"] == list(line)[-2:]
    assert all(len(line) < 2 * OVER for line in lines)


def test_reading_puts_it_back(write):
    """Nothing tells what is read from a journal that holds it all."""
    assert whole(picture) == data_of(write(picture))


@pytest.mark.parametrize(
    ("content", "pointers"),
    [
        ("x" * (OVER - 100), []),
        ("x" * (OVER - 2), ["/messages/0"]),
        ("x" * (OVER - 1), ["/messages/0/content"]),
        (["x" * 2_400, "y" * 2_400], ["/messages/0/content"]),
        (["x" * 8_000, "y" * 2_400], ["/messages/0/content/0"]),
        (["x" * 8_000, "y" * 2_400, "z" * 2_400], ["/messages/0/content", "/messages/0/content/0"]),
        ({"a/b~": "x" * 8_000}, ["/messages/0/content/a~1b~0"]),
    ],
)
def test_the_innermost_large_value_goes_first_then_what_holds_it(write, content, pointers):
    """At the limit a value stays, but what holds it may not; what small ones make large goes as one.

    The outermost is named first, as reading needs it.
    """
    path = write(told(said(content)))
    last = json.loads(path.read_bytes().splitlines()[-1])

    assert pointers == last.get("payloads", {"at": []})["at"]
    assert whole(told(said(content))) == data_of(path)


def test_what_only_looks_like_a_stand_in_is_what_was_said(write, tmp_path):
    """A tool may say anything; also beside a real one."""
    forged = {"$payload": "sha256:" + "0" * 64, "bytes": 3}
    live = told(said([forged, "x" * 8_000]), {"payloads": {"folder": "/", "at": ["/messages"]}})

    assert whole(live) == data_of(write(live))


def test_a_field_that_a_processor_calls_so_stays(write):
    """It is the user's own."""
    path = write(told(said("x")), processors=[lambda _, __, record: {**record, "payloads": "mine"}])

    assert {"mine"} == {data["payloads"] for _, _, data in data_of(path)}


def test_redactions_contents_and_processors_come_first(write, tmp_path):
    """What must not be in the journal must not be beside it; a processor sees what is said, not stand-ins."""
    seen = []

    def shorten(logger, method, record):
        seen.append(record.get("result"))
        return {**record, "result": "short"} if record.get("event") == "tool_finished" else record

    write(picture, "b", content="none")
    write(picture, "c", redact={"/event/result/content": "left out"})
    write(picture, "d", processors=[shorten])

    assert {} == files(tmp_path / "payloads")
    assert IMAGE in str(seen)


def test_equal_values_are_written_once(write, tmp_path):
    """Also by another run; what is there and is not what it should be is written anew."""
    write(picture)
    (path,) = (tmp_path / "payloads").glob("*/*")
    before = path.stat()
    write(picture, "again")

    assert (before.st_mtime_ns, before.st_ino) == (path.stat().st_mtime_ns, path.stat().st_ino)

    path.write_bytes(path.read_bytes().replace(b"h", b"H"))
    again = write(picture, "once more")

    assert whole(picture) == data_of(again)


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (Path.unlink, "is missing (restore it, or say which folder it is in: --payloads, or payloads=)"),
        (lambda path: path.write_bytes(b""), "is not what was written (restore it from a copy)"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x"), "is not what was written (restore it from a"),
        (lambda path: path.write_bytes(path.read_bytes() + b" "), "is not what was written (restore it from a copy)"),
        (lambda path: (path.unlink(), path.mkdir()), "cannot be read: is a directory"),
    ],
)
def test_a_payload_that_is_missing_or_altered_is_named_with_its_line(write, tmp_path, harm, problem):
    """Reading stops there; verifying goes on; a run beside it is no concern of it."""
    path = write(picture)
    write(told(said("x")), run="r2")
    (payload,) = (tmp_path / "payloads").glob("*/*")
    harm(payload)
    line = next(at for at, line in enumerate(path.read_bytes().splitlines(), start=1) if b"$payload" in line)
    expected = f"payload '{payload}' {problem}"

    with pytest.raises(JournalError, match=f"^{re.escape(f'{path}:{line}: {expected}')}"):
        list(read(path))
    verification = verify(path, unsealed=True)
    assert [(line, "r1", True)] == [
        (flaw.line, flaw.run, flaw.problem.startswith(expected)) for flaw in verification.flaws
    ]
    assert [17, 2] == [run.records for run in verification.runs]
    assert 2 == len(list(read(path, run="r2")))


@pytest.mark.parametrize("at", ["/messages/0", "/nothing/0", "/messages/9/content", "", "/messages/0/content/deep"])
def test_a_place_where_no_stand_in_is_names_its_line(write, at):
    """A forged line is no reason to fall over."""
    path = write(told(said("x" * 8_000)))
    path.write_bytes(path.read_bytes().replace(b'"at":["/messages/0/content"]', b'"at":["%s"]' % at.encode()))

    with pytest.raises(JournalError, match=f"run.jsonl:2: there is no payload at '{at}'"):
        list(read(path))
    assert not verify(path, unsealed=True).intact


def test_the_folder_is_found_from_the_journal_or_where_it_is_said_to_be(write, tmp_path, monkeypatch):
    """Both may be moved together; compressed, and from an open file, too."""
    path = write(picture)
    moved = tmp_path / "moved"
    moved.mkdir()
    shutil.move(tmp_path / "payloads", moved)
    (moved / "run.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))

    assert whole(picture) == data_of(moved / "run.jsonl.gz")
    assert whole(picture) == data_of(path, payloads=moved / "payloads")
    assert verify(path, payloads=moved / "payloads").intact
    assert fsm_runner.replay(path, payloads=moved / "payloads").conforms
    assert not verify(path).intact

    monkeypatch.chdir(moved)

    assert whole(picture) == data_of(io.BytesIO(path.read_bytes()))


def test_what_no_folder_is_named_from_is_named_in_full(tmp_path):
    """An open file may be anywhere."""
    file = io.BytesIO()
    with Journal.open(file, run="r1", clock=None, payloads=tmp_path / "p", payloads_over=OVER) as journal:
        picture(journal)

    assert whole(picture) == data_of(io.BytesIO(file.getvalue()))


def test_a_payload_is_on_disk_before_the_record_that_names_it(write, tmp_path, monkeypatch):
    """With the names of its folders; and it never is there in part."""
    seen = []
    fsync = os.fsync

    def see(number):
        fsync(number)
        name = str(Path(f"/proc/self/fd/{number}").readlink()).removeprefix(f"{tmp_path}/")
        journal = (tmp_path / "run.jsonl").read_bytes() if (tmp_path / "run.jsonl").exists() else b""
        seen.append((re.sub("[0-9a-f]{32,}", "*", re.sub("/[0-9a-f]{2}(?=/|$)", "/ab", name)), b"$payload" in journal))

    if not Path("/proc/self/fd").exists():
        pytest.skip("only /proc tells what a file is called by its number")
    monkeypatch.setattr(os, "fsync", see)
    write(picture, sync="effect")
    beside = [each for each in seen if each[0].startswith("payloads")]

    assert [("payloads", False), ("payloads/ab/*.*.tmp", False), ("payloads/ab", False)] == beside
    assert ("run.jsonl", True) == seen[seen.index(beside[-1]) + 1]


def test_a_folder_that_cannot_be_written_is_a_journal_error(write, tmp_path):
    """It is said before a request is paid for; a limit that is none, before a file is made."""
    (tmp_path / "taken").write_text("")

    with pytest.raises(JournalError, match=r"taken: cannot be written: file exists"):
        write(picture, payloads=tmp_path / "taken")
    for over in (255, -1, True, 1e6):
        with pytest.raises(ValueError, match=r"payloads_over=.*: it is no number of bytes from 256 up"):
            write(picture, "no", payloads_over=over)
    assert not (tmp_path / "no").exists()


def test_a_full_disk_is_a_journal_error(write, tmp_path):
    """The record is not written; the run ends there."""
    path = tmp_path / "payloads"
    path.mkdir()
    for each in range(256):
        (path / f"{each:02x}").write_text("")

    with pytest.raises(JournalError, match=r"payloads/../[0-9a-f]{64}: cannot be written: "):
        write(picture)
    assert "completed" == list(read(tmp_path / "run.jsonl"))[-1].type


def test_such_a_run_replays_is_resumed_and_is_forked(tmp_path):
    """A fork holds all that it has."""
    world = World(tmp_path)
    beside = {"payloads": tmp_path / "large", "payloads_over": 256}
    with Journal.open(world.path, run="r", **beside) as journal:
        world.recorded(journal=journal)
    lines = world.lines

    assert fsm_runner.replay(world.path).conforms
    assert any(b"$payload" in line for line in lines)
    for cut in (5, 12, 20):
        world.cut(cut)
        fork(world.path, at=cut, into=tmp_path / f"fork-{cut}.jsonl")
        finished(world.resumed(journal=beside))

        assert fsm_runner.replay(world.path).conforms, cut
        assert verify(world.path).intact, cut

    (tmp_path / "large").rename(tmp_path / "moved")
    world.cut(5)
    elsewhere = {"payloads": tmp_path / "moved"}

    assert fsm_runner.replay(tmp_path / "fork-20.jsonl").conforms
    with pytest.raises(JournalError, match="is missing"):
        world.resumed()
    with pytest.raises(JournalError, match="is missing"):
        fork(world.path, at=5, into=tmp_path / "none.jsonl")
    assert not (tmp_path / "none.jsonl").exists()

    fork(world.path, at=5, into=tmp_path / "again.jsonl", **elsewhere)
    assert fsm_runner.replay(tmp_path / "again.jsonl").conforms
    assert "completed" == finished(world.resumed(**elsewhere)).stop.reason
    assert verify(world.path, **elsewhere).intact
