"""Text: what messages have in common, such as counts and near words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

NEAR = 200
"""Names up to which the nearest is looked for: among more it would take longer than all else."""


def counted(number: int, noun: str) -> str:
    """Return ``1 run``, ``2 runs`` or ``1,200 runs``; `noun` is one whose plural ends in a plain s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return the way out for a word that is none of `choices`: the closest, all of them if they are few, or nothing."""
    known = sorted(set(choices))
    if len(known) > NEAR:
        return ""
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f" (did you mean '{close[0]}'?)"
    if known and len(known) <= 8:
        return f" (there is: {', '.join(known)})"
    return ""


def clipped(text: str, most: int = 120) -> str:
    """Return `text`, cut off with an ellipsis where it is longer than `most` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def duration(seconds: float) -> str:
    """Return a span of time as a person says it: ``120 ms``, ``8.1 s``, ``2 min 5 s``, ``1 h 3 min``."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
