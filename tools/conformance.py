"""Conformance: runs the SDK's own tests of its tool runner with ours.  None of the SDK's code is kept here.

    make conformance                       the SDK's tests, then 2,000 random conversations through both runners
    make conformance ARGS='-k compact'     only what matches, in both
    make conformance ARGS=--list           each test that is not applicable, by name
    make conformance SDK=2.14.0            another version of the SDK, or the `latest`

The SDK's source distribution comes from pip, in the version that requirements/run.txt pins or in the one asked for.
Its tests run twice: with the SDK's runner, and with ours in its place (tests/conformance/sdk).  The first run decides
which tests count, so that a test that breaks here cannot simply drop out.  A test is not applicable if it never makes a
runner through ``client.beta.messages.tool_runner``, or if not_applicable.txt names it, with a reason.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build" / "conformance"
PLUGIN = ROOT / "tests" / "conformance" / "sdk"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fsm_runner"
SCENARIOS = 2000
MINUTES = 15
"""How many minutes each run of the SDK's tests may take."""

FILES = [
    "tests/lib/tools/test_runners.py",
    "tests/lib/tools/test_runner_eager_tools.py",
    "tests/lib/tools/test_runner_eager_toolsets.py",
    "tests/lib/tools/toolsets/test_runner.py",
    "tests/lib/tools/toolsets/test_browser_runner.py",
    "tests/lib/tools/toolsets/test_computer_runner.py",
    "tests/lib/tools/test_open_telemetry.py",
    "tests/lib/threads/test_tool_runner_threading.py",
    "tests/lib/threads/test_thread_tool_runner.py",
    "tests/lib/threads/test_async_beta_threads.py",
]
"""The SDK's test files that make tool runners."""

MAKES_NONE = "makes no runner through messages.tool_runner()"

Outcomes = dict[str, dict[str, Any]]


# ── versions and environments ───────────────────────────────────────────────────────────────────────────────────────


