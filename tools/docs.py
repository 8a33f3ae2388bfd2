"""The generated parts of the documentation: the output of the commands named in marks, and the map of the rooms.

    <!-- generated: fsm-runner check --help -->      `make docs` writes the text between these two lines
    <!-- end -->
    <!-- generated: tools.rooms table -->            the map of the rooms, made by `tools.rooms`
    <!-- end -->

It also writes the pictures of that map.  With `--check` nothing is written: files that are out of date are named, and
the exit code is 1.
"""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from typer.testing import CliRunner

from fsm_runner.cli.app import app_for
from tools import rooms

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(<!-- generated: fsm-runner (?P<arguments>.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
ROOMS = re.compile(r"(<!-- generated: tools\.rooms (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
WIDTH = {"COLUMNS": "80"}
"""Help is printed for a terminal of 80 columns."""


def printed(arguments: str) -> str:
    """Return the output of ``fsm-runner``, as Markdown.

    Raises:
        SystemExit: the command failed.
    """
    line = shlex.split(arguments)
    done = CliRunner(env=WIDTH).invoke(app_for(line), line, prog_name="fsm-runner")
    if done.exit_code:
        sys.exit(f"docs: fsm-runner {arguments}: {done.output}")
    if "markdown" in arguments:
        return f"\n{done.stdout}\n"
    lines = "\n".join(line.rstrip() for line in done.stdout.rstrip().splitlines())
    return f"```text\n{lines}\n```\n"


def renewed(text: str) -> str:
    """Return a page with its generated parts as they would be written now."""
    text = BLOCK.sub(lambda found: found[1] + printed(found["arguments"]) + found[3], text)
    return ROOMS.sub(lambda found: found[1] + rooms.BLOCKS[found["name"]]() + found[3], text)


def written() -> dict[Path, str]:
    """Return every page and every picture, by path, as it would be written now."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return {path: renewed(path.read_text(encoding="utf-8")) for path in pages} | rooms.pictures()


def main(arguments: list[str]) -> int:
    """Write the generated parts, or compare them; return 1 when one differs."""
    stale = []
    for path, new in written().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != new:
            stale.append(path)
            if "--check" not in arguments:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(new, encoding="utf-8")
    if "--check" not in arguments:
        return 0
    for path in stale:
        print(f"{path.relative_to(ROOT)}: a generated part is out of date (run 'make docs')", file=sys.stderr)
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
