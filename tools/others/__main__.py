"""Side by side: the broken charts through transitions, python-statemachine and LangGraph, as a page.

    make others                  run them all and write docs/reference/side-by-side.md; takes a minute or two
    make others ARGS=--check     compare the page; exit 1 when it is stale

The libraries live in an environment of their own, which `requirements/others.txt` pins; what runs in it (`probe`, with
`world`, `files` and a translator for each library) does not import fsm_runner, and gets the charts as data (`cases`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.others import cases, page, world

ROOT = Path(__file__).parents[2]
VENV = ROOT / "build" / "others" / "venv"
UNTRACED = {"LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false"}
"""LangGraph would report its runs to a service where the user's own settings say so."""

PAGE = ROOT / "docs" / "reference" / "side-by-side.md"


def environment() -> None:
    """Make the environment that the libraries run in."""
    setup = [sys.executable, ROOT / "tools" / "venv.py", VENV, "requirements/others.txt"]
    subprocess.run(setup, cwd=ROOT, check=True)


def probe(given: dict[str, Any]) -> dict[str, Any]:
    """Return what the libraries make of the cases."""
    asked = {**given, "files": [case["name"] for case in given["files"]]}
    command = [VENV / "bin" / "python", "-m", "tools.others.probe"]
    env = {**os.environ, **UNTRACED}
    done = subprocess.run(
        command, cwd=ROOT, env=env, input=json.dumps(asked), stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> int:
    """Write the page, or compare it; return 1 when it differs."""
    parser = argparse.ArgumentParser(prog="make others", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare the page instead of writing it")
    check = parser.parse_args().check
    environment()
    given = {"machines": cases.machines(), "files": cases.files(), "trusted": cases.trusted()}
    text = "".join(page.page(given, probe(given), world.PATIENCE))
    if not check:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    print(f"{PAGE.relative_to(ROOT)}: out of date (run make others)", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
