"""Two runs beside each other."""

from __future__ import annotations

import io
import json

import pytest

from fsm_runner.forking import fork
from fsm_runner.inspecting import compare
from fsm_runner.journal import read
from fsm_runner.journal.json_pointer import NOTHING
from fsm_runner.loop.events import Appended, Continued, Replied
from tests.inspecting.journals import begun, two_turns, written
from tests.journal.worlds import Life, recorded, text

FULL = written(two_turns)


def beside(a, b):
    """The comparison of two journals of one run each."""
    return compare(read(io.BytesIO(a)), read(io.BytesIO(b)))


def edited(data, edit):
    """The journal with each record as `edit` makes it."""
    return b"".join(json.dumps(edit(json.loads(line))).encode() + b"\n" for line in data.splitlines())


def first(found):
    """The first difference: where, and what."""
    (difference, *_) = found.differences
    return found.at[0].seq, found.at[1].seq, difference.pointer, difference.a, difference.b


def test_times_and_ids_of_runs_do_not_count():
    """Nor do versions of packages, and what a record says of its line."""
    other = edited(
        recorded(two_turns, run="r2"),
        lambda record: {**record, **({"versions": {"python": "4"}} if record["seq"] == 1 else {"torn": 3})},
    )
    found = beside(FULL, other)

    assert (True, 21, None) == (found.equal, found.shared, found.parting)


def test_ids_that_the_api_makes_up_do_not_count():
    """A call is the same when it is the same among its run's calls; a request's hash follows from them."""
    renamed = FULL.replace(b'"id":"a"', b'"id":"toolu_1"').replace(b'"tool_use_id":"a"', b'"tool_use_id":"toolu_1"')
    later = {"sha256": "of what holds the other id"}
    other = edited(renamed, lambda record: {**record, **(later if record["seq"] > 6 and "sha256" in record else {})})

    assert b"toolu_1" in other
    assert beside(FULL, other).equal


def test_calls_that_are_swapped_do_count():
    """The second call's result is not the first one's."""
    swapped = FULL.replace(b'"event":"tool_finished","id":"a"', b'"event":"tool_finished","id":"b"')

    assert (10, 10, "/id", "a", "b") == first(beside(FULL, swapped))


def test_a_hash_counts_where_all_that_it_was_taken_of_is_the_same():
    """Then another request was sent, and the code that made it differs."""
    other = edited(FULL, lambda record: {**record, **({"sha256": "other"} if "sha256" in record else {})})

    assert (4, "/sha256") == first(beside(FULL, other))[1:3]


def test_the_first_difference_is_told_by_pointer_with_both_values():
    """After it records are counted no more as shared, and rows are still compared."""

    def live(journal):
        Life(journal).tell(Continued()).perform(Replied(message=text("well/said")))

    def other(journal):
        Life(journal).tell(Continued()).perform(Replied(message=text("done")))

    found = beside(written(live), written(other))

    assert (6, 6, "/message/content/0/text", "well/said", "done") == first(found)
    assert (5, None) == (found.shared, found.parting)


def test_rows_part_where_another_one_is_taken():
    """With the answers that decided on each side."""

    def live(journal):
        Life(journal).tell(Continued()).perform(Replied(message=text()))

    parting = beside(FULL, written(live)).parting

    assert (1, "call_tools", "finish") == (parting.shared, parting.a.row, parting.b.row)
    assert ("wants_tools", "finished") == (parting.a.facts["turn"], parting.b.facts["turn"])


def test_a_run_that_is_shorter_differs_where_it_ends():
    """Which is no difference of a value: one side has no record there."""
    found = beside(FULL, written(begun))

    assert (9, NOTHING, None) == (found.shared, found.differences[0].b, found.at[1])
    assert (10, "event") == (found.at[0].seq, found.at[0].type)
    assert (2, "one_answered", None) == (found.parting.shared, found.parting.a.row, found.parting.b)


def test_payloads_that_are_not_there_do_not_count():
    """What is left out is nobody's difference."""
    assert beside(FULL, written(two_turns, content="none")).equal
    assert beside(written(two_turns, content="none"), FULL).equal


def test_a_fork_says_what_it_was_forked_from(tmp_path):
    """And where they part: everything before is shared."""
    (tmp_path / "run.jsonl").write_bytes(recorded(_asked))
    fork(tmp_path / "run.jsonl", at=5, into=tmp_path / "fork.jsonl", params={"max_tokens": 7}, as_run="r2")
    origin, child = ((tmp_path / name).read_bytes() for name in ("run.jsonl", "fork.jsonl"))

    assert ("b from a", 5, 5) == _forked(beside(origin, child))
    assert ("a from b", 5, 5) == _forked(beside(child, origin))
    assert ("both", 5, 10**6) == _forked(beside(child, child))
    assert (None, None, 10**6) == _forked(beside(origin, origin))


def test_an_id_alone_makes_no_fork():
    """What it would share must be shared."""
    child = edited(
        FULL, lambda r: {**r, "run": "r2", **({"forked_from": {"run": "r1", "seq": 8}} if r["seq"] == 1 else {})}
    )
    other = edited(child, lambda r: {**r, **({"error": "x"} if r["seq"] == 5 else {})})

    assert ("b from a", None) == (beside(FULL, child).forked, beside(FULL, other).forked)


def test_another_chart_is_one_difference():
    """Its hash; what differs in it is for another command to say."""
    other = FULL.replace(b'"value":2', b'"value":3').replace(b'"sha256":"1676', b'"sha256":"0000')
    found = beside(FULL, other)

    assert ["/chart/sha256"] == [each.pointer for each in found.differences]
    assert None is found.parting


def _asked(journal):
    life = Life(journal).tell(Appended(messages=({"role": "user", "content": "quickly"},))).tell(Continued())
    life.perform(Replied(message=text()))


def _forked(found):
    return found.forked, found.forked_at, 10**6 if found.equal else found.shared


def test_true_is_not_one():
    """As JSON has it."""
    other = edited(FULL, lambda record: {**record, **({"final": 1} if record["type"] == "ended" else {})})

    assert ("/final", True, 1) == first(beside(FULL, other))[2:]


def test_there_must_be_something_to_compare():
    """An empty file is no run."""
    with pytest.raises(ValueError, match="no record"):
        beside(FULL, b"")
