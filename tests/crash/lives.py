"""Lives: the runs that are killed, each a script that a model without memory plays as a function of the request.

Whoever runs one passes `moment`, which is called wherever the process may die; tools write a line when they have run.

As with the API, no two replies have calls of one id: each process marks those of its replies, and `unmarked` takes the
marks away again.  So a call that ran twice is one that the run itself made run twice.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
from anthropic import beta_async_tool, beta_tool

import fsm_runner
from fsm_runner.journal import Journal
from fsm_runner.replaying.resume_point import ResumePoint, resume_point_of
from fsm_runner.testing import Reply, ScriptedModel, reply, text, tool_use

Moment = Callable[[], None]
RUN = "r"
KEY = b"a key that seals what is killed"
PREFIX = "toolu_"
_MARK = re.compile(r"~\d+")


def unmarked(text: str) -> str:
    """`text` without what each process marks the calls of its replies with."""
    return _MARK.sub("", text)


def _marked(reply: Reply) -> Reply:
    mark = f"~{os.getpid():010}"  # as wide in each process: so many pieces a stream has
    blocks = [
        {**block, "id": block["id"] + mark, "input": {"key": block["input"]["key"] + mark}}
        if block["type"] == "tool_use"
        else block
        for block in reply.blocks
    ]
    return replace(reply, blocks=tuple(blocks))


def calls(*keys: str, tokens: int = 10) -> Reply:
    """A reply that calls `note` once for each key."""
    blocks = [tool_use("note", {"key": key}, id=f"{PREFIX}{key}") for key in keys]
    return reply(*blocks, usage={"input_tokens": tokens})


@dataclass(frozen=True, kw_only=True)
class Life:
    """One run to be killed.

    Attributes:
        turns: what the model answers, turn by turn.
        given: what else makes the run.
        sync: whether the sync driver runs it.
        approval: whether a person decides on calls, who refuses `b`.
        key: of the journal's seals; None: anyone can seal.
        shared: whether others write to its file, and are killed within a line, too.
        forks: whether it is a fork of another run, with other parameters.
    """

    turns: tuple[Reply, ...]
    given: Mapping[str, Any] = field(default_factory=dict)
    sync: bool = False
    approval: bool = False
    key: bytes | None = None
    shared: bool = False
    forks: bool = False


MOST_TOKENS = 98
"""What a fork's requests ask for; its origin asked for another number."""

END = reply(text("All noted."))
LIVES = {
    "parallel": Life(turns=(calls("a", "b", "c"), calls("d", "e"), END), given={"thread": False}),
    "streaming": Life(turns=(calls("a", "b"), END), given={"stream": True}),
    "early": Life(turns=(calls("a", "b"), calls("c"), END), given={"stream": True, "run_tools_eagerly": True}),
    "compaction": Life(
        turns=(calls("a", "b"), calls("c", tokens=900), calls("d"), END),
        given={"thread": False, "compaction_control": {"enabled": True, "context_token_threshold": 500}},
    ),
    "approval": Life(turns=(calls("a", "b", "c"), calls("d"), END), given={"chart": "approval"}, approval=True),
    "sync": Life(turns=(calls("a", "b", "c"), calls("d"), END), sync=True, key=KEY),
    "shared": Life(turns=(calls("a", "b"), calls("c"), END), shared=True),
    "fork": Life(turns=(calls("a", "b"), END), forks=True, given={"thread": False}),
}
"""By what makes them; `c` of the compaction never runs, for the reply that calls it is cut away by the summary."""


def _answer(life: Life, moment: Moment) -> Callable[[Any], Reply]:
    def answer(request: Any) -> Reply:
        moment()
        conversation = request.conversation
        summary = re.match(r"<summary>done: (\d+)", str(_first_text(conversation[0])))
        done = (int(summary[1]) if summary else 0) + sum(message["role"] == "assistant" for message in conversation)
        if "tools" not in request.whole.body:
            return reply(text(f"<summary>done: {done + 1}</summary>"))  # with the reply whose calls are cut away
        return _marked(life.turns[done])

    return answer


