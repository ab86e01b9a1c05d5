"""The suppression list: the policy in one place, and block and unblock.

A hard bounce and a complaint block at once. So do SOFT_BOUNCES temporary failures within
SOFT_WITHIN, with no success between them (suppress_soft.py). A policy refusal (x.7.x) blocks
nobody: it is about this site, not about the address.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from deskpost.mail import address
from deskpost.models import AuditEntry, Person, Project, SoftBounce, Suppression

SOFT_BOUNCES: Final = 5
SOFT_WITHIN: Final = timedelta(days=14)
# A relay takes what bounces later: its yes is a success only once the time for bounces is over
# (RFC 5321, section 4.5.4.1: servers try for four to five days at least).
SURE_AFTER: Final = timedelta(days=5)


def in_force(now: datetime | None = None) -> QuerySet[Suppression]:
    """Return the entries that block: all but those whose time is over."""
    lasting = Q(expires_at__isnull=True) | Q(expires_at__gt=now or timezone.now())
    return Suppression.objects.filter(lasting)


def entry(email: str) -> Suppression | None:
    """Return what blocks the address, if anything does."""
    return entries([email]).get(address.normalise(email))


def entries(emails: Iterable[str]) -> dict[str, Suppression]:
    """Return what blocks these addresses, by their normalised form. Entries whose time is over are
    deleted."""
    keys, now = {address.normalise(email) for email in emails}, timezone.now()
    found = list(Suppression.objects.filter(address_key__in=keys))
    over = [one.address_key for one in found if one.expires_at and one.expires_at <= now]
    if over:
        forget_expired(over, now)
    return {entry.address_key: entry for entry in found if entry.address_key not in over}


def is_blocked(email: str) -> bool:
    return entry(email) is not None


def block(
    email: str,
    cause: str,
    evidence: dict[str, Any],
    *,
    by: Person | None = None,
    expires_at: datetime | None = None,
) -> bool:
    """Send nothing to the address from now on; returns whether that is new.

    An older entry keeps its evidence, unless it would end and the new one does not. `by` is the
    person who did it by hand, of which the audit log is told.
    """
    key, now = address.normalise(email), timezone.now()
    with transaction.atomic():
        forget_expired([key], now)
        if expires_at is None:
            Suppression.objects.filter(address_key=key, expires_at__isnull=False).delete()
        _, created = Suppression.objects.get_or_create(
            address_key=key,
            defaults={
                "address": email,
                "cause": Suppression.Cause(cause),
                "evidence": evidence,
                "created_at": now,
                "by": by,
                "expires_at": expires_at,
            },
        )
        if created and by:
            ends = expires_at.isoformat() if expires_at else None
            _audit(AuditEntry.Act.BLOCK, by, None, email, {"expires": ends, **evidence})
    return created


def unblock(email: str, by: Person, project: Project | None = None) -> bool:
    """Allow mail to the address again; nothing is resent. Returns whether it was blocked.

    Its soft bounces are forgotten, so that the next one does not block it at once. `project` is
    the one from whose log it was done, None from the site's page.
    """
    key = address.normalise(email)
    with transaction.atomic():
        forget_expired([key], timezone.now())
        entries = Suppression.objects.filter(address_key=key)
        evidence = [{"cause": one.cause, "evidence": one.evidence} for one in entries]
        removed, _ = entries.delete()
        if removed:
            SoftBounce.objects.filter(address_key=key).delete()
            _audit(AuditEntry.Act.UNBLOCK, by, project, email, evidence[0])
    return bool(removed)


def forget_expired(keys: list[str], now: datetime) -> None:
    """Delete the entries of these addresses whose time is over."""
    Suppression.objects.filter(address_key__in=keys, expires_at__lte=now).delete()


def _audit(
    act: AuditEntry.Act, by: Person, project: Project | None, email: str, details: dict[str, Any]
) -> None:
    AuditEntry.objects.create(
        person=by, project=project, act=act, subject=email[:320], details=details
    )
