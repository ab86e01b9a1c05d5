"""Save a search of the log under a name, and delete it: each person has their own."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from deskpost.models import Person, Project, SavedSearch
from deskpost.models.permission import Act
from deskpost.web.access import project_view, signed_in
from deskpost.web.email_logs import company_managed
from deskpost.web.listing import clean
from deskpost.web.saved import LISTS, MOST, NAME_LIMIT, address, bounded, canonical


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """What was posted: a name, a list and its query string, and whether a search of that name may
    be replaced. `too_long`: the query string is more than can be kept."""

    name: str
    page: str
    query: str
    too_long: bool
    replace: bool

    @classmethod
    def read(cls, request: HttpRequest) -> _Form:
        """Raises Http404 where the list is none."""
        page = request.POST.get("page", "")
        if page not in LISTS:
            raise Http404
        posted = request.POST.get("query", "")
        return cls(
            name=clean(request.POST.get("name", "")),
            page=page,
            query=canonical(posted),
            too_long=not bounded(posted),
            replace=request.POST.get("replace") == "1",
        )


@require_POST
@project_view(Act.READ_LOGS)
@company_managed
def save(request: HttpRequest, project: Project) -> HttpResponse:
    """Save the search, and lead back to its list. One of the same name stays unless it is to be
    replaced: a page asks."""
    form, person = _Form.read(request), signed_in(request)
    back = address(project, form.page, form.query)
    if not back:
        raise Http404
    with transaction.atomic():
        Person.objects.select_for_update().get(pk=person.pk)  # two at once would pass the bound
        there = SavedSearch.objects.filter(person=person, project=project, name=form.name).first()
        error = _error(person, project, form, there)
        asks = not error and there is not None and not form.replace
        if not error and not asks:
            SavedSearch.objects.update_or_create(
                person=person,
                project=project,
                name=form.name,
                defaults={"page": form.page, "query": form.query},
            )
    if error or asks:
        values = {"project": project, "form": form, "error": error, "back": back}
        return render(request, "email_logs/save_search.html", values, status=422)
    messages.success(request, _("The search “%(name)s” is saved.") % {"name": form.name})
    return HttpResponseRedirect(back)


def _error(person: Person, project: Project, form: _Form, there: SavedSearch | None) -> str:
    if form.too_long:
        return _("The search is too long to be saved. Leave something out of it.")
    if not form.name:
        return _("Give the search a name.")
    if len(form.name) > NAME_LIMIT:
        return _("The name is longer than %(limit)d characters.") % {"limit": NAME_LIMIT}
    mine = SavedSearch.objects.filter(person=person, project=project)
    if there is None and mine.count() >= MOST:
        return _("You have %(limit)d saved searches. Delete one first.") % {"limit": MOST}
    return ""


@require_POST
@project_view(Act.READ_LOGS)
@company_managed
def delete(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """Delete one's own saved search, and lead back to the list on which it was done."""
    mine = SavedSearch.objects.filter(person=signed_in(request), project=project)
    found = mine.filter(pk=pk).first()
    if found is None:
        raise Http404
    found.delete()
    messages.success(request, _("The search “%(name)s” is deleted.") % {"name": found.name})
    page, query = request.POST.get("page", ""), request.POST.get("query", "")
    back = address(project, page, query) or address(project, found.page, "")
    return HttpResponseRedirect(back or address(project, "req", ""))
