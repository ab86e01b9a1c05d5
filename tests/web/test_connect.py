"""Connecting a channel at its provider: there and back, and who may."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as active
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from deskpost.models import AuditEntry, Channel, Mailbox, Membership, Project, RequestType, Role
from deskpost.problems import ConnectionState, Problem
from deskpost.web import connect_begun
from tests.parts.authority import CLIENT_SECRET, Authority
from tests.parts.chromium import Chromium
from tests.web import scene as scenes
from tests.web.connecting import (
    ADDRESS,
    UNFIT,
    as_google,
    begin,
    begin_at,
    come_back,
    new_mailbox,
    refused,
    tokens_of,
)
from tests.web.scene import Scene


@pytest.fixture
def authority(settings: Settings) -> Iterator[Authority]:
    with as_google(settings) as part:
        yield part


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


@pytest.fixture
def mailbox(scene: Scene, authority: Authority) -> Mailbox:
    return new_mailbox(scene)


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


# --- There and back ------------------------------------------------------------------------------


def test_a_channel_is_connected(admin: Client, mailbox: Mailbox, authority: Authority) -> None:
    Mailbox.objects.update(
        state=ConnectionState.ATTENTION, problem=Problem.GRANT_REVOKED, next_try_at=timezone.now()
    )
    url = begin(admin, mailbox)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked["redirect_uri"] == f"{active.BASE_URL}/oauth/callback/"
    assert asked["login_hint"] == ADDRESS
    done = come_back(admin, authority.visit(url))
    assert done.status_code == 302
    assert done["Location"] == reverse("channel-test", args=["IT", mailbox.pk])
    access, refresh = tokens_of(mailbox)
    assert access and refresh in authority.grants
    kept = Mailbox.objects.get(pk=mailbox.pk)
    assert (kept.state, kept.next_try_at) == (ConnectionState.RETRYING, None)
    assert kept.revision > mailbox.revision
    entry = AuditEntry.objects.get(act=AuditEntry.Act.SETTINGS)
    assert (entry.subject, entry.details) == (ADDRESS, {"authorised": "google"})
    page = admin.get(done["Location"]).text
    assert f"Google permits Deskpost to read {ADDRESS}." in page
    assert not any(secret in page for secret in (access, refresh, CLIENT_SECRET))


def test_the_page_says_where_the_link_leads_and_holds_no_secret(
    admin: Client, mailbox: Mailbox
) -> None:
    page = admin.post(begin_at(mailbox))
    assert "Continue to Google" in page.text
    assert "127.0.0.1</b>" in page.text
    (kept,) = admin.session[connect_begun.NAME].values()
    assert kept["verifier"] not in page.text
    assert CLIENT_SECRET not in page.text
    assert "no-store" in page["Cache-Control"]


def test_several_tabs_at_once(scene: Scene, admin: Client, authority: Authority) -> None:
    one, two = new_mailbox(scene), new_mailbox(scene, "sales@mail.test")
    first, second, again = begin(admin, one), begin(admin, two), begin(admin, one)
    for url in (second, first, again):
        assert come_back(admin, authority.visit(url)).status_code == 302
    assert tokens_of(two)[1] in authority.grants
    assert authority.permissions[0]["login_hint"] == "sales@mail.test"


def test_of_more_than_ten_begun_the_oldest_goes(
    admin: Client, mailbox: Mailbox, authority: Authority
) -> None:
    urls = [begin(admin, mailbox) for _ in range(11)]
    assert len(admin.session[connect_begun.NAME]) == 10
    refused(come_back(admin, authority.visit(urls[0])), UNFIT)
    assert come_back(admin, authority.visit(urls[1])).status_code == 302


# --- Who may -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("who", "status"), [("agent", 403), ("stranger", 404), ("nobody", 302)])
def test_only_admins_begin(scene: Scene, mailbox: Mailbox, who: str, status: int) -> None:
    assert scene.browser(who).post(begin_at(mailbox)).status_code == status


def test_it_is_begun_by_a_form_of_this_site_only(scene: Scene, mailbox: Mailbox) -> None:
    browser = scene.browser("admin")
    assert browser.get(begin_at(mailbox))["Location"] == reverse("channels", args=["IT"])
    assert connect_begun.NAME not in browser.session
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(scene.admin)
    assert strict.post(begin_at(mailbox)).status_code == 403


def test_a_channel_of_another_project_is_not_found(
    scene: Scene, admin: Client, mailbox: Mailbox
) -> None:
    other = Project.objects.create(key="HR", name="HR")
    kind = RequestType.objects.create(project=other, name="Ask")
    Channel.objects.filter(pk=mailbox.pk).update(project=other, request_type=kind)
    assert admin.post(begin_at(mailbox)).status_code == 404
    assert admin.post(reverse("channel-authorise", args=["HR", mailbox.pk])).status_code == 404


@pytest.mark.parametrize("change", ["password", "on-demand", "removed"])
def test_a_channel_that_has_no_provider_is_not_found(
    admin: Client, mailbox: Mailbox, change: str
) -> None:
    channel = Channel.all_objects.filter(pk=mailbox.pk)
    if change == "password":
        Mailbox.objects.update(provider="")
    elif change == "removed":
        channel.update(removed_at=timezone.now())
    else:
        channel.update(kind=Channel.Kind.ON_DEMAND)
    assert admin.post(begin_at(mailbox)).status_code == 404


def test_who_is_no_admin_any_more_when_they_come_back_is_told_nothing(
    scene: Scene, admin: Client, mailbox: Mailbox, authority: Authority
) -> None:
    back = authority.visit(begin(admin, mailbox))
    Membership.objects.filter(person=scene.admin).update(role=Role.AGENT)
    assert come_back(admin, back).status_code == 404
    assert tokens_of(mailbox) == ("", "")


# --- In a browser --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A site in this process, for a real browser."""

    scene: Scene
    mailbox: Mailbox
    server: LiveServer
    authority: Authority


@pytest.fixture
def shown(
    transactional_db: None, live_server: LiveServer, authority: Authority, settings: Settings
) -> Shown:
    scene = scenes.make()
    settings.BASE_URL = live_server.url
    settings.ALLOWED_HOSTS = ["*"]
    return Shown(scene, new_mailbox(scene), live_server, authority)


@pytest.mark.browser
@pytest.mark.slow
def test_chromium_goes_to_the_provider_and_back(shown: Shown, chromium: Chromium) -> None:
    """Its form-action forbids a form of ours to be redirected there: there is a link instead."""
    admin = shown.scene.browser("admin")
    shown.authority.declines = True
    declined = shown.authority.visit(begin(admin, shown.mailbox))
    name, value = active.SESSION_COOKIE_NAME, admin.session.session_key
    assert value
    with chromium.page() as page:
        page.context.add_cookies([{"name": name, "value": value, "url": shown.server.url}])
        blocked: list[str] = []
        page.on("console", lambda line: blocked.append(line.text))
        page.goto(declined)
        expect(page.locator("h1")).to_have_text("The permission was declined")
        shown.authority.declines = False
        page.get_by_role("button", name="Try again").click()
        page.get_by_role("link", name="Continue to Google").click()
        expect(page.locator("body")).to_contain_text(f"Google permits Deskpost to read {ADDRESS}.")
        assert not [line for line in blocked if "Content Security Policy" in line]
    assert tokens_of(shown.mailbox)[1] in shown.authority.grants
