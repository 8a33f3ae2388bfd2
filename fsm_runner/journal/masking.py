"""Masking: removes secrets from parameters and errors' texts, before any other code sees them.

Headers never reach the journal: the driver keeps them apart from a request's parameters.  Secrets that a caller puts
among the parameters all the same are masked in two ways:

- by the name above them, whatever value stands there and however deep: ``{"auth": {"value": ["[masked]"]}}``;
- by their form, anywhere in a text: API keys of known issuers, and the user and query of a URL.

A value that is masked already stays as it is, so a reader of the journal comes to the same hash.  Sources of the
forms: the issuers' documentation, and the default rules of gitleaks (https://github.com/gitleaks/gitleaks).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import is_
from typing import cast

MASK = "[masked]"
"""The text that replaces a secret."""

_NAMES = re.compile(
    r"authori[sz]ation|api_?key|(?:auth|access|refresh|bearer|session)_?token|secret|passw(?:or)?d|passphrase|cookie"
    r"|credential|(?:^|_)(?:o?auth|bearer|token|jwt|pwd|creds)(?:_|$)"
    r"|(?:access|account|client|encryption|license|master|private|service|signing|subscription)_?keys?(?:_|$)"
)
_COUNTS = re.compile(r"tokens(?:_|$)|token_(?:budget|count|limit|threshold|usage)")
_IN_A_QUERY = re.compile(r"(?:^|_)(?:key|sig|signature|code)$")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_KEYS = (
    r"sk-ant-[\w-]{8,}",  # Anthropic
    r"\bsk-(?:proj-|svcacct-|admin-|or-v1-)?[A-Za-z0-9_-]{20,}",  # OpenAI, OpenRouter
    r"\b(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[A-Z0-9]{16}\b",  # AWS: id of an access key
    r"\bgh[oprsu]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{22,}",  # GitHub
    r"\bgl(?:pat|dt|rt|ptt|cbt)-[\w-]{20,}",  # GitLab
    r"\bxox[abeoprs](?:\.xox[bp])?-[\w-]{10,}|\bxapp-\d-[\w-]{10,}",  # Slack
    r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[\w/+-]{20,}",  # Slack: an address is the key
    r"\bAIza[\w-]{30,}|\bya29\.[\w-]{20,}|\bGOCSPX-[\w-]{20,}",  # Google
    r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{10,}|\bwhsec_[A-Za-z0-9+/=]{20,}",  # Stripe
    r"\bey[JI][\w-]{10,}\.ey[\w-]{10,}(?:\.[\w-]*)?",  # JSON Web Token
    r"\bhf_[A-Za-z0-9]{30,}",  # Hugging Face
    r"\bnpm_[A-Za-z0-9]{36}|\bpypi-[\w-]{50,}",  # npm, PyPI
    r"\bSG\.[\w-]{16,}\.[\w-]{16,}",  # SendGrid
    r"\bSK[0-9a-f]{32}\b",  # Twilio
    r"\b\d{8,10}:AA[\w-]{33}",  # Telegram
    r"\b(?:dop|doo|dor)_v1_[0-9a-f]{64}",  # DigitalOcean
    r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",  # Shopify
    r"\blin_(?:api|oauth)_[A-Za-z0-9]{32,}|\bntn_[A-Za-z0-9]{40,}",  # Linear, Notion
    r"\bhv[bs]\.[\w-]{24,}",  # HashiCorp Vault
    r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}",  # age
    r"-----BEGIN[A-Z ]* PRIVATE KEY(?: BLOCK)?-----(?:[\s\S]*?-----END[A-Z ]* PRIVATE KEY(?: BLOCK)?-----|[\s\S]*)",
    r"(?<=(?i:bearer) )[\w.~+/=-]{8,}|(?<=(?i:authorization: basic) )[A-Za-z0-9+/=]{4,}",  # of an HTTP header
)
_KEY = re.compile("|".join(_KEYS))
_USER = re.compile(r"(?<=://)[^\s/?#@\"'<>]+(?=@)")
_PART = re.compile(r"([?&;#])([\w.~%\[\]-]+)=([^&#;\s\"'<>]+)")


def is_secret(name: str) -> bool:
    """Whether a value called `name` is a secret, in any spelling: ``X-Api-Key``, ``authToken``, ``passwd``.

    Names of token counts are not: ``max_tokens``.
    """
    plain = _HUMP.sub("_", name).lower().replace("-", "_").replace(".", "_")
    return _NAMES.search(plain) is not None and _COUNTS.search(plain) is None


def masked_text(text: str) -> str:
    """Return `text` with `MASK` instead of every key of a known form, and of the user and keys in a URL."""
    text = _KEY.sub(MASK, text)
    if "=" in text:
        text = _PART.sub(_part, text)
    return _USER.sub(MASK, text) if "@" in text else text


def masked(params: Mapping[str, object]) -> Mapping[str, object]:
    """Return `params` with each secret replaced by `MASK`; `params` itself if there is none."""
    return params if (clean := _masked("", params)) is params else cast("Mapping[str, object]", clean)


def _masked(name: str, value: object, below: bool = False) -> object:
    """Return `value` masked; itself if it holds no secret.  Uses one stack frame a level, since values may nest deep.

    Args:
        name: the key above `value`.
        value: the value that may be a secret or hold one.
        below: whether a key further up is a secret's name, so that everything inside is secret.
    """
    match value:
        case Mapping():
            schema = name == "properties" and not below  # in a JSON Schema, the keys below are names of fields
            below = below or is_secret(name)
            fields = {}
            for key, each in value.items():
                fields[key] = _masked("" if schema else str(key), each, below)
            return value if all(fields[key] is value[key] for key in fields) else fields
        case list() | tuple():
            items = []
            for each in value:
                items.append(_masked(name, each, below))  # noqa: PERF401 - a comprehension costs one more frame a level
            return value if all(map(is_, items, value)) else items
        case None | bool() | int() | float():
            return value
        case _ if below or is_secret(name):
            return value if value == MASK else MASK
        case str():
            text = masked_text(value)
            return value if text == value else text
        case _:
            return value


def _part(found: re.Match[str]) -> str:
    before, name, value = found.groups()
    known = _HUMP.sub("_", name).lower().replace("-", "_").replace(".", "_")
    secret = is_secret(name) or _IN_A_QUERY.search(known) is not None
    return f"{before}{name}={MASK if secret else value}"
