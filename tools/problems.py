"""The page of problems: every code, what to do about it, and an example, from the code and the broken charts.

python tools/problems.py            write docs/reference/problems.md
python tools/problems.py --check    compare it; exit 1 when it is stale
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from fsm_runner.charts import load
from fsm_runner.charts.loader import examine
from fsm_runner.engine.check.codes import GROUPS, NOTES
from fsm_runner.engine.errors import ChartError

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "problems.md"
BROKEN = ROOT / "tests" / "charts" / "broken"

HEAD = """# Problems of a chart

This page lists everything that `fsm-runner check` can find in a chart. Each kind of problem has a stable code, which
stands at the end of a message:

```text
mine.yaml:12:5: state 'start': target 'don' is not declared (did you mean 'done'?)  [unknown-target]
```

`--format json`, `--format github` and the attribute `Problem.code` have the code too. All problems of a chart are
reported at once, each with its line and column. Problems that only follow from a wrong name are not reported.

{notes} are notes: a
chart with notes can run. With `--strict`, `overlap` is a problem. A last row without a guard means "else", and is not
an overlap.

The last column shows what `check` reports for a small chart with that one problem. `python tools/problems.py` writes
this page.
"""

UNSHOWN = {
    "too-large": "the file is over 1,000,000 bytes",
    "not-utf8": "byte 0xE9 is not UTF-8 (save the file as UTF-8)",
}
"""What no small text shows."""


def examples() -> dict[str, str]:
    """Return, for each code, what is said of the first broken chart that shows it."""
    found = dict(UNSHOWN)
    for name in ("no/such/chart.yaml", "stats"):
        try:
            load(name)
        except ChartError as error:
            found[error.problems[0].code] = error.problems[0].message
    for path in sorted(BROKEN.glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        head, second = text.splitlines()[:2]
        facts = None
        if second.startswith("# code: "):
            fact, answers = second.removeprefix("# code: ").split("=")
            facts = {fact: Code(fact, tuple(answers.split("|")))}
        verdict = examine(text, facts=facts)[1]
        code = head.split()[-1]
        for problem in (*verdict.problems, *verdict.notes):
            if problem.code == code:
                found.setdefault(code, problem.message)
    return found


class Code:
    """A fact's code, as far as the check looks at it."""

    impossible = ()

    def __init__(self, name: str, answers: tuple[str, ...]) -> None:
        self.name = name
        self.answers = answers


def page() -> Iterator[str]:
    """Yield the page, part by part."""
    *most, last = [f"`{code}`" for group in GROUPS.values() for code in group if code in NOTES]
    yield HEAD.format(notes=f"{', '.join(most)} and {last}")
    shown = examples()
    for heading, group in GROUPS.items():
        yield f"\n## {heading}\n\n| code | what it means, and what to do | example |\n|---|---|---|\n"
        for code, says in group.items():
            yield f"| `{code}` | {says} | {cell(shown[code])} |\n"


def cell(text: str) -> str:
    """Return `text` as code in a cell of a table."""
    ticks = "``" if "`" in text else "`"
    return f"{ticks}{text}{ticks}".replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write the page, or compare it; return 1 when it differs."""
    text = "".join(page())
    if "--check" not in arguments:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") == text:
        return 0
    print(f"{PAGE.relative_to(ROOT)}: out of date (run python tools/problems.py)", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
