"""The themes: every colour of a picture, for a light and for a dark page.

A phase has one hue.  The five phases of the tool loop and ``failed`` have fixed hues, so that they look the same in
every chart; other phases take the remaining hues in the order in which the chart names them.  Text has a contrast of
at least 4.5:1 against its background.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from fsm_runner.charts.drawing.overlay import Tone

ThemeName: TypeAlias = Literal["light", "dark"]
"""The themes that a caller may choose."""

LETTERS = "Arial"
"""The font whose letter widths are used for the layout; every Graphviz knows them, whatever fonts are installed."""

FAMILIES = "Arial,Helvetica,Liberation Sans,Arimo,sans-serif"
"""The fonts that an SVG asks its viewer for: families of the same letter widths, so that labels fit everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paint:
    """The colours of one phase, as ``#rrggbb``: immutable.

    Attributes:
        line: borders, lines into the phase, and its name.
        fill: the background of its states.
    """

    line: str
    fill: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """The colours of a picture, as ``#rrggbb``: immutable.

    Attributes:
        page: the background of the picture; always drawn, so that the picture is legible on any page.
        card: the background of a state.
        text: names, events and guards.
        quiet: what a row hands over, spends or consumes, and the legend.
        rule: lines between rows.
        named: the phases with a fixed hue.
        spare: the hues for other phases, in order.
        tones: the colour of each tone except ``plain``.
        washes: the background of a row, for tones that have one.
    """

    page: str
    card: str
    text: str
    quiet: str
    rule: str
    named: Mapping[str, Paint]
    spare: tuple[Paint, ...]
    tones: Mapping[Tone, str]
    washes: Mapping[Tone, str]

    def paints(self, phases: tuple[str, ...]) -> dict[str, Paint]:
        """Return the colours of each phase."""
        others = [phase for phase in phases if phase not in self.named]
        spare = {phase: self.spare[index % len(self.spare)] for index, phase in enumerate(others)}
        return {phase: self.named[phase] if phase in self.named else spare[phase] for phase in phases}

    def grey(self, phases: tuple[str, ...]) -> dict[str, Paint]:
        """Return grey for each phase."""
        return dict.fromkeys(phases, self.spare[-1])

    def tone(self, tone: Tone, plain: str) -> str:
        """Return the colour of `tone`; `plain` if the tone has none."""
        return self.tones.get(tone, plain)


LIGHT = Theme(
    page="#ffffff",
    card="#ffffff",
    text="#1f2328",
    quiet="#626a73",
    rule="#d8dee4",
    named=MappingProxyType(
        {
            "inspect": Paint(line="#3451c6", fill="#eef2ff"),
            "request": Paint(line="#0b7285", fill="#e6f7fa"),
            "call_tools": Paint(line="#a8510a", fill="#fff3e2"),
            "compact": Paint(line="#6f3fc4", fill="#f4efff"),
            "done": Paint(line="#217a37", fill="#e9f8ed"),
            "failed": Paint(line="#c02b2b", fill="#ffefef"),
        }
    ),
    spare=(
        Paint(line="#a82b74", fill="#fdeef6"),
        Paint(line="#5c6b00", fill="#f5f8dc"),
        Paint(line="#0a6b5b", fill="#e3f7f2"),
        Paint(line="#7a5a3a", fill="#f7f0e8"),
        Paint(line="#4a5a6a", fill="#eef2f5"),
    ),
    tones=MappingProxyType(
        {
            "strong": "#c2255c",
            "faint": "#676e76",
            "added": "#217a37",
            "removed": "#c02b2b",
            "changed": "#a8510a",
            "covered": "#217a37",
            "missed": "#c02b2b",
        }
    ),
    washes=MappingProxyType(
        {
            "strong": "#fdeef6",
            "added": "#e9f8ed",
            "removed": "#ffefef",
            "changed": "#fff3e2",
            "covered": "#e9f8ed",
            "missed": "#ffefef",
        }
    ),
)
"""For white pages and slides."""

DARK = Theme(
    page="#0d1117",
    card="#161b22",
    text="#e6edf3",
    quiet="#9aa4af",
    rule="#343c46",
    named=MappingProxyType(
        {
            "inspect": Paint(line="#8ea6ff", fill="#171e38"),
            "request": Paint(line="#56c7dc", fill="#0f2630"),
            "call_tools": Paint(line="#f5a454", fill="#2d2013"),
            "compact": Paint(line="#bf9bff", fill="#231a38"),
            "done": Paint(line="#63cf80", fill="#12281a"),
            "failed": Paint(line="#ff8585", fill="#321a1c"),
        }
    ),
    spare=(
        Paint(line="#f58fc4", fill="#301a28"),
        Paint(line="#c5d35a", fill="#23270f"),
        Paint(line="#5fd6bf", fill="#0f2a25"),
        Paint(line="#d8b48f", fill="#2a221a"),
        Paint(line="#a9bccd", fill="#1c242c"),
    ),
    tones=MappingProxyType(
        {
            "strong": "#ff7eb0",
            "faint": "#87919c",
            "added": "#63cf80",
            "removed": "#ff8585",
            "changed": "#f5a454",
            "covered": "#63cf80",
            "missed": "#ff8585",
        }
    ),
    washes=MappingProxyType(
        {
            "strong": "#301a28",
            "added": "#12281a",
            "removed": "#321a1c",
            "changed": "#2d2013",
            "covered": "#12281a",
            "missed": "#321a1c",
        }
    ),
)
"""For dark pages and slides."""

THEMES: Mapping[ThemeName, Theme] = MappingProxyType({"light": LIGHT, "dark": DARK})
"""Each theme by name."""
