"""Golden journals: small runs, recorded once and kept for ever, each with one wrong twin that replay must refuse.

    scene       what a scenario is given, and how its journal is made
    charts      a run on each shipped chart, and on one of a user's own
    requests    what a model, the API and tools do to a run
    acts        what a caller does to it
    journals    what becomes of a journal: cut off, resumed, forked, sealed, without its payloads
    v1/         the journals in version 1 of the format, and an index: what each is kept for, and its wrong twin

    python -m tests.replaying.goldens NAME...     records those named, and the index; no other is touched

Each version of the format has a folder of its own, which never changes once that version was released.  A later
version goes on replaying it, upgraded on reading, and keeps it for ever: a golden that no longer replays shows a
mistake in the code, never in the golden.  When the format changes, its scenarios are recorded into a new folder
beside the old ones; the tests of an old folder need only what lies in it.
"""

from __future__ import annotations

from tests.replaying.goldens import acts, charts, journals, requests
from tests.replaying.goldens.kept import FOLDER, FOLDERS, Kept, Twin, kept_in, records_in
from tests.replaying.goldens.scene import Golden, named

GOLDENS = named(charts, requests, acts, journals)
"""Every scenario of today's version, by name."""

__all__ = ["FOLDER", "FOLDERS", "GOLDENS", "Golden", "Kept", "Twin", "kept_in", "records_in"]
