"""Connecting a channel at its provider: all that can go wrong on the way, in words."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connections
from django.test import Client
from pytest_django import Settings

from deskpost.models import Mailbox
from deskpost.web import connect_begun
from tests.parts import ports
from tests.parts.authority import Authority
from tests.web import scene as scenes
from tests.web.connecting import (
    UNFIT,
    as_google,
    begin,
    begin_at,
    come_back,
    new_mailbox,
    refused,
    tokens_of,
)
from tests.web.scene import HOSTILE, Scene


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


# --- Answers that do not fit ---------------------------------------------------------------------


@pytest.mark.parametrize("state", ["", "x", "x" * 5000, "\x00", HOSTILE])
def test_an_unknown_state_is_refused(
    admin: Client, mailbox: Mailbox, authority: Authority, state: str
) -> None:
    begin(admin, mailbox)
    page = refused(admin.get("/oauth/callback/", {"state": state, "code": "c"}), UNFIT)
    assert "<script>alert" not in page
    assert authority.asked == []


def test_without_any_answer_it_is_refused(admin: Client, mailbox: Mailbox) -> None:
    begin(admin, mailbox)
    refused(admin.get("/oauth/callback/"), UNFIT)


def test_an_answer_counts_once(admin: Client, mailbox: Mailbox, authority: Authority) -> None:
    back = authority.visit(begin(admin, mailbox))
    come_back(admin, back)
    kept = tokens_of(mailbox)
    refused(come_back(admin, back), UNFIT)
    assert tokens_of(mailbox) == kept
    assert len(authority.asked) == 1


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_comes_twice_at_once_counts_once(authority: Authority) -> None:
    scene = scenes.make()
    mailbox, browser = new_mailbox(scene), scene.browser("admin")
    back = authority.visit(begin(browser, mailbox))
    line = threading.Barrier(3)

    def open_it(_: int) -> Any:
        try:
            tab = Client()
            tab.cookies = browser.cookies
            line.wait(30)
            return come_back(tab, back).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        statuses = sorted(pool.map(open_it, range(3)))
    assert statuses == [302, 400, 400]
    assert len(authority.asked) == 1


def test_the_answer_to_another_person_is_refused(
    scene: Scene, admin: Client, mailbox: Mailbox, authority: Authority
) -> None:
    back = authority.visit(begin(admin, mailbox))
    refused(come_back(scene.browser("site_admin"), back), UNFIT)
    assert come_back(scene.browser("nobody"), back).status_code == 302
    # In the same browser, with whatever the first person's session held.
    kept = admin.session[connect_begun.NAME]
    other = scene.browser("site_admin")
    session = other.session
    session[connect_begun.NAME] = kept
    session.save()
    refused(come_back(other, back), UNFIT)
    assert tokens_of(mailbox) == ("", "")
    assert authority.asked == []


def test_after_ten_minutes_it_is_too_late(
    admin: Client, mailbox: Mailbox, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = authority.visit(begin(admin, mailbox))
    late = time.time() + 601
    monkeypatch.setattr("deskpost.web.connect_begun.time.time", lambda: late)
    refused(come_back(admin, back), UNFIT)
    assert connect_begun.NAME not in admin.session or not admin.session[connect_begun.NAME]


@pytest.mark.parametrize("provider", ["", "microsoft"])
def test_a_channel_whose_sign_in_was_changed_meanwhile_keeps_what_it_has(
    admin: Client, mailbox: Mailbox, authority: Authority, provider: str
) -> None:
    back = authority.visit(begin(admin, mailbox))
    Mailbox.objects.update(provider=provider)
    refused(come_back(admin, back), UNFIT)
    assert tokens_of(mailbox) == ("", "")


# --- What the provider says ----------------------------------------------------------------------


def test_a_person_who_declines_is_told_so_and_can_try_again(
    admin: Client, mailbox: Mailbox, authority: Authority
) -> None:
    authority.declines = True
    back = authority.visit(begin(admin, mailbox))
    page = refused(come_back(admin, back), "The permission was declined")
    assert f'action="{begin_at(mailbox)}"' in page
    assert "access_denied" in page
    authority.declines = False
    assert come_back(admin, authority.visit(begin(admin, mailbox))).status_code == 302


def test_any_other_error_is_told_in_the_providers_words_and_runs_no_script(
    admin: Client, mailbox: Mailbox
) -> None:
    state = parse_qs(urlsplit(begin(admin, mailbox)).query)["state"][0]
    told = {"state": state, "error": "server_error", "error_description": HOSTILE + "x" * 9000}
    response = admin.get("/oauth/callback/", told)
    assert response.status_code == 400
    assert "Google gave no permission" in response.text
    assert "server_error: &lt;script&gt;alert(1)" in response.text
    assert "<script>alert" not in response.text
    assert "x" * 600 not in response.text


@pytest.mark.parametrize("code", ["", "x" * 5000])
def test_an_answer_without_a_code_that_can_be_one(
    admin: Client, mailbox: Mailbox, authority: Authority, code: str
) -> None:
    state = parse_qs(urlsplit(begin(admin, mailbox)).query)["state"][0]
    answer = admin.get("/oauth/callback/", {"state": state, "code": code})
    refused(answer, "without the code that Deskpost needs")
    assert authority.asked == []


@pytest.mark.parametrize("code", ["spent", "é\x00 \r\n", "a&code=b"])
def test_a_code_that_does_not_hold(
    admin: Client, mailbox: Mailbox, authority: Authority, code: str
) -> None:
    state = parse_qs(urlsplit(begin(admin, mailbox)).query)["state"][0]
    answer = admin.get("/oauth/callback/", {"state": state, "code": code})
    page = refused(answer, "The code does not hold any more")
    assert "invalid_grant: Invalid 'code' in request." in page


def test_a_provider_that_gives_no_token(
    admin: Client, mailbox: Mailbox, authority: Authority
) -> None:
    authority.instead = (500, b"<h1>Oops")
    back = authority.visit(begin(admin, mailbox))
    page = refused(come_back(admin, back), "Google gave no access", 502)
    assert "500 Internal Server Error" in page


def test_a_provider_that_cannot_be_reached(
    admin: Client, mailbox: Mailbox, authority: Authority, settings: Settings
) -> None:
    back = authority.visit(begin(admin, mailbox))
    nobody = f"http://127.0.0.1:{ports.free()}/token"
    settings.DESKPOST = {**settings.DESKPOST, "GOOGLE_ENDPOINTS": (nobody, nobody)}
    page = refused(come_back(admin, back), "Google cannot be reached", 502)
    assert "Connection refused" in page


def test_a_provider_that_is_not_set_up(
    admin: Client, mailbox: Mailbox, authority: Authority, settings: Settings
) -> None:
    back = authority.visit(begin(admin, mailbox))
    settings.DESKPOST = {**settings.DESKPOST, "GOOGLE_CLIENT_ID": ""}
    for response in (admin.post(begin_at(mailbox)), come_back(admin, back)):
        page = refused(response, "Google is not set up on this site")
        assert "DESKPOST_GOOGLE_CLIENT_ID" in page
