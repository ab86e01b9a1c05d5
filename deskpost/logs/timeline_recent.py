"""What an address got and missed lately, and when it wrote: for the sentence above its timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from deskpost.logs import timeline_ids
from deskpost.logs.timeline_ids import Asked
from deskpost.models import InboundEmail, Notification, SentAgain
from deskpost.outcomes import NotificationStatus

RECENT: Final = 500  # notifications that are looked at, the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """Whether the address was told of anything; the last notification that went to it; those that
    it missed and that were not sent again, the newest first; the message that it sent last."""

    told: bool
    went: Notification | None
    missed: tuple[Notification, ...]
    wrote: InboundEmail | None


def of(projects: Sequence[int], email: str) -> Recent:
    """Return what is known of the address in these projects, by its newest RECENT notifications."""
    asked = Asked(projects=tuple(projects), email=email)
    ids = timeline_ids.notifications(asked, None, RECENT)
    rows = Notification.objects.filter(pk__in=ids).select_related("project").order_by("-pk")
    notes = list(rows.only("id", "status", "settled_at", "arrived_at", "project__key"))
    failed = [note for note in notes if note.status == NotificationStatus.FAILED]
    repeated = SentAgain.objects.filter(original__in=[note.pk for note in failed])
    made_good = set(repeated.values_list("original", flat=True))
    last = InboundEmail.objects.filter(pk__in=timeline_ids.incoming(asked, None, 1))
    return Recent(
        told=bool(notes),
        went=next((note for note in notes if note.status == NotificationStatus.DELIVERED), None),
        missed=tuple(note for note in failed if note.pk not in made_good),
        wrote=last.only("id", "received_at").first(),
    )
