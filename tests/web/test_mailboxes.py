"""Email channels: add one, change how a mailbox is read. Nothing is connected to here."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from deskpost.models import AuditEntry, Channel, Mailbox, MailboxUid, Project, RequestType
from deskpost.problems import ConnectionState
from deskpost.web import mailbox_checks
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

SECRET = "hush-hush-7731"


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


def url(name: str, *args: Any, query: str = "") -> str:
    return reverse(name, args=["IT", *args]) + (f"?{query}" if query else "")


def filled(scene: Scene, **fields: str) -> dict[str, str]:
    """What the form of a mailbox sends when only the necessary is filled in."""
    return {
        "protocol": "imap",
        "address": "help@shop.example",
        "host": "",
        "port": "",
        "security": "tls",
        "username": "",
        "password": SECRET,
        "folder": "",
        "afterwards": "seen",
        "move_to": "",
        "request_type": str(scene.channel.request_type_id),
    } | fields


def add(client: Client, sent: dict[str, str], kind: str = "mailbox") -> Any:
    return client.post(url("channel-add", query=f"kind={kind}"), sent)


def make_mailbox(scene: Scene, address: str = "help@shop.example", **fields: Any) -> Mailbox:
    """A custom channel of the project, with its mailbox."""
    channel = Channel.objects.create(
        project=fields.pop("project", scene.project),
        kind=Channel.Kind.CUSTOM,
        address=address,
        request_type=scene.channel.request_type,
    )
    values = {"host": "imap.shop.example", "port": 993, "username": address, "password": SECRET}
    return Mailbox.objects.create(channel=channel, **values | fields)


def changed(mailbox: Mailbox, **fields: str) -> dict[str, str]:
    """What the form of a mailbox that there is sends when these fields are changed."""
    names = ("protocol", "host", "port", "security", "username", "folder", "afterwards", "move_to")
    return {name: str(getattr(mailbox, name)) for name in names} | {"password": ""} | fields


def edit(client: Client, mailbox: Mailbox, **fields: str) -> Any:
    return client.post(url("channel-mailbox", mailbox.pk), changed(mailbox, **fields))


# --- Who may -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("who", "status"), [("agent", 403), ("stranger", 404), ("nobody", 302)])
def test_only_admins_add_and_change_channels(scene: Scene, who: str, status: int) -> None:
    mailbox, client = make_mailbox(scene), scene.browser(who)
    for name, args in (("channel-add", []), ("channel-mailbox", [mailbox.pk])):
        assert client.get(url(name, *args)).status_code == status
        assert client.post(url(name, *args), filled(scene)).status_code == status
    assert Channel.objects.count() == 2


def test_a_mailbox_of_another_project_is_not_found(scene: Scene, admin: Client) -> None:
    other = Project.objects.create(key="HR", name="People")
    mailbox = make_mailbox(scene, project=other)
    assert admin.get(url("channel-mailbox", mailbox.pk)).status_code == 404
    assert edit(admin, mailbox, host="evil.example").status_code == 404
    assert admin.get(url("channel-mailbox", scene.channel.pk)).status_code == 404


# --- Which kind --------------------------------------------------------------------------------


def test_it_asks_first_where_the_mail_arrives(admin: Client) -> None:
    page = admin.get(url("channel-add")).text
    assert "?kind=mailbox" in page
    assert "?kind=site" in page
    assert "?kind=google" not in page
    for name in ("GOOGLE", "MICROSOFT"):
        assert f"<code>DESKPOST_{name}_CLIENT_ID</code>" in page
    assert "?kind=site" in admin.get(url("channel-add", query="kind=google")).text


def test_an_offered_provider_can_be_chosen_and_needs_no_server(
    scene: Scene, admin: Client, settings: Any
) -> None:
    settings.DESKPOST = settings.DESKPOST | {"GOOGLE_CLIENT_ID": "1234.apps.example"}
    assert "?kind=google" in admin.get(url("channel-add")).text
    page = admin.get(url("channel-add", query="kind=google")).text
    assert 'name="host"' not in page
    assert 'name="password"' not in page
    response = add(admin, filled(scene, afterwards="move", move_to="Taken"), kind="google")
    channel = Channel.objects.get(address="help@shop.example")
    assert (response.status_code, response["Location"]) == (
        307,
        url("channel-authorise", channel.pk),
    )
    mailbox = channel.mailbox
    assert (mailbox.provider, mailbox.username) == ("google", "help@shop.example")
    assert (mailbox.host, mailbox.port, mailbox.security) == ("imap.gmail.com", 993, "tls")
    assert (mailbox.password, mailbox.move_to) == ("", "Taken")


# --- The site's own address --------------------------------------------------------------------


def test_an_address_of_the_site_takes_mail_at_once(scene: Scene, admin: Client) -> None:
    sent = {"local": " Help ", "request_type": str(scene.channel.request_type_id)}
    response = add(admin, sent, kind="site")
    assert (response.status_code, response["Location"]) == (302, url("channels"))
    channel = Channel.objects.get(address_key="help@desk.test")
    assert (channel.kind, channel.checks_dmarc) == ("on_demand", True)
    assert AuditEntry.objects.get().details == {"added": "on_demand"}


@pytest.mark.parametrize(
    ("local", "said"),
    [
        ("", "Give what stands before the @."),
        ("a b", "Did you mean ab@desk.test?"),
        ("help@shop.example", "This site takes mail for desk.test only."),
        ("noreply", "kept for the site itself"),
        ("x" * 23, "up to 22 characters"),
        ("IT", "already"),
        ("it@desk.test", "a channel of “IT help” already"),
        (HOSTILE, "This is no email address"),
    ],
)
def test_a_wrong_address_of_the_site_is_refused_in_words(
    scene: Scene, admin: Client, local: str, said: str
) -> None:
    sent = {"local": local, "request_type": str(scene.channel.request_type_id)}
    response = add(admin, sent, kind="site")
    assert response.status_code == 422
    assert said in response.text
    assert "<script>alert" not in response.text
    assert Channel.objects.count() == 1


def test_the_request_type_must_be_the_projects_own(scene: Scene, admin: Client) -> None:
    other = Project.objects.create(key="HR", name="People")
    foreign = RequestType.objects.create(project=other, name="Secret plans")
    for kind, sent in (("site", {"local": "help"}), ("mailbox", filled(scene))):
        response = add(admin, sent | {"request_type": str(foreign.pk)}, kind=kind)
        assert response.status_code == 422
        assert "Choose one of this project’s request types." in response.text
        assert "Secret plans" not in response.text


# --- A mailbox ---------------------------------------------------------------------------------


def test_address_and_password_are_enough_for_a_mailbox(scene: Scene, admin: Client) -> None:
    response = add(admin, filled(scene))
    channel = Channel.objects.get(address="help@shop.example")
    assert (response.status_code, response["Location"]) == (307, url("channel-test", channel.pk))
    assert (channel.kind, channel.checks_dmarc) == ("custom", False)
    mailbox = channel.mailbox
    assert (mailbox.host, mailbox.port, mailbox.security) == ("imap.shop.example", 993, "tls")
    assert (mailbox.username, mailbox.folder) == ("help@shop.example", "INBOX")
    assert (mailbox.state, mailbox.problem, mailbox.begun_at) == (ConnectionState.NEW, "", None)
    assert mailbox.password == SECRET
    assert mailbox.next_try_at  # the person's own test comes before the poller
    assert mailbox.next_try_at > timezone.now()


def test_a_pop3_mailbox_has_its_own_defaults(scene: Scene, admin: Client) -> None:
    page = admin.get(url("channel-add", query="kind=mailbox&protocol=pop3")).text
    assert "POP3 server" in page
    assert 'name="folder"' not in page
    assert 'value="leave"' in page
    assert 'value="seen"' not in page
    add(admin, filled(scene, protocol="pop3", afterwards="leave", security="starttls"))
    mailbox = Mailbox.objects.get()
    assert (mailbox.host, mailbox.port) == ("pop.shop.example", 110)
    assert (mailbox.protocol, mailbox.afterwards) == ("pop3", "leave")


def test_the_password_is_kept_encrypted_and_nobody_sees_it_again(
    scene: Scene, admin: Client
) -> None:
    response = add(admin, filled(scene, host="no such"))
    assert response.status_code == 422
    assert SECRET not in response.text
    add(admin, filled(scene))
    mailbox = Mailbox.objects.get()
    assert SECRET not in admin.get(url("channel-mailbox", mailbox.pk)).text
    assert SECRET not in admin.get(url("channel-settings", mailbox.pk)).text
    assert SECRET not in str(list(AuditEntry.objects.values_list("details", flat=True)))
    with database.cursor() as cursor:
        cursor.execute("SELECT password FROM deskpost_mailbox")
        assert SECRET not in cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"address": ""}, "Give an address."),
        ({"address": "help@shop,example"}, "Did you mean help@shop.example?"),
        ({"address": "customer-support-in-europe@shop.example"}, "up to 22 characters"),
        ({"host": "imaps://imap.shop.example/x"}, "without “imaps://”: imap.shop.example"),
        ({"host": "imap.shop.example:993"}, "The port has a field of its own"),
        ({"host": "imap shop"}, "A server’s name has no spaces."),
        ({"host": "help@shop.example"}, "This is an email address."),
        ({"host": "imap..example"}, "This is no server’s name."),
        ({"host": HOSTILE}, "A server’s name has no spaces."),
        ({"port": "99999"}, "A port is a number from 1 to 65535."),
        ({"port": "imap"}, "A port is a number from 1 to 65535."),
        ({"host": "8.8.8.8", "security": "none"}, "the password would be in the clear"),
        ({"password": ""}, "Give the password of the mailbox."),
        ({"afterwards": "move"}, "Name the folder that taken messages go to."),
        ({"afterwards": "move", "move_to": "inbox"}, "Name another one."),
        ({"afterwards": "leave"}, "With IMAP a taken message is marked"),
        ({"protocol": "pop3", "afterwards": "seen"}, "POP3 has no marks and no folders"),
        ({"protocol": "pop3", "afterwards": "leave", "folder": "X"}, "POP3 knows no folders."),
        ({"username": "a\rb"}, "no line breaks"),
    ],
)
def test_what_cannot_work_is_refused_in_words_before_it_is_tried(
    scene: Scene, admin: Client, wrong: dict[str, str], said: str
) -> None:
    response = add(admin, filled(scene, **wrong))
    assert response.status_code == 422
    assert said in response.text
    assert "<script>alert" not in response.text
    assert not Mailbox.objects.exists()


@pytest.mark.parametrize(
    ("port", "security", "proposal"),
    [("143", "tls", "993"), ("993", "starttls", "143"), ("995", "tls", "993")],
)
def test_an_unusual_port_is_asked_about_once_and_then_taken(
    scene: Scene, admin: Client, port: str, security: str, proposal: str
) -> None:
    sent = filled(scene, port=port, security=security)
    response = add(admin, sent)
    assert response.status_code == 422
    assert f"it would be {proposal}." in response.text
    meant = f"imap {port} {security}"
    assert f'name="way_meant" value="{meant}"' in response.text
    assert add(admin, sent | {"way_meant": "imap 1 tls"}).status_code == 422
    assert add(admin, sent | {"way_meant": meant}).status_code == 307
    assert Mailbox.objects.get().port == int(port)


def test_an_address_or_account_that_another_channel_has_is_refused_by_name(
    scene: Scene, admin: Client
) -> None:
    other = Project.objects.create(key="HR", name="People")
    make_mailbox(scene, "people@shop.example", project=other)
    response = add(admin, filled(scene, address="People@SHOP.example", username="x"))
    assert "a channel of “People” already" in response.text
    sent = filled(scene, username="PEOPLE@shop.example", host="IMAP.shop.example", folder="inbox")
    response = add(admin, sent)
    assert response.status_code == 422
    assert "by the channel people@shop.example of “People”" in response.text
    assert add(admin, sent | {"folder": "Other"}).status_code == 307


def test_of_two_who_add_the_same_mailbox_at_once_the_second_is_told(
    scene: Scene, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_mailbox(scene, "people@shop.example")
    found, asked = mailbox_checks.same_account, []

    def not_yet(*args: Any) -> Mailbox | None:
        asked.append(args)
        return found(*args) if len(asked) > 1 else None

    monkeypatch.setattr(mailbox_checks, "same_account", not_yet)
    response = add(admin, filled(scene, username="people@shop.example"))
    assert response.status_code == 422
    assert "by the channel people@shop.example of “IT help”" in response.text
    assert not Channel.objects.filter(address="help@shop.example").exists()


# --- Change ------------------------------------------------------------------------------------


def test_an_empty_password_keeps_the_present_one(scene: Scene, admin: Client) -> None:
    mailbox = make_mailbox(scene, begun_at=timezone.now(), next_uid=7)
    response = edit(admin, mailbox, afterwards="delete")
    assert (response.status_code, response["Location"]) == (307, url("channel-test", mailbox.pk))
    found = Mailbox.objects.get()
    assert (found.password, found.afterwards) == (SECRET, "delete")
    assert (found.revision, found.next_uid) == (mailbox.revision + 1, 7)
    assert found.begun_at
    assert AuditEntry.objects.get().details == {"afterwards": "delete"}


@pytest.mark.parametrize(
    "way",
    [
        {"host": "evil.example"},
        {"port": "1993"},
        {"security": "none", "port": "143"},
        {"username": "root"},
        {"protocol": "pop3", "port": "995", "afterwards": "leave"},
    ],
)
def test_the_kept_password_never_goes_anywhere_else_than_before(
    scene: Scene, admin: Client, way: dict[str, str]
) -> None:
    mailbox = make_mailbox(scene)
    response = edit(admin, mailbox, **way)
    assert response.status_code == 422
    assert "Give the password again" in response.text
    before = Mailbox.objects.get()
    assert (before.host, before.port, before.username) == (
        mailbox.host,
        mailbox.port,
        mailbox.username,
    )
    assert edit(admin, mailbox, password="another-one", **way).status_code == 307
    assert Mailbox.objects.get().password == "another-one"
    assert "another-one" not in str(AuditEntry.objects.get().details)


def test_another_account_begins_anew_and_is_known_as_such(scene: Scene, admin: Client) -> None:
    mailbox = make_mailbox(scene, begun_at=timezone.now(), next_uid=7, unfinished=[3], waiting=2)
    MailboxUid.objects.create(mailbox=mailbox, uid="1")
    edit(admin, mailbox, username="other@shop.example", password="x")
    found = Mailbox.objects.get()
    assert (found.begun_at, found.unfinished, found.waiting) == (None, [], None)
    assert found.account_key.startswith("other@shop.example ")
    assert not MailboxUid.objects.exists()


def test_a_server_that_was_renamed_is_looked_through_for_what_is_not_known(
    scene: Scene, admin: Client
) -> None:
    mailbox = make_mailbox(scene, begun_at=timezone.now(), next_uid=7, validity=5)
    edit(admin, mailbox, host="imap2.shop.example", password="x")
    found = Mailbox.objects.get()
    assert (found.host, found.begun_at, found.validity) == (
        "imap2.shop.example",
        mailbox.begun_at,
        0,
    )


def test_what_the_poller_writes_meanwhile_stays(
    scene: Scene, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = make_mailbox(scene, begun_at=timezone.now(), next_uid=7)

    def poll(*_: Any) -> None:
        """Between the reading of the row and its writing."""
        Mailbox.objects.update(next_uid=99, owner="poller", state=ConnectionState.RETRYING)

    monkeypatch.setattr(mailbox_checks, "same_account", poll)
    assert edit(admin, mailbox, afterwards="delete").status_code == 307
    found = Mailbox.objects.get()
    assert (found.afterwards, found.next_uid, found.owner) == ("delete", 99, "poller")
    assert found.state == ConnectionState.RETRYING


def test_a_provider_mailbox_shows_no_password_and_offers_to_sign_in_again(
    scene: Scene, admin: Client
) -> None:
    mailbox = make_mailbox(scene, provider="google", password="", refresh_token=SECRET)
    page = admin.get(url("channel-mailbox", mailbox.pk)).text
    assert f'action="{url("channel-authorise", mailbox.pk)}"' in page
    assert 'name="password"' not in page
    assert SECRET not in page
    assert edit(admin, mailbox, host="evil.example", folder="Support").status_code == 307
    found = Mailbox.objects.get()
    assert (found.host, found.folder) == ("imap.shop.example", "Support")


def test_settings_lead_to_the_mailbox_and_take_another_request_type(
    scene: Scene, admin: Client
) -> None:
    mailbox = make_mailbox(scene)
    path = url("channel-settings", mailbox.pk)
    page = admin.get(path).text
    for name in ("channel-mailbox", "channel-test", "channel-remove"):
        assert url(name, mailbox.pk) in page
    assert "DMARC" in page
    assert (
        url("channel-mailbox", scene.channel.pk)
        not in admin.get(url("channel-settings", scene.channel.pk)).text
    )
    other = RequestType.objects.create(project=scene.project, name="Order")
    sent = {"most_in_10_minutes": "10", "most_in_60_minutes": "60", "trusted_upstream": ""}
    assert admin.post(path, sent | {"request_type": str(other.pk)}).status_code == 302
    assert Channel.objects.get(pk=mailbox.pk).request_type == other
    assert AuditEntry.objects.get().details["request_type"] == "Order"
