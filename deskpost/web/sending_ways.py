"""How mail leaves: the site's way out, and those that projects have for themselves. Nothing secret
of a way is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from deskpost.config_relay import Relay
from deskpost.logs import queries, words
from deskpost.logs.explain import Evidence, said
from deskpost.models import Notification, Project, SiteNotice
from deskpost.outbound import carriers
from deskpost.outcomes import NotificationStatus, Trouble
from deskpost.web.site_notices import facts_of

LONGEST_PAUSE: Final = 86_400.0  # seconds
Projects: TypeAlias = "QuerySet[Project]"

ENCRYPTION = {
    "starttls": gettext_lazy("encrypted (STARTTLS)"),
    "tls": gettext_lazy("encrypted (TLS)"),
    "none": gettext_lazy("not encrypted"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way out. `project` is empty for the site's own; `down` is its open notice."""

    key: str
    project: str
    name: str
    what: str
    state: str
    tone: str
    down: SiteNotice | None
    evidence: tuple[Evidence, ...]
    next_try: datetime | None
    waiting: queries.Count
    last_success: datetime | None
    is_outbox: bool


def ways(notices: Collection[SiteNotice]) -> list[Way]:
    """Return the site's way out, then the projects' own; `notices` are the open ones."""
    down = {row.key: row for row in notices if row.kind == Trouble.RELAY_DOWN}
    own: Mapping[str, Any] = settings.DESKPOST.get("PROJECT_RELAYS") or {}
    every = Project.objects.all()
    theirs = [
        _way(own[one.key], every.filter(pk=one.pk), one, down)
        for one in every.filter(key__in=list(own)).order_by("name", "pk")
    ]
    rest = every.exclude(key__in=list(own))
    return [_way(settings.DESKPOST["RELAY"], rest, None, down), *theirs]


def _way(
    way: Any,
    projects: Projects,
    project: Project | None,
    down: Mapping[str, SiteNotice],
) -> Way:
    key = carriers.key_of(project.key) if project else carriers.of_site().key
    notice = down.get(key)
    facts = facts_of(notice) if notice else {}
    name, what = _named(way, key)
    return Way(
        key=key,
        project=project.name if project else "",
        name=name,
        what=what,
        state=_state(way, notice),
        tone="fail" if notice else "good" if way is not None else "wait",
        down=notice,
        evidence=said(dict(facts, incoming=None), _("Its own words")),
        next_try=_next_try(notice) if notice else None,
        waiting=_waiting(projects),
        last_success=_last_success(projects),
        is_outbox=way is None,
    )


def _named(way: Any, key: str) -> tuple[str, str]:
    if way is None:
        return _("Outbox folder"), str(settings.OUTBOX)
    if isinstance(way, Relay):
        encrypted = str(ENCRYPTION.get(way.tls, ""))
        return key, words.listed(filter(None, (_("SMTP relay"), encrypted)))
    return words.provider(getattr(way, "name", key)), _("Email service provider")


def _state(way: Any, notice: SiteNotice | None) -> str:
    if notice:
        return _("Cannot be used since %(when)s") % {"when": words.moment(notice.opened_at)}
    return _("Works") if way is not None else _("Mail stays on this machine")


def _next_try(notice: SiteNotice) -> datetime:
    """Return when it is tried again: some seconds after the last time, longer each time."""
    stored = facts_of(notice).get("pause")
    pause = float(stored) if isinstance(stored, int | float) else 0.0
    return notice.last_at + timedelta(seconds=min(max(pause, 0.0), LONGEST_PAUSE))


def _waiting(projects: Projects) -> queries.Count:
    rows = Notification.objects.filter(due_at__isnull=False, status=NotificationStatus.QUEUED)
    return queries.count_of(rows.filter(project__in=projects))


def _last_success(projects: Projects) -> datetime | None:
    """When the newest notification of each project that was sent was sent: a look into an index
    for each, whatever waits."""
    sent = Notification.objects.filter(project=OuterRef("pk"), status=NotificationStatus.DELIVERED)
    newest = Subquery(sent.order_by("-id").values("settled_at")[:1])
    moments = projects.annotate(sent_at=newest).values_list("sent_at", flat=True)
    return max(filter(None, moments), default=None)
