"""The map of the rooms says what the contracts say, and the files that pages name are there."""

from __future__ import annotations

import re

import pytest

from fsm_runner.charts.drawing.theme import THEMES
from tests.docs.edits import ROOT
from tests.docs.examples import documents
from tools import rooms
from tools.docs import ROOMS, renewed

PROJECT = {
    "tool": {
        "importlinter": {
            "contracts": [
                {
                    "type": "layers",
                    "containers": ["fsm_runner"],
                    "layers": ["kitchen | bar", "pantry", "yard | well", "street"],
                },
                {"type": "layers", "containers": ["fsm_runner.bar"], "layers": ["glass", "tap"]},
                {
                    "type": "forbidden",
                    "source_modules": ["fsm_runner.bar.tap"],
                    "forbidden_modules": ["fsm_runner.well"],
                },
                {
                    "type": "forbidden",
                    "source_modules": ["fsm_runner.bar", "fsm_runner.well"],
                    "forbidden_modules": ["fsm_runner.pantry", "fsm_runner.street", "fsm_runner.yard", "time", "yaml"],
                },
            ]
        }
    }
}
FILE = re.compile(r"(?<![\w/.<>*-])(?:[\w-]+/)+[\w-]+\.py\b")
"""A path of a Python file with at least one folder in it."""
PAGES = [ROOT / "CONTRIBUTING.md", *(path for path in documents() if path.parent.name != "adr")]


def house():
    """A house of six rooms."""
    return rooms.rooms(PROJECT, {"kitchen": "Where one cooks"}, {"kitchen", "bar", "well"})


def test_a_room_may_import_those_below_it_but_for_what_a_contract_forbids():
    """Never one beside it."""
    allowed = {room.name: room.imports for room in house()}

    assert ("pantry", "yard", "well", "street") == allowed["kitchen"]
    assert ("well",) == allowed["bar"]
    assert () == allowed["well"] == allowed["street"]


def test_a_package_may_import_the_third_party_packages_that_no_contract_keeps_from_it():
    """The standard library is nobody's home, and a single module is none."""
    assert {"kitchen": ("yaml",)} == {room.name: room.third_party for room in house() if room.third_party}


def test_rooms_with_the_same_imports_stand_together_and_no_arrow_follows_from_two_others():
    """So few arrows say all that is allowed."""
    grouped = rooms.groups(house())
    names = [[room.name for room in group] for group in grouped]

    assert [["kitchen"], ["bar"], ["pantry"], ["yard"], ["well"], ["street"]] == names
    assert [(0, 2), (1, 4), (2, 3), (2, 4), (3, 5)] == rooms.arrows(grouped)


def test_the_table_says_what_each_room_is_and_may_import():
    """In full where a contract leaves something out."""
    lines = rooms.table(house()).splitlines()

    assert "| 4 | `kitchen` | Where one cooks | layers 1 to 3 | yaml |" in lines
    assert "| 4 | `bar` |  | well |  |" in lines
    assert "| 2 | `yard` |  | layer 1 |  |" in lines
    assert "| 1 | `street` |  | nothing |  |" in lines


def test_every_room_is_in_the_table_and_in_both_drawings():
    """A room that the map leaves out would not be found."""
    found = rooms.declared()
    drawings = rooms.table(found), rooms.mermaid(found), rooms.dot(found, THEMES["light"])

    for room in found:
        assert room.purpose, room.name
        assert all(room.name in drawing for drawing in drawings)


def test_every_block_of_the_map_stands_in_the_page_once():
    """`make docs` writes them, `make check` compares them."""
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")

    assert ["table", "drawing"] == [found["name"] for found in ROOMS.finditer(page)]
    assert "stale" not in renewed("<!-- generated: tools.rooms table -->\nstale\n<!-- end -->\n")


def test_the_purpose_of_a_room_is_the_first_paragraph_of_its_docstring():
    """In one line, for a cell of a table."""
    assert "The way in, and out: a `door`" == rooms.purpose("The way in, and out: a\n``door``.\n\nMore.")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_python_file_that_a_page_names_is_there(path):
    """By its path from the top, or from the package, as in `loop/facts.py`.  Decision records keep the names of their
    time."""
    named = sorted(set(FILE.findall(path.read_text(encoding="utf-8"))))

    assert [] == [name for name in named if not any((ROOT / top / name).is_file() for top in ("", "fsm_runner"))]


def test_paths_are_found_where_they_are_named():
    """A search that can find nothing would prove nothing."""
    text = "`loop/facts.py`, fsm_runner/engine/check/names.py and [one](../tools/docs.py), not mine.py or <x>/a.py"

    assert ["loop/facts.py", "fsm_runner/engine/check/names.py"] == FILE.findall(text)
