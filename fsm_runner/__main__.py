"""``python -m fsm_runner``: the command line, where the program ``fsm-runner`` is not on the path.

``python -m`` puts the current folder first on the path, so it would import an ``anthropic.py`` there.  The program
``fsm-runner`` does not, so neither does this.  Only options that name a module, such as ``--tool``, look there.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__" and not sys.flags.safe_path and sys.path[:1] == [os.getcwd()]:  # noqa: PTH109  pathlib could be there, too
    del sys.path[0]

from fsm_runner.cli import main

if __name__ == "__main__":
    main()
