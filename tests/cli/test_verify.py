"""`fsm-runner verify`: what is reported, and the exit code."""

from __future__ import annotations

import pytest

from tests.journal.test_integrity import KEY, SHORT, one_turn
from tests.journal.worlds import recorded


@pytest.fixture
def sealed(tmp_path):
    """A journal sealed with a key, and the key in a file, as an editor would have written it."""
    (tmp_path / "run.jsonl").write_bytes(SHORT)
    (tmp_path / "key").write_bytes(KEY + b"\n")
    return tmp_path / "run.jsonl"


def test_a_journal_that_nobody_touched_exits_with_0(command, sealed):
    """With each run, and what its seal is worth."""
    done = command("verify", sealed, "--key-file", "key")

    assert (0, f"{sealed}: as it was written\n  run 'r1': 8 records, sealed with the key\n") == (
        done.exit_code,
        done.stdout,
    )


def test_a_changed_record_exits_with_1_and_is_named(command, sealed):
    """Its line, its run and its number."""
    sealed.write_bytes(SHORT.replace(b'"row":"begin"', b'"row":"begun"'))
    done = command("verify", sealed, "--key-file", "key")

    assert 1 == done.exit_code
    assert f"{sealed}:3: run 'r1': seq 3: it was changed" in done.stdout


def test_an_end_that_is_missing_exits_with_1_unless_runs_may_go_on(command, sealed):
    """A run that was killed has no seal either."""
    sealed.write_bytes(b"".join(SHORT.splitlines(keepends=True)[:5]))

    assert (1, 0) == (command("verify", sealed).exit_code, command("verify", sealed, "--unsealed").exit_code)


def test_without_a_key_the_seals_of_anyone_count(command, sealed):
    """Of those that need one it is said."""
    done = command("verify", sealed)
    sealed.write_bytes(recorded(one_turn))

    assert (1, 0) == (done.exit_code, command("verify", sealed).exit_code)
    assert "it is sealed with a key, and none was given" in done.stdout


@pytest.mark.parametrize(("key", "said"), [(None, "cannot be read: no such file"), (b"\n", "is empty")])
def test_a_key_that_is_not_there_exits_with_2(command, sealed, tmp_path, key, said):
    """One sentence, and nothing is verified."""
    (tmp_path / "key").unlink()
    if key is not None:
        (tmp_path / "key").write_bytes(key)
    done = command("verify", sealed, "--key-file", "key")

    assert (2, "") == (done.exit_code, done.stdout)
    assert f"verify: --key-file: 'key' {said}" in done.stderr
