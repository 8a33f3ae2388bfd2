"""The default chart, as the tests load it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from fsm_runner.core.chart import Chart, CustomEffect, FactUse, Limit, Row, State

FILE = Path(__file__).parents[2] / "states.yaml"


def _answer(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _row(row: dict) -> Row:
    guard = tuple(
        (fact, tuple(map(_answer, found if isinstance(found, list) else [found])))
        for fact, found in row.get("guard", {}).items()
    )
    return Row(**{**row, "guard": guard})


@cache
def default_chart() -> Chart:
    """The chart of ``states.yaml``."""
    raw = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    states = (
        State(
            name=name,
            **{**state, "always": tuple(map(_row, state.get("always", ())))}
            | {"transitions": tuple(map(_row, state.get("transitions", ())))},
        )
        for name, state in raw["states"].items()
    )
    return Chart(
        name=raw["name"],
        initial=raw["initial"],
        limits=tuple(Limit(name=name, value=value) for name, value in raw["limits"].items()),
        facts=tuple(FactUse(name=name, answers=tuple(map(_answer, found))) for name, found in raw["facts"].items()),
        effects=tuple(CustomEffect(name=n, reports=tuple(r)) for n, r in raw.get("effects", {}).items()),
        states=tuple(states),
    )
