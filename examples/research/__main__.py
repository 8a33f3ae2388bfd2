"""A research assistant over this project's own documentation: `make run`.

It asks a question with ``fsm-runner run``, and replays the journal with ``fsm-runner replay``, as you would by hand.
If ANTHROPIC_API_KEY is set, Claude answers; else a scripted model does, through the same client.

    python -m examples.research ["another question" [journal.jsonl]]
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
JOURNAL = "build/run/research.jsonl"
QUESTION = "What happens to a run when the process is killed?"
SYSTEM = "Answer briefly from the project's documentation, which the tools search and read: quote it and name the page."


def command(*arguments: str) -> int:
    """Print a command as you would type it, run it, and return its exit code."""
    typed = shlex.join(["fsm-runner", *arguments]).replace(" --", " \\\n      --")
    print(f"$ {typed}\n", flush=True)
    code = subprocess.run([sys.executable, "-m", "fsm_runner", *arguments], cwd=ROOT).returncode
    print(flush=True)
    return code


def main(question: str = QUESTION, journal: str = JOURNAL) -> int:
    """Ask, replay, and print where everything is; return the exit code."""
    asking = ["run", question, "--tool", "examples.research.tools:TOOLS", "--run-id", "research"]
    if os.environ.get("ANTHROPIC_API_KEY"):
        print("A research assistant over this project's documentation.  Claude answers.\n")
        asking += ["--system", SYSTEM]
    else:
        print("A research assistant over this project's documentation.  ANTHROPIC_API_KEY is")
        print("not set, so a scripted model answers, over the same client.\n")
        asking += ["--client", "examples.research.scripted:client"]
    (ROOT / journal).parent.mkdir(parents=True, exist_ok=True)
    (ROOT / journal).unlink(missing_ok=True)
    code = command(*asking, "--journal", journal) or command("replay", journal)
    if code == 0:
        print("the loop that ran    states.yaml")
        print("its picture          diagrams/tool_loop.svg")
        print(f"what happened        {journal}")
        print("next                 edit a row of states.yaml, and see where this run would have gone:")
        print(f"                     fsm-runner replay {journal} --chart states.yaml")
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
