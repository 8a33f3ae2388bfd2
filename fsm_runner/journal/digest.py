"""The digest: what a request sends, as a hash.

The messages follow from the events, so a record holds their number and a hash instead of all of them again.  The hash
is a chain over the messages, so that a request costs only the messages that are new since the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from fsm_runner.journal.masking import masked
from fsm_runner.journal.render import render
from fsm_runner.loop.events import Json
from fsm_runner.loop.history import History


class Digests:
    """The hashes of one run's requests: mutable, for it remembers where the last one ended."""

    def __init__(self) -> None:
        self._history: History | None = None
        self._chain = b""
        self._rest: tuple[Json, object] | None = None
        self._rest_bytes = b""

    def of(self, messages: Sequence[Json], params: Json, tools: Sequence[Json] | None = None) -> str:
        """Return the SHA-256, in hex, of a request: of each message, then of the other parameters, secrets masked."""
        return sha256(self._chained(messages) + self._rendered(params, tools)).hexdigest()

    def _chained(self, messages: Sequence[Json]) -> bytes:
        known = self._history
        chain, start = b"", 0
        if known is not None and isinstance(messages, History) and messages.extends(known):
            chain, start = self._chain, len(known)
        for message in messages[start:] if start else messages:
            chain = sha256(chain + render(message)).digest()
        if isinstance(messages, History):
            self._history, self._chain = messages, chain
        return chain

    def _rendered(self, params: Json, tools: Sequence[Json] | None) -> bytes:
        """Parameters and tools seldom change between two requests, and are the same objects when they have not."""
        if self._rest is None or self._rest[0] is not params or self._rest[1] is not tools:
            self._rest = (params, tools)
            self._rest_bytes = sha256(render((masked(params), tools))).digest()
        return self._rest_bytes
