"""The `drive` fixture: each scenario runs once for every driver."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import anyio.from_thread
import pytest

from tests.drivers.drive import AsyncDrive, Drive, SyncDrive

# Trio warns of every asynchronous generator that is dropped before its end, and the SDK drops those of its responses.
DROPPED = pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")
BACKENDS = ["asyncio", pytest.param("trio", marks=DROPPED)]


@pytest.fixture(params=[*BACKENDS, "sync"])
def drive(request: pytest.FixtureRequest) -> Iterator[Drive]:
    """One driver; what the scenario leaves behind is checked at its end."""
    if request.param == "sync":
        drive: Drive = SyncDrive()
        yield drive
        drive.check()
        return
    with _uncollected(), anyio.from_thread.start_blocking_portal(request.param) as portal:
        drive = AsyncDrive(portal)
        yield drive
        drive.check()


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage is collected while the loop runs.

    The SDK drops the generators of a broken response.  Collected in this thread, an inner one would be finalised while
    the loop's thread is closing it on behalf of the outer one, and Python would complain of both."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """The event loop for a test that is about tasks, for ``anyio.run(..., backend=backend)``."""
    return request.param
