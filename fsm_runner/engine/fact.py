"""The fact: a question with a closed list of answers, and the pure function that gives one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from fsm_runner.engine.chart import Pattern
from fsm_runner.engine.errors import RunError
from fsm_runner.engine.frozen import short_repr

ContextT = TypeVar("ContextT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact(Generic[ContextT]):
    """A named question: immutable.

    Attributes:
        name: how guards call it.
        answers: every answer that it can give.
        ask: the pure function that answers it.
        impossible: combinations with other facts' answers that cannot happen; the check relies on them.
        version: raise it when the function answers otherwise than before; recorded runs then know that it has changed.
    """

    name: str
    answers: tuple[str, ...]
    ask: Callable[[ContextT], str]
    impossible: tuple[Pattern, ...] = ()
    version: int = 1

    __repr__ = short_repr

    @property
    def about(self) -> str:
        """The question: the first line of the function's docstring."""
        return (self.ask.__doc__ or "").strip().partition("\n")[0]

    def __call__(self, context: ContextT) -> str:
        return self.ask(context)


def fact(
    *, answers: tuple[str, ...], impossible: tuple[Pattern, ...] = (), version: int = 1
) -> Callable[[Callable[[ContextT], str]], Fact[ContextT]]:
    """Make a `Fact` of a function; its name is the fact's.

    Args:
        answers: every answer that the function can give; at least two.
        impossible: combinations that cannot happen, as patterns over this and other facts.
        version: raise it when the function answers otherwise than before.
    """

    def decorate(ask: Callable[[ContextT], str]) -> Fact[ContextT]:
        return Fact(name=ask.__name__, answers=answers, ask=ask, impossible=impossible, version=version)

    return decorate


def answering(each: Fact[ContextT]) -> Callable[[ContextT], str]:
    """Return the function of `each`, which raises `RunError` for an answer that the fact does not declare.

    True and False become the answers ``true`` and ``false``.
    """

    def ask(context: ContextT) -> str:
        answer: object = each.ask(context)
        if isinstance(answer, bool):
            answer = "true" if answer else "false"
        if answer not in each.answers:
            raise RunError(f"fact '{each.name}': it answered {answer!r} (its answers: {', '.join(each.answers)})")
        return str(answer)

    return ask
