"""The broken charts: one fault each, and where it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from fsm_runner.engine.check.combinations import Pattern

FOLDER = Path(__file__).parent / "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweringFact:
    """A fact's code, as far as the check looks at it: immutable."""

    name: str
    answers: tuple[str, ...]
    impossible: tuple[Pattern, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A broken chart and what its first lines say of it: immutable.

    Attributes:
        name: the file's name, which is the fault's.
        text: the whole file.
        code: the code of its one problem, or of its one note.
        place: the line and column, as ``14:9``.
        note: whether it is a note, and the chart can run.
        facts: the facts' code to check it with; None for none.
    """

    name: str
    text: str
    code: str
    place: str
    note: bool
    facts: dict[str, AnsweringFact] | None


def broken_charts() -> list[Broken]:
    """Read them all, from ``# expect: line:column code`` (or ``# note:``), and ``# code: fact=answer|answer``."""
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        first, second = text.splitlines()[:2]
        kind, place, code = first.removeprefix("# ").split()
        facts = None
        if second.startswith("# code: "):
            name, answers = second.removeprefix("# code: ").split("=")
            facts = {name: AnsweringFact(name=name, answers=tuple(answers.split("|")))}
        found.append(Broken(name=path.stem, text=text, code=code, place=place, note=kind == "note:", facts=facts))
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `broken` once for each of them."""
    if "broken" in metafunc.fixturenames:
        metafunc.parametrize("broken", [pytest.param(chart, id=chart.name) for chart in broken_charts()])


@pytest.fixture
def codes_shown() -> set[str]:
    """The codes that some broken chart shows."""
    return {chart.code for chart in broken_charts()}
