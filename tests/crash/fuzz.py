"""The fuzz: so many kills over all lives, each run resumed to its end.

The first kill of a run is at a moment: before each record in turn, then within each effect.  The second is at a random
moment or a random instant.
"""

from __future__ import annotations

import itertools
import json
import math
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.crash.killing import Kind, check_end, completed, die, messages, noted
from tests.crash.lives import LIVES, Life


@dataclass(frozen=True)
class Undisturbed:
    """What a life is when nobody kills it."""

    life: Life
    messages: list[Mapping[str, Any]]
    moments: Mapping[Kind, int]
    seconds: float

    def firsts(self) -> Iterator[tuple[Kind, int]]:
        """The moments for first kills, over and over: each once before one comes again, far apart."""
        all_: list[tuple[Kind, int]] = [
            (kind, number) for kind in ("record", "effect") for number in range(1, self.moments[kind] + 1)
        ]
        stride = next(each for each in (17, 19, 23) if math.gcd(each, len(all_)) == 1)
        return (all_[(turn * stride + 5) % len(all_)] for turn in itertools.count())


def fuzz(kills: int, *, seed: int = 0) -> Counter[str]:
    """Kill `kills` times; return how often, by life and by way.

    Raises:
        AssertionError: what must be true after a kill is not; with the life, the moment and the seed.
    """
    told: Counter[str] = Counter()
    dice = random.Random(seed)
    lives = {name: _undisturbed(life) for name, life in LIVES.items()}
    firsts = {name: each.firsts() for name, each in lives.items()}
    for turn, (name, whole) in enumerate(itertools.cycle(lives.items())):
        if told["kills"] >= kills:
            break
        first, idempotent = next(firsts[name]), turn % 3 != 2
        with tempfile.TemporaryDirectory() as made:
            try:
                _one(whole, Path(made), told, dice, first, idempotent=idempotent, second=told["kills"] + 1 < kills)
                check_end(Path(made), whole.messages, idempotent=idempotent)
            except AssertionError as error:
                raise AssertionError(
                    f"life '{name}', {first}, idempotent={idempotent}, seed {seed}: {error}"
                ) from error
        told[f"runs: {name}"] += 1
    return told


def _undisturbed(life: Life) -> Undisturbed:
    with tempfile.TemporaryDirectory() as made:
        began = time.monotonic()
        assert not die(life, Path(made), idempotent=True)
        seconds = time.monotonic() - began
        return Undisturbed(life, messages(Path(made)), json.loads((Path(made) / "moments").read_text()), seconds)


def _one(
    whole: Undisturbed,
    folder: Path,
    told: Counter[str],
    dice: random.Random,
    first: tuple[Kind, int],
    *,
    idempotent: bool,
    second: bool,
) -> None:
    """One run: killed at a moment, perhaps once more, then left alone."""
    kind: Kind = dice.choice(("record", "torn", "effect"))
    at_random = {"fatal": (kind, 1 + dice.randrange(whole.moments[kind] // 2))}
    ways: list[dict[str, Any]] = [{"fatal": first}]
    if second:
        ways.append(dice.choice((at_random, {"after": dice.random() * whole.seconds})))
    for way in (*ways, {}):
        before, ran = completed(folder), noted(folder)
        killed = die(whole.life, folder, idempotent=idempotent, **way)
        again = {key for key in before if noted(folder)[key] != ran[key]}
        assert not again, f"tools that had completed ran again: {sorted(again)}"
        if killed:
            told["kills"] += 1
            told[f"kills: {way['fatal'][0] if 'fatal' in way else 'instant'}"] += 1
