"""The lines of a large log with their tokens, which are computed once for each text."""

from __future__ import annotations

import uuid

from bench.logs_plan import Made, Place, Row
from deskpost import terms
from deskpost.models import logline

CACHED = 150_000


class Lines:
    """Makes lines as models/logline.py does; logs_fill.py compares some of them with its own."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, str, str], tuple[str, frozenset[int]]] = {}
        self._plain: dict[Row, frozenset[int]] = {}

    def add(self, made: Made, place: Place, pk: uuid.UUID, about: Row, texts: Row) -> None:
        """Add a line. `about`: list, channel, status, code, kind and key; `texts`: address, size,
        Message-ID, who and subject."""
        log, channel, status, code, kind, key = about
        address, size, message_id, who, subject = texts
        scope = logline.scope(place.project, log)
        who, by_who = self._text(scope, "w", who)
        subject, by_subject = self._text(scope, "s", subject)
        own = {f"address={address}"}
        own |= {f"key={key}"} if key else set()
        own |= {f"id={message_id}"} if message_id else set()
        plain = (scope, status, code, kind, channel, logline.size_class(size))
        tokens = by_who | by_subject | self._properties(plain)
        tokens |= {terms.token(scope, leaf) for leaf in own}
        row = (pk.hex, place.project, log, channel, status, code, kind, key, address, size)
        made.lines.append((*row, message_id, who, subject))
        made.tokens.append(sorted(tokens))
        bucket = logline.bucket_of(pk).strftime("%Y-%m-%d %H:%M:%S")
        made.counts[(place.project, log, channel or 0, bucket, kind, status, code)] += 1

    def trim(self) -> None:
        """Forget what was computed, if it has become much."""
        for cache in (self._texts, self._plain):
            if len(cache) > CACHED:
                cache.clear()

    def _text(self, scope: str, field: str, text: str) -> tuple[str, frozenset[int]]:
        """Return a text as it is compared, and its tokens in the scope."""
        known = self._texts.get((scope, field, text))
        if known is None:
            normal = terms.normal(text)
            grams = terms.tokens(scope, (field + gram for gram in terms.grams(normal)))
            known = self._texts[scope, field, text] = normal, frozenset(grams)
        return known

    def _properties(self, plain: Row) -> frozenset[int]:
        known = self._plain.get(plain)
        if known is None:
            scope, status, code, kind, channel, size = plain
            leaves = {"*", f"status={status}", f"code={code}", f"size={size}"}
            leaves |= {f"kind={kind}"} if kind else set()
            leaves |= {f"channel={channel}"} if channel else set()
            known = self._plain[plain] = frozenset(terms.tokens(scope, leaves))
        return known