def _first_text(message: Mapping[str, Any]) -> object:
    content = message["content"]
    return content if isinstance(content, str) else content[0].get("text")


def standing(journal: Path) -> ResumePoint | None:
    """Where the run stands; None when not even its first record is whole."""
    try:
        return resume_point_of(journal, run_id=RUN)
    except (fsm_runner.RunError, fsm_runner.JournalError):
        return None


def has_ended(journal: Path) -> bool:
    """Whether the run has ended."""
    found = standing(journal)
    return found is not None and found.ended


def live(life: Life, journal: Path, noted: Path, moment: Moment, *, idempotent: bool) -> None:
    """Begin the run, or go on with it, and stay with it to its end; of one that has ended, the end is put on record."""
    over = has_ended(journal)

    def write(key: str) -> str:
        moment()
        with noted.open("a") as file:
            file.write(f"{key}\n")
        moment()
        return f"noted {key}"

    try:
        if life.sync:
            _live_sync(life, journal, write, moment, idempotent=idempotent)
        else:
            anyio.run(_live_async, life, journal, write, moment, idempotent)
    except fsm_runner.RunError:
        if not over:
            raise


def _made(life: Life, journal: Path, client: Any, tool: Any, moment: Moment, *, idempotent: bool) -> Any:
    def ask_person(view: fsm_runner.RunView) -> fsm_runner.Reported:
        moment()
        refused = [call for call in view.calls if unmarked(call["id"]) == f"{PREFIX}b"]
        results = [{"type": "tool_result", "tool_use_id": call["id"], "content": "refused"} for call in refused]
        return fsm_runner.Reported(name="decided", results=tuple(results))

    effects = {"ask_person": ask_person} if life.approval else None
    if life.forks and standing(journal) is None:
        _fork(journal, client, tool, life)
    if standing(journal) is None:
        messages = [{"role": "user", "content": "Note what there is."}]
        base: dict[str, Any] = {"model": "m", "max_tokens": 99, "messages": messages, "tools": [tool]}
        file = Journal.open(journal, run=RUN, key=life.key)
        return fsm_runner.tool_runner(client, **base, journal=file, effects=effects, **life.given)
    again = ["note"] if idempotent else []
    written = {"key": life.key}
    return fsm_runner.resume(
        journal, client, tools=[tool], effects=effects, idempotent=again, run_id=RUN, journal=written
    )


def _fork(journal: Path, client: Any, tool: Any, life: Life) -> None:
    """Fork a run that has just begun; of an earlier fork, a killed process left a part at most."""
    journal.unlink(missing_ok=True)
    origin = journal.with_name(f"origin-{os.getpid()}.jsonl")
    base: dict[str, Any] = {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "Note."}]}
    with Journal.open(origin, run="origin") as file:
        fsm_runner.tool_runner(client, **base, tools=[tool], journal=file, **life.given)
    fsm_runner.fork(origin, at=1, into=journal, as_run=RUN, params={"max_tokens": MOST_TOKENS})


def _live_sync(life: Life, journal: Path, write: Callable[[str], str], moment: Moment, *, idempotent: bool) -> None:
    @beta_tool
    def note(key: str) -> str:
        """Note a key."""
        return write(key)

    client = ScriptedModel(_answer(life, moment)).sync_client()
    for _ in _made(life, journal, client, note, moment, idempotent=idempotent):
        moment()


async def _live_async(life: Life, journal: Path, write: Callable[[str], str], moment: Moment, idempotent: bool) -> None:
    @beta_async_tool
    async def note(key: str) -> str:
        """Note a key."""
        await anyio.lowlevel.checkpoint()
        return write(key)

    client = ScriptedModel(_answer(life, moment)).client()
    async for item in _made(life, journal, client, note, moment, idempotent=idempotent):
        moment()
        if "stream" in life.given:
            async for _ in item:
                moment()
