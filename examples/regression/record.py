"""Record the run that `test_regression.py` replays: a question, two tools side by side, an answer.

    python examples/regression/record.py [FILE]

Your own journals would come from production: ``tool_runner(..., journal="run.jsonl")``.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from anthropic import beta_async_tool

import fsm_runner
from fsm_runner.testing import ScriptedModel, reply, text, tool_use

RECORDED = Path(__file__).with_name("run.jsonl")


@beta_async_tool
async def temperature(city: str) -> str:
    """Return the temperature in a city.

    Args:
        city: its name.
    """
    return {"Oslo": "4 °C", "Rome": "17 °C"}[city]


async def record(path: Path) -> None:
    """Write the journal of one run to `path`."""
    both = reply(tool_use("temperature", {"city": "Oslo"}), tool_use("temperature", {"city": "Rome"}))
    async with ScriptedModel([both, text("It is 13 degrees warmer in Rome.")]).client() as client:
        with fsm_runner.Journal.open(path, run="two_cities", clock=None) as journal:
            runner = fsm_runner.tool_runner(
                client,
                model="claude-sonnet-5-5",
                max_tokens=1024,
                messages=[{"role": "user", "content": "How much warmer is Rome than Oslo?"}],
                tools=[temperature],
                journal=journal,
                run_id="two_cities",
            )
            await runner.until_done()


if __name__ == "__main__":
    target = Path(sys.argv[1]) if sys.argv[1:] else RECORDED
    target.unlink(missing_ok=True)
    asyncio.run(record(target))
