"""Scenarios: the options and facts with which a chart is explored, as a context and as arguments of `tool_runner`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product

from fsm_runner.engine.chart import Chart
from fsm_runner.engine.errors import RunError
from fsm_runner.loop.context import Context, Conversation, Counters, Settings, SummaryControl, Thread
from fsm_runner.loop.effects import VOCABULARY
from fsm_runner.loop.events import Json
from fsm_runner.loop.facts import FACTS, OWN_LIMITS, Fact, answering
from fsm_runner.loop.history import History
from fsm_runner.loop.tool_loop import Machine, compile

MODEL, MAX_TOKENS, PROMPT = "claude-haiku-4-5", 1024, "What is in this folder?"
"""What every explored run is made of.  Models from 4.6 on take no history that ends with their own words, which the
scripted model holds to requests that compact one, too."""

FULL = 1_000
"""Tokens of a reply that fills the history, where the client summarises."""

SEARCH = "search"
"""The tool that the model calls unless other names are given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """How a run begins: immutable.

    Attributes:
        stream: whether replies are streamed.
        eager: whether calls run while their reply streams.
        summary: whether the client summarises a long conversation.
        limits: the chart's limits that the run sets, with their values.
        tools: the names of the tools that can run.
    """

    stream: bool = False
    eager: bool = False
    summary: bool = False
    limits: tuple[tuple[str, int], ...] = ()
    tools: tuple[str, ...] = (SEARCH,)

    @property
    def options(self) -> Mapping[str, object]:
        """The arguments of `tool_runner` for this beginning, without the tools."""
        limits = dict(self.limits)
        only = VOCABULARY.limits[0] if list(limits) == [VOCABULARY.limits[0]] else None
        return {
            **({"stream": True} if self.stream else {}),
            **({"run_tools_eagerly": True} if self.eager else {}),
            **({"compaction_control": {"enabled": True, "context_token_threshold": FULL}} if self.summary else {}),
            **({"max_iterations": limits[only]} if only else {"limits": limits} if limits else {}),
        }

    def context(self, chart: Chart) -> Context:
        """Return the context with which a run of `chart` begins."""
        definitions: tuple[Json, ...] = tuple({"name": name} for name in self.tools)
        return Context(
            conversation=Conversation(history=History([{"role": "user", "content": PROMPT}])),
            settings=Settings(
                params={"max_tokens": MAX_TOKENS, "model": MODEL},
                tools=definitions,
                runnable=frozenset(self.tools),
                stream=self.stream,
                eager=self.eager,
                summary=SummaryControl(threshold=FULL) if self.summary else None,
            ),
            thread=Thread(mode="new"),
            counters=Counters(limits={limit.name: limit.value for limit in chart.limits} | dict(self.limits)),
        )


def beginnings(chart: Chart, tools: Sequence[str], *, rare: bool = False) -> Iterator[Beginning]:
    """Yield the beginnings that a search of `chart` starts from, the plainest first.

    Args:
        chart: says which limits there are.
        tools: the names of the tools that can run.
        rare: whether to try more values of the limits.
    """
    ways = ((False, False), (True, False), (True, True))
    for limits, summary, (stream, eager) in product(_limits(chart, rare), (False, True), ways):
        yield Beginning(stream=stream, eager=eager, summary=summary, limits=limits, tools=tuple(tools))


def _limits(chart: Chart, rare: bool) -> tuple[tuple[tuple[str, int], ...], ...]:
    """The limits a run may set: none of them, or all of them to one low number.

    A limit that has a fact of its own bounds something extra, so it is set only where the chart leaves it open.
    """
    bounding = [each.name for each in chart.limits if each.name not in OWN_LIMITS]
    extra = [each.name for each in chart.limits if each.name in OWN_LIMITS and not each.value]
    chosen: list[tuple[tuple[str, int], ...]] = [()]
    for most in (1, 2, 0) if rare else (1,):
        chosen.append(tuple((name, most) for name in bounding))
        if extra:
            chosen.append(tuple((name, 1) for name in extra))
            chosen.append(tuple((name, 1 if name in extra else most) for name in (*bounding, *extra)))
    return tuple(dict.fromkeys(chosen))


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
    """The fact's function; if it fails, the error says which fact it was."""
    answer = answering(each)

    def ask(context: Context) -> str:
        try:
            return answer(context)
        except RunError as error:
            raise FactFailed(str(error)) from error
        except Exception as error:
            raise FactFailed(f"fact '{each.name}': it raised {type(error).__name__}: {error}") from error

    return ask
