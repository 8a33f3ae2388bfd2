"""Resuming: a run goes on from wherever it was cut off, and does nothing twice that is done."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from anthropic import beta_tool
from pydantic import BaseModel

import fsm_runner
from fsm_runner.engine.chart import Row
from fsm_runner.journal import Journal, read, verify
from fsm_runner.loop.facts import FACTS
from fsm_runner.replaying.resume_point import UNKNOWN_OUTCOME, resume_point_of
from fsm_runner.testing import ScriptedModel, reply, text, tool_use


class World:
    """A journaled run of two turns of tools, and what ran."""

    def __init__(self, folder):
        self.path = folder / "run.jsonl"
        self.ran = []
        self.models = []

        @beta_tool
        def note(key: str) -> str:
            """Note a key."""
            self.ran.append(key)
            return f"noted {key}"

        @beta_tool
        def idle() -> str:
            """Do nothing."""
            return ""

        self.note, self.idle = note, idle
        self.tools = [note, idle]

    def client(self):
        """A model that answers by how many turns there were."""
        turns = [
            reply(*(tool_use("note", {"key": key}, id=key) for key in ("a", "b"))),
            reply(tool_use("note", {"key": "c"}, id="c")),
            reply(text("Done.")),
        ]

        def answer(request):
            return turns[sum(message["role"] == "assistant" for message in request.conversation)]

        self.models.append(ScriptedModel(answer))
        return self.models[-1].sync_client()

    def runner(self, **given):
        """A new run."""
        base = {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "go"}], "run_id": "r"}
        return fsm_runner.tool_runner(self.client(), **{**base, "tools": self.tools, "journal": self.path, **given})

    def recorded(self, **given):
        """Record a whole run."""
        runner = self.runner(**given)
        for _ in runner:
            pass
        self.lines = self.path.read_bytes().splitlines(keepends=True)
        self.messages = runner.messages
        return self

    def cut_after(self, *words):
        """Cut the journal off after the first line that holds all of `words`."""
        at = next(at for at, line in enumerate(self.lines) if all(word.encode() in line for word in words))
        return self.cut(at + 1)

    def cut(self, lines):
        """Cut the journal off after so many lines."""
        self.path.write_bytes(b"".join(self.lines[:lines]))
        self.ran.clear()
        return self

    def resumed(self, **given):
        """Go on with it."""
        return fsm_runner.resume(self.path, self.client(), **{"tools": self.tools, **given})


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def finished(runner):
    """Go on to the end, reading what streams."""
    for _ in runner:
        pass
    return runner


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "Ctrl-C"])
def test_a_record_that_cannot_be_written_is_where_the_run_is_resumed(tmp_path, error):
    """Wherever it strikes, and though the disk has room again: no record follows, and what is there replays."""
    for at in range(2, 30):

        def fail(_, __, record, at=at):
            if record["seq"] == at:
                raise error
            return record

        world = World(tmp_path)
        world.path.unlink(missing_ok=True)
        runner = world.runner(thread=False, journal=Journal.open(world.path, run="r", processors=[fail]))
        with pytest.raises((type(error), fsm_runner.JournalError)):
            finished(runner)
        hint = r"cannot be written: .* .remove the cause, then resume the run"
        with pytest.raises(fsm_runner.JournalError, match=hint):
            finished(runner)

        assert at - 1 == len(list(read(world.path)))
        again = finished(world.resumed(idempotent=["note"]))
        assert "completed" == again.stop.reason
        report = fsm_runner.replay(world.path)
        assert report.conforms, str(report)


def test_a_run_goes_on_beside_one_that_ended_without_payloads(world):
    """That one is not to be gone on with, so it needs none."""
    world.recorded().cut(12)
    with Journal.open(world.path, run="lean", content="none") as lean:
        finished(world.runner(journal=lean, run_id="lean"))

    assert "r" == finished(world.resumed(idempotent=["note"])).run
    with pytest.raises(fsm_runner.RunError, match="run 'lean': its payloads were left out"):
        world.resumed(run_id="lean")


@pytest.mark.parametrize("writing", [{"content": "none"}, {"redact": {"/event/result/content": "x"}}], ids=repr)
def test_the_rest_of_a_run_is_not_written_otherwise(world, writing):
    """For its first record says that it is in full, and half a run would not replay."""
    world.recorded().cut(12)
    before = world.path.read_bytes()

    with pytest.raises(ValueError, match=rf"journal: {next(iter(writing))}: the rest of a run is written in full"):
        world.resumed(journal=writing)
    assert before == world.path.read_bytes()


@pytest.mark.parametrize("given", [{}, {"stream": True, "thread": False}], ids=["whole", "streaming"])
def test_a_run_cut_off_after_any_record_ends_as_it_would_have(world, given):
    """The same messages, every completed tool run once in all, and a journal that replays."""
    world.recorded(**given)
    for count in range(1, len(world.lines)):
        world.cut(count)
        done = {key for key in "abc" if f'"type":"completed","id":"{key}"' in world.path.read_text()}
        if resume_point_of(world.path).ended:
            continue
        runner = finished(world.resumed(idempotent=["note"]))

        assert world.messages == runner.messages, count
        assert not done & set(world.ran), count

        report = fsm_runner.replay(world.path)
        assert report.conforms, str(report)


def test_a_call_that_had_begun_is_not_run_again_and_the_model_is_told(world):
    """Nobody knows what the tool had done; every call is answered all the same."""
    world.recorded(max_concurrent_tools=1).cut_after('"scheduled"', '"id":"a"')
    runner = finished(world.resumed())
    told = _results(runner)

    assert ["b", "c"] == world.ran
    assert ["a", "b", "c"] == [block["tool_use_id"] for block in told]
    assert {"content": UNKNOWN_OUTCOME, "is_error": True} == {k: told[0][k] for k in ("content", "is_error")}
    assert fsm_runner.replay(world.path).conforms


def _results(runner):
    blocks = [
        block for message in runner.messages if isinstance(message["content"], list) for block in message["content"]
    ]
    return [block for block in blocks if block["type"] == "tool_result"]


def test_a_thread_goes_on_where_the_server_holds_it(world):
    """Its position is in the journal, so the next request sends only what the server lacks."""
    client, model = world.client(), world.models[-1]
    world.client = lambda: client
    world.recorded().cut_after('"type":"completed","id":"c"')
    before = len(model.requests)
    runner = finished(world.resumed())
    asked = model.requests[before]  # refused, as the run has gone on from there once; all of it is sent again then

    assert world.messages == runner.messages
    assert ("continue", 1) == (asked.body["thread"]["type"], len(asked.messages))


def test_a_call_of_an_idempotent_tool_is_run_again(world):
    """It may run twice, so its outcome need not be known."""
    world.recorded(max_concurrent_tools=1).cut_after('"scheduled"', '"id":"a"')
    finished(world.resumed(idempotent={"note"}))

    assert ["a", "b", "c"] == sorted(world.ran)


def test_a_person_is_asked_instead_of_the_model(world):
    """The calls are named, and neither the journal nor the world has changed."""
    world.recorded().cut_after('"scheduled"', '"id":"c"')
    before = world.path.read_bytes()

    with pytest.raises(fsm_runner.RunError, match=r"calls whose outcome is unknown: 'note' \(c\) \(find out"):
        world.resumed(on_unknown="ask")
    assert before == world.path.read_bytes()
    assert [] == world.ran


def test_a_run_that_has_ended_is_not_resumed(world):
    """There is nothing left to do, and the reason of its end is told."""
    world.recorded()

    with pytest.raises(fsm_runner.RunError, match="run 'r': it has ended: completed") as caught:
        world.resumed()
    assert "completed" == caught.value.reason


def test_an_end_that_a_killed_process_did_not_write_is_written(world):
    """So the journal of a run that is over always says so, and is sealed."""
    world.recorded()
    whole = world.lines
    world.cut(len(whole) - 1)

    with pytest.raises(fsm_runner.RunError, match="run 'r': it has ended: completed"):
        world.resumed()
    kept = world.path.read_bytes().splitlines()
    assert len(whole) == len(kept)
    assert {**json.loads(whole[-1]), "at": None, "seal": None} == {**json.loads(kept[-1]), "at": None, "seal": None}
    with pytest.raises(fsm_runner.RunError, match="it has ended: completed"):
        world.resumed()
    assert kept == world.path.read_bytes().splitlines()


def test_the_last_message_of_a_run_that_was_only_to_end_is_kept(world):
    """Its caller was handed it, and died."""
    world.recorded()
    last = max(at for at, line in enumerate(world.lines) if b'"event":"replied","message"' in line)
    message = world.cut(last + 2).resumed().until_done()

    assert "Done." == message.content[0].text


def test_a_chart_whose_rows_changed_where_the_run_stands_is_refused(world):
    """Whatever is asked for: the run stands on those rows."""
    world.recorded().cut_after('"type":"scheduled"', '"send_request"')
    chart = _with_row(fsm_runner.load(fsm_runner.find_chart("states")), "request", "replied", id="got_it")

    with pytest.raises(fsm_runner.RunError, match=r"state 'request': .*row 'replied' is gone, row 'got_it' is new"):
        world.resumed(chart=chart, migrate=True)


def test_a_chart_without_the_state_of_the_run_is_refused(world):
    """There is nowhere to stand."""
    world.recorded(chart="approval", effects={"ask_person": lambda view: "decided"}).cut_after(
        '"type":"scheduled"', '"ask_person"'
    )

    with pytest.raises(fsm_runner.RunError, match="chart 'tool_loop' has no state 'asking'"):
        world.resumed(chart="states", migrate=True)


def test_a_chart_that_changed_elsewhere_is_gone_on_with_when_asked(world):
    """The journal says by which chart it goes on, and replays by both."""
    world.recorded().cut_after('"type":"scheduled"', '"send_request"')
    chart = _with_row(fsm_runner.load(fsm_runner.find_chart("states")), "inspect", "finish", id="finish_now")

    with pytest.raises(fsm_runner.RunError, match="go on with migrate=True"):
        world.resumed(chart=chart)
    runner = finished(world.resumed(chart=chart, migrate=True))

    assert ("completed", "finish_now") == (runner.stop.reason, runner.stop.row)
    report = fsm_runner.replay(world.path)
    assert report.conforms, str(report)


def _with_row(chart, state, row, **changes):
    def changed(each: Row):
        return replace(each, **changes) if each.id == row else each

    states = tuple(
        replace(each, always=tuple(map(changed, each.always)), transitions=tuple(map(changed, each.transitions)))
        if each.name == state
        else each
        for each in chart.states
    )
    return replace(chart, states=states)


def test_a_fact_of_another_version_is_refused_where_it_is_asked(world):
    """Elsewhere it is a difference to be accepted."""
    built_in = FACTS["recovery"]
    world.recorded().cut_after('"type":"scheduled"', '"send_request"')
    newer = replace(built_in, version=2)

    with pytest.raises(fsm_runner.RunError, match="in state 'request': fact 'recovery' was version 1, and is 2 now"):
        world.resumed(facts=[newer], migrate=True)

    elsewhere = replace(FACTS["turn"], version=2)
    with pytest.raises(fsm_runner.RunError, match=r"fact 'turn' was version 1, and is 2 now .*migrate=True"):
        world.resumed(facts=[elsewhere])
    assert "completed" == finished(world.resumed(facts=[elsewhere], migrate=True)).stop.reason
    assert fsm_runner.replay(world.path, facts=[elsewhere]).conforms


def test_a_tool_that_changed_is_refused_while_a_call_of_it_is_open(world):
    """The model has called what is no more."""

    @beta_tool
    def note(key: str, twice: bool) -> str:
        """Note a key."""
        return ""

    world.recorded(thread=False).cut_after('"scheduled"', '"id":"c"')

    with pytest.raises(fsm_runner.RunError, match="in state 'call_tools': tool 'note' is defined in another way"):
        world.resumed(tools=[note, world.idle], migrate=True)


def test_tools_that_no_open_call_needs_may_change_when_asked(world):
    """The model is offered what is given now."""
    world.recorded(thread=False).cut_after('"scheduled"', '"id":"c"')

    with pytest.raises(fsm_runner.RunError, match=r"tool 'idle' is missing .*migrate=True"):
        world.resumed(tools=[world.note])
    runner = finished(world.resumed(tools=[world.note], migrate=True))

    assert ["note"] == [tool["name"] for tool in runner.snapshot.context.settings.tools]
    assert fsm_runner.replay(world.path).conforms


def test_a_secret_among_the_parameters_is_given_again(world):
    """The journal does not hold it, and the mask must not be sent for it."""
    secret = {"mcp_servers": [{"type": "url", "url": "https://mcp.test", "name": "n", "authorization_token": "s3cret"}]}
    world.recorded(thread=False, **secret).cut_after('"type":"scheduled"', '"send_request"')

    assert b"s3cret" not in b"".join(world.lines)
    with pytest.raises(fsm_runner.RunError, match="'mcp_servers' holds a secret"):
        world.resumed()
    runner = finished(world.resumed(params=secret))

    assert secret["mcp_servers"] == runner.snapshot.context.settings.params["mcp_servers"]
    assert b"s3cret" not in world.path.read_bytes()
    assert fsm_runner.replay(world.path).conforms


@pytest.mark.parametrize("kept", [{"content": "none"}, {"redact": {"/event/result": "x"}}])
def test_a_journal_without_payloads_cannot_be_gone_on_with(world, kept):
    """What the next request would send is not there."""
    with fsm_runner.Journal.open(world.path, run="r", **kept) as journal:
        finished(world.runner(journal=journal))

    with pytest.raises(fsm_runner.RunError, match="its payloads were left out"):
        world.resumed()


def test_the_rest_of_the_journal_is_written_as_asked(world):
    """Its chain goes on, and its end is sealed with the key."""
    world.recorded().cut_after('"type":"scheduled"', '"id":"c"')
    finished(world.resumed(journal={"clock": None, "key": b"k"}))
    last = json.loads(world.path.read_bytes().splitlines()[-1])

    assert ("ended", False) == (last["type"], "at" in last)
    assert verify(world.path, b"k").intact


def test_parameters_can_change_on_the_way(world):
    """From the next request on, and on record."""
    world.recorded(thread=False).cut_after('"scheduled"', '"id":"c"')
    runner = finished(world.resumed(params={"max_tokens": 7}))

    assert 7 == runner.snapshot.context.settings.params["max_tokens"]
    assert fsm_runner.replay(world.path).conforms


class Answer(BaseModel):
    """What replies are parsed into."""

    words: str


def test_an_output_format_is_given_again(world):
    """A type cannot be in a journal; its name is."""
    said = json.dumps({"words": "hello"})
    world.client = lambda: ScriptedModel(lambda _: reply(text(said))).sync_client()
    world.recorded(output_format=Answer)
    world.cut_after('"event":"replied"')

    with pytest.raises(fsm_runner.RunError, match="its replies are parsed into 'Answer'"):
        world.resumed()
    assert Answer(words="hello") == world.resumed(params={"output_format": Answer}).until_done().parsed_output


def test_of_several_runs_the_one_that_has_not_ended_is_meant(world):
    """With two of them, it must be said which."""
    world.recorded()
    world.recorded(run_id="s")
    whole = world.lines
    world.cut_after('"run":"s"', '"type":"scheduled"')

    assert "s" == world.resumed().run
    world.lines = [line for line in whole if b'"run":"r"' in line][:3] + [
        line for line in whole if b'"run":"s"' in line
    ][:3]
    world.cut(6)
    with pytest.raises(fsm_runner.JournalError, match=r"which run is not clear .*: one of 'r', 's'"):
        world.resumed()
    assert "r" == world.resumed(run_id="r").run
    with pytest.raises(fsm_runner.JournalError, match=r"it holds no run 't' .there is: 'r', 's'"):
        world.resumed(run_id="t")


def test_a_journal_that_does_not_follow_from_its_events_is_not_gone_on_with(world):
    """What cannot be replayed cannot be trusted to stand where it says."""
    world.recorded()
    world.lines = [line.replace(b'"row":"ask"', b'"row":"finish"') for line in world.lines]
    world.cut_after('"type":"scheduled"', '"send_request"')

    with pytest.raises(fsm_runner.RunError, match=r"recorded row 'finish'.*goes on only from a journal that replays"):
        world.resumed()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"idempotent": ["nota"]}, "idempotent: there is no tool 'nota' .did you mean 'note'"),
        ({"on_unknown": "guess"}, "on_unknown: 'tell' or 'ask', got 'guess'"),
        ({"params": {"messages": []}}, "params: 'messages' cannot be given"),
        ({"params": {"max_token": 1}}, "params: 'max_token' cannot be given"),
    ],
)
def test_an_argument_that_cannot_be_right_changes_nothing(world, given, message):
    """Neither in the journal nor in the world."""
    world.recorded().cut_after('"type":"scheduled"', '"send_request"')
    before = world.path.read_bytes()

    with pytest.raises((TypeError, ValueError), match=message):
        world.resumed(**given)
    assert before == world.path.read_bytes()
