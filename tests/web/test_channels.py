"""Email channels: the list, and View logs, which shows what the Email logs page shows."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from deskpost.models import Channel, Mailbox, Project
from deskpost.outcomes import Outcome
from deskpost.problems import ConnectionState, Notice, Problem
from tests.logs import rows
from tests.logs.connections import custom, event
from tests.logs.rows import ago
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


def url(name: str, *args: Any) -> str:
    return reverse(name, args=["IT", *args])


def test_project_settings_lead_to_the_channels(admin: Client) -> None:
    response = admin.get(url("settings"))
    assert (response.status_code, response["Location"]) == (302, url("channels"))


@pytest.mark.parametrize("name", ["settings", "channels"])
@pytest.mark.parametrize(("who", "status"), [("agent", 403), ("stranger", 404), ("nobody", 302)])
def test_only_admins_open_it(scene: Scene, name: str, who: str, status: int) -> None:
    assert scene.browser(who).get(url(name)).status_code == status


def test_a_card_says_how_the_channel_does(scene: Scene, admin: Client) -> None:
    rows.mail(scene.channel, Outcome.TOO_LARGE)
    rows.mail(scene.channel, None)
    rows.mail(scene.channel)
    page = " ".join(admin.get(url("channels")).text.split())
    for text in (
        "it@desk.test",
        "Taking mail",
        "becomes “Get IT help”",
        "<dt>Backlog</dt><dd>1</dd>",
        "<dt>Taken, 21 days</dt><dd>3</dd>",
        "<dt>Failed</dt><dd><b>1</b></dd>",
        url("channel-logs", scene.channel.pk),
        "3 in all, 1 failed, most of them (1) on",
    ):
        assert text in page
    assert f'href="{url("channel-add")}"' in page


def test_a_project_without_an_address_says_so(scene: Scene) -> None:
    Project.objects.create(key="NEW", name="New")
    page = scene.browser("site_admin").get(reverse("channels", args=["NEW"])).text
    assert "no address yet" in page


def test_view_logs_is_the_same_log_with_the_same_raw_file(scene: Scene, admin: Client) -> None:
    row = rows.mail(scene.channel)
    page = admin.get(url("channel-logs", scene.channel.pk)).text
    assert url("raw", row.pk) in page
    assert url("raw", row.pk) in admin.get(url("email-logs-incoming")).text
    assert "Project settings" in page
    assert "Email channels" in page


def test_filters_and_entries_stay_under_the_channel(scene: Scene, admin: Client) -> None:
    row = rows.mail(scene.channel)
    path = url("channel-logs", scene.channel.pk)
    page = admin.get(f"{path}?q=printer").text
    assert f"{path}?q=printer&amp;entry={row.pk}" in page
    page = admin.get(f"{path}?q=printer&entry={row.pk}").text
    assert "has-drawer" in page
    assert f'href="{path}?q=printer#e-{row.pk}"' in page
    assert f'href="{url("incoming", row.pk)}"' not in page


def test_a_channel_or_entry_of_another_project_is_not_found(scene: Scene, admin: Client) -> None:
    other = Project.objects.create(key="HR", name="People")
    channel = Channel.objects.create(
        project=other, address="hr@desk.test", request_type=scene.channel.request_type
    )
    row = rows.mail(channel)
    assert admin.get(url("channel-logs", channel.pk)).status_code == 404
    path = url("channel-logs", scene.channel.pk)
    assert admin.get(f"{path}?entry={row.pk}").status_code == 404
    assert admin.get(f"{path}?entry=nonsense").status_code == 200


def test_an_empty_channel_says_where_to_write(scene: Scene, admin: Client) -> None:
    page = admin.get(url("channel-logs", scene.channel.pk)).text
    assert "No mail yet" in page
    assert 'href="mailto:it@desk.test"' in page


def test_an_agent_reads_no_logs(scene: Scene) -> None:
    agent = scene.browser("agent")
    assert agent.get(url("channel-logs", scene.channel.pk)).status_code == 403


# --- Custom channels -----------------------------------------------------------------------------


def card(client: Client, mailbox: Mailbox) -> str:
    """Return the card of a custom channel."""
    found = re.search(
        r'<li class="channel(?:(?!<li ).)*?' + re.escape(mailbox.channel.address) + r".*?</li>",
        client.get(url("channels")).text,
        re.DOTALL,
    )
    assert found
    return found[0]


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def act(name: str, mailbox: Mailbox) -> str:
    return f'<form method="post" action="{url(f"channel-{name}", mailbox.pk)}">'


DOWN: dict[str, Any] = {
    "state": ConnectionState.ATTENTION,
    "problem": Problem.SIGN_IN_REFUSED,
    "facts": {"said": "-ERR [AUTH] invalid password", "minutes": 60},
}


def test_a_channel_that_works_says_what_it_is_and_how_it_does(scene: Scene, admin: Client) -> None:
    mailbox = custom(
        scene.project,
        state=ConnectionState.CONNECTED,
        last_success_at=ago(minutes=1),
        last_message_at=ago(hours=1),
        waiting=3,
    )
    rows.mail(mailbox.channel, None)
    page = card(admin, mailbox)
    said = words(page)
    for text in (
        "Connected Custom · IMAP with password at imap.harbour.test · becomes “Get IT help”",
        "Next try when mail comes",
        "Backlog 4",
        "Taken, 21 days 1",
        "Failed 0",
    ):
        assert text in said
    assert 'title="3 in the mailbox, 1 being processed"' in page
    assert act("pause", mailbox) in page
    assert act("try", mailbox) not in page
    assert "btn-main" not in page
    for name in ("logs", "connectivity", "settings", "mailbox", "remove"):
        assert f'href="{url(f"channel-{name}", mailbox.pk)}"' in page


def test_a_channel_that_is_down_says_since_when_and_in_whose_words(
    scene: Scene, admin: Client
) -> None:
    mailbox = custom(scene.project, **DOWN, protocol="pop3", down_since=ago(days=2, hours=3))
    page = card(admin, mailbox)
    said = words(page)
    for text in (
        "Needs attention: Sign-in refused",
        "Custom · POP3 with password",
        "No mail taken for 2 days.",
        "Change the password in the channel’s settings.",
        "The server says -ERR [AUTH] invalid password",
        "Backlog unknown",
        "Next try now",
    ):
        assert text in said
    assert "channel-bad" in page
    assert f'class="btn btn-main" href="{url("channel-mailbox", mailbox.pk)}"' in page
    assert act("try", mailbox) in page
    # When it was to be tried is past: the number beside it says when it is.
    assert "60 minutes" not in said


def test_the_main_act_is_the_one_that_helps(scene: Scene, admin: Client) -> None:
    mailbox = custom(scene.project, **DOWN, provider="google")
    page = card(admin, mailbox)
    assert act("authorise", mailbox) in page
    assert "Reconnect" in page
    assert "Change password" not in page
    assert "IMAP with OAuth 2 at Google" in page
    Mailbox.objects.update(problem=Problem.DROPPED, state=ConnectionState.RETRYING)
    page = card(admin, mailbox)
    assert act("try", mailbox) in page
    assert "Reconnect" not in page
    Mailbox.objects.update(state=ConnectionState.PAUSED)
    page = card(admin, mailbox)
    assert act("resume", mailbox) in page
    assert act("pause", mailbox) not in page
    assert "not while paused" in page
    assert "No mail taken" not in page


@pytest.mark.parametrize("state", ConnectionState)
def test_no_card_has_more_than_one_filled_button(scene: Scene, admin: Client, state: str) -> None:
    mailbox = custom(scene.project, state=state)
    for problem in ("", Problem.DROPPED, Problem.SIGN_IN_REFUSED, Problem.GRANT_REVOKED):
        Mailbox.objects.update(problem=problem)
        page = card(admin, mailbox)
        assert page.count("btn-main") <= 1
        assert "None" not in words(page)


def test_what_was_there_before_is_counted_and_offered(scene: Scene, admin: Client) -> None:
    mailbox = custom(scene.project, old_count=2114)
    page = card(admin, mailbox)
    assert "2,114 messages were there before it was connected" in words(page)
    assert f'action="{url("channel-take-old", mailbox.pk)}"' in page
    assert "Take them too" in page
    Mailbox.objects.update(old_wanted=True)
    assert "Take them too" not in card(admin, mailbox)


def test_a_next_try_that_is_still_to_come_is_named(scene: Scene, admin: Client) -> None:
    at = timezone.now() + timedelta(minutes=22)
    page = card(admin, custom(scene.project, **DOWN, next_try_at=at))
    assert f"{timezone.localtime(at):%H:%M}" in words(page).partition("Next try")[2]


def test_the_strip_says_its_days_in_a_sentence(scene: Scene, admin: Client) -> None:
    mailbox = custom(scene.project, state=ConnectionState.CONNECTED)
    noon = timezone.now().replace(hour=12) - timedelta(days=3)
    event(mailbox, ConnectionState.RETRYING, Problem.DROPPED, noon)
    event(mailbox, ConnectionState.CONNECTED, Notice.CONNECTED_AGAIN, noon + timedelta(hours=1))
    page = card(admin, mailbox)
    label = re.search(r'role="img" aria-label="([^"]+)"', page)
    assert label
    assert "1 day partly down (" in label[1]
    assert "20 days fine" in label[1]
    # Fine and partly down are told apart by form, not by colour alone.
    assert page.count('class="f-ok"') == 21
    assert page.count('class="f-wait"') == 1


def test_a_card_shows_no_secret_and_no_markup_from_outside(scene: Scene, admin: Client) -> None:
    mailbox = custom(
        scene.project,
        **DOWN | {"facts": {"said": HOSTILE, "host": HOSTILE}},
        host=HOSTILE,
        password="hunter2",
        refresh_token="refresh-me",
    )
    page = card(admin, mailbox)
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "hunter2" not in page
    assert "refresh-me" not in page


def test_a_custom_channel_without_a_mailbox_does_not_claim_to_take_mail(
    scene: Scene, admin: Client
) -> None:
    Channel.objects.update(kind=Channel.Kind.CUSTOM)
    page = words(admin.get(url("channels")).text)
    assert "Not connected yet" in page
    assert "Taking mail" not in page


def test_the_list_takes_the_same_number_of_queries_however_many_cards(
    scene: Scene, admin: Client
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(database) as found:
            assert admin.get(url("channels")).status_code == 200
        return len(found)

    custom(scene.project, "one@harbour.test")
    asked()
    one = asked()
    two = custom(scene.project, "two@harbour.test", **DOWN, old_count=3)
    for n in range(9):
        event(two, ConnectionState.RETRYING, Problem.DROPPED, ago(hours=n))
        rows.mail(two.channel)
    custom(scene.project, "three@harbour.test")
    assert asked() == one
