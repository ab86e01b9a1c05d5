"""The drawers of the log: what they explain, unblocking, and the raw message."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.storage import storages
from django.test import Client
from django.urls import reverse

from deskpost.mail import address
from deskpost.models import Attempt, AuditEntry, Channel, Notification, Person, Suppression
from deskpost.outcomes import Guard, Outcome, Reason, Rule
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import Scene


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


def url(name: str, *args: Any) -> str:
    return reverse(name, args=["IT", *args])


def words(client: Client, path: str) -> str:
    """Return the words of the drawer, without its marks."""
    response = client.get(path)
    assert response.status_code == 200
    drawer = response.content.decode().partition("<aside")[2].partition("</aside>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", drawer).split())


def block(person: Person) -> Suppression:
    return Suppression.objects.create(
        address=person.email,
        address_key=address.normalise(person.email),
        cause=Suppression.Cause.HARD_BOUNCE,
        evidence={"enhanced": "5.1.1", "answer": "550 5.1.1 no such user"},
        created_at=rows.ago(days=1),
    )


@pytest.fixture
def blocked(scene: Scene) -> Notification:
    """A notification that the suppression list stopped."""
    entry = block(scene.customer)
    facts = {"cause": entry.cause, "since": entry.created_at.isoformat(), **entry.evidence}
    trail = [
        {"guard": Guard.VALIDATION, "answer": "passed", "facts": {}},
        {"guard": Guard.SUPPRESSION, "answer": "stopped", "facts": facts},
    ]
    return rows.note(scene.project, scene.customer, facts=facts, trail=trail)


# --- Notifications -------------------------------------------------------------------------------


def test_the_drawer_answers_in_this_order(admin: Client, blocked: Notification) -> None:
    said = words(admin, url("notification", blocked.pk))
    assert "The customer did not get this comment. The address is blocked." in said
    sections = ["What happened", "Why", "What to do", "Facts", "Trail", "Attempts"]
    places = [said.index(f" {section} ") for section in sections]
    assert places == sorted(places)
    assert "Nothing left this site." in said
    assert "550 5.1.1 no such user" in said
    assert "after a hard bounce" in said
    assert "Address on the suppression list stopped" in said
    assert "not asked" in said


def test_a_queued_one_says_what_was_tried_and_when_next(scene: Scene, admin: Client) -> None:
    note = rows.note(
        scene.project,
        scene.customer,
        status="queued",
        due_at=rows.ago(minutes=-5),
        facts={"code": 451, "enhanced": "4.7.1", "answer": "greylisted"},
    )
    Attempt.objects.create(
        notification=note,
        started_at=rows.ago(minutes=2),
        ended_at=rows.ago(minutes=1),
        server="relay.test:25",
        result="temporary",
        code=451,
        enhanced="4.7.1",
        answer="greylisted",
    )
    Attempt.objects.create(
        notification=note, started_at=rows.ago(minutes=1), server="relay.test:25"
    )
    said = words(admin, url("notification", note.pk))
    assert "The last try has no end yet; the next is due" in said
    assert "Refused for now 451 4.7.1 greylisted" in said
    assert "Cut off: it is not known whether the server took it" in said
    assert "Next try" in said


def test_a_refusal_shows_the_server_s_own_words(scene: Scene, admin: Client) -> None:
    facts = {"server": "mx.x.test", "code": 550, "enhanced": "5.7.1", "answer": "5.7.1 spam"}
    note = rows.note(scene.project, scene.customer, Reason.SERVICE_PROVIDER_ERROR, facts=facts)
    said = words(admin, url("notification", note.pk))
    assert "mx.x.test 550 5.7.1 spam" in said


def test_a_bounce_leads_to_its_message(scene: Scene, admin: Client) -> None:
    bounce = rows.mail(scene.channel, Outcome.DELIVERY_STATUS)
    facts = {"answer": "550 no", "incoming": str(bounce.pk), "at": rows.ago(days=1).isoformat()}
    note = rows.note(scene.project, scene.customer, Reason.SERVICE_PROVIDER_ERROR, facts=facts)
    page = admin.get(url("notification", note.pk)).content.decode()
    assert url("incoming", bounce.pk) in page
    assert url("raw", bounce.pk) in page


# --- Unblocking ----------------------------------------------------------------------------------


def test_unblocking_allows_mail_and_resends_nothing(
    scene: Scene, admin: Client, blocked: Notification
) -> None:
    path = url("unblock", blocked.pk)
    assert path in admin.get(url("notification", blocked.pk)).content.decode()
    response = admin.post(path + "?status=all", follow=True)
    assert response.redirect_chain == [(url("notification", blocked.pk) + "?status=all", 302)]
    assert "customer@desk.test can get mail again. Nothing was resent." in response.text
    assert not Suppression.objects.exists()
    assert Notification.objects.count() == 1
    blocked.refresh_from_db()
    assert (blocked.status, blocked.due_at) == ("failed", None)
    (entry,) = AuditEntry.objects.all()
    assert (entry.act, entry.person, entry.subject) == (
        "unblock",
        scene.admin,
        "customer@desk.test",
    )
    assert path not in response.text


def test_the_button_stands_only_where_the_address_is_blocked_now(
    scene: Scene, admin: Client
) -> None:
    note = rows.note(scene.project, scene.customer)
    said = words(admin, url("notification", note.pk))
    assert "Unblock email address" not in said
    assert "no longer blocked" in said
    # Also where something else failed, but the address is blocked by now.
    refused = rows.note(scene.project, scene.customer, Reason.SERVICE_PROVIDER_ERROR)
    block(scene.customer)
    assert "Unblock email address" in words(admin, url("notification", refused.pk))


def test_unblocking_twice_says_that_nothing_was_changed(
    admin: Client, blocked: Notification
) -> None:
    admin.post(url("unblock", blocked.pk))
    response = admin.post(url("unblock", blocked.pk), follow=True)
    assert "was not blocked" in response.text
    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("who", "status"), [("agent", 403), ("customer", 403), ("stranger", 404), ("nobody", 302)]
)
def test_nobody_else_unblocks(scene: Scene, blocked: Notification, who: str, status: int) -> None:
    assert scene.browser(who).post(url("unblock", blocked.pk)).status_code == status
    assert Suppression.objects.exists()


def test_a_get_unblocks_nothing_nor_does_a_post_without_its_token(
    scene: Scene, admin: Client, blocked: Notification
) -> None:
    assert admin.get(url("unblock", blocked.pk)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(scene.admin)
    assert strict.post(url("unblock", blocked.pk)).status_code == 403
    assert Suppression.objects.exists()


# --- Incoming messages ---------------------------------------------------------------------------


def test_the_drawer_of_a_message_shows_header_trail_and_facts(scene: Scene, admin: Client) -> None:
    trail = rows.trail_to(Rule.AUTO_REPLY, because="Auto-Submitted: auto-replied")
    row = rows.mail(
        scene.channel,
        Outcome.AUTO_REPLY,
        facts=trail[-1]["facts"],
        trail=trail,
        request_key="IT-7",
        message_id="<a@x.test>",
    )
    said = words(admin, url("incoming", row.pk))
    for text in (
        "An automatic reply. It was kept, and made no comment.",
        "Auto-Submitted: auto-replied",
        "6 rules asked",
        "Auto-reply Skipped",
        "List or bulk mail · Disowned by the sender’s domain (DMARC)",
        "not asked",
        "Message-ID &lt;a@x.test&gt;",
        "Envelope sender ann@x.test",
        "Download the raw message",
    ):
        assert text in said


def test_a_duplicate_leads_to_the_first_copy(scene: Scene, admin: Client) -> None:
    first = rows.mail(scene.channel, request_key="IT-7")
    row = rows.mail(scene.channel, Outcome.DUPLICATE, facts={"first": str(first.pk), "key": "IT-7"})
    page = admin.get(url("incoming", row.pk)).content.decode()
    assert f'<a href="{url("incoming", first.pk)}">Open the first copy</a>' in page


def test_an_entry_shows_the_list_of_its_own_channel(scene: Scene, admin: Client) -> None:
    second = Channel.objects.create(
        project=scene.project, address="b@desk.test", request_type=scene.channel.request_type
    )
    rows.mail(scene.channel, sender="other@x.test")
    row = rows.mail(second)
    page = admin.get(url("incoming", row.pk)).content.decode()
    assert f'id="e-{row.pk}" class="open"' in page
    assert "other@x.test" not in page


# --- The raw message -----------------------------------------------------------------------------


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_the_raw_message_byte_for_byte(scene: Scene, admin: Client) -> None:
    everything = bytes(range(256)) * 40 + b"\r\n.\r\n\n\r"
    row = rows.mail(scene.channel, raw=everything, subject='../../"evil"\r\nname')
    response = admin.get(url("raw", row.pk))
    assert response.status_code == 200
    assert body(response) == everything
    assert response["Content-Type"] == "message/rfc822"
    assert response["Content-Disposition"] == f'attachment; filename="deskpost-{row.pk}.eml"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]
    assert response["Cache-Control"] == "no-store"
    assert response["Content-Length"] == str(len(everything))


def test_taking_the_raw_message_is_written_down(scene: Scene, admin: Client) -> None:
    row = rows.mail(scene.channel)
    body(admin.get(url("raw", row.pk)))
    (entry,) = AuditEntry.objects.all()
    assert (entry.act, entry.person, entry.project, entry.subject) == (
        "raw_download",
        scene.admin,
        scene.project,
        str(row.pk),
    )


@pytest.mark.parametrize(
    ("who", "status"), [("agent", 403), ("customer", 403), ("stranger", 404), ("nobody", 302)]
)
def test_nobody_else_takes_it(scene: Scene, who: str, status: int) -> None:
    row = rows.mail(scene.channel)
    assert scene.browser(who).get(url("raw", row.pk)).status_code == status
    assert not AuditEntry.objects.exists()


def test_of_one_too_large_the_headers_can_be_had(scene: Scene, admin: Client) -> None:
    headers = b"From: ann@x.test\r\nSubject: big\r\n\r\n"
    row = rows.mail(scene.channel, Outcome.TOO_LARGE, raw=headers, oversize_bytes=30_000_000)
    assert body(admin.get(url("raw", row.pk))) == headers
    assert "Download the raw headers" in words(admin, url("incoming", row.pk))


def test_where_nothing_was_kept_it_says_so(scene: Scene, admin: Client) -> None:
    row = rows.mail(scene.channel, Outcome.TOO_LARGE, raw=b"", oversize_bytes=30_000_000)
    response = admin.get(url("raw", row.pk))
    assert response.status_code == 404
    assert "Nothing of this message was kept" in response.text
    assert url("raw", row.pk) not in admin.get(url("email-logs-incoming")).text


def test_where_it_is_gone_it_says_so(scene: Scene, admin: Client) -> None:
    row = rows.mail(scene.channel)
    storages["raw"].delete(row.raw_key)
    response = admin.get(url("raw", row.pk))
    assert response.status_code == 410
    assert "The raw message is gone" in response.text
    assert not AuditEntry.objects.exists()
