"""The scene: what a scenario is given, and how its journal is made.

A scenario is a real run: the async driver, the real SDK, a scripted model.  Only the clock and the versions are not
left to the machine that records, so the same scenario makes the same bytes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
from anthropic import beta_async_tool

import fsm_runner
from fsm_runner.charts import load
from fsm_runner.charts.loader import DEFAULT
from fsm_runner.engine.chart import Rule
from fsm_runner.journal import Journal
from fsm_runner.testing import Reply, ScriptedModel, reply, tool_use
from tests.replaying.goldens.kept import FOLDER, Kept, Twin

RUN = "r1"


@beta_async_tool
async def look(city: str) -> str:
    """Look how warm a city is."""
    if city == "Atlantis":
        raise LookupError("no such city")
    return f"warm in {city}"


@beta_async_tool
async def listen(city: str) -> str:
    """Listen how loud a city is."""
    return f"loud in {city}"


def looks(*cities: str, **more: Any) -> Reply:
    """A reply that calls the tool `look`, once for each city."""
    return reply(*(tool_use("look", {"city": city}) for city in cities), **more)


class Clock:
    """A clock that counts seconds, from noon."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        now, self.now = self.now, self.now + timedelta(seconds=1)
        return now


class Scene:
    """Where a scenario plays: a folder, a clock, and the journals that are open in it."""

    def __init__(self, folder: Path, versions: object = None, rules: tuple[Rule, ...] | None = None) -> None:
        """Play in `folder`; `versions`: what the journal is to say of them; `rules`: of the chart; None: the truth."""
        self.path = folder / "run.jsonl"
        self.folder = folder
        self.clock = Clock()
        self._versions = versions
        self._rules = rules
        self._open: list[Journal] = []

    @property
    def writing(self) -> dict[str, Any]:
        """How every journal here is written."""
        return {"clock": self.clock, "processors": [self._pinned]}

    def _pinned(self, _: object, __: object, record: Mapping[str, object]) -> Mapping[str, object]:
        pinned = self._versions is not None and record["type"] == "run_started"
        return {**record, "versions": self._versions} if pinned else record

    def journal(self, **options: Any) -> Journal:
        """Open the journal."""
        journal = Journal.open(self.path, **{"run": RUN, **self.writing, **options})
        self._open.append(journal)
        return journal

    def run(self, replies: Any, journal: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Return a run of a model that plays `replies`; `journal`: how it is written."""
        given = {
            "model": "any",
            "max_tokens": 32,
            "messages": [{"role": "user", "content": "hi"}],
            "tools": [],
            "thread": False,
            "journal": self.journal(**(journal or {})),
        }
        chart = load(options.pop("chart", DEFAULT))
        given["chart"] = chart if self._rules is None else replace(chart, rules=self._rules)
        return fsm_runner.tool_runner(ScriptedModel(replies).client(), **{**given, **options})

    def resume(self, replies: Any, **options: Any) -> Any:
        """Return the run of the journal, gone on with."""
        self.close()
        return fsm_runner.resume(self.path, ScriptedModel(replies).client(), journal=self.writing, **options)

    def cut(self, lines: int, more: int = 0) -> None:
        """Leave of the journal only so many lines and bytes, as if the process had been killed there."""
        self.close()
        whole = self.path.read_bytes().splitlines(keepends=True)
        self.path.write_bytes(b"".join(whole[:lines]) + whole[lines][:more])

    def close(self) -> None:
        """Close what is open."""
        while self._open:
            self._open.pop().close()


Scenario = Callable[[Scene], Awaitable[object]]


@dataclass(frozen=True, kw_only=True)
class Golden:
    """A scenario and what is kept of it."""

    live: Scenario
    kept: Kept

    def recorded(self, versions: object = None, rules: tuple[Rule, ...] | None = None) -> bytes:
        """Return the journal of the scenario, played now; with `versions` in place of those that play it, and `rules`
        in place of those that its chart has by now."""
        with tempfile.TemporaryDirectory() as made:
            scene = Scene(Path(made), versions, rules)
            anyio.run(self.live, scene)
            scene.close()
            return scene.path.read_bytes()


def golden(
    line: int,
    pointer: str,
    value: Any,
    *,
    refused: tuple[int, str] | None = None,
    longer: str = "",
    key: str | None = None,
) -> Callable[[Scenario], Golden]:
    """Make a scenario a golden, which its docstring says the purpose of.

    Args:
        line, pointer, value: what its wrong twin says, and where.
        refused: the line and the pointer of the divergence, where it is not found in that very place.
        longer: why it has 15 lines or more.
        key: of its seals.
    """
    refused_line, refused_pointer = refused or (line, pointer)
    twin = Twin(line=line, pointer=pointer, value=value, refused_line=refused_line, refused_pointer=refused_pointer)

    def made(live: Scenario) -> Golden:
        purpose = " ".join((live.__doc__ or "").split())
        name = getattr(live, "__name__", "")
        kept = Kept(folder=FOLDER.name, name=name, purpose=purpose, twin=twin, longer=longer, key=key)
        return Golden(live=live, kept=kept)

    return made


def named(*modules: ModuleType) -> dict[str, Golden]:
    """Return the goldens of `modules`, by name."""
    found = (each for module in modules for each in vars(module).values() if isinstance(each, Golden))
    return {each.kept.name: each for each in found}
