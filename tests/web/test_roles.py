"""Each address of the site, tried by each role: the answers stand in roles.py. Who may not act
changes nothing."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from deskpost.models import Project, Suppression
from deskpost.outbound import suppress
from tests.web import roles, roles_scene
from tests.web.roles import PARTS, Row
from tests.web.roles_scene import ROLES, Things

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
LETTERS = {200: "+", 403: "-", 404: "0", 405: "m", 410: "g", 422: "!", 400: "?"}
LED = {301, 302, 303, 307}
DENIED = frozenset("i-0m")
METHODS = ("GET", "POST")
KINDS = {"company": Project.Kind.COMPANY, "team": Project.Kind.TEAM}


def addresses(resolver: URLResolver | None = None, parts: Any = ()) -> Iterator[tuple[str, Any]]:
    """Walk the addresses of the site: each name, and the parts that stand in its address."""
    for one in (resolver or get_resolver()).url_patterns:
        found = {**dict(parts), **one.pattern.converters}
        if isinstance(one, URLResolver):
            yield from addresses(one, found)
        elif isinstance(one, URLPattern) and one.name:
            yield one.name, found | dict.fromkeys(one.pattern.regex.groupindex)


NAMES = dict(addresses())


def test_each_address_of_the_site_stands_in_the_table_and_no_other() -> None:
    told = {row.name for part in PARTS for row in roles.rows(part)}
    assert sorted(set(NAMES) - told) == []
    assert sorted(told - set(NAMES)) == []


def letter(response: HttpResponseBase) -> str:
    if response.status_code not in LED:
        return LETTERS.get(response.status_code, str(response.status_code))
    return "i" if response["Location"].startswith("/accounts/login/?next=") else ">"


class Trial:
    """A site with a project of that kind, and a browser for each role."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.people = roles_scene.people()
        self.things: Things = roles_scene.things(KINDS[kind], self.people)
        self.browsers: Mapping[str, Client] = {
            role: roles_scene.browser(self.people, role) for role in ROLES
        }

    def ask(self, name: str, method: str, role: str, key: str = "IT") -> HttpResponseBase:
        """Ask, and undo what it did: each role finds the site as it was."""
        client, path = self.browsers[role], self.path(name, key)
        cookies = deepcopy(client.cookies)
        with transaction.atomic():
            response = self.send(client, name, method, path)
            transaction.set_rollback(True)
        client.cookies = cookies
        return response

    def send(self, client: Client, name: str, method: str, path: str) -> HttpResponseBase:
        if method == "GET":
            return client.get(path)
        return client.post(path, roles_scene.posted(name, self.things))

    def path(self, name: str, key: str = "IT") -> str:
        kwargs = roles_scene.arguments(name, NAMES[name], self.things, key)
        return reverse(name, kwargs=kwargs) + roles_scene.asked(name, self.things)


def everything() -> dict[str, list[Any]]:
    """Return all that the site knows."""
    models = apps.get_app_config("deskpost").get_models()
    return {
        model.__name__: list(model._default_manager.order_by("pk").values()) for model in models
    }


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_role_gets_what_the_table_says(kind: str, part: str) -> None:
    trial, wrong = Trial(kind), []
    for row in roles.rows(part):
        expected = row.company if kind == "company" else row.team
        found = "".join(letter(trial.ask(row.name, row.method, role)) for role in ROLES)
        if found != expected:
            wrong.append(f"{row.name} {row.method}: {found}, not {expected}")
    assert wrong == []


@pytest.mark.parametrize("part", PARTS)
def test_a_method_that_the_table_does_not_name_is_answered_with_405(part: str) -> None:
    trial, wrong = Trial("company"), []
    named = {(row.name, row.method) for row in roles.rows(part)}
    for name in sorted({name for name, _ in named}):
        for method in METHODS:
            if (name, method) in named:
                continue
            for role in ("nobody", "site_admin", "admin"):
                if letter(trial.ask(name, method, role)) != "m":
                    wrong.append(f"{name} {method} {role}")
    assert wrong == []


@pytest.mark.parametrize("part", [part for part in PARTS if part != "oneself"])
@pytest.mark.parametrize("kind", KINDS)
def test_who_may_not_changes_nothing(kind: str, part: str) -> None:
    trial, wrong = Trial(kind), []
    before = everything()
    for row in roles.rows(part):
        expected = row.company if kind == "company" else row.team
        for role, said in zip(ROLES, expected, strict=True):
            if said in DENIED:
                trial.send(trial.browsers[role], row.name, row.method, trial.path(row.name))
        if (after := everything()) != before:
            wrong.append(f"{row.name} {row.method}")
            before = after
    assert wrong == []


def under_a_project(row: Row) -> bool:
    """Whether the address names a project and one thing of it besides."""
    parts = NAMES[row.name]
    return "key" in parts and bool({"pk", "request_key"} & set(parts)) and "uidb36" not in parts


