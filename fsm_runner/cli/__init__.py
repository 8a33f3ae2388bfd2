"""The command line: ``fsm-runner``, also ``python -m fsm_runner``.

app        the commands together, and what they share: the version, the exit codes
quitting   how a command ends: exit codes, and errors as one line instead of a traceback
charts     a chart as a command is given it: a file, a name, standard input
specs      ``module:name`` and ``name=value`` arguments
screen     the one way to the terminal, and it cleans; lines in colour there, elsewhere plain
watching   a run as lines: each transition, each message
logged     what the package logs meanwhile
recording  how a command writes the journal of its run
reading    where a command looks for what is beside one
verdict    what `check` found, for a person, a program, or GitHub
pictures   the formats of pictures, and their files
breaking   the path that breaks a rule, drawn
journals   journals as a command is given them, and the runs that they hold
following  a journal read as it grows
listing, timeline, documents, sums   the runs of a journal, and one run, as text and as JSON
beside     two runs, as text and as JSON
findings   what `replay` found, file by file and in sum

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
        from fsm_runner.cli.quitting import lenient_output, to_its_end

        lenient_output()
        to_its_end(lambda: app_for(sys.argv[1:])(prog_name="fsm-runner"))
    except KeyboardInterrupt:  # while something is imported
        print("interrupted", file=sys.stderr)
        sys.exit(130)
