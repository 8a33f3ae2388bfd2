"""`python -m tests.replaying.goldens NAME...`: records those named, and writes the index."""

from __future__ import annotations

import sys

from tests.replaying.goldens import FOLDER, GOLDENS
from tests.replaying.goldens.kept import INDEX, index_of

if __name__ == "__main__":
    for name in sys.argv[1:]:
        GOLDENS[name].kept.path.write_bytes(GOLDENS[name].recorded())
    (FOLDER / INDEX).write_text(index_of({name: each.kept for name, each in GOLDENS.items()}), encoding="utf-8")
