"""What is kept: the folders of goldens, one a version of the format, and what the index of each says.

Nothing here knows of scenarios, so a folder can be tested when those that made it are gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from fsm_runner.journal.records import VERSION

HERE = Path(__file__).parent
FOLDER = HERE / f"v{VERSION}"
"""The goldens of today's format."""

FOLDERS = sorted(HERE.glob("v[0-9]*"))
INDEX = "index.json"


@dataclass(frozen=True, kw_only=True)
class Twin:
    """A wrong twin: the golden but for one value, and where replay finds it out.

    Attributes:
        line, pointer: where the value stands: a line of the file, counted from 1, and a JSON pointer into its record.
        value: what the twin says there.
        refused_line, refused_pointer: the line and the place of the one divergence.
    """

    line: int
    pointer: str
    value: Any
    refused_line: int
    refused_pointer: str

    def of(self, golden: bytes) -> bytes:
        """Return the twin of `golden`, whose other bytes stay as they are."""
        lines = golden.splitlines(keepends=True)
        record = orjson.loads(lines[self.line - 1])
        assert orjson.dumps(record) + b"\n" == lines[self.line - 1], "nothing else may change"
        *way, last = self.pointer.split("/")[1:]
        place = record
        for step in way:
            place = place[int(step) if isinstance(place, list) else step]
        assert place[last] != self.value
        place[last] = self.value
        lines[self.line - 1] = orjson.dumps(record) + b"\n"
        return b"".join(lines)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A golden as it is kept: its file, and what the index says of it.

    Attributes:
        purpose: what it is kept for.
        twin: its wrong twin.
        longer: why it has 15 lines or more; empty: it has not.
        key: the key of its seals; None: they are without.
    """

    folder: str
    name: str
    purpose: str
    twin: Twin
    longer: str = ""
    key: str | None = None

    @property
    def path(self) -> Path:
        """Its file."""
        return HERE / self.folder / f"{self.name}.jsonl"

    @property
    def secret(self) -> bytes | None:
        """The key, for whoever verifies it."""
        return None if self.key is None else self.key.encode()


def kept_in(folder: Path) -> Iterator[Kept]:
    """Yield the goldens that the index of `folder` names."""
    for name, entry in json.loads((folder / INDEX).read_text(encoding="utf-8")).items():
        yield Kept(folder=folder.name, name=name, **{**entry, "twin": Twin(**entry["twin"])})


def index_of(goldens: dict[str, Kept]) -> str:
    """Return the text of the index of `goldens`."""
    entries = {name: asdict(kept) for name, kept in sorted(goldens.items())}
    shown = {
        name: {field: value for field, value in entry.items() if value and field not in ("folder", "name")}
        for name, entry in entries.items()
    }
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"


def records_in(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield every record of the goldens in `folder`, as it was written; not what a killed process left of a line."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            if line.startswith(b'{"v":') and line.endswith(b"}"):
                yield json.loads(line)
