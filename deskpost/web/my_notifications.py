"""Your notifications: whether a person gets email and what stands in its way, with the switches
that are theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from deskpost.desk import muting
from deskpost.mail import address
from deskpost.models import Channel, Muted, Person, Project, Suppression
from deskpost.outbound import suppress
from deskpost.web import account
from deskpost.web.access import person_view, signed_in

LISTED = 100  # muted requests on one page; the last muted ones
ADDRESSES = 10  # to which a person whose address is blocked may write
DIGITS = 18  # of a request's number in a form: what both databases know as one


@dataclass(frozen=True, slots=True, kw_only=True)
class MutedRequests:
    """What a person has muted, the last muted first; `more` where there are others."""

    rows: list[Muted]
    more: bool


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@person_view
def show(request: HttpRequest) -> HttpResponseBase:
    """Show how it stands with the reader's own notifications. A POST changes what `act` says and
    leads to `next`, or back to this page."""
    person = signed_in(request)
    if request.method != "POST":
        return render(request, "account/my_notifications.html", _standing(person))
    act = ACTS.get(request.POST.get("act", ""))
    said = act(request, person) if act else ""
    if said:
        messages.success(request, said)
    return HttpResponseRedirect(account.way_back(request, reverse("my-notifications")))


def _standing(person: Person) -> dict[str, Any]:
    blocked = _block(person)
    malformed = address.problem(person.email, smtputf8=True) is not None
    off = person.unsubscribed_at or person.address_private or blocked or malformed
    return {
        "person": person,
        "gets_email": not off,
        "blocked": blocked,
        "cause": CAUSES[Suppression.Cause(blocked.cause)]() if blocked else "",
        "malformed": malformed,
        "team": _addresses(person) if blocked or malformed else [],
        "muted": muted(person),
    }


def _block(person: Person) -> Suppression | None:
    """What blocks the address. Unlike `suppress.entry` this leaves an entry whose time is over
    where it is: to look changes nothing."""
    return suppress.in_force().filter(address_key=person.email_key).first()


# Why an address is blocked, to the one whose it is. What admins noted down is not for them.
CAUSES: Mapping[Suppression.Cause, Callable[[], str]] = {
    Suppression.Cause.HARD_BOUNCE: lambda: _("Its mail server said that it cannot be reached."),
    Suppression.Cause.SOFT_BOUNCES: lambda: _(
        "Its mail server could not take our emails, several times in a row."
    ),
    Suppression.Cause.COMPLAINT: lambda: _("One of our emails was reported as spam."),
    Suppression.Cause.BY_HAND: lambda: _("The team has blocked it."),
}


def _addresses(person: Person) -> list[str]:
    rows = Channel.objects.filter(project__memberships__person=person, removed_at__isnull=True)
    return list(rows.order_by("pk").values_list("address", flat=True)[:ADDRESSES])


def muted(person: Person, project: Project | None = None) -> MutedRequests:
    """Return what the person has muted in that project, or in all."""
    rows = list(muting.muted_by(person, project)[: LISTED + 1])
    return MutedRequests(rows=rows[:LISTED], more=len(rows) > LISTED)


# --- What a person may change --------------------------------------------------------------------


def _subscribe(request: HttpRequest, person: Person) -> str:
    account.subscribe(person, wanted=True)
    return _("You are subscribed again.")


def _unsubscribe(request: HttpRequest, person: Person) -> str:
    account.subscribe(person, wanted=False)
    return _("You are unsubscribed. Nothing more is sent to you.")


def _make_private(request: HttpRequest, person: Person) -> str:
    _set_private(person, private=True)
    return _("Your address is private now. Nothing more is sent to it.")


def _make_known(request: HttpRequest, person: Person) -> str:
    _set_private(person, private=False)
    return _("Your address is no longer private.")


def _set_private(person: Person, *, private: bool) -> None:
    person.address_private = private
    person.save(update_fields=["address_private"])


def _unmute(request: HttpRequest, person: Person) -> str:
    """Turn on what the person has muted; any other number changes nothing and says nothing."""
    number = request.POST.get("request", "")
    if not (number.isascii() and number.isdigit() and len(number) <= DIGITS):
        return ""
    row = muting.muted_by(person).filter(request=int(number)).first()
    if row is None:
        return ""
    muting.unmute(row.request, person)
    return _("You get the notifications of %(key)s again.") % {"key": row.request.key}


ACTS: Mapping[str, Callable[[HttpRequest, Person], str]] = {
    "subscribe": _subscribe,
    "unsubscribe": _unsubscribe,
    "private": _make_private,
    "not-private": _make_known,
    "unmute": _unmute,
}
