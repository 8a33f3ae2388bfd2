"""Masking: secrets out of parameters before anything else sees them.

Headers never reach the journal: the driver keeps them apart from a request's parameters.  What a caller may still have
put among the parameters, such as the token of an MCP server, is masked by the name of its key; what an error's text
repeats of a header, by what keys look like.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

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
    clean = {key: _masked(key, value) for key, value in params.items()}
    return clean if any(clean[key] is not params[key] for key in clean) else params


def _masked(key: object, value: object) -> object:
    match value:
        case Mapping():
            return masked(value)
        case list() | tuple():
            clean = [_masked(key, each) for each in value]
            return clean if any(new is not old for new, old in zip(clean, value, strict=True)) else value
        case str() | bytes() if _SECRET.search(str(key).lower().replace("-", "_")):
            return MASK
        case _:
            return value
