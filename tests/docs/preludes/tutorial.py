"""`mine.yaml` as step 4 of the tutorial makes it, and the imports of step 3."""
# ruff: noqa: F401  what is imported is for the page

import asyncio
from pathlib import Path

from anthropic import beta_async_tool

import fsm_runner
from fsm_runner.testing import ScriptedModel, text, tool_use
from tests.docs.edits import shown_chart

Path("mine.yaml").write_text(shown_chart("docs/tutorial.md", 0), encoding="utf-8")
