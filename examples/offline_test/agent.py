"""The agent that is tested: it answers questions about orders, and can look them up."""

from __future__ import annotations

import anthropic
from anthropic import beta_async_tool
from anthropic.lib.tools import ToolError

import fsm_runner

ORDERS = {"A-17": "shipped on Monday", "B-02": "waiting for payment"}


@beta_async_tool
async def order_status(order: str) -> str:
    """Return the status of an order.

    Args:
        order: its number, such as A-17.
    """
    if order not in ORDERS:
        raise ToolError(f"there is no order {order}")
    return ORDERS[order]


async def answer(client: anthropic.AsyncAnthropic, question: str) -> str:
    """Return the agent's answer, or why there is none."""
    runner = fsm_runner.tool_runner(
        client,
        model="claude-sonnet-5-5",
        max_tokens=1024,
        messages=[{"role": "user", "content": question}],
        tools=[order_status],
        limits={"iterations": 5},
    )
    final = await runner.until_done()
    if runner.stop.reason != "completed":
        return f"I could not finish ({runner.stop.reason})."
    return final.content[-1].text
