"""The overlay: what a picture says about single rows and states beyond the chart itself.

Counts from journals, the path of one run, a diff or coverage all come down to a `Mark` for some rows and states.
Drawing asks the overlay for each mark and knows nothing of where it came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

Tone: TypeAlias = Literal["plain", "strong", "faint", "added", "removed", "changed"]
"""How a row or state stands out; a theme gives each tone its colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How one row or state stands out: immutable.

    Attributes:
        tone: ``plain`` draws it as the chart alone would.
        note: short text beside it, such as ``12×``; empty for none.
        weight: thickness of its line against the usual one; above 0, 1 for the usual.
    """

    tone: Tone = "plain"
    note: str = ""
    weight: float = 1.0


PLAIN = Mark()
"""The mark of everything that an overlay does not mention."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """The marks of a picture: immutable.

    Attributes:
        rows: marks by row id.
        states: marks by state name.
        caption: one line below the picture that says what the marks mean; empty for none.
    """

    rows: Mapping[str, Mark] = field(default_factory=lambda: MappingProxyType({}))
    states: Mapping[str, Mark] = field(default_factory=lambda: MappingProxyType({}))
    caption: str = ""

    def row(self, row_id: str) -> Mark:
        """Return the mark of a row; a plain one when it has none."""
        return self.rows.get(row_id, PLAIN)

    def state(self, name: str) -> Mark:
        """Return the mark of a state; a plain one when it has none."""
        return self.states.get(name, PLAIN)


NO_OVERLAY = Overlay()
"""The chart alone."""
