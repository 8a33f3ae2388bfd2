"""The fuzz: so many kills over all lives, each run resumed to its end.

The first kill of a run is at a moment: before a record, or within an effect.  Each moment of each life comes once
before one comes again.  Some runs are killed a second time: at a random moment, within the write of a record, or at a
random instant.  As many as there are kills left for, once every moment has had its own; where there are fewer kills
than moments, every run is.
"""

from __future__ import annotations

import itertools
import json
import math
import random
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from fsm_runner.journal import Journal
from fsm_runner.loop.events import Appended, Continued, Replied
from tests.crash.killing import Kind, answered, check_end, check_life, die, messages, noted
from tests.crash.lives import LIVES, Life
from tests.journal import worlds


@dataclass(frozen=True, kw_only=True)
class Undisturbed:
    """What a life is when nobody kills it."""

    name: str
    life: Life
    messages: list[Mapping[str, Any]]
    moments: Mapping[Kind, int]
    seconds: float

    def firsts(self) -> list[First]:
        """Its moments, far apart from one to the next, each with how far in the list it stands."""
        all_: list[tuple[Kind, int]] = [
            (kind, number) for kind in ("record", "effect") for number in range(1, self.moments[kind] + 1)
        ]
        stride = next(each for each in (17, 19, 23) if math.gcd(each, len(all_)) == 1)
        return [(turn / len(all_), self.name, *all_[(turn * stride + 5) % len(all_)]) for turn in range(len(all_))]


First: TypeAlias = tuple[float, str, Kind, int]
"""How far in the list of its life it stands, the life, and the moment."""


def fuzz(kills: int, *, seed: int = 0) -> Counter[str]:
    """Kill `kills` times; return how often, by life and by way, and at how many of the moments.

    Raises:
        AssertionError: what must be true after a kill is not; with the life, the moment and the seed.
    """
    told: Counter[str] = Counter()
    dice = random.Random(seed)
    lives = {name: _undisturbed(name, life) for name, life in LIVES.items()}
    firsts = sorted(first for each in lives.values() for first in each.firsts())
    told["moments"] = len(firsts)
    spare = kills - len(firsts) if kills >= len(firsts) else len(firsts)
    for turn, (_, name, kind, number) in enumerate(itertools.cycle(firsts)):
        if told["kills"] >= kills:
            break
        whole, idempotent = lives[name], (turn + turn // len(firsts)) % 3 != 2
        again = (turn + 1) * spare // len(firsts) > turn * spare // len(firsts)
        kept = len(firsts) - turn - 1 if kills >= len(firsts) > turn else 0  # for the moments to come
        most = kills - told["kills"] - kept if again else 1
        with tempfile.TemporaryDirectory() as made:
            try:
                beside = Neighbours(Path(made), dice) if whole.life.shared else None
                _one(whole, Path(made), told, dice, (kind, number), idempotent=idempotent, most=most, beside=beside)
                if beside is not None:
                    beside.end()
                check_end(Path(made), whole.life, whole.messages, idempotent=idempotent)
            except AssertionError as error:
                raise AssertionError(
                    f"life '{name}', {kind} {number}, idempotent={idempotent}, seed {seed}: {error}"
                ) from error
        told["moments killed at"] += turn < len(firsts)
        told[f"runs: {name}"] += 1
    return told


class Neighbours:
    """Other runs in the file of one that is killed: one that lives through it all, and one that is always torn."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        """Begin to write."""
        self._path, self._dice, self._count = folder / "run.jsonl", dice, 0
        self._journal = Journal.open(self._path, run="neighbour")
        self._life = worlds.Life(self._journal)
        self._torn = worlds.recorded(worlds.two_tools, run="torn")

    def write(self) -> None:
        """Write a record, now and then right behind what is there of another's: both had looked before."""
        self._count += 1
        blind = self._dice.random() < 0.5
        with self._path.open("ab") as file:
            line = self._dice.choice(self._torn.splitlines())
            file.write(line[: self._dice.randrange(len(line))])
            if blind:
                file.write(worlds.recorded(worlds.Life, run=f"blind-{self._count}"))
        self._life.tell(Appended(messages=({"role": "user", "content": "more"},)))

    def end(self) -> None:
        """End well."""
        self._life.tell(Continued()).perform(Replied(message=worlds.text()))
        self._journal.close()


def _undisturbed(name: str, life: Life) -> Undisturbed:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        began = time.monotonic()
        assert not die(life, folder, idempotent=True)
        seconds = time.monotonic() - began
        moments = json.loads((folder / "moments").read_text())
        return Undisturbed(name=name, life=life, messages=messages(folder), moments=moments, seconds=seconds)


def _one(
    whole: Undisturbed,
    folder: Path,
    told: Counter[str],
    dice: random.Random,
    first: tuple[Kind, int],
    *,
    idempotent: bool,
    most: int,
    beside: Neighbours | None,
) -> None:
    """One run: killed at a moment, perhaps again, `most` times at most, then left alone."""
    kind: Kind = dice.choice(("record", "torn", "effect"))
    at_random = {"fatal": (kind, 1 + dice.randrange(whole.moments[kind] // 2))}
    ways: list[dict[str, Any]] = [{"fatal": first}, dice.choice((at_random, {"after": dice.random() * whole.seconds}))]
    if kind == "torn":
        ways.append({"fatal": ("torn", 1)})  # where the run goes on after a line that is torn already
    ways = [{**way, "cut": dice.choice((0.0, 0.001, 0.5, 1.0, dice.random()))} for way in ways]
    for number, way in enumerate((*ways[:most], {})):
        before, ran = answered(folder), noted(folder)
        killed = die(whole.life, folder, idempotent=idempotent, **way)
        if beside is not None:
            beside.write()
        check_life(folder, before, ran)
        assert killed or number > 0, "it was not killed"
        if killed:
            told["kills"] += 1
            told[f"kills: {way['fatal'][0] if 'fatal' in way else 'instant'}"] += 1
