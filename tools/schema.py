"""Writes the JSON Schema of the chart format next to the loader it is made from, or compares it with `--check`."""

from __future__ import annotations

import sys
from pathlib import Path

from fsm_runner.charts.chart_schema import schema_text

PATH = Path(__file__).parent.parent / "fsm_runner" / "charts" / "chart.schema.json"


def main(arguments: list[str]) -> int:
    """Write the schema, or compare it; return 1 when it differs."""
    if arguments == ["--check"]:
        return int(not PATH.is_file() or PATH.read_text(encoding="utf-8") != schema_text())
    PATH.write_text(schema_text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
