"""The command line: ``fsm-runner``, also ``python -m fsm_runner``.

app       the commands together, and what they share: the version, the exit codes
quitting  how a command ends: exit codes, and errors as one line instead of a traceback
specs     ``module:name`` and ``name=value`` arguments
screen    lines on a terminal in colour, elsewhere plain
watching  a run as lines: each transition, each message
run, check, table, draw, replay   one command each

A module imports what is slow to import (anthropic, rich, the charts) inside the function that uses it: ``--help``
must answer at once.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line on `sys.argv`, and exit."""
    import sys

    from fsm_runner.cli.app import app_for
    from fsm_runner.cli.quitting import lenient_output

    lenient_output()
    app_for(sys.argv[1:])(prog_name="fsm-runner")
