"""What waits: messages that are not processed yet, and notifications that are not sent. They have
no line and no count; they are the due rows of their own tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.expressions import RawSQL
from django.utils import timezone

from deskpost.logs.counts import Sum
from deskpost.logs.search_model import AHEAD
from deskpost.models import InboundEmail, Log, Notification, Project, first_id, moment_of
from deskpost.outcomes import IncomingStatus, Kind, NotificationStatus

COUNTED: Final = 1_000

_STATUS: Final = {True: IncomingStatus.PROCESSING, False: NotificationStatus.QUEUED}
Place = tuple[date, str, int]  # the reader's day, the list, the channel (0: none)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits in a project: how many of each place (of the newest COUNTED of each direction;
    `more` names the lists of which there are more), and the oldest of each direction."""

    project_id: int
    places: Counter[Place]
    more: frozenset[str]
    oldest_in: datetime | None
    oldest_out: datetime | None

    def sums(self) -> tuple[Sum, ...]:
        """Return it in the form of counts, to be added to them."""
        return tuple(
            Sum(
                project_id=self.project_id,
                day=day,
                log=log,
                channel_id=channel_id,
                status=_STATUS[log == Log.INCOMING],
                code="",
                number=number,
            )
            for (day, log, channel_id), number in self.places.items()
        )


def of_project(project: Project) -> Backlog:
    """Return what waits in a project: two short queries, and two more if it is much."""
    places: Counter[Place] = Counter()
    mail = _waiting(InboundEmail, project)
    mails = list(mail.order_by("-id").values_list("id", "channel_id")[:COUNTED])
    for row_id, channel_id in mails:
        places[timezone.localdate(moment_of(row_id)), Log.INCOMING, channel_id] += 1
    note = _waiting(Notification, project)
    notes = list(note.order_by("-id").values_list("id", "kind")[:COUNTED])
    for row_id, kind in notes:
        log = Log.INVITATIONS if kind == Kind.CUSTOMER_INVITED else Log.REQUESTS
        places[timezone.localdate(moment_of(row_id)), log, 0] += 1
    return Backlog(
        project_id=project.pk,
        places=places,
        more=frozenset(
            {*_full(places, Log.INCOMING), *_full(places, Log.REQUESTS, Log.INVITATIONS)}
        ),
        oldest_in=_oldest(mail, mails),
        oldest_out=_oldest(note, notes),
    )


def _waiting(model: Any, project: Project) -> QuerySet[Any]:
    # PostgreSQL need not look at the days that are to come.
    end = first_id(timezone.now() + AHEAD)
    rows: QuerySet[Any] = model.objects.filter(project=project, due_at__isnull=False, id__lt=end)
    return rows


def _oldest(rows: QuerySet[Any], newest: Sequence[Any]) -> datetime | None:
    """Return since when the oldest waits; `newest` are the newest ones, perhaps all."""
    if len(newest) < COUNTED:
        return moment_of(newest[-1][0]) if newest else None
    first = rows.order_by("id").values_list("id", flat=True).first()
    return moment_of(first) if first else None


def _full(places: Counter[Place], *logs: str) -> tuple[str, ...]:
    number = sum(count for (_day, log, _channel), count in places.items() if log in logs)
    return logs if number >= COUNTED else ()


# --- Of many projects ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How much waits in one project, in both directions together (exact below COUNTED of each), and
    since when the oldest of it does."""

    number: int
    more: bool
    oldest: datetime | None


def of_projects(project_ids: Sequence[int]) -> dict[int, Waiting]:
    """Return what waits in each of the projects; one query."""
    rows = Project.objects.filter(pk__in=project_ids).annotate(
        mail=_number(InboundEmail),
        notes=_number(Notification),
        first_mail=_first(InboundEmail),
        first_note=_first(Notification),
    )
    names = ("pk", "mail", "notes", "first_mail", "first_note")
    return {
        pk: Waiting(
            number=mail + notes,
            more=COUNTED in (mail, notes),
            oldest=min((moment_of(one) for one in (first_mail, first_note) if one), default=None),
        )
        for pk, mail, notes, first_mail, first_note in rows.values_list(*names)
    }


def _number(model: Any) -> RawSQL:
    waits = f"{model._meta.db_table} w WHERE w.project_id = deskpost_project.id"
    some = f"SELECT 1 FROM {waits} AND w.due_at IS NOT NULL LIMIT {COUNTED}"  # noqa: S608
    return RawSQL(f"SELECT count(*) FROM ({some}) AS waiting", [])  # noqa: S608, S611 (names of ours)


def _first(model: Any) -> Subquery:
    rows = model.objects.filter(project=OuterRef("pk"), due_at__isnull=False)
    return Subquery(rows.order_by("id").values("id")[:1])
