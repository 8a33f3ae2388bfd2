"""Random charts with guards, and what each does with each combination of answers, one by one."""

from __future__ import annotations

from itertools import product

from hypothesis import strategies as st

from fsm_runner.engine.chart import Chart, FactUse, Row, State

FACTS = (
    FactUse(name="turn", answers=("none", "wants_tools", "answered")),
    FactUse(name="calls", answers=("open", "done")),
    FactUse(name="late", answers=("yes", "no", "soon")),
)
"""`turn` and `calls` are built in: some of their answers cannot be given together."""

IMPOSSIBLE = ({"turn": "wants_tools", "calls": "done"}, {"turn": "answered", "calls": "open"})
NAMES = ("one", "two", "three")
EVENTS = (None, "replied", "failed")


@st.composite
def guards(draw: st.DrawFn) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """A guard over some of `FACTS`."""
    asked = [fact for fact in FACTS if draw(st.integers(0, 2)) == 0]
    return tuple((fact.name, draw(_answers(fact))) for fact in asked)


def _answers(fact: FactUse) -> st.SearchStrategy[tuple[str, ...]]:
    some = st.sets(st.sampled_from(fact.answers), min_size=1)
    return some.map(lambda chosen: tuple(answer for answer in fact.answers if answer in chosen))


@st.composite
def charts(draw: st.DrawFn) -> Chart:
    """A chart of two or three states; rows may be dead, and some combination may have none."""
    names = NAMES[: draw(st.integers(2, 3))]
    states = []
    for name in names:
        rows = []
        for number in range(draw(st.integers(0, 4))):
            event = draw(st.sampled_from(EVENTS))
            target, output = draw(st.sampled_from(names)), draw(st.sampled_from([None, None, "message"]))
            rows.append(Row(id=f"{name}_{number}", event=event, guard=draw(guards()), target=target, output=output))
        always = tuple(row for row in rows if row.event is None)
        states.append(
            State(name=name, phase="p", always=always, transitions=tuple(row for row in rows if row.event is not None))
        )
    return Chart(name="random", initial="one", states=tuple(states), facts=FACTS)


def combinations() -> list[dict[str, str]]:
    """Every combination of the answers of `FACTS` that can happen."""
    names = [fact.name for fact in FACTS]
    every = [dict(zip(names, chosen, strict=True)) for chosen in product(*(fact.answers for fact in FACTS))]
    return [point for point in every if not any(bad.items() <= point.items() for bad in IMPOSSIBLE)]


def holds(pattern: tuple[tuple[str, tuple[str, ...]], ...], point: dict[str, str]) -> bool:
    """Whether `pattern` holds for one combination."""
    return all(point[fact] in answers for fact, answers in pattern)


def taken(state: State, event: str | None, point: dict[str, str]) -> Row | None:
    """The row of `state` that one combination takes; None when there is none."""
    return next((row for row in state.rows if row.event == event and holds(row.guard, point)), None)
