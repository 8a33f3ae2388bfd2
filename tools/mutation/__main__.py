"""`python -m tools.mutation`."""

from __future__ import annotations

import sys

from tools.mutation.page import main

sys.exit(main(sys.argv[1:]))
