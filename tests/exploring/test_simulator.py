"""Driving: what the search makes of a move is what the real driver makes of it, on random conversations."""

from __future__ import annotations

import logging
import random
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fsm_runner.charts import load
from fsm_runner.exploring.actions import CLOSE, NEXT, READ, Consequence, Move, Place
from fsm_runner.exploring.scenarios import SEARCH, beginnings, machines
from fsm_runner.exploring.shortest_paths import FoundPath
from fsm_runner.exploring.simulator import begun, moved, moves_at
from fsm_runner.loop.tool_loop import Machine
from tests.exploring.charts import chart
from tests.exploring.playing import played


@cache
def machine_of(name: str) -> Machine:
    """The machine of a shipped chart."""
    return next(machines(load(name), ()))[0]


def walked(machine, draw: random.Random, length: int) -> FoundPath | None:
    """A conversation of random moves, brought to where the caller has the turn; None when it does not come there."""
    place = begun(machine, draw.choice(list(beginnings(machine.chart, [SEARCH], rare=True))))
    went: list[tuple[Move, Consequence]] = []

    def made(place: Place, move: Move) -> Place:
        done = moved(machine, place, move)
        if done is None:
            return place
        went.append((move, done))
        return done.place

    for _ in range(length):
        if moves := list(moves_at(machine, place, rare=True)):
            going = [move for move in moves if move is not CLOSE]
            place = made(place, draw.choice(going if going and draw.random() < 0.95 else moves))
    for _ in range(30):
        if place.asked is None:
            return FoundPath(beginning=place.beginning, moves=tuple(went))
        place = made(place, next(moves_at(machine, place, rare=False)))
    return None


@pytest.mark.parametrize("name", ["states", "approval", "finalise"])
@settings(max_examples=25, derandomize=True, suppress_health_check=list(HealthCheck))
@given(draw=st.randoms(use_true_random=False), length=st.integers(1, 20))
def test_random_conversations_take_the_rows_that_were_foreseen(name, draw, length):
    """In the same order, and each call comes to what it was said to come to, exceptions too."""
    machine = machine_of(name)
    conversation = walked(machine, draw, length)
    if conversation is None:
        return
    logging.disable(logging.CRITICAL)  # tools that fail, as they are told to, say so
    try:
        rows = played(conversation, machine.chart)
    finally:
        logging.disable(logging.NOTSET)

    assert [taken.row for taken in conversation.transitions] == rows


ROUND = (
    ("target: offered,   output: message}", "target: round}"),
    (
        "  offered:  ",
        "  round:\n    phase: request\n    transitions:\n"
        "      - {id: again, event: continued, target: round, consumes: caller}\n"
        "      - {id: out, event: answer_asked, target: done}\n\n  offered:  ",
    ),
)


def test_a_run_that_would_go_round_by_itself_raises_as_in_a_driver():
    """A chart can send a run from rest to rest without anybody's doing; the caller is told so."""
    machine, _ = next(machines(chart(*ROUND), ()))
    place = moved(machine, begun(machine, next(beginnings(machine.chart, [SEARCH]))), NEXT).place

    assert "raises fsm_runner.RunError" == moved(machine, place, next(moves_at(machine, place, rare=False))).outcome


def test_a_stream_is_read_only_while_it_is_lent():
    """Afterwards there is nothing to read."""
    machine = machine_of("states")
    place = begun(machine, next(each for each in beginnings(machine.chart, [SEARCH]) if each.stream))
    place = moved(machine, place, NEXT).place
    place = moved(machine, place, next(moves_at(machine, place, rare=False))).place

    assert READ in list(moves_at(machine, place, rare=False))
    assert READ not in list(moves_at(machine, moved(machine, place, READ).place, rare=False))
