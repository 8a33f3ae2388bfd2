"""A run on each shipped chart, which shows what it does otherwise, and one on a chart of the user's own."""

from __future__ import annotations

from fsm_runner import Reported
from fsm_runner.loop.events import Continued, Replied, ToolFinished
from fsm_runner.testing import reply, text
from tests.journal.worlds import SMALL, Life, result, uses
from tests.replaying.goldens.scene import Scene, golden, look, looks

COMPACT = {"enabled": True, "context_token_threshold": 15, "summary_prompt": "Sum it up."}
SUMMARY = text("<summary>It is warm in Oslo.</summary>")


@golden(11, "/row", "ask")
async def answered(scene: Scene) -> None:
    """One request, one reply, done: every kind of record of a run that goes well, on the default chart."""
    await scene.run([text("Hello.")]).until_done()


@golden(11, "/row", "finish", longer="there are three requests")
async def anthropic_0_75(scene: Scene) -> None:
    """Chart anthropic-0.75: the last reply is summarised too, and the model answers again."""
    replies = [text("Hello."), SUMMARY, reply(text("It is."), usage={"input_tokens": 1})]
    await scene.run(replies, chart="anthropic-0.75", compaction_control=COMPACT).until_done()


@golden(17, "/row", "ask", longer="a tool runs, then there is a summary")
async def tools_first(scene: Scene) -> None:
    """Chart tools_first: a call of the reply that reaches the threshold runs, and the summary is made after it."""
    replies = [looks("Oslo"), SUMMARY, reply(text("It is."), usage={"input_tokens": 1})]
    await scene.run(replies, tools=[look], chart="tools_first", compaction_control=COMPACT).until_done()


@golden(16, "/row", "stop_limit", longer="what is not lost at the limit is the result of a tool")
async def finalise(scene: Scene) -> None:
    """Chart finalise: at the limit, a last request without the choice of tools."""
    await scene.run([looks("Oslo"), text("Warm.")], tools=[look], chart="finalise", max_iterations=1).until_done()


@golden(
    14,
    "/results/0/content",
    "yes",
    refused=(22, "/sha256"),
    longer="a person is asked, and a tool runs",
)
async def approval(scene: Scene) -> None:
    """Chart approval: a person refuses one of two calls; only the other runs."""

    def ask_person(view):
        """Refuse the first."""
        refusal = {"type": "tool_result", "tool_use_id": view.calls[0]["id"], "content": "no"}
        return Reported(name="decided", results=(refusal,))

    replies = [looks("Oslo", "Rome"), text("Warm in Rome.")]
    await scene.run(replies, tools=[look], chart="approval", effects={"ask_person": ask_person}).until_done()


@golden(11, "/row", "finish", longer="there are two requests")
async def reflect(scene: Scene) -> None:
    """Chart reflect: the model looks at its answer a second time."""
    await scene.run([text("Cold."), text("No, warm.")], chart="reflect").until_done()


@golden(7, "/facts/limit", "reached")
async def tools(scene: Scene) -> None:
    """A chart of the user's own.  Two calls at once, one done, the other cut off; told of in the order of old, the end
    of a call before its result."""
    life = Life(scene.journal(), SMALL)
    life.tell(Continued()).perform(Replied(message=uses("a", "b"))).schedule()
    life.journal.completed("b")
    life.tell(ToolFinished(id="b", result=result("b")))
    life.journal.cancelled("a")
