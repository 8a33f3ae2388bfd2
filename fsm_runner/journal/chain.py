"""The chain: each line carries the hash of the line before it, and the last line of a run is sealed.

``prev`` is the hash of the exact bytes of the run's line before, without the line's end; null in its first.  A *seal*
is a hash over its own line up to itself, so that nothing need follow: a change is seen in the last line too, and a
missing seal tells that the end is missing.  Whoever can write the file can write a seal as well; not so with a key,
which makes it an HMAC.

`Chain` is the last processor of the writer: it renders, so what it hashes is what is written.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import MutableMapping
from hashlib import sha256
from typing import Literal, TypeAlias

from fsm_runner.journal.reading_bounds import LINE, LineTooLong, bound
from fsm_runner.journal.render import render

HASH_LENGTH = 32
"""Characters of a hash that ``prev`` keeps: half of a SHA-256 in hex."""

LAST = 64
"""Bytes of the last line that are remembered."""

SEALED = frozenset({"ended", "sealed"})
"""The types of the records that carry a seal."""

Seal: TypeAlias = Literal["none", "hash", "key", "other"]
"""What a line's seal is worth.

none: it has none.  hash: it is right, and anyone could have made it.  key: it is right, and made with the key.
other: it cannot be checked, for it was made with a key, or without the one that was given, or it is wrong.
"""

_SEAL = re.compile(rb',"seal":"(sha256|hmac-sha256):([0-9a-f]{64})"\}\Z')


def hash_of(line: bytes) -> str:
    """Return the hash of `line`, which is given without its end, as ``prev`` holds it."""
    return sha256(line).hexdigest()[:HASH_LENGTH]


class Chain:
    """The end of the writer's processors: mutable, for it remembers the line before.

    Attributes:
        head: the hash of the last line; None before the first.
        unsealed: whether that line still lacks the seal that the key is there for.
        breaks: whether a line that was left unfinished is to be ended first, in one write with the record.
        last: the end of the last line; nothing before the first.
    """

    def __init__(self, key: bytes | None = None, head: str | None = None) -> None:
        """Go on after `head`; seal with `key`.

        Raises:
            ValueError: the key is empty.
        """
        self.head = head
        self.unsealed = False  # there is nothing yet that could be cut off
        self.breaks = False
        self.last = b""
        self._key = checked_key(key)
        self._most = bound(LINE)

    def __call__(self, logger: object, method: str, record: MutableMapping[str, object]) -> bytes:
        """Render `record` with its links."""
        record["prev"] = self.head
        line = render(record)
        if len(line) > self._most:
            raise LineTooLong(len(line), self._most)
        if record.get("type") in SEALED:
            line = line[:-1] + b',"seal":"' + _seal(line[:-1], self._key) + b'"}'
            self.unsealed = False
        else:
            self.unsealed = self._key is not None
        self.head, self.last = hash_of(line), line[-LAST:]
        if self.breaks:
            self.breaks, line = False, b"\n" + line
        return line


def seal_of(line: bytes, key: bytes | None) -> tuple[Seal, str]:
    """Return what the seal of `line` is worth to whoever holds `key`, and what is wrong with it."""
    found = _SEAL.search(line)
    if found is None:
        return "none", "it has no seal"
    made_with_key = found[1] == b"hmac-sha256"
    if made_with_key and key is None:
        return "other", "it is sealed with a key, and none was given"
    if key is not None and not made_with_key:
        return "other", "it is sealed without a key, so anyone may have done so"
    if not hmac.compare_digest(_seal(line[: found.start()], key), found[1] + b":" + found[2]):
        return "other", "its seal does not fit" if key is None else "its seal does not fit, or is of another key"
    return ("hash" if key is None else "key"), ""


def checked_key(key: bytes | None) -> bytes | None:
    """Return `key`.

    Raises:
        ValueError: it is empty, or no bytes.
    """
    if key is not None and not isinstance(key, bytes):
        raise ValueError(f"key: it is a {type(key).__name__} (give at least 32 random bytes, or None)")
    if key is not None and not key:
        raise ValueError("key: it is empty (give at least 32 random bytes, or None)")
    return key


def _seal(body: bytes, key: bytes | None) -> bytes:
    if key is None:
        return b"sha256:" + sha256(body).hexdigest().encode()
    return b"hmac-sha256:" + hmac.digest(key, body, "sha256").hex().encode()
