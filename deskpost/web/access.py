"""Who may open a page of a project. Every view of one goes through here."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from deskpost.models import Person, Project
from deskpost.models.permission import ALLOWED, Act, role_in

View = Callable[..., HttpResponseBase]


def signed_in(request: HttpRequest) -> Person:
    """Return the person who asks; for views that `project_view` or `person_view` guards."""
    assert isinstance(request.user, Person)
    return request.user


def person_view(view: View) -> View:
    """Let only a signed-in person through; anyone else is led to the sign-in and back."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    return guarded


def project_view(act: Act) -> Callable[[View], View]:
    """Let a person through who may do this in the project that the address names.

    The view is called with the project in place of its key. An unknown project, and one in which
    the person has no part, do not differ: 404. A part that is not enough: a page that says so.
    """

    def decorate(view: View) -> View:
        @person_view
        @wraps(view)
        def guarded(request: HttpRequest, key: str, **kwargs: Any) -> HttpResponseBase:
            project = Project.objects.filter(key=key).first() if "\x00" not in key else None
            role = role_in(signed_in(request), project) if project else None
            if project is None or role is None:
                raise Http404
            if any(isinstance(id, int) and id >= 1 << 63 for id in kwargs.values()):
                raise Http404  # SQLite knows no such numbers
            request.project, request.role = project, role  # type: ignore[attr-defined]
            if act not in ALLOWED[role]:
                return forbidden(request)
            return view(request, project, **kwargs)

        return guarded

    return decorate


def forbidden(request: HttpRequest) -> HttpResponse:
    """Return the page that says that the person's part is not enough, with 403."""
    return render(request, "parts/forbidden.html", status=403)
