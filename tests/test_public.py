"""The public door: what is listed is there, documented, and cheap to open."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import pytest

import fsm_runner
from fsm_runner import effects, events

PUBLIC = """
    AsyncRunner Chart ChartError check compile Context Fact fact find_chart fork FsmRunnerError IllegalEvent
    InternalError Journal JournalError load Machine OutputFormatError Problem replay ReplayReport Reported resume
    RunError Runner RunView Snapshot Step Stop tool_runner Transition
"""


def test_public_names_are_pinned():
    """A name comes or goes on purpose, with a changelog fragment."""
    assert sorted(PUBLIC.split()) == sorted(fsm_runner.__all__)


def test_public_names_are_listed_sorted_and_documented():
    """Each has a docstring of its own, not one that a dataclass makes up."""
    assert sorted(fsm_runner.__all__, key=lambda name: (name.casefold(), name)) == fsm_runner.__all__

    for name in fsm_runner.__all__:
        doc = getattr(fsm_runner, name).__doc__ or ""
        assert doc, name
        assert not doc.startswith(f"{name}("), name


def test_public_names_are_few():
    """Thirty, or a decision record: the one more is of 0020."""
    assert len(fsm_runner.__all__) <= 31


@pytest.mark.parametrize("name", fsm_runner.__all__)
def test_a_public_name_is_what_its_home_calls_so(name):
    """It is the object itself, under its own name."""
    found = getattr(fsm_runner, name)

    assert name == getattr(found, "__name__", name)
    assert name in dir(fsm_runner)


def test_type_checkers_see_what_is_imported():
    """The imports that only they read name the same things as the table that is used."""
    tree = ast.parse(Path(fsm_runner.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If) and isinstance(node.test, ast.Name)]
    seen = {alias.name: node.module for node in block.body for alias in node.names}

    assert sorted(fsm_runner.__all__) == sorted(seen)
    assert [] == [name for name, module in seen.items() if not hasattr(import_module(str(module)), name)]


def test_another_name_is_an_attribute_error():
    """As with any module."""
    with pytest.raises(AttributeError, match="module 'fsm_runner' has no attribute 'tool_runer'"):
        fsm_runner.tool_runer  # noqa: B018


@pytest.mark.parametrize("module", [events, effects], ids=["events", "effects"])
def test_what_a_driver_of_ones_own_is_written_with_is_public(module):
    """Every class of the loop's closed unions, each with a docstring of its own."""
    of_loop = import_module(f"fsm_runner.loop.{module.__name__.rpartition('.')[2]}")
    union = get_args(getattr(of_loop, module.__name__.rpartition(".")[2].removesuffix("s").title()))

    assert {each.__name__ for each in union} <= set(module.__all__)
    assert sorted(module.__all__) == module.__all__
    for each in union:
        assert getattr(module, each.__name__) is each
        assert not (each.__doc__ or "").startswith(f"{each.__name__}(")


def loaded(statement: str) -> set[str]:
    """Return the third-party packages that a new interpreter has imported after `statement`."""
    code = f"import sys; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    roots = {name.partition(".")[0] for name in done.stdout.split()}
    return {name for name in roots if name not in sys.stdlib_module_names and not name.startswith("_")}


def test_importing_the_package_imports_nothing_else():
    """Neither anthropic nor pydantic, which take most of a second."""
    assert {"fsm_runner"} == loaded("import fsm_runner")


@pytest.mark.parametrize("name", ["load", "check", "compile", "Stop", "RunError", "fact"])
def test_charts_are_checked_without_the_sdk(name):
    """What works on charts alone starts quickly."""
    assert {"anthropic", "httpx2"}.isdisjoint(loaded(f"import fsm_runner; fsm_runner.{name}"))


def test_the_version_is_the_distributions():
    """One number, told twice."""
    assert version("fsm-runner") == fsm_runner.__version__
