"""Standing in: the facts with which a chart is explored, those of the user's guarded, those without code assumed.

A chart whose facts have no code here is explored under assumptions: such a fact gives the same answer all along.  A
row that asks it is not looked for, since only its code knows when it holds; every other row is, with a stand-in that
gives the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice, product

from fsm_runner.engine.chart import Chart
from fsm_runner.engine.errors import RunError
from fsm_runner.loop.context import Context
from fsm_runner.loop.domain import Machine, compile
from fsm_runner.loop.facts import FACTS, Fact, answering

MOST_ASSUMED = 8
"""Combinations of assumed answers that are tried."""


class FactFailed(RunError):
    """A fact of the user's raised an exception, or answered what is not among its answers."""


def machines(chart: Chart, facts: Iterable[Fact]) -> Iterator[tuple[Machine, Mapping[str, str]]]:
    """Yield `chart` compiled, with what each fact without code is assumed to answer; once when all have code.

    Raises:
        ChartError: a fact's code gives other answers than the chart declares.
    """
    given = {each.name: replace(each, ask=_guarded(each)) for each in facts}
    unknown = [use for use in chart.facts if use.name not in {**FACTS, **given}]
    for answers in islice(product(*(use.answers for use in unknown)), MOST_ASSUMED):
        standing = [
            Fact(name=use.name, answers=use.answers, ask=_always(answer))
            for use, answer in zip(unknown, answers, strict=True)
        ]
        assumed = {use.name: answer for use, answer in zip(unknown, answers, strict=True)}
        yield compile(chart, [*given.values(), *standing]), assumed


def _always(answer: str) -> Callable[[Context], str]:
    return lambda _: answer


def _guarded(each: Fact) -> Callable[[Context], str]:
    """The fact's function; that it fails is said with its name."""
    answer = answering(each)

    def ask(context: Context) -> str:
        try:
            return answer(context)
        except RunError as error:
            raise FactFailed(str(error)) from error
        except Exception as error:
            raise FactFailed(f"fact '{each.name}': it raised {type(error).__name__}: {error}") from error

    return ask
