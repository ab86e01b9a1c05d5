"""No spreadsheet of any country takes a part of a cell for a formula."""

from __future__ import annotations

import time

import pytest

from deskpost import cells

FORMULAS = ["=1+1", "+1", "-1", "@A1", " =1", '"=1', "＝1", "\u3000=1"]


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_behind_a_separator_of_lists_is_none(separator: str, formula: str) -> None:
    """Excel in German or French opens the file with semicolons between its cells, and LibreOffice
    takes comma, semicolon and tab at once."""
    line = cells.written([cells.harmless(f"Ink{separator}{formula}"), "x"])
    for cell in line.replace("\t", ";").split(";")[1:]:
        assert cell.startswith("'")


@pytest.mark.parametrize("cell", ["a;=b@x.test", "=a;=b", "it's; -5", "a;b", "'a", "x"])
def test_what_was_made_harmless_comes_back(cell: str) -> None:
    assert cells.bare(cells.harmless(cell)) == cell
    assert cells.harmless("see; it") == "see; it"


def test_it_takes_no_longer_than_the_text() -> None:
    began = time.process_time()
    for text in (";" * 1_000_000, "\t" * 1_000_000, '; "' * 300_000, ";" + " " * 1_000_000):
        cells.harmless(text)
    assert time.process_time() - began < 3
