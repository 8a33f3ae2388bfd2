"""The house: what its files promise each other."""

from __future__ import annotations

import ast
import os
import re
import stat
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from fsm_runner.cli.app import COMMANDS

ROOT = Path(__file__).parent.parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
ADRS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
PURE = sorted(path for room in ("engine", "loop") for path in (ROOT / "fsm_runner" / room).rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = {contract["name"]: contract for contract in PROJECT["tool"]["importlinter"]["contracts"]}

PRIVATE = {
    "an address of a registry": re.compile(
        r"https?://[^\s/]*(?:pypi|pythonhosted|npmjs|artifactory|devpi|nexus)\b", re.IGNORECASE
    ),
    "an option that names a registry": re.compile(
        r"^\s*--?(?:extra-)?(?:index-url|find-links|trusted-host)\b", re.MULTILINE
    ),
    "a path of somebody's machine": re.compile(r"(?<![\w.~>*-])/(?:home|Users|root|work|opt)/[\w.-]+"),
    "an address of a private network": re.compile(
        r"\b(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}\b"
    ),
}


def own_text():
    """The files that are the project's own text, and what each says."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in sorted(filter(None, listed.stdout.decode().split("\0"))):
        path = ROOT / name
        if path == Path(__file__) or not path.is_file():
            continue
        data = path.read_bytes()
        if b"\0" not in data:
            yield name, data.decode("utf-8")


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="git knows which files are the project's; this is no checkout")
def test_no_file_names_a_registry_or_a_machine():
    """What is committed works anywhere, and says nothing of where it was made."""
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {what}: {match.group().strip()}"
        for name, text in own_text()
        for what, pattern in PRIVATE.items()
        for match in pattern.finditer(text)
    ]

    assert [] == found


@pytest.mark.parametrize(
    "text",
    [
        "see https://nexus.example/simple",
        "--index-url=x",
        "  --find-links y",
        "in /home/ann/src",
        "at 10.1.2.3",
    ],
)
def test_the_patterns_find_what_they_are_for(text):
    """A search that can find nothing would prove nothing."""
    assert any(pattern.search(text) for pattern in PRIVATE.values())


@pytest.mark.parametrize("text", ["~/home/x", "docs/home/page.md", "version 10.1.2", "<root>/home/a", "n/opt/a"])
def test_the_patterns_leave_other_text_alone(text):
    """A relative path or a version is no machine's."""
    assert not any(pattern.search(text) for pattern in PRIVATE.values())


def targets():
    """The targets that the Makefile declares."""
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert phony
    return phony.group(1).split()


def test_every_make_target_is_one_word_with_a_description():
    """What the Makefile can do is what `make` alone lists."""
    described = re.findall(r"^(\S+):.*?## \S", MAKEFILE, re.MULTILINE)

    assert sorted(targets()) == sorted(described)
    assert [] == [target for target in described if not re.fullmatch(r"[a-z]+", target)]


def test_make_alone_lists_the_targets():
    """The first thing that a newcomer types changes nothing and tells all."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(["make"], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    listed = [line.split()[0] for line in done.stdout.splitlines()[1:]]

    assert sorted(targets()) == sorted(listed)


def test_ci_runs_make_targets_and_nothing_else():
    """What CI runs can be run at home by the same words."""
    script = ROOT / ".ci" / "run"
    commands = [line for line in script.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]

    assert stat.S_IXUSR & script.stat().st_mode
    assert ["set -euo pipefail", 'cd "$(dirname "$0")/.."'] == commands[:2]
    assert {"make test", "make check", "make run"} == set(commands[2:])


MAPPED = [
    "adapters/anthropic", "charts", "charts/diff", "charts/drawing", "cli", "drivers", "engine", "engine/check",
    "exploring", "inspecting", "journal", "loop", "pytest_plugin", "replaying", "testing", "adapters/opentelemetry",
]  # fmt: skip


@pytest.mark.parametrize("package", MAPPED)
def test_the_map_of_a_package_names_every_module(package):
    """Its docstring is where a reader begins; a command is named by the list of commands."""
    folder = ROOT / "fsm_runner" / package
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "__main__"}
    named = set(re.findall(r"\w+", text)) | (set(COMMANDS) if package == "cli" else set())

    assert set() == modules - named


def test_no_two_modules_have_one_name():
    """A name that is seen in an import or in a traceback says which room it is of.  A command's file has the command's
    name, whatever else has it."""
    names = [path.stem for path in (ROOT / "fsm_runner").rglob("*.py") if path.stem not in ("__init__", "__main__")]
    doors = ("context", "domain", "effects", "events")  # public modules, named as what they give access to
    for door in doors:
        names.remove(door)
    commands = [path.stem for path in (ROOT / "fsm_runner" / "cli").glob("*.py") if path.stem in COMMANDS]

    assert [] == sorted(name for name, count in Counter(names).items() if count > 1 and name not in commands)


@pytest.mark.parametrize("path", ADRS, ids=[path.stem for path in ADRS])
def test_a_decision_record_has_its_four_sections(path):
    """A record without the ways turned down is an announcement."""
    text = path.read_text(encoding="utf-8")
    sections = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]

    assert ["Context", "Decision", "Consequences", "Alternatives"] == sections
    assert text.startswith(f"# {path.name[:4]}: ")


def test_decision_records_are_numbered_in_order_and_listed():
    """No number is reused or left out, and the index leads to each record."""
    index = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")

    assert [f"{number:04}" for number in range(1, len(ADRS) + 1)] == [path.name[:4] for path in ADRS]
    assert [path.name for path in ADRS] == re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", index)


@pytest.mark.parametrize("path", PURE, ids=[f"{path.parent.name}-{path.stem}" for path in PURE])
def test_the_engine_and_the_loop_import_nothing_but_transitions_and_msgspec(path):
    """Not even a type from elsewhere enters the core: the linter's contracts leave out imports for types."""
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            imported.add((node.module or "").partition(".")[0])
    forbidden = set(CONTRACTS["the engine and the loop do no I/O"]["forbidden_modules"])

    assert set() == imported - (sys.stdlib_module_names - forbidden) - {"fsm_runner", "msgspec", "transitions"}


def test_every_dependency_has_one_home():
    """A package that the project needs, and no contract places, would settle anywhere."""
    modules = {"opentelemetry-api": "opentelemetry", "pyyaml": "yaml"}
    names = {re.split(r"[<>=\[]", text)[0] for text in PROJECT["project"]["dependencies"]}
    placed = {module for contract in CONTRACTS.values() for module in contract.get("forbidden_modules", ())}

    assert set() == {modules.get(name, name) for name in names} - placed


@pytest.mark.parametrize("name", [name for name in CONTRACTS if re.search(r" lives? in ", name)])
def test_every_package_but_the_homes_is_held_to_a_contract(name):
    """A new package that a contract forgets could import what has its home elsewhere."""
    packages = {path.parent.name for path in (ROOT / "fsm_runner").glob("*/__init__.py")}
    homes = packages & set(re.findall(r"\w+", name.partition(" in ")[2]))

    assert homes
    assert sorted(f"fsm_runner.{each}" for each in packages - homes) == CONTRACTS[name]["source_modules"]


@pytest.mark.parametrize("name", ["run.txt", "dev.txt", "lock.txt"])
def test_every_pinned_package_has_hashes(name):
    """One line without a hash, and pip would refuse the whole file on a stranger's machine."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8").replace("\\\n", "")
    pins = [line for line in text.splitlines() if line and not line.startswith("#")]

    assert pins
    assert [] == [pin for pin in pins if not re.match(r"[\w.-]+(\[\w+\])?==\S+ .*--hash=sha256:", pin)]


def test_what_users_get_is_what_the_tests_ran_with():
    """The lock for users is part of the one for development, version by version."""
    run, dev = (
        set(re.findall(r"^([\w.-]+==\S+)", (ROOT / "requirements" / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("run.txt", "dev.txt")
    )

    assert set() == run - dev
