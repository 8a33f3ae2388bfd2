"""Playing: a conversation that the search found, move by move through the real runner on the scripted model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import anthropic
import pytest

import fsm_runner
from fsm_runner import testing
from fsm_runner.engine.chart import Chart
from fsm_runner.exploring.actions import Act, FaultAction, Outcome, ReplyAction
from fsm_runner.exploring.scenarios import MAX_TOKENS, MODEL, PROMPT, SEARCH
from fsm_runner.exploring.shortest_paths import FoundPath
from fsm_runner.loop.effects import VOCABULARY
from fsm_runner.loop.facts import Fact


class Interrupted(KeyboardInterrupt):
    """The process is told to stop, as by Ctrl-C."""


KNOWN = {
    **{name: getattr(testing, name) for name in testing.__all__},
    "anthropic": anthropic,
    "fsm_runner": fsm_runner,
    "Interrupted": Interrupted,
}
"""The names that moves are written with."""


def played(
    conversation: FoundPath, chart: Chart, *, facts: Sequence[Fact] = (), tools: Sequence[str] = (SEARCH,)
) -> list[str]:
    """Play a conversation, see that each of the caller's acts comes to what was foreseen, and return the rows."""
    rows: list[str] = []
    moves = [move for move, _ in conversation.moves]
    standing = [
        fsm_runner.Fact(name=use.name, answers=use.answers, ask=lambda _, answer=answer: answer)
        for use in chart.facts
        if (answer := conversation.assumed.get(use.name)) is not None
    ]
    effects = {
        each.name: _outcomes(_of(moves, each.name), next(event for event in each.reports if event != VOCABULARY.failed))
        for each in chart.effects
    }
    tool = _outcomes(_of(moves, "tool"), "found")
    script = [_value(move.code) for move in moves if isinstance(move, ReplyAction | FaultAction) and move.code]
    with testing.ScriptedModel(script) as model:
        runner = fsm_runner.tool_runner(
            model.sync_client(),
            model=MODEL,
            max_tokens=MAX_TOKENS,
            messages=[{"role": "user", "content": PROMPT}],
            tools=[anthropic.beta_tool(lambda: tool(), name=name, description="A stand-in.") for name in tools],
            chart=chart,
            facts=[*facts, *standing],
            on_step=lambda _, step: rows.extend(taken.row for taken in step.transitions),
            **({"effects": effects} if effects else {}),
            **conversation.beginning.options,
        )
        names: dict[str, object] = {"runner": runner}
        for act, outcome in _acts(conversation):
            _perform(act, outcome, names)
    return rows


def _perform(act: Act, outcome: str | None, names: dict[str, object]) -> None:
    if outcome is not None and outcome.startswith("raises "):
        with pytest.raises(_value(outcome.removeprefix("raises "))):
            _value(act.code, names)
    elif act.deed == "next" and outcome == "end":
        with pytest.raises(StopIteration):
            _value(act.code, names)
    else:
        made = _value(act.code, names)
        if outcome == "stream":
            names["stream"] = made


def _acts(conversation: FoundPath) -> Iterable[tuple[Act, str | None]]:
    """Yield what the caller does, each with what it comes to; None: it is no call that anything comes of."""
    acts = [index for index, (move, _) in enumerate(conversation.moves) if isinstance(move, Act)]
    for index, end in zip(acts, [*acts[1:], len(conversation.moves)], strict=True):
        act = conversation.moves[index][0]
        assert isinstance(act, Act)
        yield act, next((done.outcome for _, done in conversation.moves[index:end] if done.outcome is not None), None)


def _of(moves: Sequence[object], who: str) -> list[object]:
    return [_value(move.code) for move in moves if isinstance(move, Outcome) and move.who == who]


def _outcomes(outcomes: Iterable[object], usual: object) -> Callable[..., object]:
    """A function that comes to each of `outcomes` in turn, then always to `usual`; exceptions are raised."""
    waiting = iter(outcomes)

    def play(*_: object) -> object:
        outcome = next(waiting, usual)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return play


def _value(code: str, names: dict[str, object] | None = None) -> object:
    return eval(code, {**KNOWN, **(names or {})})
