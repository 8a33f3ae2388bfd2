"""Digested: one run of a journal that holds digests, beside its chart, with the messages that its requests sent.

The control flow is compared as of any journal that lacks payloads.  Beside it the events are folded along the recorded
rows, digests in place of what was said, for the core moves messages about without looking into them.  So each request's
messages can be made again as the journal holds them, and be compared with the hash that it has of them.

What cannot be told is not compared: once the history was summarised or compacted, which depends on what the summary
said, or once a killed process left rows out, the rest is compared by its control flow only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fsm_runner.core.availability import with_history
from fsm_runner.core.chart import Chart, State
from fsm_runner.core.context import Compaction, Context, Conversation, Counters, Settings, Stand, Thread, Turn
from fsm_runner.core.effects import Effect, SendRequest, effects_again, effects_of
from fsm_runner.core.events import ACTS, Event, Json
from fsm_runner.core.fold import fold
from fsm_runner.core.history import History
from fsm_runner.core.stepper import entry_of
from fsm_runner.journal import Record
from fsm_runner.journal.codec import event_from, plain
from fsm_runner.journal.digest import Digests
from fsm_runner.journal.privacy import digest, held_again
from fsm_runner.replaying.control import ControlRun
from fsm_runner.replaying.machines import Machines

_UNTELLABLE = frozenset({"summarised"})
"""Events after which the history depends on what a payload says."""

_LEFT_OUT: Mapping[str, Mapping[str, object]] = {
    "failed": {"text": ""},
    "params_replaced": {"tools": None},
    "reported": {"data": {}},
}
"""By event, the fields that no message follows from, with what stands for their digests."""

_ACTS = frozenset(act.name for act in ACTS)


class DigestRun(ControlRun):
    """One run of a file: mutable, fed record by record.

    Attributes:
        requests: of how many requests the messages were compared.
    """

    def __init__(self, first: Record, machines: Machines) -> None:
        """Begin with its first record; it raises what `ControlRun` does."""
        super().__init__(first, machines)
        self.requests = 0
        self._talk = Talk(first.data.get("context"), self._chart)

    def take(self, record: Record) -> None:
        """Follow one more record."""
        super().take(record)
        if self.divergences or self._talk.lost:
            return
        self._talk.take(record, self._chart)
        then = record.data.get("held")
        if record.type != "scheduled" or then is None:
            return
        now = self._talk.hash_of_request()
        self.requests += now is not None
        if now not in (None, then):
            self._diverged(record, "/held", then, now)


class Talk:
    """The conversation of a run as its journal holds it: mutable.

    Attributes:
        lost: whether it cannot be told any more.
    """

    def __init__(self, context: object, chart: Chart) -> None:
        """Begin with the recorded context of a run."""
        begun = _begun(context)
        self.lost = begun is None
        self._context = begun or Context()
        self._digests = Digests(held_again)
        self._request: SendRequest | None = None
        self._behind = False
        self._enter(chart.state(chart.initial), chart, None)

    def take(self, record: Record, chart: Chart) -> None:
        """Fold one more record, of a run that is on `chart` now."""
        match record.type:
            case "event":
                self._hear(record)
            case "transition":
                self._enter(chart.state(str(record.data.get("target"))), chart, str(record.data.get("row")))
            case "resumed":
                state = chart.state(str(record.data.get("state")))
                self.lost = self.lost or self._behind
                self._asked(() if state.effect is None else effects_again(state.effect, self._context))
            case "scheduled":
                self.lost = self.lost or record.data.get("effect") == "summarise" or _compacts(record)

    def hash_of_request(self) -> str | None:
        """Return the hash of the messages that the request under way sends; None when they cannot be told."""
        thread = self._context.thread
        sent_again = thread.held > 0 and thread.mode not in ("off", "continue")
        if self.lost or self._request is None or sent_again:  # sent again, markers within a digest are left out
            return None
        return self._digests.of_messages(self._request.messages)

    def _hear(self, record: Record) -> None:
        word = record.data.get("event")
        event = _event_of(word, record.data)
        if event is None:
            self.lost = True
            return
        self._behind = word not in _ACTS
        self._context = fold(self._context, event)

    def _enter(self, state: State, chart: Chart, row: str | None) -> None:
        taken = next((each for source in chart.states for each in source.rows if each.id == row), None)
        self._context = fold(self._context, entry_of(state, taken))
        self._behind = bool(state.always)
        self._asked(() if state.effect is None else effects_of(state.effect, self._context))

    def _asked(self, effects: Sequence[Effect]) -> None:
        self._request = next((each for each in effects if isinstance(each, SendRequest)), None)


def _compacts(record: Record) -> bool:
    return record.data.get("purpose") == "compaction"


def _event_of(word: object, data: Mapping[str, object]) -> Event | None:
    """The event of a record that holds digests; None when what follows from it depends on what was left out."""
    if word in _UNTELLABLE:
        return None
    try:
        return event_from(word, {**data, **_LEFT_OUT.get(str(word), {})})
    except (ValueError, TypeError):
        return None


def _begun(data: object) -> Context | None:
    """The context that a run began with, as far as messages follow from it; None when it cannot be told.

    Most of it stood at its beginning, which its digest shows.
    """
    if not isinstance(data, Mapping):
        return None
    parts: dict[str, Any] = {"turn": Turn(), "compaction": Compaction(), "stand": Stand()}
    thread = next((each for each in (Thread(), Thread(mode="new")) if _is(data.get("thread"), each)), None)
    talk, settings, counters = (data.get(name) for name in ("conversation", "settings", "counters"))
    if thread is None or not all(_is(data.get(name), part) for name, part in parts.items()):
        return None
    if not (isinstance(talk, Mapping) and isinstance(settings, Mapping) and isinstance(counters, Mapping)):
        return None
    history, params = talk.get("history"), settings.get("params")
    if not isinstance(history, list) or not isinstance(params, Mapping) or talk.get("draft") is not None:
        return None
    return Context(
        conversation=with_history(Conversation(), History(_objects(history))),
        settings=Settings(
            params=params,
            eager=settings.get("eager") is True,
            stream=settings.get("stream") is True,
        ),
        counters=Counters(limits={}),
        thread=thread,
    )


def _objects(messages: Sequence[object]) -> Sequence[Json]:
    return [each for each in messages if isinstance(each, Mapping)]


def _is(recorded: object, part: object) -> bool:
    return recorded == digest(plain(part))
