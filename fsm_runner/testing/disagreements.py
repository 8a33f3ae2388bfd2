"""Disagreements of a script and a run.  They are assertions, so a test fails with their text."""

from __future__ import annotations

from typing import NamedTuple


class Refused(NamedTuple):
    """One request that broke a rule: its number from 1, the rule's code, and the API's message."""

    request: int
    code: str
    message: str

    def __str__(self) -> str:
        return f"request {self.request} was refused by rule '{self.code}': {self.message}"


class ScriptExhausted(AssertionError):
    """A request came after the last reply of the script.

    The SDK reports it as a lost connection, with this as the cause; `ScriptedModel.verify` raises it again.

    Attributes:
        played: how many replies were played.
        request: the number of the request that had none, counted from 1.
        asked: what it asked, on one line.
    """

    def __init__(self, played: int, request: int, asked: str) -> None:
        super().__init__(played, request, asked)
        self.played = played
        self.request = request
        self.asked = asked

    def __str__(self) -> str:
        return (
            f"script: request {self.request}: no reply is left, all {self.played} were played "
            f"(add a reply, or find out why it was sent); it asked {self.asked}"
        )


class UnusedReplies(AssertionError):
    """The run ended before the script did.

    Attributes:
        unused: number, counted from 1, and text of each reply that was not played.
        played: how many replies were played.
        requests: how many requests came.
        refused: the requests that broke a rule; these use up no reply.
    """

    def __init__(
        self, unused: tuple[tuple[int, str], ...], played: int, requests: int, refused: tuple[Refused, ...]
    ) -> None:
        super().__init__(unused, played, requests, refused)
        self.unused = unused
        self.played = played
        self.requests = requests
        self.refused = refused

    def __str__(self) -> str:
        total = self.played + len(self.unused)
        lines = [f"script: {len(self.unused)} of {total} replies were not used; requests: {self.requests}"]
        lines += [f"  reply {number}: {said}" for number, said in self.unused]
        lines += [f"  {refusal}" for refusal in self.refused]
        return "\n".join(lines)
