"""The chain: each line carries the hash of the line before it, and the last line of a run is sealed.

``prev`` is the hash of the exact bytes of the run's previous line, without the line's end; null in its first record.  A
*seal* is a hash over its own line, up to the seal itself.  It shows a change of the last line, which no other
line could, and where it is missing, the end of the run is missing.  Anyone who can write the file can write a seal as
well, but not with a key, which makes the seal an HMAC.

`Chain` is the writer's last processor.  It renders each record, so what it hashes is what is written.
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
"""How many characters of a hash ``prev`` keeps: half of a SHA-256 in hex."""

LAST = 64
"""How many bytes of the last line's end are remembered."""

SEALED = frozenset({"ended", "sealed"})
"""The types of the records that carry a seal."""

Seal: TypeAlias = Literal["none", "hash", "key", "other"]
"""What a line's seal proves.

none: there is no seal.  hash: the seal is right, but anyone could have made it.  key: it is right, and made with the
key.  other: it is wrong, or cannot be checked: it was made with a key that was not given, or without the one that was.
"""

_SEAL = re.compile(rb',"seal":"(sha256|hmac-sha256):([0-9a-f]{64})"\}\Z')


def hash_of(line: bytes) -> str:
    """Return the hash of `line` in the form of ``prev``; `line` has no line end."""
    return sha256(line).hexdigest()[:HASH_LENGTH]


class Chain:
    """The last of the writer's processors: mutable, because it remembers the previous line.

    Attributes:
        head: the hash of the last line; None before the first.
        unsealed: whether there is a key, and the last line still lacks its seal.
        breaks: whether an unfinished line must be ended first, in the same write as the next record.
        last: the last bytes of the last line; empty before the first.
    """

    def __init__(self, key: bytes | None = None, head: str | None = None) -> None:
        """Continue after the hash `head`; make seals with `key`.

        Raises:
            ValueError: the key is empty.
        """
        self.head = head
        self.unsealed = False  # nothing has been written that could be cut off
        self.breaks = False
        self.last = b""
        self._key = checked_key(key)
        self._most = bound(LINE)

    def __call__(self, logger: object, method: str, record: MutableMapping[str, object]) -> bytes:
        """Render `record` with ``prev``, and with a seal if its type has one."""
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
    """Return what the seal of `line` proves to the owner of `key`, and what is wrong with it; empty if nothing."""
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
    """Return `key` if it can be used.

    Raises:
        ValueError: it is empty, or not bytes.
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
