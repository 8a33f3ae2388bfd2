"""The scripted model: plays replies to the real SDK, and records what it was asked.

    model = ScriptedModel([tool_use("search", {"q": "ants"}), text("Ants are insects.")])
    with model:                                  # or model.verify() at the end
        client = model.sync_client()
        ...
    assert 2 == len(model.requests)

The script is a list, played in order, or a function of the request; a list may have functions in it, too.  A request
that the API would refuse gets a 400 and uses up no reply; `api_rules` says what is checked, and what is not.  Message
threads are kept as the API keeps them (`threads`).  Requests may also have the form of Vertex and of Bedrock, except
for Bedrock's streams.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import httpx2

from fsm_runner.testing.api_rules import broken
from fsm_runner.testing.disagreements import Refused, ScriptExhausted, UnusedReplies
from fsm_runner.testing.faults import Fault, error
from fsm_runner.testing.received import ScriptedRequest, blocks, parse
from fsm_runner.testing.replies import CALL_IDS, USAGE, Block, Reply, reply
from fsm_runner.testing.threads import Threads
from fsm_runner.testing.transport import Answer, ScriptedTransport, error_answer, faulty, whole

if TYPE_CHECKING:
    import anthropic

Played: TypeAlias = Reply | Fault | Block
"""An entry of a script; a block stands for a reply of this one block."""

Answerer: TypeAlias = Callable[[ScriptedRequest], Played]
"""A function that answers a request."""

RESUMED = ("pause_turn", "compaction")
"""The stop reasons after which the reply is sent back as the last message, to be continued."""


class ScriptedModel:
    """A model that plays a script.

    Attributes:
        transport: for an `httpx2` client, sync or async.
        requests: every request received, oldest first.
        refused: the requests that broke a rule.
        played: how many entries of the script were played.
    """

    def __init__(self, replies: Iterable[Played | Answerer] | Answerer, *, strict: bool = True) -> None:
        """Take the script; `strict`: whether requests are checked against the rules."""
        self.transport = ScriptedTransport(self._answer)
        self.requests: list[ScriptedRequest] = []
        self.refused: list[Refused] = []
        self.played = 0
        self._endless = replies if callable(replies) else None
        self._script: tuple[Played | Answerer, ...] = () if callable(replies) else tuple(replies)
        self._strict = strict
        self._made: Counter[str] = Counter()
        self._paused: set[str] = set()
        self._threads = Threads()
        self._exhausted: ScriptExhausted | None = None

    # ── clients ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def client(self, *, max_retries: int = 0, **options: Any) -> anthropic.AsyncAnthropic:
        """Return an async client of this model; `options` are the SDK client's."""
        import anthropic

        http = httpx2.AsyncClient(transport=self.transport)
        return anthropic.AsyncAnthropic(**_options(options, max_retries), http_client=http)

    def sync_client(self, *, max_retries: int = 0, **options: Any) -> anthropic.Anthropic:
        """Return a sync client of this model; `options` are the SDK client's."""
        import anthropic

        http = httpx2.Client(transport=self.transport)
        return anthropic.Anthropic(**_options(options, max_retries), http_client=http)

    # ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def verify(self) -> None:
        """Check that the run and the script ended together.

        Raises:
            ScriptExhausted: there was no reply left for a request, even if the tested code has caught that.
            UnusedReplies: entries of the script were not played.
        """
        if self._exhausted is not None:
            raise ScriptExhausted(*self._exhausted.args)
        unused = tuple((number, str(_named(entry))) for number, entry in enumerate(self._script, start=1))
        if unused[self.played :]:
            raise UnusedReplies(unused[self.played :], self.played, len(self.requests), tuple(self.refused))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # An error in the block says more than unused replies would.  But the SDK reports an exhausted script as a lost
        # connection, so that explains the error.
        if error is None or self._exhausted is not None:
            self.verify()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, at)

    # ── answering ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _answer(self, http: httpx2.Request) -> Answer:
        number = len(self.requests) + 1
        request_id = f"req_{number:04}"
        request = self._threads.known(parse(http, number))
        request = request.resuming(self._resumes(request))
        self.requests.append(request)
        if request.platform is None:
            return error_answer(404, "not_found_error", message="Not Found", request_id=request_id)
        entry = (self._refusal(request) if self._strict else None) or self._next(request)
        if isinstance(entry, Fault):
            within = None if entry.within is None else self._message(entry.within, request)
            return faulty(entry, within, request=http, request_id=request_id, stream=request.stream)
        message = self._message(entry, request)
        self._threads.keep(request, message)
        return whole(message, request_id=request_id, stream=request.stream)

    def _refusal(self, request: ScriptedRequest) -> Fault | None:
        fault, code = self._threads.refusal(request), "thread"
        if fault is None and (wrong := broken(request)) is not None:
            rule, message = wrong
            fault, code = error(rule.status, rule.error, message=message), rule.code
        if fault is not None:
            known = fault.details.get("error_code", code)
            self.refused.append(Refused(request=request.number, code=known, message=fault.message))
        return fault

    def _next(self, request: ScriptedRequest) -> Reply | Fault:
        if self._endless is None and self.played == len(self._script):
            self._exhausted = ScriptExhausted(self.played, request.number, str(request))
            raise self._exhausted
        entry = self._endless or self._script[self.played]
        self.played += 1
        played = entry(request) if callable(entry) else entry
        return played if isinstance(played, Reply | Fault) else reply(played)

    def _message(self, answer: Reply, request: ScriptedRequest) -> dict[str, Any]:
        message = {
            "id": self._id("msg"),
            "type": "message",
            "role": "assistant",
            "model": answer.model or request.model,
            "content": [self._block(block) for block in answer.blocks],
            "stop_reason": answer.stop_reason,
            "stop_sequence": None,
            "usage": {**USAGE, **answer.usage},
            **answer.fields,
        }
        if message["stop_reason"] in RESUMED:
            self._paused.add(_words(message))
        return message

    def _block(self, block: Block) -> dict[str, Any]:
        prefix = CALL_IDS.get(str(block.get("type")))
        if prefix is None or block.get("id") is not None:
            return dict(block)
        return {**block, "id": self._id(prefix)}

    def _id(self, prefix: str) -> str:
        self._made[prefix] += 1
        return f"{prefix}_{self._made[prefix]:04}"

    def _resumes(self, request: ScriptedRequest) -> bool:
        last = request.conversation[-1] if request.conversation else None
        return isinstance(last, Mapping) and last.get("role") == "assistant" and _words(last) in self._paused


def _words(message: Mapping[str, Any]) -> str:
    return json.dumps([block.get("text") for block in blocks(message)])


def _named(entry: Played | Answerer) -> object:
    if callable(entry):
        return f"function '{getattr(entry, '__name__', entry)}'"
    return entry if isinstance(entry, Reply | Fault) else reply(entry)


def _options(options: Mapping[str, Any], max_retries: int) -> dict[str, Any]:
    return {"api_key": "test-key", "base_url": "https://api.anthropic.com", "max_retries": max_retries, **options}
