"""The command line: ``fsm-runner``, also ``python -m fsm_runner``.

app            the commands together, and what they share: the version, the exit codes
exits          how a command ends: exit codes, and errors as one line instead of a traceback
specs          what commands take: charts, ``module:name``, ``name=value``, where to keep a journal
journals       journals as a command is given them, and the runs that they hold
screen         the one way to the terminal, and it cleans; lines in colour there, elsewhere plain
live           a run as lines while it happens: each transition, each message
timeline_text  a recorded run as text and as JSON
check_text     what `check` found, for a person, a program, or GitHub
compare_text   two runs, as text and as JSON
replay_findings  what `replay` found, file by file and in sum
follow         a journal read as it grows
output_file    writes a file; the formats of pictures

Each other module is the command of its name.

A module imports what is slow to import (anthropic, rich, the charts) inside the function that uses it: ``--help``
must answer at once.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line on `sys.argv`, and exit."""
    import sys

    try:
        from fsm_runner.cli.app import app_for
        from fsm_runner.cli.exits import lenient_output, to_its_end

        lenient_output()
        to_its_end(lambda: app_for(sys.argv[1:])(prog_name="fsm-runner"))
    except KeyboardInterrupt:  # while something is imported
        print("interrupted", file=sys.stderr)
        sys.exit(130)
