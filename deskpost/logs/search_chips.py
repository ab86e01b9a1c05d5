"""The pieces of a search as chips, each with the search without it; and pieces for links."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deskpost.logs import words
from deskpost.logs.search_language import Parsed, Piece
from deskpost.logs.search_words import LABELS, LISTED, Prefix, vocabulary

_CLOSED = frozenset({Prefix.STATUS, Prefix.REASON, Prefix.NAME, Prefix.IN})
# What needs no quotes: no mark that the grammar reads at the beginning, no blank, no colon.
_BARE = re.compile(r"[\w<@.+][\w@.+/<>=~&-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One piece of a search: its label and value for the reader (a minus is told by `negated`), its
    own `text` as it was typed, and the text of the search `without` it."""

    name: str
    label: str
    value: str
    negated: bool
    text: str
    without: str


def chips(parsed: Parsed) -> tuple[Chip, ...]:
    """Return the pieces of a search, in their order."""
    return tuple(
        Chip(
            name=str(piece.prefix),
            label=str(LABELS[piece.prefix]),
            value=_value(piece),
            negated=piece.negated,
            text=piece.source,
            without=" ".join(p.source for p in parsed.pieces if p is not piece),
        )
        for piece in parsed.pieces
    )


def changed(parsed: Parsed, prefix: str, value: str | None) -> str:
    """Return the text of a search with the prefix asking for this value and nothing else; without
    it for None. Pieces of the prefix with a minus go too."""
    kept = [piece.source for piece in parsed.pieces if piece.prefix != prefix]
    return " ".join([*kept, *([written(prefix, value)] if value else [])])


def written(prefix: str, value: str, *, negated: bool = False) -> str:
    """Return one piece as it is typed: a free word for the prefix "", a value in quotes where it
    needs them. Behind a prefix with a closed list, commas stay within the one value."""
    line = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    if not _BARE.fullmatch(line):
        line = '"' + line.replace('"', '""') + '"'
    colon = f"{prefix}:" if prefix else ""
    return f"{'-' if negated else ''}{colon}{line}"


def _value(piece: Piece) -> str:
    """In the reader's words where the product has them."""
    if piece.prefix in _CLOSED:
        return words.listed(vocabulary(piece.prefix).said(sorted(piece.codes)))
    if piece.prefix == Prefix.KEY:
        return words.listed(sorted(piece.codes))
    if piece.prefix in LISTED:
        return words.listed(piece.values)
    if piece.prefix in {Prefix.LARGER, Prefix.SMALLER}:
        return words.size(int(next(iter(piece.codes))))
    return piece.values[0]
