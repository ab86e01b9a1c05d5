"""What the page Outgoing email says of a notice: of what it is, how often, in whose words."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from deskpost.logs import words
from deskpost.logs.explain import Evidence, entry_id, said
from deskpost.models import Notification, Project, SiteNotice
from deskpost.outcomes import KIND_WORDS, TROUBLES, Account, Kind, Trouble
from deskpost.web.site_notices import SEVERE, Facts, facts_of, resets

# What ends by itself is not ended by a person: the relay works again, the day of the limit ends.
DISMISSED: Final = frozenset({Trouble.POLICY, Trouble.OWN_FAULT, Trouble.TEMPLATE})
OF_LIMIT: Final = frozenset({Trouble.LIMIT_NEAR, Trouble.LIMIT_REACHED})
CLOSED_FOR: Final = timedelta(weeks=4)
CLOSED_SHOWN: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One notice in words. `url` leads to the last notification, or to the template that fails;
    empty where there is no page of it."""

    row: SiteNotice
    account: Account
    about: str
    sentences: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    url: str
    tone: str
    may_dismiss: bool
    is_template: bool


def told(rows: Collection[SiteNotice]) -> list[Told]:
    """Put notices into words; one of a kind that is not known is passed over."""
    known = [row for row in rows if row.kind in TROUBLES]
    urls = _urls(known)
    return [_told(row, urls) for row in known]


def closed() -> Sequence[SiteNotice]:
    """Return the notices that were closed in the last weeks, the last first."""
    rows = SiteNotice.objects.filter(closed_at__gte=timezone.now() - CLOSED_FOR)
    return list(rows.select_related("closed_by").order_by("-closed_at")[:CLOSED_SHOWN])


def _told(row: SiteNotice, urls: Mapping[uuid.UUID | None, str]) -> Told:
    kind = Trouble(row.kind)
    return Told(
        row=row,
        account=TROUBLES[kind],
        about=_about(kind, row.key),
        sentences=_sentences(kind, row),
        evidence=_evidence(row),
        url=_template_url(row) if kind == Trouble.TEMPLATE else urls.get(_last(row), ""),
        tone="fail" if kind in SEVERE else "wait",
        may_dismiss=kind in DISMISSED,
        is_template=kind == Trouble.TEMPLATE,
    )


def _about(kind: Trouble, key: str) -> str:
    if kind == Trouble.RELAY_DOWN:
        return words.provider(key)
    if kind in OF_LIMIT:
        try:
            return words.day(date.fromisoformat(key))
        except ValueError:
            return key
    return key


def _sentences(kind: Trouble, row: SiteNotice) -> tuple[str, ...]:
    if kind == Trouble.TEMPLATE:
        return tuple(filter(None, (_which_template(facts_of(row)),)))
    return _of_limit(row) if kind in OF_LIMIT else ()


def _which_template(facts: Facts) -> str:
    if facts.get("kind") not in KIND_WORDS:
        return ""
    named = {
        "name": KIND_WORDS[Kind(facts["kind"])],
        "language": words.outside(facts.get("language")),
    }
    if not isinstance(facts.get("line"), int):
        return _("It is “%(name)s” (%(language)s).") % named
    return _("It is “%(name)s” (%(language)s), line %(line)d.") % {
        **named,
        "line": facts["line"],
    }


def _of_limit(row: SiteNotice) -> tuple[str, ...]:
    facts, ends = facts_of(row), resets(row)
    sent = _("%(sent)s of %(limit)s were used when this was noted.") % {
        "sent": words.count(facts.get("sent")),
        "limit": words.count(facts.get("limit")),
    }
    reset = _("The limit resets %(when)s.") % {"when": words.said_at(ends)} if ends else ""
    return tuple(filter(None, (sent, reset)))


def _evidence(row: SiteNotice) -> tuple[Evidence, ...]:
    """The words of a server, of an error of ours, or of a template that failed."""
    facts = facts_of(row)
    if answer := said(dict(facts, incoming=None), _("The last answer")):
        return answer
    lines = [str(facts[name])[:500] for name in ("error", "id", "said") if facts.get(name)]
    if not lines:
        return ()
    return (Evidence(source=_("The last error"), before="\n".join(lines)),)


def _last(row: SiteNotice) -> uuid.UUID | None:
    return entry_id(facts_of(row).get("notification"))


def _urls(rows: Collection[SiteNotice]) -> dict[uuid.UUID | None, str]:
    """Return the addresses of the last notifications, of those that have a drawer."""
    ids = [pk for pk in map(_last, rows) if pk]
    found = Notification.objects.filter(pk__in=ids, project__kind=Project.Kind.COMPANY)
    return {
        pk: reverse("notification", args=[key, pk])
        for pk, key in found.values_list("pk", "project__key")
    }


def _template_url(row: SiteNotice) -> str:
    facts = facts_of(row)
    try:
        return reverse("template", args=[row.key, facts.get("kind"), facts.get("language")])
    except NoReverseMatch:
        return ""
