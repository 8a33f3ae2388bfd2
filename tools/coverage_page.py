"""The generated parts of the coverage page: what a pytest session of the example prints and draws.

    docs/how-to/coverage.md, between the marks `<!-- session: ... -->` and `<!-- end -->`
    docs/how-to/coverage/tool_loop.svg, tool_loop-dark.svg

With `--check` nothing is written: files that are out of date are named, and the exit code is 1.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "how-to" / "coverage.md"
BLOCK = re.compile(
    r"(<!-- session: pytest (?P<arguments>.+?)(?:, (?P<lines>\d+) lines)? -->\n).*?(<!-- end -->)", re.DOTALL
)
REPORT = re.compile(r"^=+ coverage of charts =+\n.*?(?=^=|\Z)", re.DOTALL | re.MULTILINE)
WIDTH = {"COLUMNS": "100"}
"""The width that a page shows without scrolling."""

PICTURES = {
    PAGE.with_suffix("") / "tool_loop.svg": ("light", "examples/offline_test --fsm-coverage"),
    PAGE.with_suffix("") / "tool_loop-dark.svg": ("dark", "examples/offline_test --fsm-coverage -v"),
}
"""The theme of each picture, and the session that draws it."""


def sessions() -> tuple[dict[str, str], dict[Path, str]]:
    """Return the report of each session, by its arguments, and the pictures, by path.

    Raises:
        SystemExit: a session printed no report.
    """
    reports, drawn = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for path, (theme, arguments) in PICTURES.items():
            file = Path(folder) / path.name
            reports[arguments] = report(f"{arguments} --fsm-coverage-diagram={file} --fsm-coverage-theme={theme}")
            drawn[path] = file.read_text(encoding="utf-8")
    return reports, drawn


def report(arguments: str) -> str:
    """Return the coverage report of a pytest session at the top of the checkout."""
    quiet = ["-p", "no:cacheprovider", "-p", "no:randomly"]
    command = [sys.executable, "-m", "pytest", *quiet, *arguments.split()]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **WIDTH}, capture_output=True, text=True)
    found = REPORT.search(done.stdout)
    if found is None:
        sys.exit(f"coverage: pytest {arguments}: {done.stdout}{done.stderr}")
    return found.group().rstrip()


def renewed(text: str, reports: Mapping[str, str]) -> str:
    """Return a page with the current reports of its sessions, each cut off as its mark says."""

    def block(found: re.Match[str]) -> str:
        lines = reports[found["arguments"]].splitlines()
        most = int(found["lines"] or len(lines))
        shown = [f"$ pytest {found['arguments']}", "…", *lines[:most], *["…"] * (most < len(lines))]
        return found[1] + "\n".join(["```console", *shown, "```", ""]) + found[4]

    return BLOCK.sub(block, text)


def written() -> dict[Path, str]:
    """Return every generated file, by path, as it would be written now."""
    reports, drawn = sessions()
    return {PAGE: renewed(PAGE.read_text(encoding="utf-8"), reports), **drawn}


def main(arguments: list[str]) -> int:
    """Write the generated files, or compare them; return 1 when one differs."""
    files = written()
    stale = [path for path, new in files.items() if not path.is_file() or path.read_text(encoding="utf-8") != new]
    if arguments == ["--check"]:
        for path in stale:
            print(
                f"{path.relative_to(ROOT)}: not as it would be written now (run python -m tools.coverage_page)",
                file=sys.stderr,
            )
        return int(bool(stale))
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
