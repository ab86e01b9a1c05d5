"""From the empty form to a connected mailbox, at a real Dovecot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.test import Client

from deskpost.models import AuditEntry, ConnectionEvent, Mailbox, MailboxUid
from deskpost.problems import ConnectionState
from tests.parts.dovecot import PASSWORD, Dovecot
from tests.web import scene as scenes
from tests.web.scene import Scene
from tests.web.test_mailboxes import changed, filled, url

pytestmark = pytest.mark.dovecot


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


@pytest.fixture
def user(dovecot: Dovecot, request: pytest.FixtureRequest) -> str:
    """A mailbox of the test's own, with two messages in it."""
    name = f"pages{abs(hash(request.node.name)) % 10**8}@desk.test"
    dovecot.add_user(name)
    dovecot.fill(name, 2)
    return name


@pytest.fixture(autouse=True)
def trusted(dovecot: Dovecot, settings: Any) -> None:
    settings.DESKPOST = settings.DESKPOST | {
        "ALLOW_PRIVATE_HOSTS": (ip_network("127.0.0.0/8"), ip_network("::1/128")),
        "CA_FILE": dovecot.ca_file,
    }


def sent(scene: Scene, dovecot: Dovecot, user: str, **fields: str) -> dict[str, str]:
    way = {"host": "localhost", "port": str(dovecot.imaps_port), "username": user}
    return filled(scene, address="help@desk.test", password=PASSWORD, **(way | fields))


def add(client: Client, fields: dict[str, str]) -> str:
    response = client.post(url("channel-add", query="kind=mailbox"), fields, follow=True)
    return response.getvalue().decode()


@pytest.mark.parametrize("way", ["tls", "starttls", "none"])
def test_an_imap_mailbox_is_connected_and_its_old_mail_left_alone(
    scene: Scene, admin: Client, dovecot: Dovecot, user: str, way: str
) -> None:
    port = dovecot.imaps_port if way == "tls" else dovecot.imap_port
    page = add(admin, sent(scene, dovecot, user, security=way, port=str(port)))
    assert "Connected." in page
    assert page.count('<li class="done">') == 6
    assert "2 messages were there before. They are left alone." in page
    if way != "none":
        assert "Deskpost test CA" in page
        last = datetime.now(UTC) + timedelta(days=2)
        assert f"{last:%-d %b}" in page
    mailbox = Mailbox.objects.get()
    assert (mailbox.state, mailbox.old_count, mailbox.next_uid) == (ConnectionState.NEW, 2, 3)
    assert mailbox.begun_at
    assert PASSWORD not in page
    admin.post(url("channel-take-old", mailbox.pk))
    assert Mailbox.objects.get().old_wanted


def test_a_pop3_mailbox_is_connected(
    scene: Scene, admin: Client, dovecot: Dovecot, user: str
) -> None:
    fields = {"protocol": "pop3", "port": str(dovecot.pop3s_port), "afterwards": "leave"}
    page = add(admin, sent(scene, dovecot, user, **fields))
    assert "2 messages were there before." in page
    assert MailboxUid.objects.count() == 2


def test_a_wrong_password_is_named_and_corrected(
    scene: Scene, admin: Client, dovecot: Dovecot, user: str
) -> None:
    page = add(admin, sent(scene, dovecot, user) | {"password": "wrong-one"})
    assert '<li class="failed"><b>Sign-in</b>' in page
    assert "Authentication failed" in page
    assert "The channel is kept, but not connected." in page
    assert "wrong-one" not in page
    mailbox = Mailbox.objects.get()
    assert (mailbox.begun_at, mailbox.state) == (None, ConnectionState.NEW)
    again = changed(mailbox, password=PASSWORD)
    response = admin.post(url("channel-mailbox", mailbox.pk), again, follow=True)
    assert "Connected." in response.getvalue().decode()
    assert not ConnectionEvent.objects.exists()
    kept = str(list(AuditEntry.objects.values_list("details", flat=True)))
    assert PASSWORD not in kept
    assert "wrong-one" not in kept


def test_a_folder_that_is_not_there_is_named(
    scene: Scene, admin: Client, dovecot: Dovecot, user: str
) -> None:
    page = add(admin, sent(scene, dovecot, user, folder="Nowhere"))
    assert '<li class="failed"><b>Folder</b>' in page
    assert "Folder missing" in page


def test_a_private_address_is_refused_unless_it_is_allowed(
    scene: Scene, admin: Client, dovecot: Dovecot, user: str, settings: Any
) -> None:
    settings.DESKPOST = settings.DESKPOST | {"ALLOW_PRIVATE_HOSTS": ()}
    page = add(admin, sent(scene, dovecot, user))
    assert "Private address not allowed" in page
    assert page.count('<li class="untried">') == 5