def pinned() -> str:
    """Return the version of the SDK that users get."""
    lock = (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")
    return re.findall(r"^anthropic==([\w.]+)", lock, re.MULTILINE)[0]


def sources(version: str) -> Path:
    """Return the folder of the SDK's source distribution, downloaded the first time."""
    place = CACHE / f"anthropic-{version}"
    if place.is_dir():
        return place
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--no-binary=anthropic", f"--dest={folder}", f"anthropic=={version}"], check=True)
        (archive,) = Path(folder).glob("anthropic-*.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        (Path(folder) / place.name).rename(place)
    return place


def environment(sdk: str | None) -> tuple[Path, str]:
    """Make the environment that the SDK's tests run in, with this project in it.

    Args:
        sdk: the version of the SDK, or ``latest``; None: the one that is pinned.

    Returns:
        The environment's Python, and the SDK's version in it.
    """
    place = BUILD / ("venv" if sdk is None else f"venv-{sdk}")
    setup = [sys.executable, ROOT / "tools" / "venv.py", place, "requirements/conformance.txt", "--editable"]
    subprocess.run(setup, cwd=ROOT, check=True)
    python = place / "bin" / "python"
    if sdk is None:
        return python, pinned()
    wanted = ["--upgrade", "anthropic"] if sdk == "latest" else [f"anthropic=={sdk}"]
    subprocess.run([python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *wanted], check=True)
    ask = "import importlib.metadata; print(importlib.metadata.version('anthropic'))"
    return python, subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True).stdout.strip()


# ── the SDK's tests ─────────────────────────────────────────────────────────────────────────────────────────────────


def start(python: Path, runner: str, folder: Path, expression: str | None) -> subprocess.Popen[bytes]:
    """Start the SDK's tests with `runner`."""
    outcomes(runner).unlink(missing_ok=True)
    command = [python, "-m", "pytest", "-p", "tests._alias_httpx", "-p", "swap_runner", "-p", "no:cacheprovider"]
    command += ["--override-ini=addopts=", "--tb=short", "--quiet", f"--runner={runner}"]
    command += [f"--outcomes={outcomes(runner)}", *FILES, *(["-k", expression] if expression else [])]
    env = {**os.environ, "PYTHONPATH": str(PLUGIN), "PYTHONDONTWRITEBYTECODE": "1"}
    with log(runner).open("wb") as file:
        return subprocess.Popen(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file)


def outcomes(runner: str) -> Path:
    """Return the file with the outcomes of the tests with `runner`."""
    return BUILD / f"{runner}.json"


def log(runner: str) -> Path:
    """Return the file with pytest's own report."""
    return BUILD / f"{runner}.log"


def results(runs: dict[str, subprocess.Popen[bytes]]) -> dict[str, Outcomes]:
    """Wait for the runs, and return the outcome of each test."""
    try:
        for run in runs.values():
            run.wait(MINUTES * 60)
    except subprocess.TimeoutExpired:
        sys.exit(f"conformance: not done after {MINUTES} minutes (see {', '.join(map(shown, map(log, runs)))})")
    finally:
        for run in runs.values():
            run.kill()
    for runner in runs:
        if not outcomes(runner).exists():
            sys.exit(f"conformance: the tests did not run with {runner} (see {shown(log(runner))})")
    return {runner: json.loads(outcomes(runner).read_text(encoding="utf-8")) for runner in runs}


def shown(path: Path) -> str:
    """Return `path` relative to the top of the project."""
    return os.path.relpath(path, ROOT)


# ── what counts ─────────────────────────────────────────────────────────────────────────────────────────────────────


def named() -> dict[str, str]:
    """Return the tests that are not applicable although they make a runner, with the reasons."""
    lines = (PLUGIN / "not_applicable.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return dict(pair for pair in pairs if len(pair) == 2)


def not_applicable(native: Outcomes) -> dict[str, str]:
    """Return all tests that are not applicable, with the reasons."""
    reasons = named()
    found = {id: MAKES_NONE for id, outcome in native.items() if not outcome["makes_runner"]}
    return found | {id: reasons[id.partition("[")[0]] for id in native if id.partition("[")[0] in reasons}


def report(native: Outcomes, ours: Outcomes, *, every: bool) -> bool:
    """Print what passed in each file, and return whether every applicable test did."""
    left_out = not_applicable(native)
    counts: Counter[tuple[str, str]] = Counter()
    wrong = []
    for id in native:
        file = id.partition("::")[0].removeprefix("tests/lib/")
        outcome = ours.get(id, {"outcome": "failed", "why": "it did not run"})
        what = "left out" if id in left_out else outcome["outcome"]
        counts[file, what] += 1
        if what not in ("passed", "left out"):
            wrong.append(f"  {id}\n      {outcome['why']}")
    print(f"{'file':<40}  passed  applicable  not applicable")
    for file in dict.fromkeys(file for file, _ in counts):
        applicable = sum(counts[file, what] for what in ("passed", "failed", "skipped"))
        print(f"{file:<40}  {counts[file, 'passed']:6}  {applicable:10}  {counts[file, 'left out']:14}")
    tell_left_out(left_out, every=every)
    if wrong:
        print("\ndid not pass:", *wrong, sep="\n")
    baseline = [id for id, outcome in native.items() if outcome["outcome"] == "failed"]
    if baseline:
        print("\nfail with the SDK's own runner, so the measure is off:", *baseline, sep="\n  ")
    applicable = len(native) - len(left_out)
    print(f"\n{applicable - len(wrong)} of {applicable} applicable tests of the SDK pass")
    return applicable > 0 and not wrong and not baseline


def tell_left_out(left_out: dict[str, str], *, every: bool) -> None:
    """Print how many tests are not applicable for each reason, or each test."""
    print(f"\nnot applicable: {len(left_out)}{'' if every else '  (ARGS=--list names each)'}")
    for reason, count in Counter(left_out.values()).most_common():
        print(f"  {count:4}  {reason}")
        if every:
            print(*(f"          {id}" for id, why in left_out.items() if why == reason), sep="\n")


# ── the differential test ───────────────────────────────────────────────────────────────────────────────────────────


def differential(expression: str | None) -> bool:
    """Run random conversations through both runners and return whether they agree."""
    command = [sys.executable, "-m", "pytest", "--quiet", "tests/conformance/test_differential.py"]
    command += ["--timeout=3600", *(["-k", expression] if expression else [])]
    env = {**os.environ, "FSM_RUNNER_SCENARIOS": str(SCENARIOS)}
    code = subprocess.run(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL).returncode
    return code == 0 or (expression is not None and code == 5)


def main() -> None:
    """Measure and report; exit with 1 unless everything applicable passes."""
    parser = argparse.ArgumentParser(prog="make conformance", description=__doc__.partition("\n")[0])
    parser.add_argument("-k", dest="expression", help="only tests that match, as in pytest")
    parser.add_argument("--list", action="store_true", help="name each test that is not applicable")
    parser.add_argument("--sdk", metavar="VERSION", help="a version of the SDK, or latest; by default the pinned one")
    parser.add_argument("--only", choices=("sdk", "differential"), help="one of the two parts")
    given = parser.parse_args()
    good = True
    if given.only != "differential":
        python, version = environment(given.sdk)
        print(f"the SDK's tests of anthropic {version}\n", flush=True)
        folder = sources(version)
        runs = {runner: start(python, runner, folder, given.expression) for runner in ("sdk", "fsm_runner")}
        found = results(runs)
        good = report(found["sdk"], found["fsm_runner"], every=given.list)
    if given.only != "sdk":
        good &= differential(given.expression)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
