"""``python -m fsm_runner``: the command line, where the program ``fsm-runner`` is not on the path."""

from __future__ import annotations

from fsm_runner.cli import main

if __name__ == "__main__":
    main()
