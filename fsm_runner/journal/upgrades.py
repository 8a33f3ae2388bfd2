"""Upgrades: records of older versions of the format, as today's.

One function a version, from it to the next: it gets a whole record as read, head and all, and returns the same record
as the next version would have written it.  Nothing in the file changes, so hashes and seals stay right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from fsm_runner.journal.records import VERSION

Upgrade: TypeAlias = Callable[[dict[str, object]], dict[str, object]]
"""Makes a record of one version into one of the next; raises `ValueError` for a record that it cannot read."""

UPGRADES: Mapping[int, Upgrade] = MappingProxyType({})
"""By the version that they upgrade from.  Version 1 is the first, so there are none yet."""


def upgraded(value: dict[str, object], upgrades: Mapping[int, Upgrade] = UPGRADES) -> dict[str, object]:
    """Return the record `value` as one of this version.

    Raises:
        ValueError: there is no way from its version to this one.
    """
    version = value["v"]
    if isinstance(version, bool) or not isinstance(version, int) or version > VERSION:
        reads = f"this fsm_runner reads version {VERSION} (upgrade fsm_runner)"
        raise ValueError(f"its format is version {version!r}; {reads}")
    for step in range(version, VERSION):
        if step not in upgrades:
            raise ValueError(f"its format is version {version}, which is not known (restore the line from a copy)")
        value = {**upgrades[step](value), "v": step + 1}
    return value
