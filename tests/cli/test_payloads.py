"""`--payloads`: a folder of payloads that was moved, for every command that reads a journal."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from anthropic import beta_tool

from fsm_runner import Journal, tool_runner
from fsm_runner.testing import ScriptedModel, text, tool_use
from tests.cli.test_resume import MODEL

TAKEN = "--client", "agent:again", "--tool", "agent:add", "--idempotent", "add"

READERS = {
    "verify": ("verify", "run.jsonl"),
    "show": ("show", "run.jsonl"),
    "show --follow": ("show", "--follow", "run.jsonl"),
    "show several": ("show", "run.jsonl", "copy.jsonl", "--format", "json"),
    "compare": ("compare", "run.jsonl", "copy.jsonl"),
    "replay": ("replay", "run.jsonl"),
    "replay a folder": ("replay", "runs"),
    "replay side by side": ("replay", "runs", "--workers", "2"),
    "replay --chart": ("replay", "run.jsonl", "--chart", "states"),
    "draw": ("draw", "--journal", "run.jsonl"),
    "fork": ("fork", "run.jsonl", "--at", "5"),
    "resume": ("resume", "cut.jsonl", *TAKEN),
}
WITHOUT = {"show", "show --follow", "show several", "draw"}
"""Those that can do without payloads."""


@pytest.fixture(params=READERS)
def reader(request):
    """Each command that reads a journal, by a name."""
    return request.param


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A folder with the journal of a run whose question is long, and a folder of payloads."""
    folder = tmp_path_factory.mktemp("recorded")

    @beta_tool
    def add(a: int, b: int) -> str:
        """Add."""
        return str(a + b)

    with Journal.open(folder / "run.jsonl", run="r1", payloads=folder / "payloads") as journal:
        tool_runner(
            ScriptedModel([tool_use("add", {"a": 1, "b": 2}, id="t1"), text("It is 3.")]).sync_client(),
            model="any",
            max_tokens=99,
            messages=[{"role": "user", "content": "1 + 2?" + " Think." * 10_000}],
            tools=[add],
            thread=False,
            journal=journal,
        ).until_done()
    return folder


@pytest.fixture
def payload(command, recorded, tmp_path):
    """The one payload of the journal, in a folder that was moved; with copies of the journal, one of them cut off."""
    with (tmp_path / "agent.py").open("a", encoding="utf-8") as file:
        file.write(MODEL)
    data = (recorded / "run.jsonl").read_bytes()
    (tmp_path / "runs" / "deep").mkdir(parents=True)
    for copy in ("run.jsonl", "copy.jsonl", "runs/1.jsonl", "runs/deep/2.jsonl"):
        (tmp_path / copy).write_bytes(data)
    lines = data.splitlines(keepends=True)
    begun = next(at for at, line in enumerate(lines, start=1) if b'"type":"scheduled","id":"t1"' in line)
    (tmp_path / "cut.jsonl").write_bytes(b"".join(lines[:begun]))
    shutil.copytree(recorded / "payloads", tmp_path / "moved")
    (payload,) = (tmp_path / "moved").glob("*/*")
    return payload


def test_a_folder_that_was_moved_is_named(command, reader, payload):
    """Of several journals, and of those in a folder, it is for each."""
    done = command(*READERS[reader], "--payloads", "moved")

    assert 0 == done.exit_code, done.output


def test_without_it_only_what_needs_no_payload_is_told(command, reader, payload):
    """The others say what to do."""
    done = command(*READERS[reader])

    assert (done.exit_code == 0) == (reader in WITHOUT), done.output
    assert ("say which folder it is in: --payloads" in done.output) == (reader not in WITHOUT)


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (lambda path: path.unlink(), r"is missing \(restore it, or say which folder it is in: --payloads, .*\)"),
        (lambda path: path.write_bytes(b"x"), r"is not what was written \(restore it from a copy\)"),
    ],
    ids=["missing", "altered"],
)
def test_a_payload_that_is_not_there_is_named_with_its_line(command, reader, payload, harm, problem):
    """File, line, hash and a way out; also where no payload is needed, once the folder is named."""
    harm(payload)
    done = command(*READERS[reader], "--payloads", "moved")
    place = rf"^(run|cut|copy|runs/1).jsonl:1: .*payload 'moved/../{payload.name}' {problem}$"

    assert (2 if reader == "compare" else 1) == done.exit_code
    assert re.search(place, done.output, re.MULTILINE), done.output


@pytest.mark.parametrize("reader", [each for each in READERS if each != "resume"], indirect=True)
def test_a_folder_that_is_not_there_is_refused_before_anything_is_read(command, reader, payload):
    """But for the rest of a run, which may go to a new one."""
    done = command(*READERS[reader], "--payloads", "nowhere")

    assert (2, "") == (done.exit_code, done.stdout)
    assert "--payloads" in done.stderr
    assert "nowhere" in done.stderr


def test_a_run_that_goes_on_finds_what_it_had_wherever_the_rest_goes(command, payload, tmp_path):
    """A new folder is looked in first, then the one that the journal names; and it is written to."""
    (tmp_path / "moved").rename(tmp_path / "payloads")
    long = "system=" + json.dumps("Be brief. " * 10_000)
    done = command("resume", "cut.jsonl", *TAKEN, "--payloads", "new", "--set", long)

    assert 0 == done.exit_code, done.output
    assert list((tmp_path / "new").glob("*/*"))
    assert 0 == command("replay", "cut.jsonl").exit_code


def test_a_fork_holds_what_its_origin_has_beside_it(command, payload, tmp_path):
    """So it needs no folder."""
    command("fork", "run.jsonl", "--at", "5", "--payloads", "moved")
    shutil.rmtree(tmp_path / "moved")

    assert 0 == command("replay", "run-from-5.jsonl").exit_code


def test_standard_input_has_payloads_too(command, payload, tmp_path):
    """They are where it is said."""
    data = (tmp_path / "run.jsonl").read_text(encoding="utf-8")

    for name in ("show", "replay", "verify"):
        assert 0 == command(name, "-", "--payloads", "moved", stdin=data).exit_code
    assert 0 == command("compare", "run.jsonl", "-", "--payloads", "moved", stdin=data).exit_code


def test_a_folder_whose_name_is_none_is_said_with_the_payload(command, payload, tmp_path):
    """Someone has edited the line."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(path.read_bytes().replace(b'{"folder":"payloads"', b'{"folder":"pay\\u0000"'))
    done = command("replay", "run.jsonl")

    assert 1 == done.exit_code
    assert "run.jsonl:1: payload 'pay" in done.stderr
    assert "cannot be read: embedded null byte (restore the line from a copy)" in done.stderr


def test_two_runs_on_standard_input_are_compared(command, payload, tmp_path):
    """Each is read at its own pace."""
    data = (tmp_path / "run.jsonl").read_text(encoding="utf-8")
    both = data + data.replace('"run":"r1"', '"run":"r2"')
    done = command("compare", "-", "--run", "r1", "--run", "r2", "--payloads", "moved", stdin=both)

    assert (0, "equal: no record differs in what matters") == (done.exit_code, done.stdout.splitlines()[3])
