"""The messages of a run as the JSON that requests send: each is encoded once, and one buffer holds them all.

What a request is given is `Messages`, a model: the SDK takes what a model dumps as it is, without a walk over the
history.  That is a true list, `Encoded`, which knows its bytes; whoever does not ask for them encodes the list as ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pydantic

from fsm_runner.loop.history import History

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
"""As the SDK encodes.  Source: anthropic 2.12."""


class Encoded(list[object]):
    """Messages that may know their JSON.

    Attributes:
        buffer: the messages of the run, with a comma between two.
        end: how many bytes of it are these.
    """

    buffer: bytearray
    end: int


class Messages(pydantic.BaseModel):
    """What ``create`` is given for its messages.  They are plain data: no helper of the SDK is to be found in them."""

    def __init__(self, encoded: Encoded) -> None:
        super().__init__()
        self._encoded = encoded

    _encoded: Encoded = pydantic.PrivateAttr()

    def model_dump(self, **how: Any) -> Any:
        """Return the messages."""
        return self._encoded

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        return iter(())


def as_given(messages: History) -> Messages | None:
    """Return `messages` for a request whose body the SDK encodes, which then copies none of them; None for none."""
    return Messages(Encoded(messages)) if messages else None


class Encoder:
    """The encoded messages of one run: mutable.  A history that does not go on from the last is encoded anew."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Hold nothing, until the next request."""
        self._history: History | None = None
        self._buffer = bytearray()
        self._ends: list[int] = []

    def encoded(self, messages: History) -> Messages | None:
        """Return `messages` for a request; None when there are none, or JSON or UTF-8 cannot hold them."""
        if self._history is None or not messages.extends(self._history):
            self.clear()
        buffer, ends = self._buffer, self._ends
        self._history = None
        try:
            for message in messages[len(ends) :]:
                text = _ENCODE(message).encode()
                buffer += b"," + text if ends else text
                ends.append(len(buffer))
        except (TypeError, ValueError, RecursionError):
            return None
        self._history = messages
        if not messages:
            return None
        encoded = Encoded(messages)
        encoded.buffer, encoded.end = buffer, ends[len(messages) - 1]
        return Messages(encoded)


def body_of(data: object) -> bytes | None:
    """Return the body of a request with `data`; None when its messages do not know their bytes."""
    messages = data.get("messages") if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(messages, Encoded):
        return None
    names = list(data)
    at = names.index("messages")
    head = _ENCODE({name: data[name] for name in names[:at]})[:-1] + ("," if at else "") + '"messages":['
    rest = _ENCODE({name: data[name] for name in names[at + 1 :]})[1:]
    tail = "]" + ("," if rest != "}" else "") + rest
    with memoryview(messages.buffer) as whole, whole[: messages.end] as held:
        return b"".join((head.encode(), held, tail.encode()))