@pytest.mark.parametrize("part", ["desk", "logs", "acts", "channels"])
def test_what_is_ours_is_not_found_under_another_project(part: str) -> None:
    trial, wrong = Trial("company"), []
    before = everything()
    for row in filter(under_a_project, roles.rows(part)):
        path = trial.path(row.name, "HR")
        for role in ("other", "site_admin"):
            response = trial.send(trial.browsers[role], row.name, row.method, path)
            # To look at an act's address only leads on, whatever it names: it tells nothing.
            leads_on = response.status_code in LED and row.method == "GET"
            if not leads_on and response.status_code != 404:
                wrong.append(f"{row.name} {row.method} {role}: {response.status_code}")
    assert wrong == []
    assert everything() == before


def test_an_admin_of_ours_is_nobody_in_another_project() -> None:
    trial, wrong = Trial("company"), []
    for part in ("desk", "logs", "acts", "settings", "channels"):
        for row in roles.rows(part):
            found = {letter(trial.ask(row.name, row.method, role, "HR")) for role in ROLES[2:6]}
            if found != {"0"}:
                wrong.append(f"{row.name} {row.method}: {found}")
    assert wrong == []


def test_the_table_itself_gives_no_role_more_than_the_one_above_it() -> None:
    """In a project: what an agent may, its admin may; what an admin may, a site admin may. Save
    what is a person's own."""
    own = {"comment-edit", "saved-search-delete", "project"}
    for part in ("desk", "logs", "acts", "settings", "channels"):
        for row in roles.rows(part):
            for said in (row.company, row.team):
                ranks = [letter not in DENIED for letter in said[1:5]]
                assert ranks == sorted(ranks, reverse=True) or row.name in own, row


# --- Parts of pages ------------------------------------------------------------------------------

# What leads to what only some may have, as it stands in a page; by the page that shows it.
SHOWN: Mapping[str, tuple[str, ...]] = {
    "requests": ("email-logs", "settings", "people"),
    "request": ("request-email",),
    "customers": ("email-logs", "settings"),
}


@pytest.mark.parametrize("page", SHOWN)
def test_no_page_leads_anyone_to_what_is_forbidden_to_them(page: str) -> None:
    trial = Trial("company")
    for role in ("site_admin", "admin", "agent"):
        text = trial.browsers[role].get(trial.path(page)).content.decode()
        for name in SHOWN[page]:
            shown = f'href="{trial.path(name)}"' in text
            assert shown is (role != "agent"), (role, name)
        for name in ("audit", "suppression", "sending"):
            assert (f'href="{trial.path(name)}"' in text) is (role == "site_admin"), (role, name)


def test_in_a_team_managed_project_nothing_leads_to_the_logs() -> None:
    trial = Trial("team")
    for role in ("site_admin", "admin"):
        text = trial.browsers[role].get(trial.path("request")).content.decode()
        for name in ("email-logs", "request-email", "incoming", "notification"):
            assert f'href="{trial.path(name)}"' not in text, (role, name)


def links(client: Client, path: str) -> set[str]:
    response = client.get(path)
    text = "" if response.streaming else response.content.decode()
    found = re.findall(r'(?:href|action)="(/[^"]*)"', text)
    return {html.unescape(one).split("?")[0].split("#")[0] for one in found}


@pytest.mark.parametrize("role", ["admin", "agent"])
def test_each_link_of_their_pages_may_be_followed(role: str) -> None:
    """No raw message, Unblock button or entry of the pane is shown to those who may not use it."""
    trial = Trial("company")
    suppress.block(trial.things.note.address, Suppression.Cause.HARD_BOUNCE, {})
    client, denied, seen = trial.browsers[role], [], set[str]()
    for row in [one for part in ("desk", "logs", "acts", "site") for one in roles.rows(part)]:
        said = row.company[ROLES.index(role)]
        if row.method == "GET" and said == "+" and row.name not in {"raw", "attachment"}:
            for path in sorted(links(client, trial.path(row.name)) - seen):
                seen.add(path)
                if path.startswith("/static/") or "/raw/" in path or "logout" in path:
                    continue
                if client.head(path).status_code == 403:
                    denied.append(f"{row.name}: {path}")
    assert sorted(set(denied)) == []


@pytest.mark.parametrize("role", ["site_admin", "admin"])
def test_those_who_may_see_the_button_and_the_raw_message(role: str) -> None:
    trial = Trial("company")
    suppress.block(trial.things.note.address, Suppression.Cause.HARD_BOUNCE, {})
    client = trial.browsers[role]
    assert trial.path("unblock") in links(client, trial.path("notification"))
    assert trial.path("raw") in links(client, trial.path("incoming"))
    assert "Unblock email address" in client.get(trial.path("person")).content.decode()
