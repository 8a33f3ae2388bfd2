"""The page of coverage shows what the example's session says and draws now."""

from __future__ import annotations

from tools import coverage_page


def test_the_page_and_its_pictures_are_as_they_would_be_made_now(capsys):
    """Both themes, by the very commands that the page names."""
    stale = coverage_page.main(["--check"])

    assert (0, "") == (stale, capsys.readouterr().err)


def test_a_page_shows_as_much_of_a_report_as_its_mark_says():
    """And says where it leaves off."""
    page = "before\n<!-- session: pytest here, 1 lines -->\nstale\n<!-- end -->\nafter\n"
    new = coverage_page.renewed(page, {"here": "first\nsecond"})

    shown = "```console\n$ pytest here\n…\nfirst\n…\n```\n"
    assert page.replace("stale\n", shown) == new
