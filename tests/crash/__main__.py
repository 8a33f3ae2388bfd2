"""`python -m tests.crash [KILLS [SEED]]`: 500 kills unless said otherwise."""

from __future__ import annotations

import sys
import time

from tests.crash.fuzz import fuzz

if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    kills, seed = (*given, *(500, 0)[len(given) :])
    began = time.monotonic()
    for what, count in sorted(fuzz(kills, seed=seed).items()):
        print(f"{what:<18} {count}")
    print(f"{'seconds':<18} {time.monotonic() - began:.1f}")
