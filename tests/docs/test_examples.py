"""Every Python block of the documentation runs."""

from __future__ import annotations

import textwrap

import pytest

from tests.docs.examples import ROOT, Example, MarkerProblem, documents, examples_of, run

BLOCKS = [example for path in documents() for example in examples_of(path)]


@pytest.mark.example
@pytest.mark.parametrize("example", BLOCKS, ids=[f"{e.path.relative_to(ROOT)}:{e.line}" for e in BLOCKS])
def test_the_block_runs(example, tmp_path, monkeypatch):
    """What a page shows works as it stands, in an empty folder."""
    if example.reason is not None:
        pytest.skip(example.reason)  # the page says why, beside the block
    monkeypatch.chdir(tmp_path)

    run(example)


def page(tmp_path, text):
    """The blocks of a page that says `text`."""
    path = tmp_path / "page.md"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return list(examples_of(path))


def test_only_python_blocks_are_found_with_their_lines(tmp_path):
    """A console block or indented code is no program."""
    found = page(
        tmp_path,
        """\
        # Page

        ```python
        one = 1
        ```

        ```console
        $ make
        ```

        ```python title="x"
        two = 2
        ```
        """,
    )

    assert [(4, "one = 1\n"), (12, "two = 2\n")] == [(example.line, example.code) for example in found]


def test_a_marker_speaks_of_the_next_block_only(tmp_path):
    """A reason or a prelude belongs to one block."""
    found = page(
        tmp_path,
        """\
        <!-- example: skip reason="needs a key" -->
        ```python
        ```

        <!-- example: after=scripted -->

        ```python
        ```

        ```python
        ```
        """,
    )

    assert [("needs a key", None), (None, "scripted"), (None, None)] == [(e.reason, e.after) for e in found]


def test_an_unknown_marker_is_refused(tmp_path):
    """A marker with a slip in it would run, or skip, what it should not."""
    with pytest.raises(MarkerProblem, match=r"^page\.md:1: unknown marker"):
        page(tmp_path, "<!-- example: skip -->\n```python\n```\n")


def test_a_block_may_await_and_fails_at_its_line(tmp_path):
    """The top level of a block is a coroutine where it awaits, and a failure names the page's line."""
    code = "import asyncio\nawait asyncio.sleep(0)\nraise LookupError('here')\n"

    with pytest.raises(LookupError, match="here") as caught:
        run(Example(path=tmp_path / "page.md", line=10, code=code))

    assert 12 == caught.traceback[-1].lineno + 1


def test_blocks_share_nothing(tmp_path):
    """A name from one block is not there in the next."""
    run(Example(path=tmp_path / "page.md", line=1, code="shared = 1"))

    with pytest.raises(NameError):
        run(Example(path=tmp_path / "page.md", line=5, code="shared"))
