"""The pages of the shipped charts: their pictures, and the lines in which each differs from the default chart.

    docs/how-to/charts/diagrams/NAME.svg, NAME-dark.svg, NAME.mmd
    docs/how-to/charts/diagrams/NAME-difference.svg, NAME-difference-dark.svg, what differs from the default chart
    docs/how-to/charts/NAME.md, between the marks `<!-- lines that differ -->` and `<!-- end -->`

With `--check` nothing is written: files that are out of date are named, and the exit code is 1.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from fsm_runner.charts.diff import diff, merged
from fsm_runner.charts.drawing import mermaid, only_marked, svg
from fsm_runner.charts.drawing.theme import ThemeName
from fsm_runner.charts.loader import DEFAULT, load, shipped_charts

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "docs" / "how-to" / "charts"
SUFFIXES: dict[str, ThemeName] = {"": "light", "-dark": "dark"}
"""The themes of the pictures, by the end of their files' names."""

BLOCK = re.compile(r"(<!-- lines that differ -->\n).*?(<!-- end -->)", re.DOTALL)


def beside_default() -> dict[str, Path]:
    """Return the shipped charts except the default one, by name."""
    return {name: path for name, path in shipped_charts().items() if name != DEFAULT}


def body(path: Path) -> list[str]:
    """Return the lines of a chart without the comment at its top."""
    text = path.read_text(encoding="utf-8")
    return text[text.index("schema:") :].splitlines()


def parts(lines: list[str]) -> dict[str, list[str]]:
    """Return `lines` grouped by the state or top-level key they belong to, without blank lines and dividers."""
    found: dict[str, list[str]] = {}
    head = ""
    for line in filter(None, map(plain, lines)):
        if re.match(r"\w+:" if "states" not in found else r"(  )?\w+:", line):
            head = line.partition(":")[0].strip()
        found.setdefault(head, []).append(line)
    return found


def difference(old: dict[str, list[str]], new: dict[str, list[str]]) -> str:
    """Return the lines that differ as a Markdown block, each below its state or key."""
    groups: list[list[str]] = []
    for kind, i, j, k, m in opcodes(list(old), list(new)):
        if kind == "equal":
            pairs = [(old[name], new[name]) for name in list(new)[k:m]]
            groups += [part(*pair) for pair in pairs if pair[0] != pair[1]]
        else:
            groups += [[f"-{line}" for line in old[name]] for name in list(old)[i:j]]
            groups += [[f"+{line}" for line in new[name]] for name in list(new)[k:m]]
    return "\n".join(["```diff", " …\n".join("".join(f"{line}\n" for line in group) for group in groups) + "```", ""])


def part(old: list[str], new: list[str]) -> list[str]:
    """Return the lines that differ in one state or key, after its first line."""
    shown = [f" {new[0]}"] if old[0] == new[0] else []
    for kind, i, j, k, m in opcodes(old, new):
        if kind != "equal":
            shown += [*(f"-{line}" for line in old[i:j]), *(f"+{line}" for line in new[k:m])]
    return shown


def opcodes(old: list[str], new: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    """Return difflib's steps that turn `old` into `new`."""
    return difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def plain(line: str) -> str:
    """Return `line` with single spaces after its indent and without the mark; empty for a divider."""
    code, _, comment = line.partition("#")
    comment = comment.strip().removeprefix("←").strip()
    if not code.strip():
        return ""
    indent = code[: len(code) - len(code.lstrip())]
    return indent + re.sub(" +", " ", code.strip()) + (f"  # {comment}" if comment else "")


def written() -> dict[Path, bytes]:
    """Return every generated file, by path, as it would be written now."""
    default = parts(body(shipped_charts()[DEFAULT]))
    files: dict[Path, bytes] = {}
    for name, path in beside_default().items():
        chart = load(path)
        differing, overlay = only_marked(*merged(diff(load(DEFAULT), chart)))
        for end, theme in SUFFIXES.items():
            files[PAGES / "diagrams" / f"{name}{end}.svg"] = svg(chart, theme=theme).encode()
            picture = svg(differing, theme=theme, overlay=overlay)
            files[PAGES / "diagrams" / f"{name}-difference{end}.svg"] = picture.encode()
        files[PAGES / "diagrams" / f"{name}.mmd"] = mermaid(chart).encode()
        page = PAGES / f"{name}.md"
        files[page] = renewed(page.read_text(encoding="utf-8"), difference(default, parts(body(path)))).encode()
    return files


def renewed(page: str, block: str) -> str:
    """Return the text of a page with `block` between its marks."""
    return BLOCK.sub(lambda found: found[1] + block + found[2], page)


def main(arguments: list[str]) -> int:
    """Write the generated files, or compare them; return 1 when one differs."""
    files = written()
    stale = [path for path, new in files.items() if not path.is_file() or path.read_bytes() != new]
    if arguments == ["--check"]:
        for path in stale:
            print(
                f"{path.relative_to(ROOT)}: not as it would be written now (run python -m tools.charts)",
                file=sys.stderr,
            )
        return int(bool(stale))
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[path])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
