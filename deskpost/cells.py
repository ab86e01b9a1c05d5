"""Cells of a CSV file (RFC 4180) that no spreadsheet takes for a formula. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final

# A spreadsheet takes a cell that begins so for a formula, and may run it.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
BOM: Final = "\ufeff"  # by which spreadsheets know that a file is UTF-8


def harmless(cell: str) -> str:
    """Return the cell as no spreadsheet takes for a formula: with an apostrophe before it. Blanks
    before a formula do not hide it."""
    risky = cell.startswith(FORMULA) or cell.lstrip().startswith(FORMULA)
    return f"'{cell}" if risky else cell


def bare(cell: str) -> str:
    """Take away what `harmless` added."""
    return cell[1:] if cell[:1] == "'" and harmless(cell[1:]) == cell else cell


def written(cells: Iterable[str]) -> str:
    """Return one line of the file, with its end."""
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
