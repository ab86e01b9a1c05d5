"""The site's suppression list: search, block and unblock by hand, and CSV out and in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from deskpost.logs import words
from deskpost.logs.explain import said
from deskpost.logs.explain_reasons import CAUSE_WORDS, PROBLEMS
from deskpost.mail import address
from deskpost.models import Suppression
from deskpost.outbound import suppress, suppress_csv
from deskpost.web import plaintext, suppression_words
from deskpost.web.access import View, forbidden, person_view, signed_in
from deskpost.web.listing import Filters
from deskpost.web.pages import page

ADDRESS_LIMIT = 320
NOTE_LIMIT = 500
LONGEST_DAYS = 3650
FAULTS_SHOWN = 50


def site_admin_view(view: View) -> View:
    """Let only a site admin through; anyone else who is signed in gets a page that says so."""

    @person_view
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not signed_in(request).is_site_admin:
            return forbidden(request)
        if any(isinstance(value, int) and value >= 1 << 63 for value in kwargs.values()):
            raise Http404  # SQLite knows no such numbers
        return view(request, *args, **kwargs)

    return guarded


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the list. `said` is a machine's words or a person's note, cut by nobody."""

    entry: Suppression
    cause: str
    server: str
    said: str


# --- The list ------------------------------------------------------------------------------------


@require_safe
@site_admin_view
def listing(request: HttpRequest) -> HttpResponse:
    """List what is blocked, the newest first: `?q=` looks in addresses, `?cause=` for a cause."""
    return _show(request)


def _show(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    filters = _filters(request)
    found = page(_found(filters), request.GET.get("page"))
    chosen = filters.get("cause")
    values = {
        "filters": filters,
        "page": found,
        "lines": [_line(entry) for entry in found.rows],
        "causes": [(str(cause), name, cause == chosen) for cause, name in CAUSE_WORDS.items()],
        "query": Filters.read(request.GET, ("q", "cause", "page")).query(),
        "export_query": filters.query(),
        "most_rows": suppress_csv.MOST_ROWS,
        "largest": suppress_csv.LARGEST,
        "longest_days": LONGEST_DAYS,
        "form": {},
    }
    return render(request, "suppression/list.html", values | more, status=status)


def _filters(request: HttpRequest) -> Filters:
    filters = Filters.read(request.GET, ("q", "cause"))
    if filters.get("cause") in Suppression.Cause.values:
        return filters
    return Filters({name: text for name, text in filters.values.items() if name != "cause"})


def _found(filters: Filters) -> QuerySet[Suppression]:
    rows = suppress.in_force().select_related("by").order_by("-created_at", "-pk")
    if wanted := filters.get("q"):
        rows = rows.filter(address_key__contains=address.normalise(wanted))
    if cause := filters.get("cause"):
        rows = rows.filter(cause=cause)
    return rows


def _line(entry: Suppression) -> Line:
    evidence = entry.evidence if isinstance(entry.evidence, dict) else {}
    texts = [one.text for one in said(evidence, "")]
    if evidence.get("imported"):
        texts.append(_("Imported from a file"))
    texts.append(str(evidence.get("note") or ""))
    return Line(
        entry=entry,
        cause=str(CAUSE_WORDS[Suppression.Cause(entry.cause)]),
        server=str(evidence.get("server") or ""),
        said=" · ".join(filter(None, texts)),
    )


# --- By hand -------------------------------------------------------------------------------------


def _back(request: HttpRequest) -> HttpResponseRedirect:
    filters = Filters.read(request.GET, ("q", "cause", "page"))
    return HttpResponseRedirect(reverse("suppression") + filters.query())


@require_http_methods(["GET", "POST"])
@site_admin_view
def add(request: HttpRequest) -> HttpResponse:
    """Block an address by hand, for good or for some days. A GET leads to the list."""
    if request.method != "POST":
        return _back(request)
    form = _typed(request)
    errors = {name: fault for name, find in FAULTS if (fault := find(form[name]))}
    if errors:
        return _show(request, status=422, form=form, errors=errors)
    days = int(form["days"]) if form["days"] else 0
    new = suppress.block(
        form["address"],
        Suppression.Cause.BY_HAND,
        {"note": form["note"]} if form["note"] else {},
        by=signed_in(request),
        expires_at=timezone.now() + timedelta(days=days) if days else None,
    )
    shown = {"address": form["address"]}
    if not new:
        taken = _("%(address)s is blocked already. Nothing was changed.") % shown
        return _show(request, status=422, form=form, errors={"address": taken})
    messages.success(request, _("%(address)s is blocked: nothing is sent to it.") % shown)
    return _back(request)


def _typed(request: HttpRequest) -> dict[str, str]:
    typed = {name: request.POST.get(name, "") for name in ("address", "days", "note")}
    return {name: plaintext.one_line(plaintext.typed(text)) for name, text in typed.items()}


def _address_fault(text: str) -> str:
    if len(text) > ADDRESS_LIMIT:
        return str(PROBLEMS["too_long"])
    problem = address.problem(text, smtputf8=True)
    return str(PROBLEMS[problem.code]) if problem else ""


def _days_fault(text: str) -> str:
    if not text:
        return ""
    good = text.isascii() and text.isdigit() and len(text) <= 4
    if good and 1 <= int(text) <= LONGEST_DAYS:
        return ""
    return _("A number from 1 to %(most)s, or nothing.") % {"most": words.count(LONGEST_DAYS)}


def _note_fault(text: str) -> str:
    if len(text) <= NOTE_LIMIT:
        return ""
    return _("The note is longer than %(most)d characters.") % {"most": NOTE_LIMIT}


FAULTS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("address", _address_fault),
    ("days", _days_fault),
    ("note", _note_fault),
)


