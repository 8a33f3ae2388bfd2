"""Generated files: what writes each of them, and whether it still agrees.

    python tools/generated.py diagrams     write them
    python tools/generated.py --check      compare all; exit 1 when one is stale

A generator is a module that writes its files when run, and with `--check` writes nothing, names what differs and
exits 1.  One that is planned but not there yet is named and passed over; `REQUIRED` ones must be there.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

GENERATORS = {
    "diagrams": ("fsm_runner.charts.drawing", "fsm_runner.charts.drawing.__main__"),
    "docs": ("tools.docs", "tools.docs"),
    "schema": ("tools.schema", "fsm_runner.charts.schema"),
}
"""By name: the module that is run, and the one that shows it has landed."""

REQUIRED: frozenset[str] = frozenset({"diagrams", "docs", "schema"})
"""The generators that have landed: a missing one is an error."""

ROOT = Path(__file__).parent.parent


def there(module: str) -> bool:
    """Whether `module` can be imported."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its package is missing
        return False


def run(name: str, *flags: str) -> int:
    """Run the generator called `name` and return its exit code."""
    module, sign = GENERATORS[name]
    if not there(sign):
        print(f"{name}: {sign}: not there yet", file=sys.stderr)
        return int(name in REQUIRED)
    code = subprocess.run([sys.executable, "-m", module, *flags], cwd=ROOT).returncode
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
    sys.path.insert(0, str(ROOT))
    sys.exit(main(sys.argv[1:]))
