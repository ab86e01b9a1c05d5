"""A part of a query, as the database is asked: a condition on a line's columns, and what its index
must hold for the condition to be true.

The index narrows, the condition decides: a word's grams may stand apart from each other, and two
leaves may share a number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deskpost import terms
from deskpost.logs.search_model import Field, Is, Not, Part, Property, Query, Size, Words
from deskpost.models import LogLine
from deskpost.models.logline import scope, size_class

_KEY = re.compile(r"[A-Z][A-Z0-9_]{0,9}-[0-9]{1,12}")
_LETTER = {Field.WHO: "w", Field.SUBJECT: "s"}
_LEAF = {
    Property.STATUS: "status",
    Property.CODE: "code",
    Property.KIND: "kind",
    Property.KEY: "key",
    Property.CHANNEL: "channel",
    Property.ADDRESS: "address",
    Property.MESSAGE_ID: "id",
}
LARGEST = (1 << 63) - 1
LARGEST_CLASS = size_class(LARGEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """`sql` with its `params` is the condition. `leaves`: of these groups one must be in the index,
    whole; None where the index says nothing."""

    sql: str
    params: tuple[Any, ...] = ()
    leaves: tuple[frozenset[str], ...] | None = None


NEVER = Clause(sql="FALSE", leaves=())
ALWAYS = Clause(sql="TRUE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What differs between the databases: conditions with one parameter. `holds` {column}: a text
    stands in it. `begins` {column}: it has a word that begins with two letters; the parameter is
    these, or their token."""

    holds: str
    begins: str
    begins_by_token: bool = False


def clauses(query: Query, dialect: Dialect) -> list[Clause]:
    """Return the query's parts for a database; each must hold."""
    within = scope(query.project_id, query.log)
    return [_clause(part, dialect, within) for part in query.parts]


def tokens(query: Query, found: Sequence[Clause]) -> list[list[list[int]]]:
    """Return what the index must hold: of each of these one group, whole."""
    within = scope(query.project_id, query.log)
    return [
        [terms.tokens(within, group) for group in clause.leaves]
        for clause in found
        if clause.leaves is not None
    ]


def _clause(part: Part, dialect: Dialect, within: str) -> Clause:
    match part:
        case Not():
            inner = _clause(part.part, dialect, within)
            return Clause(sql=f"NOT ({inner.sql})", params=inner.params)
        case Words():
            return _words(part, dialect, within)
        case Is():
            return _is(part)
        case Size():
            return _size(part)


def _words(part: Words, dialect: Dialect, within: str) -> Clause:
    word = terms.normal(part.text)
    if not word:
        return ALWAYS
    found = [_in_field(field, word, dialect, within) for field in part.fields]
    return _any([clause for clause in found if clause is not None])


def _in_field(field: Field, word: str, dialect: Dialect, within: str) -> Clause | None:
    if field == Field.KEY:
        key = word.upper()
        return _is(Is(property=Property.KEY, values=(key,))) if _KEY.fullmatch(key) else None
    letter = _LETTER[field]
    if begins := terms.beginning(word):
        sql = dialect.begins.format(column=f"l.{field}")
        leaf = letter + begins
        asked = terms.token(within, leaf) if dialect.begins_by_token else word
        return Clause(sql=sql, params=(asked,), leaves=(frozenset({leaf}),))
    grams = frozenset(letter + gram for gram in terms.wanted(word))
    sql = dialect.holds.format(column=f"l.{field}")
    return Clause(sql=sql, params=(word,), leaves=(grams,) if grams else None)


def _any(found: Sequence[Clause]) -> Clause:
    if not found:
        return NEVER
    leaves: list[frozenset[str]] | None = []
    for clause in found:
        leaves = None if leaves is None or clause.leaves is None else [*leaves, *clause.leaves]
    return Clause(
        sql=" OR ".join(f"({clause.sql})" for clause in found),
        params=tuple(param for clause in found for param in clause.params),
        leaves=None if leaves is None else tuple(leaves),
    )


def _is(part: Is) -> Clause:
    if not part.values:
        return NEVER
    values: Sequence[Any] = part.values
    if part.property == Property.CHANNEL:
        values = [int(value) for value in part.values]
    marks = ", ".join(["%s"] * len(values))
    leaf = _LEAF[part.property]
    return Clause(
        sql=f"l.{part.property} IN ({marks})",
        params=tuple(values),
        leaves=tuple(frozenset({f"{leaf}={value}"}) for value in part.values),
    )


def _size(part: Size) -> Clause:
    least, most = part.at_least or 0, part.at_most
    last = LARGEST_CLASS if most is None else size_class(most)
    return Clause(
        sql="l.size BETWEEN %s AND %s",
        params=(least, LARGEST if most is None else most),
        leaves=tuple(frozenset({f"size={n}"}) for n in range(size_class(least), last + 1)),
    )


def holds(query: Query, line: LogLine) -> bool:
    """Return whether all words and addresses of the query hold for a line that is in no table, as
    the conditions would. Its other parts are not asked."""
    return all(_holds(part, line) for part in query.parts)


def _holds(part: Part, line: LogLine) -> bool:
    match part:
        case Not():
            return not _holds(part.part, line) if _is_asked(part.part) else True
        case Is(property=Property.ADDRESS):
            return line.address in part.values
        case Words():
            return _word_in(part, line)
    return True


def _is_asked(part: Part) -> bool:
    return isinstance(part, Words) or (isinstance(part, Is) and part.property == Property.ADDRESS)


def _word_in(part: Words, line: LogLine) -> bool:
    word = terms.normal(part.text)
    if not word:
        return True
    return any(_word_in_field(field, word, line) for field in part.fields)


def _word_in_field(field: Field, word: str, line: LogLine) -> bool:
    if field == Field.KEY:
        return line.key == word.upper() and bool(line.key)
    text: str = getattr(line, field)
    return begins(text, word) if terms.beginning(word) else word in text


def begins(text: str, word: str) -> bool:
    """Return whether a normal text has a word that begins with the two letters."""
    return terms.BEGINS + word in terms.grams(text)
