"""Telling of a failure that fails: the type's name is told, and the run goes on, or raises once."""

from __future__ import annotations

import io
import json
import warnings

import pytest

import fsm_runner
from fsm_runner.testing import reply, text, tool_use
from tests.drivers.drive import use, words


class Unspeakable(Exception):
    """It cannot say what it is."""

    def __repr__(self):
        raise LookupError("no words")

    __str__ = __repr__


class Wordless(Exception):
    """It says nothing that is text."""

    def __repr__(self):
        return None

    __str__ = __repr__


class Endless(Exception):
    """It never comes to an end."""

    def __repr__(self):
        return repr(self)

    __str__ = __repr__


class Unspeakably(BaseException):
    """The same, and no `Exception`."""

    def __repr__(self):
        raise LookupError("no words")

    __str__ = __repr__


KINDS = [Unspeakable, Wordless, Endless, Unspeakably]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("calls", [1, 2])
def test_a_tools_exception_that_cannot_say_what_it_is(drive, kind, calls):
    """The model is told its type."""

    async def act() -> str:
        """Fail."""
        raise kind

    run = drive.run([reply(*[use("act")] * calls), text("done")], act)
    run.until_done()

    assert [kind.__name__] * calls == [block["content"] for block in drive.model.requests[1].tool_results]


@pytest.mark.parametrize("kind", KINDS[:3])
def test_a_requests_exception_that_cannot_say_what_it_is(drive, kind):
    """The caller gets it, the run has failed, on record, and goes on."""
    journal, left = io.BytesIO(), [kind()]
    run = drive.run([text("done")], journal=journal)
    inner = drive.transport.inner

    class Failing:
        """A transport that raises, the first time."""

        def handle_request(self, request):
            if left:
                raise left.pop()
            return inner.handle_request(request)

        async def handle_async_request(self, request):
            if left:
                raise left.pop()
            return await inner.handle_async_request(request)

    drive.transport.inner = Failing()
    with pytest.raises(BaseException) as raised:  # noqa: PT011  the SDK may wrap it
        run.until_done()

    assert ("failed", True) == (run.stop.reason, type(raised.value).__name__ in run.stop.detail)
    assert "done" == words(run.until_done())
    assert fsm_runner.replay(io.BytesIO(journal.getvalue())).conforms


@pytest.mark.parametrize("calls", [["nothing"], ["nothing", "known", "void"]])
@pytest.mark.parametrize("arguments", [{}, {"stream": True}, {"max_concurrent_tools": 1}])
def test_a_warning_of_an_unknown_tool_that_is_an_error(drive, calls, arguments):
    """It comes out once for each, before anything runs; then the run goes on."""
    ran = []

    async def known() -> str:
        """Be known."""
        ran.append(1)
        return "known"

    run = drive.run([reply(*map(use, calls)), text("done")], known, **arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in set(calls) - {"known"}:
            with pytest.raises(UserWarning, match="not found in tool runner"):
                run.until_done()
            assert [] == ran
        assert "done" == words(run.until_done())

    assert calls.count("known") == len(ran)
    assert [call != "known" for call in calls] == [
        bool(block.get("is_error")) for block in drive.model.requests[1].tool_results
    ]


def test_so_it_is_for_a_response_that_was_asked_for(drive):
    """Asking again gives it."""
    run = drive.run([tool_use("nothing"), text("done")])
    next(run)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="not found in tool runner"):
            run.generate_tool_call_response()
        response = run.generate_tool_call_response()

    assert [True] == [block["is_error"] for block in response["content"]]
    assert "done" == words(run.until_done())


def test_the_same_unknown_tool_in_the_next_reply_is_warned_of_again(drive):
    """Each reply for itself."""
    run = drive.run([tool_use("nothing"), tool_use("nothing"), text("done")])
    with pytest.warns(UserWarning, match="not found") as warned:
        run.until_done()

    assert 2 == len(warned)


def test_warnings_of_a_runner_that_is_made_raise_before_anything_is_written(drive, tmp_path):
    """No file is begun for a run that there is not."""

    async def twin() -> str:
        """Be one of two."""
        return "twin"

    path = tmp_path / "run.jsonl"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="two tools are called 'twin'"):
            drive.run([], drive.tool(twin), drive.tool(twin), journal=path)

    assert not path.exists()


def test_a_record_of_an_effect_that_failed_says_so_without_words(drive):
    """The journal names the type."""
    journal = io.BytesIO()

    async def act() -> str:
        """Fail."""
        raise Unspeakable

    run = drive.run([tool_use("act"), text("done")], act, journal=journal)
    run.until_done()
    told = [json.loads(line) for line in journal.getvalue().splitlines()]
    (result,) = [line["result"] for line in told if line.get("event") == "tool_finished" and line["type"] == "event"]

    assert ("Unspeakable", True) == (result["content"], result["is_error"])