@require_POST
@site_admin_view
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an address off the list: mail to it is allowed again. Resends nothing."""
    entry = Suppression.objects.filter(pk=pk).first()
    if entry and suppress.unblock(entry.address, by=signed_in(request)):
        shown = {"address": entry.address}
        messages.success(request, _("%(address)s can get mail again. Nothing was resent.") % shown)
    else:
        messages.info(request, _("The address was not blocked any more. Nothing was changed."))
    return _back(request)


# --- CSV -----------------------------------------------------------------------------------------


@require_safe
@site_admin_view
def export(request: HttpRequest) -> HttpResponseBase:
    """Stream the list, as it is filtered, as a CSV file."""
    rows = _found(_filters(request)).iterator(chunk_size=1000)
    response = StreamingHttpResponse(
        (line.encode() for line in suppress_csv.lines(rows)), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = 'attachment; filename="deskpost-suppression.csv"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "POST"])
@site_admin_view
def take(request: HttpRequest) -> HttpResponse:
    """Block the addresses of a CSV file: all of them, or none where a line is wrong."""
    if request.method != "POST":
        return _back(request)
    upload = request.FILES.get("file")
    if upload is None:
        return _refuse(request, [_("No file was chosen.")])
    found = suppress_csv.read(upload.read(suppress_csv.LARGEST + 1))
    if found.faults:
        return _refuse(request, suppression_words.faults(found.faults[:FAULTS_SHOWN]), found)
    new = suppress_csv.take(found.entries, signed_in(request))
    blocked = ngettext(
        "%(count)s address was blocked.", "%(count)s addresses were blocked.", new
    ) % {"count": words.count(new)}
    over = len(found.entries) - new + found.doubles
    doubles = _("Doubles passed over: %(count)s.") % {"count": words.count(over)}
    messages.success(request, words.sentences((blocked, doubles) if over else (blocked,)))
    return _back(request)


def _refuse(
    request: HttpRequest, faults: list[str], found: suppress_csv.Read | None = None
) -> HttpResponse:
    more = max(0, len(found.faults) - FAULTS_SHOWN) if found else 0
    return _show(request, status=422, faults=faults, more_faults=more)
