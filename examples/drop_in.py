"""Drop-in: the same run with the SDK's tool runner and with ours.  Only one line differs.

python examples/drop_in.py
"""

from __future__ import annotations

import asyncio
import os

import anthropic
from anthropic import beta_async_tool

import fsm_runner
from fsm_runner.testing import ScriptedModel, text, tool_use


@beta_async_tool
async def population(city: str) -> str:
    """How many people live in a city.

    Args:
        city: its name.
    """
    return {"Oslo": "724,000", "Bergen": "294,000"}.get(city, "unknown")


ASKED = {
    "model": "claude-sonnet-5-5",
    "max_tokens": 1024,
    "messages": [{"role": "user", "content": "How many people live in Oslo?"}],
    "tools": [population],
}


def new_client() -> anthropic.AsyncAnthropic:
    """Return a client of the API, or of a scripted model if there is no key."""
    if os.environ.get("ANTHROPIC_API_KEY"):
        return anthropic.AsyncAnthropic()
    return ScriptedModel([tool_use("population", {"city": "Oslo"}), text("724,000 people live in Oslo.")]).client()


async def main() -> None:
    """Ask the same question with both runners."""
    async with new_client() as client:
        runner = client.beta.messages.tool_runner(**ASKED)
        final = await runner.until_done()
        print("the SDK:    ", final.content[-1].text)

    async with new_client() as client:
        runner = fsm_runner.tool_runner(client, **ASKED)
        final = await runner.until_done()
        print("fsm_runner: ", final.content[-1].text)

    print("why it ended:", runner.stop.reason, "by row", runner.stop.row)
    print("tokens:      ", runner.usage.total_tokens, "in", runner.usage.replies, "replies")


if __name__ == "__main__":
    asyncio.run(main())
