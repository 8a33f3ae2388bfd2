"""A client of a scripted model, a tool, and a question: one call of the tool, then the answer."""
# ruff: noqa: F401  what is imported is for the page

from anthropic import beta_async_tool

import fsm_runner
from fsm_runner.testing import ScriptedModel, text, tool_use


@beta_async_tool
async def weather(city: str) -> str:
    """Say what the weather is like.

    Args:
        city: where.
    """
    return f"rain in {city}"


model = ScriptedModel([tool_use("weather", {"city": "Bergen"}), text("Take an umbrella.")])
client = model.client()
messages = [{"role": "user", "content": "What should I wear in Bergen?"}]
