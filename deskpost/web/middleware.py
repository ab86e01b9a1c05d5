"""The reader's language, time zone and theme, for as long as the request is answered."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from deskpost.models import Person

THEMES = frozenset({"light", "dark"})
THEME_COOKIE = "deskpost_theme"
ZONE_COOKIE = "deskpost_time_zone"


class PersonMiddleware:
    """Sits after AuthenticationMiddleware. What the person has chosen comes before what their
    browser says."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        person = request.user if isinstance(request.user, Person) else None
        request.theme = _theme(request, person)  # type: ignore[attr-defined]
        language = _language(request, person)
        with translation.override(language), timezone.override(_zone(request, person)):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response


def _language(request: HttpRequest, person: Person | None) -> str:
    known = dict(settings.LANGUAGES)
    if person and person.language in known:
        return person.language
    return translation.get_language_from_request(request)


def _zone(request: HttpRequest, person: Person | None) -> ZoneInfo:
    chosen = person.time_zone if person else request.COOKIES.get(ZONE_COOKIE, "")
    for name in (chosen, settings.TIME_ZONE):
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            continue
    return ZoneInfo("UTC")


def _theme(request: HttpRequest, person: Person | None) -> str:
    """Return light or dark where it was chosen; empty follows the system."""
    chosen = person.theme if person else request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""
