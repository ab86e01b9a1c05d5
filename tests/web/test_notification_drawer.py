"""The list and the drawer of notifications: sent, delivered, waiting, and what was heard later."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from deskpost.config_relay import Relay
from deskpost.models import Notification
from deskpost.outbound import notices
from deskpost.outcomes import Outcome, Reason, Trouble
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

pytestmark = pytest.mark.django_db
LIST = "/projects/IT/email-logs/"
RELAY = Relay(host="mail.example.test", port=25, tls="none", username="", password="")
KEY = "mail.example.test:25"


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


@pytest.fixture(autouse=True)
def relay(settings: Any) -> None:
    settings.DESKPOST = settings.DESKPOST | {"RELAY": RELAY, "PROJECT_RELAYS": {}}


def plain(markup: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


def drawer(client: Client, note: Notification) -> str:
    """Return the markup of a notification's drawer."""
    page = client.get(reverse("notification", args=["IT", note.pk])).content.decode()
    return page.partition("<aside")[2].partition("</aside>")[0]


def test_the_list_tells_sent_from_delivered_and_one_filter_has_both(
    scene: Scene, admin: Client
) -> None:
    rows.note(scene.project, scene.customer, status="delivered", address="sent@x.test")
    arrived: dict[str, Any] = {"address": "arrived@x.test", "arrived_at": rows.ago(minutes=1)}
    rows.note(scene.project, scene.customer, status="delivered", **arrived)
    page = admin.get(f"{LIST}?status=delivered").content.decode()
    found = [plain(row) for row in re.findall(r"<tr data-row.*?</tr>", page, re.DOTALL)]
    assert [row.split()[-1] for row in found] == ["Delivered", "Sent"]
    tally = plain(page.partition('<nav class="tally"')[2].partition("</nav>")[0])
    assert "2 Sent" in tally
    assert "Delivered" not in tally
    chips = plain(page.partition('<ul class="chips"')[2].partition("</ul>")[0])
    assert "Status Sent" in chips


@pytest.mark.parametrize(("arrived", "word"), [(False, "Sent"), (True, "Delivered")])
def test_the_drawer_bears_the_same_word(
    scene: Scene, admin: Client, arrived: bool, word: str
) -> None:
    at = rows.ago(days=1) if arrived else None
    note = rows.note(scene.project, scene.customer, status="delivered", arrived_at=at)
    said = drawer(admin, note)
    assert word in plain(said.partition('<div class="drawer-bar">')[2])[:20]
    assert ("Its server confirmed the delivery" in said) is arrived


def test_the_words_of_an_event_are_text(scene: Scene, admin: Client) -> None:
    raw = {"Details": HOSTILE, "\u202e": "x"}
    event = {"provider": HOSTILE, "event": HOSTILE, "at": rows.ago(days=1).isoformat(), "raw": raw}
    facts = {"code": 550, "answer": "no", "event": event, "complained": event | {"answer": HOSTILE}}
    for status, reason in (("delivered", ""), ("failed", Reason.SERVICE_PROVIDER_ERROR)):
        note = rows.note(scene.project, scene.customer, reason, status=status, facts=facts)
        said = drawer(admin, note)
        assert "<script>alert" not in said
        assert "<img src=x" not in said
        assert "&lt;script&gt;" in said
        assert "[U+202E]" in said


def test_a_complaint_by_mail_leads_to_its_message(scene: Scene, admin: Client) -> None:
    report = rows.mail(scene.channel, Outcome.COMPLAINT)
    told = {"answer": "abuse", "incoming": str(report.pk), "at": rows.ago(days=1).isoformat()}
    facts = {"complained": told}
    note = rows.note(scene.project, scene.customer, status="delivered", facts=facts)
    said = drawer(admin, note)
    assert "They called it spam on" in said
    assert reverse("incoming", args=["IT", report.pk]) in said


def test_while_the_relay_is_down_the_drawer_says_so_and_since_when(
    scene: Scene, admin: Client
) -> None:
    due = rows.ago(minutes=1)
    note = rows.note(scene.project, scene.customer, status="queued", due_at=due)
    assert "It waits for its turn." in drawer(admin, note)
    notices.note(Trouble.RELAY_DOWN, "other.example.test:25", {"answer": "elsewhere"})
    assert "elsewhere" not in drawer(admin, note)
    notices.note(Trouble.RELAY_DOWN, KEY, {"answer": "Connection refused"})
    said = drawer(admin, note)
    assert "which cannot be used since" in said
    assert "Connection refused" in said
    notices.over(Trouble.RELAY_DOWN, KEY)
    assert "cannot be used" not in drawer(admin, note)


def test_what_was_sent_already_is_not_said_to_wait_for_the_relay(
    scene: Scene, admin: Client
) -> None:
    notices.note(Trouble.RELAY_DOWN, KEY, {"answer": "Connection refused"})
    note = rows.note(scene.project, scene.customer, status="delivered")
    assert "Connection refused" not in drawer(admin, note)
