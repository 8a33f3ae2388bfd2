"""`fsm-runner resume` and `fork`: a run goes on, or another way."""

from __future__ import annotations

import re

import pytest

MODEL = """
def again():
    from fsm_runner.testing import ScriptedModel
    turns = [tool_use("add", {"a": 1, "b": 2}, id="t1"), text("It is 3.")]
    return ScriptedModel(lambda asked: turns[sum(m["role"] == "assistant" for m in asked.conversation)]).client()
"""


@pytest.fixture
def journal(command, tmp_path):
    """A journal that was cut off in a tool call."""
    with (tmp_path / "agent.py").open("a", encoding="utf-8") as file:
        file.write(MODEL)
    done = command("run", "1 + 2?", "--client", "agent:again", "--tool", "agent:add", "--journal", "run.jsonl")

    assert 0 == done.exit_code, done.output
    path = tmp_path / "run.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    begun = next(at for at, line in enumerate(lines, start=1) if b'"type":"scheduled","id":"t1"' in line)
    path.write_bytes(b"".join(lines[:begun]))
    return path


def test_a_run_goes_on_and_is_shown(command, journal):
    """The rest of its transitions, and why it ended."""
    done = command("resume", journal, "--client", "agent:again", "--tool", "agent:add", "--idempotent", "add")

    assert 0 == done.exit_code, done.output
    assert "It is 3." in done.stdout
    assert "completed" in done.stdout
    assert 0 == command("replay", journal).exit_code


def test_a_call_is_named_that_the_program_before_had_made(command, journal):
    """Its result comes now, and `tool` would say little."""
    done = command("resume", journal, "--client", "agent:again", "--tool", "agent:add")

    assert "    add  failed: The outcome of this call is unknown" in done.stdout


def test_a_run_is_sealed_with_its_key_when_it_is_resumed(command, journal):
    """So that `verify` takes it; without the key it would not."""
    (journal.parent / "key").write_bytes(b"k" * 32 + b"\n")
    given = "--client", "agent:again", "--tool", "agent:add", "--key-file", "key", "--sync", "effect"
    done = command("resume", journal, *given)

    assert 0 == done.exit_code, done.output
    assert 0 == command("verify", journal, "--key-file", "key").exit_code


def test_a_person_is_asked(command, journal):
    """Exit code 1, and the call that is open."""
    done = command("resume", journal, "--client", "agent:again", "--tool", "agent:add", "--ask")

    assert 1 == done.exit_code
    assert "'add' (t1)" in done.stderr


def test_a_fork_says_where_it_is_and_can_be_resumed(command, journal):
    """Beside the run that it comes from, with a parameter of its own."""
    done = command("fork", journal, "--at", "5", "--set", "max_tokens=7")

    assert 0 == done.exit_code, done.output
    assert "run-from-5.jsonl" in done.stdout
    done = command("resume", "run-from-5.jsonl", "--client", "agent:again", "--tool", "agent:add")
    assert 0 == done.exit_code, done.output
    assert '"max_tokens":7' in (journal.parent / "run-from-5.jsonl").read_text(encoding="utf-8")


def test_a_second_fork_in_one_file_is_named_where_it_is_to_be_resumed(command, journal):
    """For the file alone would not say which."""
    command("fork", journal, "--at", "1")
    done = command("fork", journal, "--at", "1")

    told = re.search(r"run '(\w+)' shares 1 record .fsm-runner (resume .*) --run-id (\w+)\)", done.stdout)
    assert told, done.output
    assert told[1] == told[3]
    assert (
        0 == command(*told[2].split(), "--run-id", told[3], "--client", "agent:again", "--tool", "agent:add").exit_code
    )


def test_a_parameter_that_no_request_takes_is_refused(command, journal):
    """In one line."""
    done = command("fork", journal, "--at", "5", "--set", "modle=x")

    assert (2, "fork: params: 'modle' cannot be given (did you mean 'model'?)\n") == (done.exit_code, done.stderr)


def test_a_parameter_without_a_value_is_refused(command, journal):
    """With how to write it."""
    done = command("fork", journal, "--at", "5", "--set", "max_tokens")

    assert 2 == done.exit_code
    assert "--set 'max_tokens': write it as name=value" in done.stderr


@pytest.mark.parametrize("name", ["resume", "fork"])
@pytest.mark.parametrize(
    ("holds", "options", "said"),
    [
        (b"", (), "it holds no run (is it the right file?)"),
        (b"some log\n", ("--run-id", "r9"), "it holds no run (is it the right file?)"),
        (None, ("--run-id", "r9"), "it holds no run 'r9' (there is: '"),
    ],
)
def test_a_run_that_is_not_there_was_named_wrongly(command, journal, name, holds, options, said):
    """Exit code 2, as of every command that is given the wrong file."""
    if holds is not None:
        journal.write_bytes(holds)
    given = ("--at", "5") if name == "fork" else ("--client", "agent:again", "--tool", "agent:add")
    done = command(name, "run.jsonl", *given, *options)

    assert (2, "") == (done.exit_code, done.stdout)
    assert done.stderr.startswith(f"run.jsonl: {said}")
