"""What every page shows around its own content: projects, the project's pane, the banners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from deskpost.logs import queries
from deskpost.models import Person, Project, Role
from deskpost.models.permission import ALLOWED, Act
from deskpost.web import retention_page, site_notices
from deskpost.web.site_notices import Strip

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the project's pane; `failed` is how many notifications failed."""

    words: Words
    icon: str
    url: str
    current: bool
    failed: queries.Count | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What base.html shows around a page. `outbox` is set while no relay is; `notices` is what
    admins must know of sending."""

    projects: tuple[Project, ...]
    project: Project | None
    role: Words | str
    entries: tuple[Entry, ...]
    admin_entries: tuple[Entry, ...]  # of the whole site: for site admins only
    outbox: str
    notices: Strip | None
    theme: str
    path: str


# The pane's entries: words, icon, the address that it leads to, what it takes, and the names of
# the addresses that belong to it.
PANE: tuple[tuple[Words, str, str, Act, frozenset[str]], ...] = (
    (
        _("Requests"),
        "requests",
        "requests",
        Act.READ_REQUESTS,
        frozenset({"requests", "request", "request-email"}),
    ),
    (
        _("Email logs"),
        "log",
        "email-logs",
        Act.READ_LOGS,
        frozenset(
            {"email-logs", "email-logs-invitations", "email-logs-incoming", "email-logs-search"}
            | {"notification", "incoming", "email-logs-connectivity", "missed", "limit-again"}
            | {"incoming-preview", "incoming-formatted", "incoming-headers", "incoming-attachments"}
            | {"notification-preview", "notification-formatted", "notification-headers"}
            | {"notification-attachments"}
            | {"incoming-now", "incoming-sender", "acts", "acts-unblock", "jobs", "job"}
        ),
    ),
    (
        _("Customers"),
        "people",
        "customers",
        Act.MANAGE_CUSTOMERS,
        frozenset({"customers", "invite"}),
    ),
    (
        _("Project settings"),
        "settings",
        "settings",
        Act.CHANGE_SETTINGS,
        frozenset(
            {"settings", "senders", "channels", "channel-add", "channel-settings", "channel-logs"}
            | {"channel-connectivity", "channel-mailbox", "channel-test", "channel-remove"}
            | {"channel-authorise", "notification-rules", "templates", "template"}
        ),
    ),
)

# Over all projects; in the project's pane for those who may read its log, else under Site.
FIND: tuple[Words, str, str, frozenset[str]] = (
    _("Find a person"),
    "people",
    "people",
    frozenset({"people", "person"}),
)

# The same of the whole site, for site admins.
SITE_PANE: tuple[tuple[Words, str, str, frozenset[str]], ...] = (
    (
        _("Outgoing email"),
        "out",
        "sending",
        frozenset({"sending", "dkim"}),
    ),
    (
        _("Suppression list"),
        "held",
        "suppression",
        frozenset({"suppression", "suppression-add", "suppression-import"}),
    ),
    FIND,
    (_("Audit log"), "log", "audit", frozenset({"audit"})),
    (_("Retention"), "wait", "retention", frozenset({"retention"})),
)


def site(request: HttpRequest) -> dict[str, Any]:
    """Return `site` for base.html; also where no view was found, or nobody is signed in."""
    user = getattr(request, "user", None)
    person = user if isinstance(user, Person) else None
    project: Project | None = getattr(request, "project", None)
    role: str = getattr(request, "role", "")
    return {
        "site": Site(
            projects=_projects(person) if person else (),
            project=project,
            role=_role_words(person, role),
            entries=_entries(request, project, role, person) if project else (),
            admin_entries=_admin_entries(request) if person and person.is_site_admin else (),
            outbox=_outbox(person, project, role),
            notices=retention_page.strip(person, site_notices.strip(person, project, role)),
            theme=getattr(request, "theme", ""),
            path=request.get_full_path(),
        )
    }


def _projects(person: Person) -> tuple[Project, ...]:
    rows = Project.objects.order_by("name", "id")
    if not person.is_site_admin:
        rows = rows.filter(memberships__person=person)
    return tuple(rows)


def _role_words(person: Person | None, role: str) -> Words | str:
    if person and person.is_site_admin:
        return _("site admin")
    return Role(role).label if role else ""


def _entries(
    request: HttpRequest, project: Project, role: str, person: Person | None
) -> tuple[Entry, ...]:
    here = request.resolver_match.url_name if request.resolver_match else None
    entries = []
    for words, icon, name, act, names in PANE:
        if act not in ALLOWED.get(role, frozenset()):
            continue
        if name == "email-logs" and project.kind != Project.Kind.COMPANY:
            continue
        entries.append(
            Entry(
                words=words,
                icon=icon,
                url=reverse(name, args=[project.key]),
                current=here in names,
                failed=queries.failed_in(project) if name == "email-logs" else None,
            )
        )
        if name == "email-logs" and person and not person.is_site_admin:
            entries.append(_of_site(request, *FIND))
    return tuple(entries)


def _admin_entries(request: HttpRequest) -> tuple[Entry, ...]:
    return tuple(_of_site(request, *one) for one in SITE_PANE)


def _of_site(
    request: HttpRequest, words: Words, icon: str, name: str, names: frozenset[str]
) -> Entry:
    here = request.resolver_match.url_name if request.resolver_match else None
    return Entry(words=words, icon=icon, url=reverse(name), current=here in names)


def _outbox(person: Person | None, project: Project | None, role: str) -> str:
    """Return the folder in which mail piles up while no relay is set: to admins, who would else
    take "Sent" for more than it is. A project may have a way out of its own."""
    is_admin = person is not None and (person.is_site_admin or role == Role.ADMIN)
    if settings.DESKPOST["RELAY"] is not None or not is_admin:
        return ""
    if project and project.key in (settings.DESKPOST.get("PROJECT_RELAYS") or {}):
        return ""
    return str(settings.OUTBOX)
