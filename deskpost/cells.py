"""Cells of a CSV file (RFC 4180) that no spreadsheet takes for a formula. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Final

# A spreadsheet takes a cell that begins so for a formula, and may run it.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
BOM: Final = "\ufeff"  # by which spreadsheets know that a file is UTF-8
# Where lists are written with semicolons, a spreadsheet begins a cell behind each of them, and some
# do behind a tab, whatever the file says.
_INNER = re.compile(r"(?<=[;\t])(?=(?:[^\S\t]|\")*[=+@＝＋－＠-])")
_MARKED = re.compile(r"(?<=[;\t])'(?=(?:[^\S\t]|\")*[=+@＝＋－＠-])")


def harmless(cell: str) -> str:
    """Return the cell as no spreadsheet takes for a formula, nor what follows a semicolon in it:
    with an apostrophe before it. Blanks before a formula do not hide it."""
    risky = cell.startswith(FORMULA) or cell.lstrip().startswith(FORMULA)
    cell = _INNER.sub("'", cell)
    return f"'{cell}" if risky else cell


def bare(cell: str) -> str:
    """Take away what `harmless` added."""
    whole = cell[1:] if cell[:1] == "'" and harmless(cell[1:]) == cell else cell
    return _MARKED.sub("", whole)


def written(cells: Iterable[str]) -> str:
    """Return one line of the file, with its end."""
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
