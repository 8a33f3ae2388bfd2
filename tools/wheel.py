"""Tests the wheel as a user gets it: built from the sdist, installed alone, used from an empty folder.

Things that only work in a checkout fail here: a file that the wheel lacks, a development tool that the package imports,
a dependency that `pyproject.toml` does not name.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build" / "wheel"
PROBE = """
from importlib.metadata import entry_points
from importlib.resources import files
assert files("fsm_runner.charts").joinpath("states.yaml").is_file(), "the wheel lacks states.yaml"
(plugin,) = entry_points(group="pytest11", name="fsm_runner")
plugin.load()  # it must not need pytest
"""


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run `command` in `cwd` and return its output; exit with the output if it fails."""
    done = subprocess.run([*map(str, command)], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"wheel: {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def build() -> Path:
    """Build the sdist, then a wheel from it, and return the wheel."""
    dist = BUILD / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    run(sys.executable, "-m", "hatchling", "build", "--target=sdist", f"--directory={dist}")
    (sdist,) = dist.glob("*.tar.gz")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "wheel", "--no-deps", "--no-index", "--no-build-isolation", f"--wheel-dir={dist}", sdist)
    (wheel,) = dist.glob("*.whl")
    return wheel


def install(wheel: Path) -> Path:
    """Install `wheel` and its dependencies, nothing else, and return the folder of the environment's programs."""
    venv = BUILD / "venv"
    run(sys.executable, ROOT / "tools" / "venv.py", venv, "requirements/run.txt")
    pip: list[str | Path] = [venv / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "install", "--no-deps", "--no-index", "--force-reinstall", wheel)
    run(*pip, "check")
    return venv / "bin"


def main() -> None:
    """Build, install and use the wheel."""
    wheel = build()
    programs = install(wheel)
    with tempfile.TemporaryDirectory() as folder:
        run(programs / "python", "-c", PROBE, cwd=Path(folder))
        run(programs / "fsm-runner", "--help", cwd=Path(folder))
        run(programs / "fsm-runner", "check", cwd=Path(folder))
    print(f"{wheel.name}: installs and runs")


if __name__ == "__main__":
    main()
