"""The lock files: each version and hash, for all platforms, without anything specific to the machine that makes them.

`run.txt` is what users get.  `dev.txt` adds the extras and the development tools, `conformance.txt` the extras and the
needs of the SDK's own tests.  `lock.txt` pins the tool that makes them.  `make lock ARGS=--upgrade` moves to the newest
versions; without it, only what a change of `pyproject.toml` requires is changed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
UV = ROOT / "build" / "lock" / "bin" / "uv"
FLAGS = [
    "--quiet",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-annotate",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--custom-compile-command=make lock",
]
LOCKS = {
    "run.txt": [],
    "dev.txt": ["--all-extras", "--group=dev", "--constraint=requirements/run.txt"],
    "conformance.txt": ["--all-extras", "--group=conformance", "--constraint=requirements/run.txt"],
    "lock.txt": ["--only-group=lock"],
}


def main(arguments: list[str]) -> None:
    """Write each lock file; those that others depend on first."""
    for name, flags in LOCKS.items():
        groups = [flag.replace("--only-", "--") for flag in flags if flag.startswith("--only-group")]
        source = groups or ["pyproject.toml", *flags]
        command = [str(UV), "pip", "compile", *FLAGS, *arguments, *source, f"--output-file=requirements/{name}"]
        subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
