"""What the project has taken already, as far as a batch asks: fingerprints, and how often each
sender wrote. Read at once, kept up to date while the batch goes on, written at once."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from deskpost.models import InboundEmail, Project, Seen, bulk, first_id
from deskpost.outcomes import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """The first copy of a message: its row, and the key of the request that it is about."""

    incoming: uuid.UUID
    request_key: str


class History:
    """One project's past, for the messages of one batch, in the order of arrival."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._first: dict[str, First] = {}
        self._wrote: dict[str, list[uuid.UUID]] = {}  # by sender: the ids of what counts
        self._new: list[Seen] = []
        self._changed: list[Seen] = []

    def load(
        self, batch: Iterable[tuple[InboundEmail, str, str]], most: int, span: timedelta
    ) -> None:
        """Read the past of these messages (row, fingerprint, sender's key). Of a sender no more
        than `most` earlier messages, and none older than `span`, are asked for."""
        rows = list(batch)
        prints = {fingerprint for _, fingerprint, _ in rows}
        for seen in Seen.objects.filter(project=self._project, fingerprint__in=prints):
            self._first[seen.fingerprint] = First(
                incoming=seen.incoming, request_key=seen.request_key
            )
        self._load_senders({sender for _, _, sender in rows if sender}, rows[0][0], most, span)

    def _load_senders(
        self, senders: set[str], oldest: InboundEmail, most: int, span: timedelta
    ) -> None:
        since = first_id(oldest.received_at - span)
        counting = (
            InboundEmail.objects.filter(project=self._project, id__lt=oldest.id, id__gte=since)
            .exclude(outcome=Outcome.DUPLICATE)
            .exclude(transport=InboundEmail.Transport.IMPORT)
            .exclude(backlog=True)
        )
        wrote = counting.filter(sender_key__in=senders).values("sender_key").order_by("sender_key")
        # Few have written at all: one statement finds them, and only theirs are read.
        for sender in [one["sender_key"] for one in wrote.annotate(count=Count("id"))]:
            ids = counting.filter(sender_key=sender).order_by("-id").values_list("id", flat=True)
            self._wrote[sender] = sorted(ids[:most])

    def first(self, fingerprint: str) -> First | None:
        """Return the first copy of the message, if there was one."""
        return self._first.get(fingerprint)

    def count_since(self, sender: str, moment: datetime) -> int:
        """Return how many messages of the sender count since then (as far as they were read)."""
        since = first_id(moment)
        return sum(1 for one in self._wrote.get(sender, ()) if one >= since)

    def take(
        self, row: InboundEmail, fingerprint: str, sender: str, outcome: Outcome, request_key: str
    ) -> None:
        """Note what became of a message, for those that come after it."""
        if outcome == Outcome.DUPLICATE:
            return
        if sender and not row.is_silent:
            self._wrote.setdefault(sender, []).append(row.id)
        if outcome != Outcome.TOO_LARGE:
            again = fingerprint in self._first  # its own: it was processed before
            self._first[fingerprint] = First(incoming=row.id, request_key=request_key)
            (self._changed if again else self._new).append(
                Seen(
                    project=self._project,
                    fingerprint=fingerprint,
                    incoming=row.id,
                    request_key=request_key,
                )
            )

    def write(self) -> None:
        """Write the new fingerprints, and what became of messages that were processed again."""
        bulk.insert(self._new)
        for seen in self._changed:
            Seen.objects.filter(project=self._project, fingerprint=seen.fingerprint).update(
                request_key=seen.request_key
            )
