"""The page on looking into runs shows what the program prints, and names every key of its documents."""

from __future__ import annotations

import json
import re
import shlex
import shutil

import pytest

from tests.cli.conftest import ROOT
from tests.replaying.goldens import FOLDERS

PAGE = (ROOT / "docs" / "how-to" / "inspecting.md").read_text(encoding="utf-8")
JOURNALS = {"run.jsonl": "resumed", "first.jsonl": "paused", "fork.jsonl": "forked"}
"""The journals of the page, and the goldens that they are."""

BLOCKS = re.findall(r"```console\n\$ (.*?)\n```", PAGE, flags=re.DOTALL)
SHOWN = [block for block in BLOCKS if re.search(r"^(run|a ) ", block, flags=re.MULTILINE)]


@pytest.fixture(autouse=True)
def journals(tmp_path):
    """The page's journals."""
    for name, golden in JOURNALS.items():
        shutil.copy(FOLDERS[0] / f"{golden}.jsonl", tmp_path / name)


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: block.splitlines()[0])
def test_what_the_page_shows_is_what_is_printed(command, block):
    """Character by character."""
    line, _, output = block.partition("\n")
    _, *arguments = shlex.split(line)

    assert f"{output}\n" == command(*arguments).stdout


def keys_of(what):
    """The keys that the page names for something, in their order."""
    *_, row = re.findall(rf"^\| {what} \| (.*) \|$", PAGE, flags=re.MULTILINE)
    return re.findall(r"(?<=`)\w+(?=`)", row)


def test_the_page_names_every_key_of_a_run(command):
    """Those of a run, of an entry, of its totals, and of its end."""
    document = json.loads(command("show", "run.jsonl", "--format", "json").stdout)
    kinds = {entry["kind"] for entry in document["timeline"]}

    assert [*document] == [key for key in keys_of("a run") if key not in ("no", "hash", "key", "wrong")]
    assert [*document["totals"]] == keys_of("`totals`")
    assert [*document["ended"]] == keys_of("`ended`")
    assert {*document["timeline"][0]} == {*keys_of("an entry")}
    assert kinds <= {*keys_of("`kind`")}


def test_the_page_names_every_key_of_a_comparison(command):
    """A run in it is its document without the timeline."""
    found = json.loads(command("compare", "first.jsonl", "fork.jsonl", "--format", "json").stdout)
    document = json.loads(command("show", "first.jsonl", "--format", "json").stdout)
    del document["timeline"]

    assert {*found} <= {*keys_of("a comparison")}
    assert document == found["a"]
