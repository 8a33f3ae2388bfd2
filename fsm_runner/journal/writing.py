"""Writing: how a journal is written, checked before a file is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from fsm_runner.journal.chain import Chain, checked_key
from fsm_runner.journal.clock import Clock
from fsm_runner.journal.files import Sync
from fsm_runner.journal.privacy import Content, Shield

if TYPE_CHECKING:
    from structlog.typing import Processor


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """How a journal is written: immutable.  For the fields see `Journal.open`."""

    clock: Clock | None
    processors: tuple[Processor, ...]
    content: Content
    redact: Mapping[str, object] | None
    sync: Sync
    key: bytes | None

    def __post_init__(self) -> None:
        """Refuse what is none.

        Raises:
            ValueError: a field is none of what it may be.
        """
        if self.sync not in get_args(Sync):
            raise ValueError(f"sync={self.sync!r}: it is not known (choose from: {', '.join(get_args(Sync))})")
        self.shield()
        checked_key(self.key)

    def shield(self) -> Shield:
        """Return what stands between a run and its journal."""
        return Shield(self.content, self.redact)

    def chain(self, head: str | None) -> Chain:
        """Return what links and renders records after `head`."""
        return Chain(self.key, head)
