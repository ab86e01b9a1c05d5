"""The language of the one search box: what a text asks of each list of the log.

`from:ann@ subject:"out of ink" status:failed after:2026-11-01 -bulk`: every piece must hold, and a
minus turns one round. The grammar stands in search_grammar.py, the words in search_words.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import combinations

from django.utils import timezone
from django.utils.translation import gettext as _

from deskpost.logs import search_grammar, search_meaning, search_values, words
from deskpost.logs.search import Part, Query
from deskpost.logs.search_grammar import LIMIT, PARTS, SearchError, Token
from deskpost.logs.search_meaning import Asked, Scope
from deskpost.logs.search_words import LISTED, LOG_WORDS, Prefix
from deskpost.models import Log, Project

__all__ = ["LIMIT", "PARTS", "Parsed", "Piece", "SearchError", "parse", "write"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One piece of a search: what was typed, and the lists in which it can hold at all. `codes`
    are those that a closed list gives for its values."""

    prefix: Prefix
    negated: bool
    values: tuple[str, ...]
    codes: frozenset[str]
    logs: frozenset[Log]
    source: str = field(compare=False)
    offset: int = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A search that was understood. A list that its words leave out has None for a query."""

    text: str = field(compare=False)
    pieces: tuple[Piece, ...]
    queries: Mapping[Log, Query | None]

    def why_not(self, log: Log) -> str:
        """Return the sentence that says why a list is left out; empty if it is not."""
        for piece in self.pieces:
            if log not in piece.logs:
                asked = [LOG_WORDS[other] for other in Log if other in piece.logs]
                return _("“%(word)s” can only hold in: %(lists)s.") % {
                    "word": words.visible(search_grammar.shown(piece.source)),
                    "lists": words.listed(asked) or "–",
                }
        return ""


def parse(text: str, project: Project, now: datetime | None = None) -> Parsed:
    """Return what a text asks of each list of the project's log; an empty one asks for all.

    Days are those of the zone that is active, and errors are in the language that is. Raises
    SearchError for whatever cannot be read, and for what no message can be.
    """
    cleaned = search_grammar.clean(text)
    try:
        tokens = search_grammar.read(cleaned)
        scope = Scope(project=project)
        asked = [search_meaning.asked(token, scope) for token in tokens]
        bounds = _Bounds.of(tokens, timezone.localdate(now))
        pieces = tuple(map(_piece, tokens, asked))
        _refuse_contradictions(pieces)
    except SearchError as error:
        error.text = cleaned[:LIMIT]
        raise
    return Parsed(
        text=cleaned.strip(),
        pieces=pieces,
        queries={log: _query(project, log, asked, bounds) for log in Log},
    )


def write(parsed: Parsed) -> str:
    """Return a text that parses to the same, its pieces as they were typed."""
    return " ".join(piece.source for piece in parsed.pieces)


def _piece(token: Token, asked: Asked) -> Piece:
    return Piece(
        prefix=token.prefix,
        negated=token.negated,
        values=token.values,
        codes=asked.codes,
        logs=frozenset(log for log in Log if asked.holds[log] is not False),
        source=token.source,
        offset=token.offset,
    )


def _query(project: Project, log: Log, asked: Sequence[Asked], bounds: _Bounds) -> Query | None:
    holds = [one.holds[log] for one in asked]
    if False in holds:
        return None
    return Query(
        project_id=project.pk,
        log=log,
        parts=tuple(dict.fromkeys(_parts(holds))),
        since=_midnight(bounds.since),
        until=_midnight(bounds.until),
    )


def _parts(holds: Sequence[Part | bool]) -> Iterator[Part]:
    for part in holds:
        if not isinstance(part, bool):
            yield part


# --- Days ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    """The days that all pieces leave: the first, and the one after the last."""

    since: date | None = None
    until: date | None = None

    @classmethod
    def of(cls, tokens: Sequence[Token], today: date) -> _Bounds:
        found = cls()
        for token in tokens:
            if token.prefix in {Prefix.AFTER, Prefix.BEFORE, Prefix.ON}:
                found = found._and(token, today)
        return found

    def _and(self, token: Token, today: date) -> _Bounds:
        first, following = search_values.span(token, today)
        since, until = self.since, self.until
        if token.prefix == Prefix.ON and token.negated:
            raise SearchError(
                token.source,
                token.offset,
                _("A day cannot be left out of a search."),
                _("Search before it with before:, or from the day after it with after:."),
            )
        if token.prefix == Prefix.ON:
            since, until = max(since or first, first), min(until or following, following)
        elif (token.prefix == Prefix.AFTER) is not token.negated:
            since = max(since or first, first)
        else:
            until = min(until or first, first)
        if since and until and since >= until:
            raise SearchError(
                token.source,
                token.offset,
                _("No day is left: the search begins on %(since)s and ends before %(until)s.")
                % {"since": since.isoformat(), "until": until.isoformat()},
                _("Let after: name an earlier day than before:, or leave one of them out."),
            )
        return replace(self, since=since, until=until)


def _midnight(day: date | None) -> datetime | None:
    if day is None:
        return None
    return datetime.combine(day, datetime.min.time(), timezone.get_current_timezone())


# --- What no message can be ----------------------------------------------------------------------


def _refuse_contradictions(pieces: Sequence[Piece]) -> None:
    _refuse_two_values(pieces)
    _refuse_empty_sizes(pieces)
    left = frozenset(Log)
    for n, piece in enumerate(pieces):
        if not piece.logs:
            raise SearchError(
                piece.source,
                piece.offset,
                _("“%(word)s” leaves out everything.") % {"word": _shown(piece)},
                _("Leave it out, or let it name less."),
            )
        if not left & piece.logs:
            other = next((p for p in pieces[:n] if not p.logs & piece.logs), pieces[n - 1])
            raise SearchError(
                piece.source,
                piece.offset,
                _("No message is both “%(one)s” and “%(other)s”.")
                % {"one": _shown(other), "other": _shown(piece)},
                _("Leave one of them out."),
            )
        left &= piece.logs


def _refuse_two_values(pieces: Sequence[Piece]) -> None:
    """A message has one status, one key and so on."""
    for prefix in LISTED:
        of_one = [p for p in pieces if p.prefix == prefix and not p.negated]
        for one, other in combinations(of_one, 2):
            if not one.codes & other.codes:
                values = ",".join((*one.values, *other.values))
                raise SearchError(
                    other.source,
                    other.offset,
                    _("No message is both “%(one)s” and “%(other)s”.")
                    % {"one": _shown(one), "other": _shown(other)},
                    _("For either, write them behind one another: %(both)s")
                    % {"both": search_grammar.shown(f"{prefix}:{values}")},
                )


def _refuse_empty_sizes(pieces: Sequence[Piece]) -> None:
    sizes = {
        prefix: [int(next(iter(p.codes))) for p in pieces if p.prefix == prefix and not p.negated]
        for prefix in (Prefix.LARGER, Prefix.SMALLER)
    }
    least, most = sizes[Prefix.LARGER], sizes[Prefix.SMALLER]
    if least and most and max(least) > min(most):
        last = [p for p in pieces if p.prefix in sizes and not p.negated][-1]
        raise SearchError(
            last.source,
            last.offset,
            _("No size is left: larger: is more than smaller:."),
            _("Let larger: name the smaller size, or leave one of them out."),
        )


def _shown(piece: Piece) -> str:
    return search_grammar.shown(piece.source)
