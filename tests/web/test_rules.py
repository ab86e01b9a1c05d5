"""Project settings › Email › Notifications: whom the project tells of what."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from deskpost import journey
from deskpost.desk import requests as desk
from deskpost.models import AuditEntry, Event, Notification, NotificationRule
from deskpost.outcomes import KIND_WORDS, Kind
from tests.web import scene as scenes
from tests.web.scene import Scene

pytestmark = pytest.mark.django_db
PAGE = "/projects/IT/settings/email/notifications/"
BOXES = {
    "customer_invited.to_reporter",
    "request_created.to_reporter",
    "participant_added.to_participants",
    *(
        f"{kind}.{part}"
        for kind in ("comment_added", "comment_edited", "status_changed")
        for part in ("to_reporter", "to_participants")
    ),
    *(
        f"{kind}.{part}"
        for kind in ("request_resolved", "request_reopened")
        for part in ("to_reporter", "to_participants")
    ),
}


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


def ticked(page: str) -> dict[str, bool]:
    found = re.findall(r'<input type="checkbox" name="([a-z_.]+)" value="on"( checked)?', page)
    return {name: bool(checked) for name, checked in found}


def save(admin: Client, *off: str) -> None:
    sent = dict.fromkeys(BOXES - set(off), "on")
    assert admin.post(PAGE, sent)["Location"] == PAGE


def test_every_kind_is_there_with_its_recipients_and_all_are_told_at_first(admin: Client) -> None:
    page = admin.get(PAGE).text
    assert ticked(page) == dict.fromkeys(BOXES, True)
    assert all(str(KIND_WORDS[kind]) in page for kind in Kind)


def test_what_is_switched_off_stays_so_and_is_on_record(scene: Scene, admin: Client) -> None:
    save(admin, "comment_added.to_participants", "request_created.to_reporter")
    boxes = ticked(admin.get(PAGE).text)
    assert {name for name, on in boxes.items() if not on} == {
        "comment_added.to_participants",
        "request_created.to_reporter",
    }
    rows = NotificationRule.objects.order_by("kind")
    assert [(row.kind, row.to_reporter, row.to_participants) for row in rows] == [
        ("comment_added", True, False),
        ("request_created", False, True),
    ]
    entry = AuditEntry.objects.get()
    assert (entry.act, entry.person, entry.project) == ("settings", scene.admin, scene.project)
    assert entry.subject == "notifications"
    assert entry.details == {
        "comment_added.to_participants": False,
        "request_created.to_reporter": False,
    }


def test_switched_on_again_it_is_told_again(scene: Scene, admin: Client) -> None:
    save(admin, "comment_added.to_participants")
    save(admin)
    assert all(ticked(admin.get(PAGE).text).values())
    last = AuditEntry.objects.order_by("pk").last()
    assert last is not None
    assert last.details == {"comment_added.to_participants": True}


def test_saving_without_a_change_writes_nothing(scene: Scene, admin: Client) -> None:
    save(admin)
    assert not NotificationRule.objects.exists()
    assert not AuditEntry.objects.exists()


def test_the_rules_hold_for_what_happens_then(scene: Scene, admin: Client) -> None:
    save(admin, "request_resolved.to_reporter")
    desk.resolve(scene.request(), scene.agent, now=timezone.now())
    for event in Event.objects.order_by("id"):
        journey.announce(event)
    note = Notification.objects.get(kind=Kind.REQUEST_RESOLVED)
    assert (note.person, note.reason) == (scene.customer, "rule_off")


@pytest.mark.parametrize(
    ("name", "status"),
    [("site_admin", 200), ("admin", 200), ("agent", 403), ("customer", 403), ("stranger", 404)],
)
def test_only_admins_see_and_change_the_rules(scene: Scene, name: str, status: int) -> None:
    browser = scene.browser(name)
    assert browser.get(PAGE).status_code == status
    browser.post(PAGE, {})
    assert NotificationRule.objects.exists() == (status == 200)


def test_a_change_needs_its_token(scene: Scene) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(scene.admin)
    assert strict.post(PAGE, {}).status_code == 403
    assert not NotificationRule.objects.exists()


def test_the_settings_of_email_lead_there(admin: Client) -> None:
    page = admin.get("/projects/IT/settings/email/senders/").text
    assert f'<a href="{PAGE}"' in page
