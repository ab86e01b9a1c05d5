"""What people do with a channel: pause, resume, try now, take the old mail, remove."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from deskpost.models import AuditEntry, Channel, InboundEmail, Mailbox
from deskpost.outcomes import IncomingStatus
from deskpost.problems import ConnectionState
from tests.web import scene as scenes
from tests.web.scene import Scene
from tests.web.test_mailboxes import make_mailbox

ACTS = ("channel-pause", "channel-resume", "channel-try", "channel-take-old", "channel-remove")


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


def url(name: str, pk: int) -> str:
    return reverse(name, args=["IT", pk])


def do(client: Client, name: str, pk: int, **sent: str) -> str:
    """Do it; return the page that it leads to."""
    response = client.post(url(name, pk), sent, follow=True)
    assert response.redirect_chain == [(reverse("channels", args=["IT"]), 302)]
    return response.text


@pytest.mark.parametrize(("who", "status"), [("agent", 403), ("stranger", 404), ("nobody", 302)])
def test_only_admins_do_any_of_it(scene: Scene, who: str, status: int) -> None:
    mailbox = make_mailbox(scene)
    for name in ACTS:
        assert scene.browser(who).post(url(name, mailbox.pk)).status_code == status
    assert Channel.objects.count() == 2
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("name", ACTS[:4])
def test_nothing_is_done_by_a_mere_look_or_to_a_channel_without_a_mailbox(
    scene: Scene, admin: Client, name: str
) -> None:
    mailbox = make_mailbox(scene)
    assert admin.get(url(name, mailbox.pk)).status_code == 405
    assert admin.post(url(name, scene.channel.pk)).status_code == 404
    assert not AuditEntry.objects.exists()


def test_pause_and_resume(scene: Scene, admin: Client) -> None:
    mailbox = make_mailbox(scene, state=ConnectionState.CONNECTED, last_success_at=timezone.now())
    assert "Paused. Mail stays in the mailbox." in do(admin, "channel-pause", mailbox.pk)
    assert Mailbox.objects.get().state == ConnectionState.PAUSED
    assert "Resumed." in do(admin, "channel-resume", mailbox.pk)
    assert Mailbox.objects.get().state == ConnectionState.RETRYING
    acts = [entry.details["act"] for entry in AuditEntry.objects.order_by("id")]
    assert acts == ["pause", "resume"]


def test_try_now_does_not_wait_for_the_next_try(scene: Scene, admin: Client) -> None:
    later = timezone.now() + timedelta(hours=1)
    mailbox = make_mailbox(scene, next_try_at=later)
    assert "It is tried now." in do(admin, "channel-try", mailbox.pk)
    assert Mailbox.objects.get().next_try_at is None


def test_the_old_mail_is_taken_on_demand(scene: Scene, admin: Client) -> None:
    mailbox = make_mailbox(scene, old_count=3)
    assert "The messages from before are taken too" in do(admin, "channel-take-old", mailbox.pk)
    assert Mailbox.objects.get().old_wanted


def test_the_last_channel_stays_because_notifications_come_from_it(
    scene: Scene, admin: Client
) -> None:
    path = url("channel-remove", scene.channel.pk)
    page = admin.get(path)
    assert "notifications would have no address to come from" in page.text
    assert f'action="{path}"' not in page.text
    assert admin.post(path).status_code == 409
    assert Channel.objects.get() == scene.channel


def test_removing_a_mailbox_says_what_stays_and_asks_about_what_waits(
    scene: Scene, admin: Client
) -> None:
    mailbox = make_mailbox(scene, waiting=4)
    page = admin.get(url("channel-remove", mailbox.pk)).text
    assert "4 messages that wait in it stay there." in page
    assert "Make requests of it first" not in page
    scene.email(due_at=timezone.now())
    page = admin.get(url("channel-remove", scene.channel.pk)).text
    assert "1 message is stored, but not yet processed" in page
    assert 'value="process" checked' in page
    assert "Mail to the address is refused" in page


@pytest.mark.parametrize(
    ("sent", "status"),
    [({}, IncomingStatus.PROCESSING), ({"waiting": "drop"}, IncomingStatus.SKIPPED)],
)
def test_a_removed_channel_is_gone_and_its_log_stays(
    scene: Scene, admin: Client, sent: dict[str, str], status: str
) -> None:
    make_mailbox(scene)
    row = scene.email(due_at=timezone.now())
    page = do(admin, "channel-remove", scene.channel.pk, **sent)
    assert "it@desk.test was removed." in page
    assert not Channel.objects.filter(pk=scene.channel.pk).exists()
    assert InboundEmail.objects.get(pk=row.pk).status == status
    assert AuditEntry.objects.get().subject == "it@desk.test"
    assert admin.get(url("channel-settings", scene.channel.pk)).status_code == 404


def test_the_address_and_the_account_of_a_removed_channel_are_free_again(
    scene: Scene, admin: Client
) -> None:
    mailbox = make_mailbox(scene)
    do(admin, "channel-remove", mailbox.pk)
    assert make_mailbox(scene).pk != mailbox.pk
