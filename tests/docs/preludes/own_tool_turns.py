"""`mine.yaml` as `docs/how-to/own-chart.md` edits it in its diff 2; besides, what the prelude `weather` gives."""
# ruff: noqa: F401  what is imported is for the page

from pathlib import Path

import fsm_runner
from fsm_runner.testing import ScriptedModel, reply, text, tool_use
from tests.docs.edits import shown_chart
from tests.docs.preludes.weather import messages, weather

Path("mine.yaml").write_text(shown_chart("docs/how-to/own-chart.md", 2), encoding="utf-8")
