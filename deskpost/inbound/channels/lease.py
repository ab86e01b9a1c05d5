"""One poller for each mailbox at a time: a lease with a fencing token, on the database's clock.

A poller that dies or hangs loses its leases within LEASE, and another takes over under a higher
fence. Whatever a poller writes about a mailbox is conditional on its own fence: one that comes
back after its time changes nothing, and takes nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q
from django.db.models.functions import Now

from deskpost.models import Mailbox, queue
from deskpost.problems import ConnectionState

LEASE = timedelta(seconds=25)


class LostLease(Exception):
    """Another poller has the mailbox, or a person has changed it: what was done is undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What a poller sees of a mailbox that it owns, at each renewal."""

    fence: int
    revision: int


def claim(owner: str, limit: int) -> list[Mailbox]:
    """Take up to `limit` mailboxes that nobody owns; those that wait longest for it come first."""
    # One that ends later than any can is from a clock that was wrong.
    over = Q(lease_until__lt=Now()) | Q(lease_until__gt=_end())
    free = Mailbox.objects.filter(Q(owner="") | over)
    wanted = free.filter(channel__removed_at__isnull=True).exclude(state=ConnectionState.PAUSED)
    with transaction.atomic():
        found = list(queue.lock(wanted.order_by(F("lease_until").asc(nulls_first=True)))[:limit])
        taken = [mailbox.pk for mailbox in found]
        Mailbox.objects.filter(pk__in=taken).update(
            owner=owner, fence=F("fence") + 1, lease_until=_end()
        )
        return list(Mailbox.objects.filter(pk__in=taken).select_related("channel").order_by("pk"))


def renew(owner: str, held: Iterable[int]) -> Mapping[int, Holding]:
    """Hold the mailboxes for another LEASE; return those that are still the owner's to work on."""
    mine = Mailbox.objects.filter(owner=owner)
    mine.filter(pk__in=list(held)).update(lease_until=_end())
    still = mine.filter(channel__removed_at__isnull=True).exclude(state=ConnectionState.PAUSED)
    return {
        pk: Holding(fence=fence, revision=revision)
        for pk, fence, revision in still.values_list("pk", "fence", "revision")
    }


def release(owner: str, held: Iterable[int]) -> None:
    """Give mailboxes back, so that another may take them at once."""
    Mailbox.objects.filter(owner=owner, pk__in=list(held)).update(owner="", lease_until=None)


def release_one(mailbox: Mailbox) -> None:
    """Give a mailbox back, unless another has taken it meanwhile."""
    mine = Mailbox.objects.filter(pk=mailbox.pk, owner=mailbox.owner, fence=mailbox.fence)
    mine.update(owner="", lease_until=None)


def bury(owner: str) -> int:
    """End the leases of an owner that is known to be gone; return how many it had."""
    return Mailbox.objects.filter(owner=owner).update(owner="", lease_until=None)


def reread(mailbox: Mailbox) -> None:
    """Read an owned mailbox again, in place: a transaction that failed may have left on it what
    is not in the database. Raises LostLease."""
    mine = Mailbox.objects.filter(
        pk=mailbox.pk, owner=mailbox.owner, fence=mailbox.fence, revision=mailbox.revision
    )
    found = mine.first()
    if found is None:
        raise LostLease(str(mailbox.pk))
    for field in Mailbox._meta.concrete_fields:
        setattr(mailbox, field.attname, getattr(found, field.attname))


def write(mailbox: Mailbox, **fields: Any) -> None:
    """Change columns of an owned mailbox, on the row and on `mailbox`.

    Raises LostLease, and changes nothing, if it is not ours any more or a person changed it.
    """
    mine = Mailbox.objects.filter(
        pk=mailbox.pk, owner=mailbox.owner, fence=mailbox.fence, revision=mailbox.revision
    )
    if mine.update(**fields) != 1:
        raise LostLease(str(mailbox.pk))
    for name, value in fields.items():
        setattr(mailbox, name, value)


def _end() -> ExpressionWrapper[Any]:
    return ExpressionWrapper(Now() + LEASE, output_field=DateTimeField())
