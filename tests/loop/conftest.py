"""What the tests of the core share."""

from __future__ import annotations

import pytest

from fsm_runner.loop.tool_loop import Machine, compile
from tests.support.charts import default_chart


@pytest.fixture(scope="session")
def machine() -> Machine:
    """The default chart, compiled."""
    return compile(default_chart())
