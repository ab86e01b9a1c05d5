"""The pages and acts around sending: for whom they are, and what they do with hostile words."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from deskpost.models import (
    DkimKey,
    Membership,
    Person,
    Project,
    Role,
    SentAgain,
    SiteNotice,
    Suppression,
)
from deskpost.outbound import notices
from deskpost.outcomes import Reason, Trouble
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

pytestmark = pytest.mark.django_db
PAGES = ["/sending/", "/sending/dkim/", "/suppression/", "/suppression/export/"]
DAY = "2026-11-20"
# Where it goes, and what would be changed if it were let.
ACTS = {
    "/sending/notices/{notice}/dismiss/": {},
    "/sending/limit/again/": {"day": DAY},
    "/sending/dkim/": {"domain": "desk.test", "act": "make"},
    "/suppression/add/": {"address": "new@x.test"},
    "/suppression/import/": {},
}
ABOUT_ONE = ["notification", "send-again", "missed", "send-ticked", "unblock"]
# fmt: off
TOLD = (
    "server", "answer", "code", "enhanced", "sent", "limit", "resets", "pause", "notification",
    "kind", "language", "said", "error", "id", "line", "at", "incoming",
)
# fmt: on


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


@pytest.fixture
def notice(scene: Scene) -> SiteNotice:
    notices.note(Trouble.POLICY, "x.test", {})
    return SiteNotice.objects.get()


def post(client: Client, act: str, notice: SiteNotice) -> int:
    return client.post(act.format(notice=notice.pk), ACTS[act]).status_code


def check_that_nothing_changed() -> None:
    assert SiteNotice.objects.get().closed_at is None
    for rows_of in (DkimKey, Suppression, SentAgain):
        assert not rows_of.objects.exists()


# --- For whom ------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["nobody", "stranger", "customer", "agent", "admin"])
def test_who_does_not_run_the_site_neither_sees_nor_changes_its_sending(
    scene: Scene, notice: SiteNotice, who: str
) -> None:
    browser, status = scene.browser(who), 302 if who == "nobody" else 403
    assert {browser.get(page).status_code for page in PAGES} == {status}
    assert {post(browser, act, notice) for act in ACTS} == {status}
    check_that_nothing_changed()


def test_who_runs_it_is_let(scene: Scene, notice: SiteNotice) -> None:
    browser = scene.browser("site_admin")
    assert {browser.get(page).status_code for page in PAGES} == {200}
    assert {post(browser, act, notice) for act in ACTS} <= {302, 422}
    notice.refresh_from_db()
    assert notice.closed_at
    assert DkimKey.objects.exists()
    assert Suppression.objects.exists()


def test_no_post_without_its_token_changes_anything(scene: Scene, notice: SiteNotice) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(scene.site_admin)
    assert {post(strict, act, notice) for act in ACTS} == {403}
    check_that_nothing_changed()


def test_to_look_changes_nothing(scene: Scene, notice: SiteNotice) -> None:
    browser = scene.browser("site_admin")
    for act, data in ACTS.items():
        browser.get(act.format(notice=notice.pk), data)
        browser.head(act.format(notice=notice.pk), data)
    check_that_nothing_changed()


@pytest.fixture
def eve(scene: Scene) -> Client:
    """The admin of another project."""
    person = Person.objects.create_person("eve@x.test", name="Eve")
    other = Project.objects.create(key="HR", name="People")
    Membership.objects.create(project=other, person=person, role=Role.ADMIN)
    browser = Client()
    browser.force_login(person)
    return browser


@pytest.mark.parametrize("name", ABOUT_ONE)
@pytest.mark.parametrize("under", ["IT", "HR"])
def test_another_projects_admin_reaches_no_notification_of_ours(
    scene: Scene, eve: Client, name: str, under: str
) -> None:
    note = rows.note(scene.project, scene.customer, Reason.LIMIT_REACHED)
    path = reverse(name, args=[under, note.pk])
    assert eve.get(path).status_code in {404, 405}
    assert eve.post(path, {"note": str(note.pk)}).status_code in {404, 405}
    assert not SentAgain.objects.exists()


def test_nor_a_day_of_ours(scene: Scene, eve: Client) -> None:
    rows.note(scene.project, scene.customer, Reason.LIMIT_REACHED)
    path = reverse("limit-again", args=["IT", DAY])
    assert (eve.get(path).status_code, eve.post(path).status_code) == (404, 404)


# --- Odd values ----------------------------------------------------------------------------------


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "x", "'", DAY, "2026-W01-1"])
def test_any_day_and_any_place_to_go_on_from_is_answered(scene: Scene, day: str) -> None:
    path = reverse("limit-again", args=["IT", day])
    for after in ("", "?after=%00", "?after=x"):
        assert scene.browser("admin").get(path + after).status_code in {200, 302, 404}


@pytest.mark.parametrize(
    "elsewhere", ["//evil.test", "https://evil.test/", "/\\evil.test", "javascript:alert(1)"]
)
def test_no_act_leads_to_another_site(scene: Scene, elsewhere: str) -> None:
    page = "/me/notifications/"
    answer = scene.browser("customer").post(page, {"act": "x", "next": elsewhere})
    assert (answer.status_code, answer["Location"]) == (302, page)


@pytest.mark.parametrize("number", ["9" * 18, "-1", "²", "1" * 5000, "\x00", ""])
def test_any_number_of_a_request_is_answered(scene: Scene, number: str) -> None:
    data = {"act": "unmute", "request": number}
    assert scene.browser("customer").post("/me/notifications/", data).status_code == 302


# --- Hostile words -------------------------------------------------------------------------------


def check_that_it_is_text(page: str) -> None:
    """Hostile words are nothing but words on the page."""
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_what_servers_say_is_text_in_the_notices(scene: Scene) -> None:
    for trouble in Trouble:
        notices.note(trouble, HOSTILE, dict.fromkeys(TOLD, HOSTILE))
    page = scene.browser("site_admin").get("/sending/").text
    assert "&lt;script&gt;alert" in page
    check_that_it_is_text(page)
    for who in ("site_admin", "admin", "agent"):  # the banner
        check_that_it_is_text(scene.browser(who).get("/projects/IT/requests/").text)


@pytest.mark.parametrize("status", ["failed", "delivered"])
def test_what_servers_and_providers_say_is_text_in_the_log(scene: Scene, status: str) -> None:
    facts: dict[str, Any] = dict.fromkeys(TOLD, HOSTILE)
    facts["event"] = dict.fromkeys(("provider", "event", "at", "raw"), HOSTILE)
    late = dict.fromkeys(("complained", "unsubscribed", "delayed"), facts)
    reason = Reason.SERVICE_PROVIDER_ERROR
    note = rows.note(scene.project, scene.customer, reason, status=status, facts=facts | late)
    page = scene.browser("admin").get(reverse("notification", args=["IT", note.pk])).text
    assert "&lt;script&gt;alert" in page
    check_that_it_is_text(page)
