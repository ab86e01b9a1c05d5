"""What makes a table a queue: a row is due, claimed (owner, attempt, lease) or done.

A claim is one conditional step under row locks. Completion is fenced on (owner, attempt): a
worker that was paused beyond its lease, and comes back, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.db import connection, models, transaction
from django.db.models import F, Q, QuerySet

from deskpost.models import bulk

LEASE = timedelta(minutes=5)
DEATHS_ALLOWED = 3
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class LostClaim(Exception):
    """The row was claimed by another in the meantime; what was done for it must be undone."""


class Queued(models.Model):
    """A row that a worker takes up when it is due. `due_at` is null once nothing is left to do."""

    due_at = models.DateTimeField(null=True)
    owner = models.CharField(max_length=120, blank=True, default="")
    attempt = models.PositiveIntegerField(default=0)  # grows with each claim
    lease_until = models.DateTimeField(null=True)
    # A claim that ended in a death (or a batch that failed) makes its rows suspects: each is then
    # claimed alone, and only what it does alone counts against it.
    suspect = models.BooleanField(default=False)
    deaths = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True

    @property
    def is_poison(self) -> bool:
        """Whether it has failed alone too often to be tried again."""
        return self.deaths >= DEATHS_ALLOWED

    @classmethod
    def note_settled(cls, rows: Sequence[Any]) -> None:
        """Do what belongs to rows that have nothing left to do, in the transaction that wrote
        them. A log table gives them their lines."""


Row = TypeVar("Row", bound=Queued)
AnyRow = TypeVar("AnyRow", bound=models.Model)


def due(rows: QuerySet[Row], now: datetime) -> QuerySet[Row]:
    """Narrow to rows that may be claimed: due, and claimed by nobody who may still be alive."""
    return rows.filter(Q(owner="") | Q(lease_until__lt=now), due_at__lte=now)


def lock(rows: QuerySet[AnyRow]) -> QuerySet[AnyRow]:
    """Lock the rows, passing over those that another transaction holds (no-op on SQLite, whose
    transactions here hold the one write lock from their beginning)."""
    if connection.features.has_select_for_update_skip_locked:
        return rows.select_for_update(skip_locked=True, of=("self",))
    return rows


def claim(rows: QuerySet[Row], owner: str, now: datetime, limit: int) -> list[Row]:
    """Claim up to `limit` of the rows, in the order given; a suspect is claimed alone.

    Returns the claimed rows. A row whose last claim ended in a death becomes a suspect; if it had
    been claimed alone, the death counts against it (see `is_poison`).
    """
    with transaction.atomic():
        found = list(lock(due(rows, now))[:limit])
        for row in found:
            if row.owner:
                _note_death(row)
        batch = _together(found)
        _take(rows, batch, owner, now + LEASE)
    return batch


def _take(rows: QuerySet[Row], batch: list[Row], owner: str, lease_until: datetime) -> None:
    for row in batch:
        row.owner, row.attempt, row.lease_until = owner, row.attempt + 1, lease_until
    rows.model._default_manager.filter(pk__in=[row.pk for row in batch]).update(
        owner=owner, attempt=F("attempt") + 1, lease_until=lease_until
    )


def _note_death(row: Queued) -> None:
    row.deaths += row.suspect
    row.suspect, row.owner = True, ""
    row.save(update_fields=["deaths", "suspect", "owner"])


def _together(found: list[Row]) -> list[Row]:
    if found and found[0].suspect:
        return found[:1]
    count = next((n for n, row in enumerate(found) if row.suspect), len(found))
    return found[:count]


@contextmanager
def undoing(rows: Sequence[Queued]) -> Iterator[None]:
    """A transaction that writes claimed rows. If it is undone, so is what it has made of the
    instances: they still know their claim, and can be written again."""
    before = [(row, dict(vars(row))) for row in rows]
    try:
        with transaction.atomic():
            yield
    except BaseException:
        for row, fields in before:
            vars(row).clear()
            vars(row).update(fields)
        raise


DONE: dict[str, Any] = {"due_at": None, "owner": "", "lease_until": None}


def complete(row: Queued, **fields: Any) -> None:
    """Write the result of a claimed row and let it go, or raise LostClaim.

    Pass `due_at` for a row that is to be taken up again; without it nothing is left to do.
    """
    fields = DONE | fields
    mine = type(row)._default_manager.filter(pk=row.pk, owner=row.owner, attempt=row.attempt)
    if mine.update(**fields) != 1:
        raise LostClaim(f"{type(row).__name__} {row.pk}")
    for name, value in fields.items():
        setattr(row, name, value)
    if row.due_at is None:
        row.note_settled([row])


def complete_all(rows: Sequence[Queued], names: Sequence[str]) -> None:
    """Write the named fields of claimed rows of one table and let them go, or raise LostClaim: the
    same as `complete` for each."""
    for row in rows:
        row.due_at = row.lease_until = None
    _write_all(rows, (*names, "due_at", "lease_until"), owner="")
    for row in rows:
        row.owner = ""
    if rows:
        rows[0].note_settled(rows)


def hold_all(rows: Sequence[Queued], names: Sequence[str], lease_until: datetime) -> None:
    """Write the named fields of claimed rows of one table and keep them claimed until then, or
    raise LostClaim."""
    for row in rows:
        row.lease_until = lease_until
    _write_all(rows, (*names, "lease_until"))


def _write_all(rows: Sequence[Queued], names: Sequence[str], **also: Any) -> None:
    """One prepared statement, since Django's bulk_update is slower than a statement a row where
    many fields change. `also` is what is written besides and not yet on the rows, whose own values
    are the fence."""
    written = bulk.update(rows, names, fence=("owner", "attempt"), also=also)
    if written != len(rows):
        raise LostClaim(f"{written} of {len(rows)} rows")


def release(rows: list[Row], **fields: Any) -> None:
    """Give claimed rows back untouched (a clean stop), or as suspects after a failed batch."""
    for row in rows:
        type(row)._default_manager.filter(pk=row.pk, owner=row.owner, attempt=row.attempt).update(
            owner="", lease_until=None, **fields
        )


def reconnect() -> None:
    """After a database error: the next statement takes a new connection if this one is broken."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def blame(row: Queued, due_at: datetime) -> None:
    """Record that handling the row alone raised; it is tried again when due."""
    release([row], suspect=True, deaths=F("deaths") + 1, due_at=due_at)


def bury(model: type[Queued], owners: list[str]) -> int:
    """End the leases of workers known to be dead, so that nobody waits for them to run out."""
    return model._default_manager.filter(owner__in=owners).update(lease_until=LONG_AGO)
