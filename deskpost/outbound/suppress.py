"""The suppression list: block an address, unblock it."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from deskpost.mail import address
from deskpost.models import AuditEntry, Person, Project, Suppression


def block(email: str, cause: str, evidence: dict[str, Any]) -> None:
    """Send nothing to the address from now on. An older entry keeps its evidence."""
    Suppression.objects.get_or_create(
        address_key=address.normalise(email),
        defaults={
            "address": email,
            "cause": Suppression.Cause(cause),
            "evidence": evidence,
            "created_at": timezone.now(),
        },
    )


def is_blocked(email: str) -> bool:
    return Suppression.objects.filter(address_key=address.normalise(email)).exists()


def unblock(email: str, by: Person, project: Project) -> bool:
    """Allow mail to the address again; nothing is resent. Returns whether it was blocked."""
    with transaction.atomic():
        entries = Suppression.objects.filter(address_key=address.normalise(email))
        evidence = list(entries.values("cause", "evidence"))
        removed, _ = entries.delete()
        if removed:
            AuditEntry.objects.create(
                person=by,
                project=project,
                act=AuditEntry.Act.UNBLOCK,
                subject=email[:320],
                details=evidence[0],
            )
    return bool(removed)
