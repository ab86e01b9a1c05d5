"""Send again: the drawer's button, and the list of what an address missed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from deskpost.models import Notification, Project, Request, SentAgain
from deskpost.outbound import suppress
from deskpost.outcomes import Reason
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


def url(name: str, *args: Any) -> str:
    return reverse(name, args=["IT", *args])


def failed(scene: Scene, reason: str = Reason.SERVICE_PROVIDER_ERROR, **more: Any) -> Notification:
    return rows.note(scene.project, scene.customer, reason, **more)


def drawer(client: Client, note: Notification) -> str:
    page = client.get(url("notification", note.pk)).content.decode()
    return page.partition("<aside")[2].partition("</aside>")[0]


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def ticks(page: str) -> dict[str, bool]:
    """Return the ids that can be ticked, and whether each is."""
    found = re.findall(r'<input type="checkbox"[^>]*value="([^"]+)"([^>]*)>', page)
    return {pk: "checked" in rest for pk, rest in found}


def test_the_drawer_sends_it_again_once_and_both_say_so(scene: Scene, admin: Client) -> None:
    note = failed(scene)
    path = url("send-again", note.pk)
    assert path in drawer(admin, note)
    response = admin.post(path + "?status=all", follow=True)
    new = Notification.objects.get(again_of=note.pk)
    assert response.redirect_chain == [(url("notification", new.pk) + "?status=all", 302)]
    assert "It is sent again to customer@desk.test." in response.text
    there = drawer(admin, note)
    assert "Sent again on" in words(there)
    assert url("notification", new.pk) in there
    assert path not in there
    here = drawer(admin, new)
    assert "Repeats the notification of" in words(here)
    assert url("notification", note.pk) in here
    second = admin.post(path, follow=True)
    assert "It was not sent again." in second.text
    assert Notification.objects.count() == 2


@pytest.mark.parametrize(
    ("who", "status"), [("agent", 403), ("customer", 403), ("stranger", 404), ("nobody", 302)]
)
def test_nobody_else_sends_again_or_sees_what_was_missed(
    scene: Scene, who: str, status: int
) -> None:
    note, browser = failed(scene), scene.browser(who)
    assert browser.post(url("send-again", note.pk)).status_code == status
    assert browser.get(url("missed", note.pk)).status_code == status
    assert browser.post(url("send-ticked", note.pk), {"note": note.pk}).status_code == status
    assert not SentAgain.objects.exists()


def test_a_get_or_a_post_without_its_token_sends_nothing(scene: Scene, admin: Client) -> None:
    note = failed(scene)
    assert admin.get(url("send-again", note.pk)).status_code == 405
    assert admin.get(url("send-ticked", note.pk)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(scene.admin)
    assert strict.post(url("send-again", note.pk)).status_code == 403
    assert not SentAgain.objects.exists()


@pytest.mark.parametrize(
    ("person", "said"),
    [
        ({"address_private": True}, "It cannot be sent again. The customer’s address is set to"),
        ({"unsubscribed_at": timezone.now()}, "It cannot be sent again. The customer has unsub"),
    ],
)
def test_the_drawer_says_why_not(
    scene: Scene, admin: Client, person: dict[str, Any], said: str
) -> None:
    note = failed(scene)
    for name, value in person.items():
        setattr(scene.customer, name, value)
    scene.customer.save()
    assert said in words(drawer(admin, note))
    assert url("send-again", note.pk) not in drawer(admin, note)


def test_while_the_address_is_blocked_only_unblocking_is_offered(
    scene: Scene, admin: Client
) -> None:
    note = failed(scene, Reason.SUPPRESSION_LIST)
    suppress.block(scene.customer.email, "soft_bounces", {"answer": "4.2.2 full"})
    said = words(drawer(admin, note))
    assert "Unblock email address" in said
    assert "The address is on the suppression list. Unblock it first." in said
    assert "Soft bounces" in said
    assert url("send-again", note.pk) not in drawer(admin, note)


def test_what_was_withheld_or_delivered_has_no_such_button(scene: Scene, admin: Client) -> None:
    for status in ("withheld", "delivered", "queued"):
        note = failed(scene, "own_action", status=status)
        assert "gain" not in words(drawer(admin, note)).replace("against", "")


def test_a_policy_refusal_says_that_it_blocked_nobody(scene: Scene, admin: Client) -> None:
    facts = {"code": 550, "enhanced": "5.7.1", "answer": "5.7.1 spam"}
    assert "refusal by policy" in words(drawer(admin, failed(scene, facts=facts)))
    other = failed(scene, facts={"code": 550, "enhanced": "5.2.2", "answer": "5.2.2 full"})
    assert "refusal by policy" not in words(drawer(admin, other))


# --- What was missed ---


def test_unblocking_leads_to_what_was_missed_and_sends_nothing(scene: Scene, admin: Client) -> None:
    older, newer = failed(scene, at=rows.ago(days=2)), failed(scene, Reason.SUPPRESSION_LIST)
    suppress.block(scene.customer.email, "hard_bounce", {})
    response = admin.post(url("unblock", newer.pk), follow=True)
    assert response.redirect_chain == [(url("missed", newer.pk), 302)]
    assert "Nothing was resent." in response.text
    assert list(ticks(response.text)) == [str(newer.pk), str(older.pk)]
    assert Notification.objects.count() == 2


def test_stale_ones_are_marked_and_unticked_and_only_those_ticked_are_sent(
    scene: Scene, admin: Client
) -> None:
    request = scene.request()
    of_use, left, stale = (
        failed(scene),
        failed(scene),
        failed(scene, request=request, request_key=request.key),
    )
    Request.objects.filter(pk=request.pk).update(status="resolved", resolved_at=timezone.now())
    page = admin.get(url("missed", of_use.pk)).text
    assert ticks(page) == {str(stale.pk): False, str(left.pk): True, str(of_use.pk): True}
    assert "The request was resolved since." in page
    path = url("send-ticked", of_use.pk)
    response = admin.post(path, {"note": [str(of_use.pk), "nonsense"]}, follow=True)
    assert "1 notification is sent again." in response.text
    assert list(SentAgain.objects.values_list("original", flat=True)) == [of_use.pk]
    assert str(of_use.pk) not in ticks(response.text)
    again = admin.post(path, {"note": [str(of_use.pk)]}, follow=True)
    assert "Nothing was sent again." in again.text


def test_what_cannot_be_sent_has_no_tick_but_a_reason(scene: Scene, admin: Client) -> None:
    note = failed(scene)
    suppress.block(scene.customer.email, "complaint", {})
    page = admin.get(url("missed", note.pk)).text
    assert ticks(page) == {}
    assert "Unblock it first." in page
    assert "Send those ticked" not in page


def test_only_what_this_address_missed_in_this_project_is_sent(scene: Scene, admin: Client) -> None:
    note = failed(scene)
    of_another = rows.note(scene.project, scene.stranger, Reason.UNKNOWN_ERROR)
    other = Project.objects.create(key="HR", name="HR")
    elsewhere = rows.note(other, scene.customer, Reason.UNKNOWN_ERROR)
    admin.post(url("send-ticked", note.pk), {"note": [str(of_another.pk), str(elsewhere.pk)]})
    assert admin.post(url("send-again", elsewhere.pk)).status_code == 404
    assert not SentAgain.objects.exists()


def test_what_strangers_wrote_is_escaped(scene: Scene, admin: Client) -> None:
    request = scene.request(summary=HOSTILE)
    person = scenes.add_customer(scene.project, f"{HOSTILE}@x.test", HOSTILE)
    note = rows.note(
        scene.project, person, Reason.UNKNOWN_ERROR, request=request, request_key=request.key
    )
    page = admin.get(url("missed", note.pk)).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
