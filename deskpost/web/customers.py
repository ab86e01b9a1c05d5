"""A project's customers: the list, and inviting one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from deskpost.desk import people
from deskpost.mail import address
from deskpost.models import Membership, Person, Project, Role
from deskpost.models.permission import Act
from deskpost.outbound import suppress
from deskpost.web import plaintext
from deskpost.web.access import project_view, signed_in
from deskpost.web.pages import page

ADDRESS_LIMIT = 320
SEARCH_LIMIT = 200
WORDS = {
    "blocked": gettext_lazy("Blocked"),
    "private": gettext_lazy("Private"),
    "unsubscribed": gettext_lazy("Unsubscribed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One line of the list."""

    membership: Membership
    blocked: bool

    @property
    def person(self) -> Person:
        return self.membership.person


@require_safe
@project_view(Act.MANAGE_CUSTOMERS)
def listing(request: HttpRequest, project: Project) -> HttpResponse:
    """List the customers, the newest first; `?q=` looks in names and addresses."""
    return _show(request, project)


def _show(request: HttpRequest, project: Project, **form: str) -> HttpResponse:
    wanted = plaintext.typed(request.GET.get("q", ""))[:SEARCH_LIMIT].strip()
    found = page(_found(project, wanted), request.GET.get("page"))
    values: dict[str, Any] = {
        "project": project,
        "q": wanted,
        "page": found,
        "customers": _with_blocks(found.rows),
        "words": WORDS,
        "form": form,
    }
    status = 422 if form.get("error") else 200
    return render(request, "customers/list.html", values, status=status)


def _found(project: Project, wanted: str) -> QuerySet[Membership]:
    rows = Membership.objects.filter(project=project, role=Role.CUSTOMER).select_related("person")
    if wanted:
        rows = rows.filter(Q(person__name__icontains=wanted) | Q(person__email__icontains=wanted))
    return rows.order_by("-created_at", "-pk")


def _with_blocks(memberships: list[Membership]) -> list[Customer]:
    keys = [membership.person.email_key for membership in memberships]
    rows = suppress.in_force().filter(address_key__in=keys)
    blocked = set(rows.values_list("address_key", flat=True))
    return [
        Customer(membership=membership, blocked=membership.person.email_key in blocked)
        for membership in memberships
    ]


@require_http_methods(["GET", "POST"])
@project_view(Act.MANAGE_CUSTOMERS)
def invite(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Invite a customer. Any address is taken: what becomes of it stands in the Email logs."""
    if request.method != "POST":
        return redirect("customers", project.key)
    email = plaintext.typed(request.POST.get("email", "")).strip()
    name = plaintext.one_line(plaintext.typed(request.POST.get("name", "")))
    if error := _fault(email):
        return _show(request, project, email=email, name=name, error=error)
    person = people.invite(project, email, name, signed_in(request), timezone.now())
    messages.success(request, _on_its_way(project) % {"person": person.email})
    return redirect("customers", project.key)


def _on_its_way(project: Project) -> str:
    """Return what to say of an invitation; only company-managed projects have Email logs."""
    if project.kind == Project.Kind.COMPANY:
        return _("Invitation to %(person)s is on its way. The Email logs show what becomes of it.")
    return _("Invitation to %(person)s is on its way.")


def _fault(email: str) -> str:
    """Return why no person can be made of the address, or nothing."""
    if not email:
        return _("There is no address yet.")
    if max(len(email), len(address.normalise(email))) > ADDRESS_LIMIT:
        return _("The address is longer than %(most)d characters.") % {"most": ADDRESS_LIMIT}
    return ""
