"""Soft bounces: which failures count as one, when they block, and what makes them forgotten.

Only what the recipient's own server says of the recipient counts. A refusal for what or who we
are (x.7.x, block lists, rates), a fault of the message, a relay that is down or that we cannot
sign in to: none of these says anything of the address. In doubt nothing is counted.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from deskpost.mail.answers import FULL, POLICY, RATE, Answer, bare, enhanced_code
from deskpost.mail.reports import ReportRecipient
from deskpost.models import Notification, Project, SoftBounce, Suppression, first_id, moment_of
from deskpost.outbound import suppress
from deskpost.outcomes import NotificationStatus

Facts = dict[str, Any]

# RFC 3463: x.1 is about the address (1.7 and 1.8: the sender's), x.2 about the mailbox (2.3: the
# message is too long for it). A full mailbox counts also where it is called a permanent failure.
_RECIPIENT: Final = re.compile(r"4\.1\.(?!7$|8$)\d+|4\.2\.(?!3$)\d+|5\.2\.2")
# In a report, x.4 is the way to the recipient's server. 4.0 and 4.3 may be our relay's own
# trouble, unless the report names the server that said it.
_REPORTED: Final = re.compile(r"4\.4\.\d+")
_NAMED: Final = re.compile(r"4\.[03]\.\d+")
_SAYS_NOTHING: Final = re.compile(r"|[45]\.[02]\.\d+")
_OWN_DISK: Final = re.compile(r"\bsystem\b", re.IGNORECASE)  # RFC 5321: 452 insufficient storage


def is_soft_answer(answer: Answer) -> bool:
    """Whether a refusal at our door is about the recipient, and may pass."""
    if answer.kind == "accepted" or answer.of_sender or not answer.code:
        return False  # without a code no server said it: the connection failed
    status = answer.enhanced or enhanced_code(answer.text)
    return _about_recipient(status, answer.text) or (
        answer.code == 450 and not status and not _about_us(answer.text)
    )


def is_soft_report(recipient: ReportRecipient) -> bool:
    """Whether a report of a failed delivery says that the address failed, and may yet work."""
    status, said = recipient.status, recipient.diagnostic
    if recipient.severity != "soft" or _about_us(said):
        return False
    if _about_recipient(status, said) or _REPORTED.fullmatch(status):
        return True
    return bool(recipient.remote_server and _NAMED.fullmatch(status))


def _about_recipient(status: str, said: str) -> bool:
    if _about_us(said):
        return False
    if _RECIPIENT.fullmatch(status):
        return True
    full = _SAYS_NOTHING.fullmatch(status) and FULL.search(bare(said))
    return bool(full and not _OWN_DISK.search(said))


def _about_us(said: str) -> bool:
    text = bare(said)
    if POLICY.search(text) or enhanced_code(said)[1:3] == ".7":
        return True
    return bool(RATE.search(text) and not FULL.search(text))


def count(note: Notification, evidence: Facts, now: datetime) -> None:
    """Keep a soft bounce of the notification's address; the one that is too many blocks it.

    `evidence` is the server's answer, the report's (then it has `incoming`) or a provider's (then
    it has `event`).
    """
    evidence = evidence | {"notification": str(note.id), "at": now.isoformat()}
    with transaction.atomic():
        SoftBounce.objects.create(address_key=note.address_key, at=now, evidence=evidence)
        _forget_disproved(note, now)
        rows = _of(note.address_key, now)
        if len(rows) < suppress.SOFT_BOUNCES:
            return
        told = [{n: row.evidence.get(n) for n in ("at", "code", "enhanced")} for row in rows]
        evidence |= {"count": len(rows), "bounces": told[-suppress.SOFT_BOUNCES :]}
        suppress.block(note.address, Suppression.Cause.SOFT_BOUNCES, evidence)
        SoftBounce.objects.filter(address_key=note.address_key).delete()


def _of(address_key: str, now: datetime) -> list[SoftBounce]:
    since = now - suppress.SOFT_WITHIN
    return list(SoftBounce.objects.filter(address_key=address_key, at__gt=since).order_by("at"))


def known(address_keys: Sequence[str]) -> set[str]:
    """Return which of these addresses have soft bounces."""
    rows = SoftBounce.objects.filter(address_key__in=set(address_keys))
    return set(rows.values_list("address_key", flat=True))


def accepted(address_keys: Sequence[str]) -> None:
    """Forget the refusals at our door: the same server has now taken a message. What a relay or a
    provider had taken before, and bounced later, is not forgotten by its next yes."""
    rows = SoftBounce.objects.filter(address_key__in=set(address_keys))
    rows.filter(evidence__incoming__isnull=True, evidence__event__isnull=True).delete()


def arrived(address_key: str) -> None:
    """Forget all soft bounces: a report proves that a message arrived."""
    SoftBounce.objects.filter(address_key=address_key).delete()


def _forget_disproved(note: Notification, now: datetime) -> None:
    """Forget what a message disproves that was taken so long ago that no bounce will come."""
    taken = (
        Notification.objects.filter(
            project__in=list(Project.objects.values_list("pk", flat=True)),
            address_key=note.address_key,
            status=NotificationStatus.DELIVERED,
            id__gte=first_id(now - suppress.SOFT_WITHIN - suppress.SURE_AFTER),
            settled_at__lte=now - suppress.SURE_AFTER,
        )
        .exclude(pk=note.pk)
        .order_by("-settled_at")
    )
    success = taken.values_list("settled_at", flat=True).first()
    if success:
        rows = SoftBounce.objects.filter(address_key=note.address_key)
        before = [row.pk for row in rows if _made(row) < success]
        SoftBounce.objects.filter(pk__in=before).delete()


def _made(row: SoftBounce) -> datetime:
    """When the notification was made that bounced: a report of it comes days later."""
    return moment_of(uuid.UUID(row.evidence["notification"]))


def forget(before: datetime) -> int:
    """Delete the soft bounces before the moment, by which nobody will be blocked any more.
    Returns how many there were."""
    return SoftBounce.objects.filter(at__lt=before).delete()[0]
