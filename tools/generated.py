"""Generated files: writes them, or checks whether they are up to date.

    python tools/generated.py diagrams     write them
    python tools/generated.py --check      compare all; exit 1 when one is out of date

A generator is a module that writes its files when it is run.  With `--check` it writes nothing, names the files that
are out of date, and exits with 1.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

GENERATORS = {
    "diagrams": "fsm_runner.charts.drawing",
    "charts": "tools.charts",
    "coverage": "tools.coverage_page",
    "docs": "tools.docs",
    "journal": "tools.journal_schema",
    "problems": "tools.problems",
    "schema": "tools.schema",
}
"""The module to run, by the generator's name."""

ROOT = Path(__file__).parent.parent


def run(name: str, *flags: str) -> int:
    """Run the generator called `name` and return its exit code."""
    code = subprocess.run([sys.executable, "-m", GENERATORS[name], *flags], cwd=ROOT).returncode
    if code and flags:
        print(f"{name}: not as they would be written now (run make {name})", file=sys.stderr)
    return code


def main(arguments: list[str]) -> int:
    """Run the generators named in `arguments`, or compare all with `--check`; return the worst exit code."""
    if arguments == ["--check"]:
        return max([run(name, "--check") for name in GENERATORS])
    if unknown := [name for name in arguments if name not in GENERATORS]:
        print(f"'{unknown[0]}' is not generated (choose from: {', '.join(GENERATORS)})", file=sys.stderr)
        return 2
    return max([run(name) for name in arguments], default=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
