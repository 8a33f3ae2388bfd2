"""What becomes of a journal: cut off, resumed, forked, sealed, mixed, or written without its payloads."""

from __future__ import annotations

import anyio
from anthropic import beta_async_tool

from fsm_runner.forking import fork
from fsm_runner.testing import pause_turn, text, tool_use
from tests.replaying.goldens.scene import Scene, golden, look, looks

KEY = "this key is known to everybody, for it seals goldens"
LONGER = "it has payloads of all kinds, those of a tool among them"


@golden(11, "/row", "ask")
async def cancelled(scene: Scene) -> None:
    """The caller's task is cancelled while a tool runs: the run stays where it is."""
    with anyio.CancelScope() as scope:

        @beta_async_tool
        async def wait() -> str:
            """Wait for what never comes."""
            scope.cancel()
            await anyio.sleep_forever()

        await scene.run([tool_use("wait")], tools=[wait]).until_done()


@golden(14, "/state", "request", longer="the run was cut off in a tool, and goes on after it")
async def resumed(scene: Scene) -> None:
    """Killed in a tool, within the write of a record, and resumed: the outcome of the call is unknown."""
    await scene.run([looks("Oslo"), text("Warm.")], tools=[look]).until_done()
    scene.cut(12, more=40)
    await scene.resume([text("I will see.")], tools=[look]).until_done()


@golden(10, "/params/max_tokens", 65, refused=(14, "/sha256"), longer="there are two requests")
async def forked(scene: Scene) -> None:
    """A new run that shares the records of another up to a reply, and goes on with other parameters."""
    await scene.run([pause_turn(), text("Bye.")]).until_done()
    scene.close()
    origin = scene.path.rename(scene.folder / "origin.jsonl")
    fork(origin, at=8, into=scene.path, as_run="r2")
    await scene.resume([text("Good bye.")], params={"max_tokens": 64}).until_done()


@golden(11, "/row", "finish", longer=LONGER)
async def content_none(scene: Scene) -> None:
    """Nothing is written of payloads: control flow can be replayed."""
    await _with_payloads(scene, content="none")


@golden(11, "/row", "finish", longer=LONGER)
async def redacted(scene: Scene) -> None:
    """What a tool said is left out by the caller's redaction."""
    await _with_payloads(scene, redact={"/event/result/content": "***"})


async def _with_payloads(scene: Scene, **options) -> None:
    run = scene.run([looks("Oslo"), text("Warm.")], options, tools=[look], system="Be brief.")
    await run.until_done()


@golden(11, "/row", "ask", key=KEY)
async def sealed(scene: Scene) -> None:
    """Sealed with a key at its end, so that nobody without it can change it unseen."""
    await scene.run([text("Hello.")], {"key": KEY.encode()}).until_done()


@golden(4, "/row", "finish", key=KEY)
async def sealed_open(scene: Scene) -> None:
    """Sealed with a key where its journal was closed, although the run has not ended."""
    await scene.run([text("Hello.")], {"key": KEY.encode()}).__anext__()


@golden(9, "/row", "ask")
async def mixed(scene: Scene) -> None:
    """Two runs and an application's lines in one file."""
    runs = [scene.run([], {"run": name}, limits={"iterations": 0}) for name in ("r1", "r2")]
    with scene.path.open("ab") as log:
        log.write(b'{"event":"request served","level":"info"}\n')
    for run in runs:
        assert [] == [message async for message in run]
