"""The keys by which the site signs what it sends: made, shown as DNS records, switched, removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from deskpost.mail.domains import MAX_DOMAIN, ascii_domain
from deskpost.models import Channel, DkimKey
from deskpost.outbound import signing
from deskpost.outbound.signing_dns import Checked, Dns, Record
from deskpost.web.access import signed_in
from deskpost.web.suppression import site_admin_view

ADDRESSES_SHOWN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One domain. `record` is None where there is no key, or one that cannot be read; `checked` is
    what DNS said in this very request; `refused` says that signing was not begun because of it."""

    domain: str
    addresses: list[str]
    more: int
    key: DkimKey | None
    record: Record | None
    checked: Checked | None = None
    refused: bool = False


@require_http_methods(["GET", "POST"])
@site_admin_view
def dkim(request: HttpRequest) -> HttpResponse:
    """List the domains that channels send from, each with its key; a POST acts on one of them."""
    if request.method != "POST":
        return _show(request)
    domain, act = request.POST.get("domain", ""), ACTS.get(request.POST.get("act", ""))
    if act is None or domain not in _addresses():
        raise Http404
    try:
        return act(request, domain)
    except signing.Unreadable:
        messages.error(request, _("The key cannot be read. Remove it and make another."))
        return _back()


def _show(
    request: HttpRequest,
    domain: str = "",
    checked: Checked | None = None,
    *,
    refused: bool = False,
) -> HttpResponse:
    """Show the page, with what a check of one domain has just found."""
    keys = {key.domain: key for key in DkimKey.objects.select_related("made_by")}
    lines = [
        Line(
            domain=name,
            addresses=addresses[:ADDRESSES_SHOWN],
            more=max(0, len(addresses) - ADDRESSES_SHOWN),
            key=keys.get(name),
            record=_record(keys.get(name)),
            checked=checked if name == domain else None,
            refused=refused and name == domain,
        )
        for name, addresses in _addresses().items()
    ]
    return render(request, "sending/dkim.html", {"lines": lines}, status=422 if refused else 200)


def _addresses() -> dict[str, list[str]]:
    """The domains with the addresses that send from them, none for a key that is left over."""
    found: dict[str, list[str]] = {}
    for address in Channel.objects.order_by("address_key").values_list("address", flat=True):
        domain = ascii_domain(address.rpartition("@")[2])
        if domain and len(domain) <= MAX_DOMAIN:
            found.setdefault(domain, []).append(address)
    for domain in DkimKey.objects.values_list("domain", flat=True):
        found.setdefault(domain, [])
    return dict(sorted(found.items()))


def _record(key: DkimKey | None) -> Record | None:
    try:
        return signing.record(key) if key else None
    except signing.Unreadable:
        return None


def _back() -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("dkim"))


# --- Acts ----------------------------------------------------------------------------------------


def _make(request: HttpRequest, domain: str) -> HttpResponse:
    shown = {"domain": domain}
    try:
        signing.make_key(domain, signed_in(request))
    except ValueError:
        messages.error(request, _("Mail from %(domain)s cannot be signed.") % shown)
        return _back()
    messages.success(request, _("%(domain)s has a key. Now put its record into DNS.") % shown)
    return _back()


def _check(request: HttpRequest, domain: str) -> HttpResponse:
    key = DkimKey.objects.filter(domain=domain).first()
    return _show(request, domain, signing.check_dns(key)) if key else _back()


def _start(request: HttpRequest, domain: str) -> HttpResponse:
    """Sign from now on, if DNS has the record now."""
    key = DkimKey.objects.filter(domain=domain).first()
    if key is None:
        return _back()
    checked = signing.check_dns(key)
    if checked.state != Dns.FOUND:
        return _show(request, domain, checked, refused=True)
    return _start_anyway(request, domain)


def _start_anyway(request: HttpRequest, domain: str) -> HttpResponse:
    if signing.switch(domain, True, signed_in(request)):
        said = _("Mail from %(domain)s is signed, within half a minute from now.")
        messages.success(request, said % {"domain": domain})
    return _back()


def _stop(request: HttpRequest, domain: str) -> HttpResponse:
    if signing.switch(domain, False, signed_in(request)):
        said = _("Mail from %(domain)s is not signed any more, within half a minute from now.")
        messages.success(request, said % {"domain": domain})
    return _back()


def _remove(request: HttpRequest, domain: str) -> HttpResponse:
    if signing.remove(domain, signed_in(request)):
        messages.success(request, _("The key of %(domain)s was removed.") % {"domain": domain})
    return _back()


ACTS: Mapping[str, Callable[[HttpRequest, str], HttpResponse]] = {
    "make": _make,
    "check": _check,
    "start": _start,
    "start-anyway": _start_anyway,
    "stop": _stop,
    "remove": _remove,
}
