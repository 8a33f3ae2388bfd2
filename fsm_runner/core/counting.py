"""Counting: a number with its noun, as every report says it."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return ``1 run``, ``2 runs`` or ``1,200 runs``; `noun` is one whose plural ends in a plain s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
