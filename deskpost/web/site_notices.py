"""The strip on admins' pages while something about sending needs them: one line for each kind of
trouble, however many notifications it touches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deskpost.logs import words
from deskpost.models import Person, Project, Role, SiteNotice
from deskpost.outbound import carriers, notices
from deskpost.outcomes import Trouble

NAMED: Final = 3  # of several relays, domains or templates
SEVERE: Final = frozenset({Trouble.RELAY_DOWN, Trouble.LIMIT_REACHED, Trouble.OWN_FAULT})
# What only those who run the site can mend.
OF_SITE: Final = frozenset({Trouble.POLICY, Trouble.OWN_FAULT})

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """What an admin is told on every page. `url` leads to more; empty for admins of a project."""

    lines: tuple[str, ...]
    severe: bool
    url: str


def strip(person: Person | None, project: Project | None, role: str) -> Strip | None:
    """Return the strip of a person's page, or None. It asks the database once, and only for
    admins."""
    if person is None or not (person.is_site_admin or role == Role.ADMIN):
        return None
    now = timezone.now()
    found = [row for row in notices.open_now() if row.kind in SAYS and _lasts(row, now)]
    if not person.is_site_admin:
        found = [row for row in found if project and _concerns(row, project)]
    if not found:
        return None
    by_kind = {kind: [row for row in found if row.kind == kind] for kind in SAYS}
    if by_kind[Trouble.LIMIT_REACHED]:
        by_kind[Trouble.LIMIT_NEAR] = []
    says = SAYS if person.is_site_admin else {**SAYS, **TO_PROJECT}
    return Strip(
        lines=tuple(says[kind](rows) for kind, rows in by_kind.items() if rows),
        severe=any(by_kind[kind] for kind in SEVERE),
        url=reverse("sending") if person.is_site_admin else "",
    )


def relay_down(project: Project) -> SiteNotice | None:
    """Return the open notice that the way out of the project's mail cannot be used, if so."""
    rows = SiteNotice.objects.filter(kind=Trouble.RELAY_DOWN, closed_at__isnull=True)
    return rows.filter(key=carriers.key_of(project.key)).first()


def facts_of(row: SiteNotice) -> Facts:
    """Return what is stored of the last time."""
    return row.facts if isinstance(row.facts, dict) else {}


def resets(row: SiteNotice) -> datetime | None:
    """Return when the limit of a notice begins anew."""
    return words.parsed(facts_of(row).get("resets"))


def _lasts(row: SiteNotice, now: datetime) -> bool:
    """Where nothing was sent since its reset, the notice of a limit is open yet, but over."""
    ends = resets(row)
    return ends is None or ends > now


def _concerns(row: SiteNotice, project: Project) -> bool:
    if row.kind in OF_SITE:
        return False
    if row.kind == Trouble.RELAY_DOWN:
        return row.key == carriers.key_of(project.key)
    if row.kind == Trouble.TEMPLATE:
        return row.key == project.key
    return True


# --- What is said of each kind -------------------------------------------------------------------


def _named(rows: Sequence[SiteNotice]) -> str:
    names = [words.outside(words.provider(row.key)) for row in rows[:NAMED]]
    if len(rows) <= NAMED:
        return words.listed(names)
    more = len(rows) - NAMED
    return ngettext("%(names)s and %(more)s more", "%(names)s and %(more)s more", more) % {
        "names": words.listed(names),
        "more": words.count(more),
    }


def _first(rows: Sequence[SiteNotice]) -> dict[str, str]:
    return {"when": words.moment(min(row.opened_at for row in rows))}


def _down(rows: Sequence[SiteNotice]) -> str:
    return _("Notifications wait since %(when)s: %(relay)s cannot be used. Nothing is lost.") % {
        "relay": _named(rows),
        **_first(rows),
    }


def _down_to_project(rows: Sequence[SiteNotice]) -> str:
    said = _("Notifications wait since %(when)s: the relay does not answer. Nothing is lost.")
    return said % _first(rows)


def _reached(rows: Sequence[SiteNotice]) -> str:
    ends = resets(rows[0])
    if ends is None:
        return _("The site’s limit is reached: notifications fail. None of them is lost.")
    return _(
        "The site’s limit is reached: notifications fail until it resets %(when)s. "
        "None of them is lost."
    ) % {"when": words.said_at(ends)}


def _near(rows: Sequence[SiteNotice]) -> str:
    facts = facts_of(rows[0])
    return _("The site’s limit is near: %(sent)s of %(limit)s notifications %(when)s.") % {
        "sent": words.count(facts.get("sent")),
        "limit": words.count(facts.get("limit")),
        "when": words.said_at(rows[0].last_at),
    }


def _policy(rows: Sequence[SiteNotice]) -> str:
    return _("Notifications are refused by policy: %(domains)s.") % {"domains": _named(rows)}


def _own_fault(rows: Sequence[SiteNotice]) -> str:
    times = sum(row.count for row in rows)
    said = ngettext(
        "%(count)s internal error while sending, since %(when)s.",
        "%(count)s internal errors while sending, since %(when)s.",
        times,
    )
    return said % {"count": words.count(times), **_first(rows)}


def _template(rows: Sequence[SiteNotice]) -> str:
    return _("A template fails, and the standard one is sent: %(names)s.") % {"names": _named(rows)}


SAYS: Mapping[Trouble, Callable[[Sequence[SiteNotice]], str]] = {
    Trouble.RELAY_DOWN: _down,
    Trouble.LIMIT_REACHED: _reached,
    Trouble.LIMIT_NEAR: _near,
    Trouble.OWN_FAULT: _own_fault,
    Trouble.POLICY: _policy,
    Trouble.TEMPLATE: _template,
}
TO_PROJECT: Mapping[Trouble, Callable[[Sequence[SiteNotice]], str]] = {
    Trouble.RELAY_DOWN: _down_to_project,
}
