"""Masking: secrets out of parameters before anything else sees them.

Headers never reach the journal: the driver keeps them apart from a request's parameters.  What a caller may still have
put among the parameters, such as the token of an MCP server, is masked by the name of its key; what an error's text
repeats of a header, by what keys look like.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import is_
from typing import cast

MASK = "[masked]"
"""What is written instead."""

_SECRET = re.compile(r"authori[sz]ation|api_?key|(auth|access|refresh|bearer)_?token|secret|password|cookie")

_KEY = re.compile(r"sk-ant-[\w-]{8,}|(?<=bearer )[\w.~+/=-]{8,}", re.IGNORECASE)


def masked_text(text: str) -> str:
    """Return `text` with every API key of Anthropic's form, and what follows ``Bearer``, replaced by `MASK`."""
    return _KEY.sub(MASK, text)


def masked(params: Mapping[str, object]) -> Mapping[str, object]:
    """Return `params` with every text under a secret's name replaced by `MASK`; itself when there is none.

    A name counts whatever its case, and with ``-`` for ``_``: ``X-Api-Key`` as ``x_api_key``.
    """
    return params if (clean := _masked("", params)) is params else cast("Mapping[str, object]", clean)


def _masked(name: str, value: object) -> object:
    """`value` under `name`, masked; itself when it holds no secret.  One frame a level: parameters may nest deep."""
    match value:
        case Mapping():
            fields = {}
            for key, each in value.items():
                fields[key] = _masked(key if isinstance(key, str) else str(key), each)
            return value if all(fields[key] is value[key] for key in fields) else fields
        case list() | tuple():
            items = []
            for each in value:
                items.append(_masked(name, each))  # noqa: PERF401 - a comprehension is a frame more a level
            return value if all(map(is_, items, value)) else items
        case str() | bytes() if _SECRET.search(name.lower().replace("-", "_")):
            return MASK
        case _:
            return value
