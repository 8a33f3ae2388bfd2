"""Approval: your own chart, in which a person is asked before certain tools run.

    python examples/approval/approval.py

`approval.yaml` is the default chart with one more state, `asking`, on every way to the tools.  In that state the
function `ask_person` is called.  Without a terminal nobody can be asked, and the answer is no.  The same chart is
shipped with fsm_runner, so `chart="approval"` would do; the file is here to show what such a chart consists of.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import anthropic
from anthropic import beta_async_tool

import fsm_runner
from fsm_runner import Reported, RunView
from fsm_runner.testing import ScriptedModel, reply, text, tool_use

CHART = Path(__file__).with_name("approval.yaml")
ASK_BEFORE = {"delete_file"}


def ask_person(run: RunView) -> Reported:
    """Ask about each call of a tool in `ASK_BEFORE`.  A call that gets a result here does not run."""
    refused = [call for call in run.calls if call["name"] in ASK_BEFORE and not agreed(call)]
    results = tuple(
        {"type": "tool_result", "tool_use_id": call["id"], "content": "a person said no", "is_error": True}
        for call in refused
    )
    return Reported(name="decided", results=results)


def agreed(call) -> bool:
    """Whether a person at the terminal says yes."""
    print(f"  may {call['name']} run with {call['input']}? [y/N] ", end="")
    if not sys.stdin.isatty():
        print("nobody is here: no")
        return False
    return input().strip().lower() in ("y", "yes")


@beta_async_tool
async def list_files() -> str:
    """List the files."""
    print("  list_files runs")
    return "notes.txt, draft.txt"


@beta_async_tool
async def delete_file(name: str) -> str:
    """Delete a file (here only for show).

    Args:
        name: which.
    """
    print(f"  delete_file runs: {name}")
    return f"{name} is deleted"


def new_client() -> anthropic.AsyncAnthropic:
    """Return a client of the API, or of a scripted model if there is no key."""
    if os.environ.get("ANTHROPIC_API_KEY"):
        return anthropic.AsyncAnthropic()
    both = reply(tool_use("list_files"), tool_use("delete_file", {"name": "draft.txt"}))
    return ScriptedModel([both, text("There are notes.txt and draft.txt.")]).client()


async def main() -> None:
    """Run an agent that wants to delete a file."""
    async with new_client() as client:
        runner = fsm_runner.tool_runner(
            client,
            model="claude-sonnet-5-5",
            max_tokens=1024,
            messages=[{"role": "user", "content": "List the files, and delete draft.txt."}],
            tools=[list_files, delete_file],
            chart=CHART,
            effects={"ask_person": ask_person},
            on_step=lambda event, step: [print(f"{t.source} → {t.target}") for t in step.transitions],
        )
        final = await runner.until_done()
    print(final.content[-1].text)
    print("ended:", runner.stop.reason)


if __name__ == "__main__":
    asyncio.run(main())
