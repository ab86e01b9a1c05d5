"""Every page of the site, found by its addresses: a new one is among them by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from deskpost.models import Project
from deskpost.outcomes import Outcome, Reason
from tests.logs import rows
from tests.parts.chromium import Chromium
from tests.web import roles_scene
from tests.web.roles_scene import Things
from tests.web.test_roles import NAMES

# Who looks: the first of these who gets the page.
LOOKING = ("site_admin", "admin", "customer", "nobody")
# A sender's own HTML, which stands in a frame without scripts; and a piece of a page.
NO_PAGES = frozenset({"incoming-frame", "notification-frame", "formatted", "log-news"})
# The states of a page that its bare address does not show: role, name, what stands behind it.
STATES = (
    ("site_admin", "email-logs", "?status=all"),
    ("site_admin", "email-logs", "?q=status:nonsense"),
    ("site_admin", "email-logs-incoming", "?q=nobody&code=bulk&from=2026-01-01"),
    ("site_admin", "email-logs-search", "?q=printer"),
    ("site_admin", "retention", "?days=nonsense"),
    ("site_admin", "retention", "?days=3"),
    ("site_admin", "people", "?q=x.test"),
    ("site_admin", "audit", "?q=nothing-fits"),
    ("customer", "project", ""),
    ("customer", "email-logs", ""),
    ("stranger", "request", ""),
    ("nobody", "notification-limits", ""),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A page as a person of that role gets it; `status` is its answer's."""

    role: str
    path: str
    status: int


@dataclass(frozen=True, slots=True)
class Walk:
    """A site with one of everything, some rows in each log, and somebody of each role."""

    things: Things
    browsers: Mapping[str, Client]

    def pages(self) -> Iterator[Shown]:
        """Each page, once; KeyError or ValueError for an address without an example."""
        for name in sorted(NAMES.keys() - NO_PAGES):
            for role in LOOKING:
                if page := self.page(role, name):
                    yield page
                    break
        for role, name, query in STATES:
            page = self.page(role, name, query)
            assert page is not None, f"{name}{query} is no page"
            yield page
        page = Shown(role="nobody", path="/no/such/page/", status=404)
        yield page

    def page(self, role: str, name: str, query: str | None = None) -> Shown | None:
        """What the role gets at the address of that name, unless it is a file or leads on."""
        kwargs = roles_scene.arguments(name, NAMES[name], self.things, "IT")
        path = reverse(name, kwargs=kwargs) + (query or roles_scene.asked(name, self.things))
        answer = self.browsers[role].get(path)
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            return None
        told = query is not None or role == LOOKING[-1]
        if answer.status_code == 200 or (told and answer.status_code in {403, 404, 410, 422}):
            return Shown(role=role, path=path, status=answer.status_code)
        return None


def walk() -> Walk:
    """Make it in the database."""
    people = roles_scene.people()
    things = roles_scene.things(Project.Kind.COMPANY, people)
    channel = things.mail.channel
    for n, outcome in enumerate(Outcome):
        rows.mail(channel, outcome, at=rows.ago(minutes=n), subject="The printer is out of ink")
    for n, reason in enumerate(Reason):
        rows.note(things.project, people["customer"], reason, at=rows.ago(days=1, minutes=n))
    return Walk(things, {one: roles_scene.browser(people, one) for one in roles_scene.ROLES})


@contextmanager
def opened(
    walk: Walk, role: str, chromium: Chromium, live: LiveServer, **options: Any
) -> Iterator[Page]:
    """Open Chromium as a person of that role."""
    with chromium.page(base_url=live.url, locale="en", **options) as page:
        if cookie := walk.browsers[role].cookies.get("deskpost_session"):
            page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live.url}])
        yield page
