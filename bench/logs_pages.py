"""Whole pages of the log, through all of Django, as a site admin asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import urlencode

from django.test import Client
from django.urls import NoReverseMatch, reverse

from bench.logs_grid import COMMON, COMMON_JAPANESE, MIDDLE, RARE, Known
from deskpost.logs import search
from deskpost.models import Log, Person, Project, first_id

FEW = frozenset(
    {
        *("req: as it opens", "req: common word", "req: drawer"),
        *("in: as it opens", "in: rare word", "in: drawer"),
        *("search page: common word", "person: busy", "request: email"),
    }
)


def visits(given: Known) -> Iterator[tuple[str, Callable[[], int]]]:
    """Return the pages by name; each visit returns the bytes that came, or raises AssertionError
    unless the answer is 200."""
    admin = Person.objects.filter(is_site_admin=True).order_by("id")[0]
    client = Client(SERVER_NAME="localhost")
    client.force_login(admin, "allauth.account.auth_backends.AuthenticationBackend")
    for name, url in _urls(given):
        yield name, partial(_visit, client, url)


def _visit(client: Client, url: str) -> int:
    answer = client.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    return len(answer.content)


def _urls(given: Known) -> Iterator[tuple[str, str]]:
    project = Project.objects.get(pk=given.project_id)
    key, channel = project.key, str(given.channel_id)
    for log, place in (
        (Log.REQUESTS, "email-logs"),
        (Log.INVITATIONS, "email-logs-invitations"),
        (Log.INCOMING, "email-logs-incoming"),
    ):
        fixed = {"channel": channel} if log == Log.INCOMING else {}
        for said, query in (
            ("as it opens", {}),
            ("every status", {"status": "all"}),
            ("common word", {"status": "all", "q": COMMON}),
            ("rare word", {"status": "all", "q": RARE}),
            ("Japanese word", {"status": "all", "q": COMMON_JAPANESE}),
            ("not a word", {"status": "all", "q": f"{MIDDLE} -{COMMON}"}),
            ("deep", {"status": "all", "before": str(first_id(given.day))}),
        ):
            yield f"{log}: {said}", _with(reverse(place, args=[key]), query | fixed)
        found = search.page(search.Query(project_id=project.pk, log=log), first_id(given.day))
        entry = "incoming" if log == Log.INCOMING else "notification"
        yield f"{log}: drawer", reverse(entry, args=[key, found.ids[-1]])
        yield (
            f"{log}: drawer, word",
            _with(reverse(entry, args=[key, found.ids[-1]]), {"status": "all", "q": COMMON}),
        )
    yield from _if_there("search page: common word", "email-logs-search", [key], q=COMMON)
    yield from _if_there("search page: rare word", "email-logs-search", [key], q=RARE)
    yield from _if_there("search page: Japanese", "email-logs-search", [key], q=COMMON_JAPANESE)
    yield from _if_there("search page: an address", "email-logs-search", [key], q=given.busy)
    yield from _if_there("person: busy", "person", [given.busy])
    yield from _if_there("person: quiet", "person", [given.quiet])
    yield from _if_there("request: email", "request-email", [key, given.key])


def _if_there(name: str, place: str, args: list[str], **query: str) -> Iterator[tuple[str, str]]:
    try:
        yield name, _with(reverse(place, args=args), query)
    except NoReverseMatch:
        return


def _with(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
