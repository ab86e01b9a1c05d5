"""The page on which each person sees and changes what is sent to them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from deskpost.desk import muting
from deskpost.models import Muted, Person, Project, Request, Suppression
from deskpost.outbound import suppress
from deskpost.web import my_notifications
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

pytestmark = pytest.mark.django_db
PAGE = "/me/notifications/"


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


def wishes(person: Person) -> tuple[bool, bool]:
    """Whether the person is unsubscribed, and whether the address is private."""
    person.refresh_from_db()
    return person.unsubscribed_at is not None, person.address_private


# --- Who sees it -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["site_admin", "admin", "agent", "customer", "stranger"])
def test_everyone_who_is_signed_in_has_it(scene: Scene, name: str) -> None:
    page = scene.browser(name).get(PAGE)
    assert page.status_code == 200
    assert f"{name}@desk.test" in page.text
    assert "no-cache" in page["Cache-Control"]


def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back(scene: Scene) -> None:
    assert scene.browser("nobody").get(PAGE)["Location"] == f"/accounts/login/?next={PAGE}"
    assert scene.browser("nobody").post(PAGE, {"act": "private"}).status_code == 302
    assert not Person.objects.filter(address_private=True).exists()


def test_a_customer_without_a_password_gets_in_by_a_link_that_they_ask_for(scene: Scene) -> None:
    Person.objects.filter(pk=scene.customer.pk).update(unsubscribed_at=timezone.now())
    Client().post("/accounts/password/reset/", {"email": "customer@desk.test"})
    assert [message.to for message in mail.outbox] == [["customer@desk.test"]]


@pytest.mark.parametrize("path", ["/projects/IT/", "/", "/help/notification-preferences/"])
def test_pages_around_it_lead_there(scene: Scene, path: str) -> None:
    assert f'href="{PAGE}"' in scene.browser("customer").get(path, follow=True).text


def test_the_menu_has_it_for_the_signed_in_only_and_marks_it_there(scene: Scene) -> None:
    current = f'href="{PAGE}" aria-current="page"'
    assert current in scene.browser("agent").get(PAGE).text
    other = scene.browser("agent").get("/projects/IT/requests/").text
    assert f'href="{PAGE}"' in other
    assert current not in other
    assert f'href="{PAGE}"' not in scene.browser("nobody").get("/help/notification-limits/").text


# --- What changes something --------------------------------------------------------------------


def test_to_look_changes_nothing_whatever_the_address_says(scene: Scene) -> None:
    muting.mute(scene.request(), scene.customer, now=timezone.now())
    over = timezone.now() - timedelta(days=1)
    suppress.block("customer@desk.test", "by_hand", {}, expires_at=over)
    browser = scene.browser("customer")
    for act in my_notifications.ACTS:
        for answer in (
            browser.get(PAGE, {"act": act, "request": "1"}),
            browser.head(f"{PAGE}?act={act}&request=1"),
        ):
            assert answer.status_code == 200
    assert wishes(scene.customer) == (False, False)
    assert Muted.objects.count() == Suppression.objects.count() == 1


def test_nothing_changes_without_the_pages_own_token(scene: Scene) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(scene.customer)
    assert strict.post(PAGE, {"act": "unsubscribe"}).status_code == 403
    assert wishes(scene.customer) == (False, False)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', strict.get(PAGE).text)
    assert token
    strict.post(PAGE, {"act": "unsubscribe", "csrfmiddlewaretoken": token[1]})
    assert wishes(scene.customer) == (True, False)


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_other_methods_are_refused(scene: Scene, method: str) -> None:
    assert getattr(scene.browser("customer"), method)(PAGE).status_code == 405


def test_one_unsubscribes_and_subscribes_again(scene: Scene) -> None:
    browser = scene.browser("customer")
    page = browser.post(PAGE, {"act": "unsubscribe"}, follow=True).text
    assert wishes(scene.customer) == (True, False)
    first = scene.customer.unsubscribed_at
    assert "At the moment nothing is sent to" in page
    assert 'value="subscribe"' in page
    browser.post(PAGE, {"act": "unsubscribe"})
    scene.customer.refresh_from_db()
    assert scene.customer.unsubscribed_at == first, "asking twice keeps the date"
    page = browser.post(PAGE, {"act": "subscribe"}, follow=True).text
    assert wishes(scene.customer) == (False, False)
    assert "What happens on your requests is sent to" in page


def test_one_sets_the_address_to_private_and_back(scene: Scene) -> None:
    browser = scene.browser("customer")
    page = browser.post(PAGE, {"act": "private"}, follow=True).text
    assert wishes(scene.customer) == (False, True)
    assert "You have set your address to private" in page
    assert "Only you can change this" in page
    assert "At the moment nothing is sent to" in page
    browser.post(PAGE, {"act": "not-private"})
    assert wishes(scene.customer) == (False, False)


def test_nobody_elses_wishes_are_touched(scene: Scene) -> None:
    browser = scene.browser("site_admin")
    for act in ("unsubscribe", "private"):
        browser.post(PAGE, {"act": act, "person": str(scene.customer.pk)})
    assert wishes(scene.customer) == (False, False)


@pytest.mark.parametrize("act", ["", "unblock", "Subscribe", HOSTILE, "\0"])
def test_what_is_no_act_changes_nothing(scene: Scene, act: str) -> None:
    suppress.block("customer@desk.test", "by_hand", {})
    Person.objects.filter(pk=scene.customer.pk).update(address_private=True)
    answer = scene.browser("customer").post(PAGE, {"act": act})
    assert answer["Location"] == PAGE
    assert wishes(scene.customer) == (False, True)
    assert Suppression.objects.count() == 1


def test_it_never_leads_elsewhere(scene: Scene) -> None:
    browser = scene.browser("customer")
    for wanted, led in (("/projects/IT/", "/projects/IT/"), ("https://evil.test/", PAGE)):
        assert browser.post(PAGE, {"act": "subscribe", "next": wanted})["Location"] == led


# --- A blocked address -------------------------------------------------------------------------


@pytest.mark.parametrize("cause", Suppression.Cause)
def test_a_blocked_address_is_told_why_and_whom_to_ask(scene: Scene, cause: str) -> None:
    suppress.block("Customer@desk.test", cause, {"note": "a nuisance", "answer": "550 no"})
    page = scene.browser("customer").get(PAGE).text
    assert "Your address is blocked" in page
    assert str(my_notifications.CAUSES[Suppression.Cause(cause)]()) in page
    assert "ask the team" in page
    assert 'href="mailto:it@desk.test"' in page
    assert "a nuisance" not in page
    assert "At the moment nothing is sent to" in page
    assert 'value="unblock"' not in page


def test_a_block_whose_time_is_over_is_not_spoken_of(scene: Scene) -> None:
    now = timezone.now()
    suppress.block("customer@desk.test", "by_hand", {}, expires_at=now - timedelta(days=1))
    assert "blocked" not in scene.browser("customer").get(PAGE).text
    suppress.block("customer@desk.test", "by_hand", {}, expires_at=now + timedelta(days=1))
    page = scene.browser("customer").get(PAGE).text
    assert "Your address is blocked" in page
    assert "It ends by itself" in page


def test_an_address_that_is_none_is_told_so(scene: Scene) -> None:
    Person.objects.filter(pk=scene.customer.pk).update(email="dana,ruiz@desk.test")
    page = scene.browser("customer").get(PAGE).text
    assert "Your address is not valid" in page
    assert "At the moment nothing is sent to" in page


# --- Muted requests ----------------------------------------------------------------------------


def test_muted_requests_of_all_projects_are_listed_and_turned_on_again(scene: Scene) -> None:
    here = scene.request(summary="Label printer")
    hr = Project.objects.create(key="HR", name="People")
    there = Request.objects.create(
        project=hr, number=1, key="HR-1", reporter=scene.customer, summary=HOSTILE,
        channel=scene.channel, created_at=timezone.now(), updated_at=timezone.now(),
    )  # fmt: skip
    for one in (here, there):
        muting.mute(one, scene.customer, now=timezone.now())
    browser = scene.browser("customer")
    page = browser.get(PAGE).text
    assert "Turn on IT-1 again" in page
    assert "Turn on HR-1 again" in page
    assert "<script>alert" not in page
    page = browser.post(PAGE, {"act": "unmute", "request": str(there.pk)}, follow=True).text
    assert "Turn on HR-1 again" not in page
    assert list(Muted.objects.values_list("request__key", flat=True)) == ["IT-1"]


def test_a_projects_page_lists_its_own_and_is_led_back_to(scene: Scene) -> None:
    request = scene.request()
    muting.mute(request, scene.customer, now=timezone.now())
    browser = scene.browser("customer")
    page = browser.get("/projects/IT/").text
    assert "Turn on IT-1 again" in page
    assert 'name="next" value="/projects/IT/"' in page
    data = {"act": "unmute", "request": str(request.pk), "next": "/projects/IT/"}
    page = browser.post(PAGE, data, follow=True).text
    assert "You get the notifications of IT-1 again." in page
    assert not Muted.objects.exists()


@pytest.mark.parametrize("number", ["0", "-1", "9" * 18, "9" * 40, "٣", "", "x", "1 OR 1=1"])
def test_what_was_never_muted_is_passed_over(scene: Scene, number: str) -> None:
    muting.mute(scene.request(), scene.agent, now=timezone.now())
    browser = scene.browser("customer")
    assert browser.post(PAGE, {"act": "unmute", "request": number}).status_code == 302
    theirs = str(Muted.objects.get().request_id)
    assert browser.post(PAGE, {"act": "unmute", "request": theirs}).status_code == 302
    assert Muted.objects.count() == 1
    assert "again." not in browser.get(PAGE).text.partition('class="toasts"')[2]


def test_a_long_list_says_that_there_is_more(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(my_notifications, "LISTED", 2)
    for _ in range(3):
        muting.mute(scene.request(), scene.customer, now=timezone.now())
    page = scene.browser("customer").get(PAGE).text
    assert page.count("data-muted") == 2
    assert "Turn on IT-1 again" not in page, "the last muted come first"
    assert "Those that were muted earlier follow" in page


def test_it_is_whole_in_japanese_too(scene: Scene) -> None:
    muting.mute(scene.request(), scene.customer, now=timezone.now())
    suppress.block("customer@desk.test", "complaint", {})
    Person.objects.filter(pk=scene.customer.pk).update(
        language="ja", unsubscribed_at=timezone.now(), address_private=True
    )
    page = scene.browser("customer").get(PAGE)
    assert page.status_code == 200
    assert '<html lang="ja"' in page.text
