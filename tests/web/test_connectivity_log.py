"""The connectivity log: on the Email logs page and under Email channels, for custom channels."""

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

from deskpost.logs import queries
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


@pytest.fixture
def mailbox(scene: Scene) -> Mailbox:
    return custom(scene.project)


@pytest.fixture(params=["email-logs", "channels"])
def path(request: pytest.FixtureRequest, mailbox: Mailbox) -> str:
    """The address of the log in one of its two places."""
    return address(request.param, mailbox)


def address(place: str, mailbox: Mailbox) -> str:
    if place == "channels":
        return url("channel-connectivity", mailbox.pk)
    return url("email-logs-connectivity") + f"?channel={mailbox.pk}"


def url(name: str, *args: Any) -> str:
    return reverse(name, args=["IT", *args])


def with_query(path: str, query: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{query}"


def words(page: str) -> str:
    """Return the words of a page, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def down(mailbox: Mailbox, **fields: Any) -> None:
    values = {
        "code": Problem.SIGN_IN_REFUSED,
        "status": ConnectionState.ATTENTION,
        "facts": {"said": "NO [AUTHENTICATIONFAILED] no", "host": "imap.harbour.test"},
    } | fields
    event(mailbox, **values)


# --- Where it is ---------------------------------------------------------------------------------


def test_a_custom_channel_has_the_toggle_in_both_places(admin: Client, mailbox: Mailbox) -> None:
    for processing, connectivity in (
        (url("email-logs-incoming") + f"?channel={mailbox.pk}", address("email-logs", mailbox)),
        (url("channel-logs", mailbox.pk), address("channels", mailbox)),
    ):
        page = admin.get(processing).text
        assert f'href="{connectivity}">Connectivity log' in page
        assert f'href="{processing}" aria-current="page">Processing log' in page
        page = admin.get(connectivity).text
        assert f'href="{connectivity}" aria-current="page">Connectivity log' in page
        assert f'href="{processing}">Processing log' in page


def test_an_on_demand_channel_has_no_toggle(scene: Scene, admin: Client) -> None:
    rows.mail(scene.channel)
    for path in (url("email-logs-incoming"), url("channel-logs", scene.channel.pk)):
        assert "Connectivity log" not in admin.get(path).text


def test_an_on_demand_channels_address_leads_to_its_processing_log(
    scene: Scene, admin: Client
) -> None:
    processing = url("email-logs-incoming") + f"?channel={scene.channel.pk}"
    for query in ("", f"?channel={scene.channel.pk}", "?channel=nonsense"):
        response = admin.get(url("email-logs-connectivity") + query)
        assert (response.status_code, response["Location"]) == (302, processing)
    response = admin.get(url("channel-connectivity", scene.channel.pk))
    assert response["Location"] == url("channel-logs", scene.channel.pk)


def test_a_custom_channel_without_a_mailbox_has_no_toggle_either(
    scene: Scene, admin: Client
) -> None:
    Channel.objects.filter(pk=scene.channel.pk).update(kind=Channel.Kind.CUSTOM)
    assert "Connectivity log" not in admin.get(url("email-logs-incoming")).text
    assert admin.get(url("channel-connectivity", scene.channel.pk)).status_code == 302


def test_a_team_managed_project_has_it_under_email_channels_only(
    scene: Scene, admin: Client, mailbox: Mailbox
) -> None:
    Project.objects.filter(pk=scene.project.pk).update(kind=Project.Kind.TEAM)
    assert admin.get(address("channels", mailbox)).status_code == 200
    assert admin.get(address("email-logs", mailbox)).status_code == 404


@pytest.mark.parametrize(("who", "status"), [("agent", 403), ("stranger", 404), ("nobody", 302)])
def test_only_admins_open_it(scene: Scene, path: str, who: str, status: int) -> None:
    assert scene.browser(who).get(path).status_code == status


def test_another_projects_channel_is_not_found(scene: Scene, admin: Client) -> None:
    other = Project.objects.create(key="HR", name="People")
    other.request_types.create(name="Ask")
    foreign = custom(other, "hr@harbour.test")
    assert admin.get(url("channel-connectivity", foreign.pk)).status_code == 404
    response = admin.get(url("email-logs-connectivity") + f"?channel={foreign.pk}")
    assert response["Location"].endswith(f"?channel={scene.channel.pk}")


def test_a_removed_channel_keeps_its_processing_log_while_that_is_kept(
    admin: Client, mailbox: Mailbox
) -> None:
    row = rows.mail(mailbox.channel)
    Channel.objects.filter(pk=mailbox.pk).update(removed_at=timezone.now())
    log = admin.get(address("channels", mailbox), follow=True)
    assert (log.status_code, str(row.pk) in log.text) == (200, True)
    page = admin.get(url("incoming", row.pk)).text
    assert "Connectivity log" not in page
    assert f"{mailbox.channel.address} · removed" in page
    long_ago = timezone.now() - timedelta(days=22)
    Channel.all_objects.filter(pk=mailbox.pk).update(removed_at=long_ago)
    assert admin.get(address("channels", mailbox)).status_code == 404


# --- What it shows -------------------------------------------------------------------------------


def test_a_row_says_when_what_and_what_to_do(admin: Client, mailbox: Mailbox, path: str) -> None:
    row = event(
        mailbox,
        ConnectionState.ATTENTION,
        Problem.CERTIFICATE_OTHER_NAME,
        ago(hours=1),
        facts={"names": ["mail.x.test"], "host": "imap.x.test", "said": "Hostname mismatch"},
    )
    page = admin.get(path).text
    said = words(page)
    for text in (
        "Date Status Details",
        "Needs attention",
        "Certificate for another name: it holds for mail.x.test, not for imap.x.test.",
        "Use a name that the certificate holds for as the server’s name.",
        "The server says Hostname mismatch",
    ):
        assert text in said
    local = timezone.localtime(row.at)
    assert f'title="{local:%Y-%m-%d %H:%M:%S} {local.tzname()}"' in page
    assert "None" not in said


def test_a_repeated_failure_is_one_row(admin: Client, mailbox: Mailbox, path: str) -> None:
    noon = (timezone.now() - timedelta(days=1)).replace(hour=12, minute=0)
    down(mailbox, at=noon, count=12, last_at=noon + timedelta(hours=2, minutes=45))
    page = admin.get(path).text
    assert page.count("<tr data-row") == 1
    assert "12 times, last at 14:45" in words(page)


def test_nothing_from_outside_is_markup(admin: Client, mailbox: Mailbox, path: str) -> None:
    down(mailbox, facts=dict.fromkeys(("said", "host", "folder"), HOSTILE) | {"others": [HOSTILE]})
    event(mailbox, ConnectionState.PAUSED, Notice.PAUSED, facts={"by": HOSTILE})
    down(mailbox, code=Problem.FOLDER_MISSING, facts={"folder": HOSTILE, "others": [HOSTILE]})
    Mailbox.objects.update(host=HOSTILE, facts={"said": HOSTILE}, problem=Problem.SIGN_IN_REFUSED)
    page = admin.get(path).text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


def test_rows_of_other_versions_and_odd_facts_do_no_harm(
    admin: Client, mailbox: Mailbox, path: str
) -> None:
    down(mailbox, code="quantum", status="odd", facts=[])
    Mailbox.objects.update(state="odd", problem="quantum", facts=[])
    assert admin.get(path).status_code == 200
    assert admin.get(url("channels")).status_code == 200


def test_each_day_is_a_row_head(admin: Client, mailbox: Mailbox, path: str) -> None:
    for days in (1, 1, 3):
        event(mailbox, ConnectionState.CONNECTED, Notice.CONNECTED, ago(days=days))
    page = admin.get(path).text
    assert page.count('<tr class="day"') == 2
    assert "2 events" in page
    assert "1 event<" in page


def test_more_is_loaded_by_id_under_the_same_filters(
    admin: Client, mailbox: Mailbox, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    for n in range(5):
        down(mailbox, at=ago(minutes=n), facts={"said": f"try {n}"})
    seen: list[str] = []
    following = with_query(path, "status=attention")
    for _ in range(3):
        page = admin.get(following).text
        seen += re.findall(r"try \d", page)
        found = re.search(r'class="btn" href="([^"]+)" hx-get', page)
        following = found[1].replace("&amp;", "&") if found else ""
        assert not following or "status=attention" in following
    assert seen == [f"try {n}" for n in range(5)]
    assert not following
    assert "Back to the newest" in page


def test_status_and_days_are_filtered(admin: Client, mailbox: Mailbox, path: str) -> None:
    event(mailbox, ConnectionState.CONNECTED, Notice.CONNECTED, ago(days=3))
    down(mailbox, at=ago(days=1))
    page = admin.get(with_query(path, "status=connected")).text
    assert "Connected." in words(page)
    assert "Sign-in refused" not in page
    assert "Remove filter: Status Connected" in page
    day = timezone.localdate() - timedelta(days=1)
    page = admin.get(with_query(path, f"from={day}&to={day}")).text
    assert "Sign-in refused" in page
    assert page.count("<tr data-row") == 1
    page = admin.get(with_query(path, "status=paused")).text
    assert "Nothing matches these filters." in page
    for nonsense in ("status=odd", "from=never", "before=1", "status=%00", "to=0001-01-01"):
        page = admin.get(with_query(path, nonsense)).text
        assert page.count("<tr data-row") == 2


def test_an_empty_log_says_what_would_stand_there(
    admin: Client, mailbox: Mailbox, path: str
) -> None:
    page = words(admin.get(path).text)
    assert "Not tried yet" in page
    assert "gets a line here" in page
    Mailbox.objects.update(state=ConnectionState.CONNECTED)
    assert "Nothing to tell" in words(admin.get(path).text)


def test_a_connection_that_is_down_says_for_how_long(
    admin: Client, mailbox: Mailbox, path: str
) -> None:
    down(mailbox, at=ago(minutes=7))
    Mailbox.objects.update(state=ConnectionState.RETRYING, down_since=ago(minutes=7, seconds=9))
    page = admin.get(path).text
    assert "Not connected for 7 minutes." in page
    assert f'action="{url("channel-try", mailbox.pk)}"' in page
    assert 'role="img" aria-label="' in page
    Mailbox.objects.update(state=ConnectionState.CONNECTED, down_since=None)
    assert "Not connected" not in admin.get(path).text


def test_many_rows_take_as_many_queries_as_one(admin: Client, mailbox: Mailbox, path: str) -> None:
    def asked() -> int:
        with CaptureQueriesContext(database) as found:
            assert admin.get(path).status_code == 200
        return len(found)

    down(mailbox)
    one = asked()
    for n in range(30):
        down(mailbox, at=ago(hours=n))
    assert asked() == one


@pytest.mark.parametrize("language", ["en", "ja"])
def test_it_is_shown_in_each_language(
    admin: Client, mailbox: Mailbox, path: str, language: str
) -> None:
    for code in Problem:
        down(mailbox, code=code)
    for notice in Notice:
        event(mailbox, ConnectionState.CONNECTED, notice)
    page = admin.get(path, headers={"accept-language": language}).text
    assert page.count("<tr data-row") == len(Problem) + len(Notice)
    assert "%(" not in page


# --- How mail came -------------------------------------------------------------------------------


def test_the_drawer_says_how_a_message_came(admin: Client, mailbox: Mailbox) -> None:
    for transport, client, said in (
        ("imap", "imap.harbour.test:993 INBOX", "fetched by IMAP"),
        ("pop3", "pop.harbour.test:995", "fetched by POP3"),
        ("webhook", "Postmark", "by a provider’s webhook"),
        ("smtp", "192.0.2.1 mx.x.test", "by SMTP"),
    ):
        row = rows.mail(mailbox.channel, transport=transport, client=client)
        page = words(admin.get(url("incoming", row.pk)).text)
        assert said in page
        assert client in page


def test_what_waited_in_the_mailbox_says_that_nobody_was_told(
    admin: Client, mailbox: Mailbox
) -> None:
    row = rows.mail(mailbox.channel, transport="imap", backlog=True, facts={"backlog": True})
    assert (
        "It waited in the mailbox while the channel was down: nobody was told that it came."
        in words(admin.get(url("incoming", row.pk)).text)
    )


def test_a_message_that_the_server_does_not_give_says_so(admin: Client, mailbox: Mailbox) -> None:
    facts = {"uid": "4711", "folder": HOSTILE, "tries": 3, "said": f"NO {HOSTILE}"}
    row = rows.mail(mailbox.channel, Outcome.NOT_FETCHED, raw=b"", transport="imap", facts=facts)
    page = admin.get(url("incoming", row.pk)).text
    assert "Deskpost asked for it 3 times." in page
    assert "as number 4711" in page
    assert "<script>alert" not in page
    assert url("raw", row.pk) not in page
    response = admin.get(url("raw", row.pk))
    assert response.status_code == 404
    assert "never gave this message out" in response.text


def test_a_reconstructed_message_is_labelled(admin: Client, scene: Scene) -> None:
    row = rows.mail(scene.channel, transport="webhook", reconstructed=True, client="Postmark")
    label = "Reconstructed: the provider gave no original"
    listed = admin.get(url("email-logs-incoming")).text
    assert f'title="{label}"' in listed
    assert f"{label}" in re.search(r'aria-label="(Download[^"]+)"', listed)[1]  # type: ignore[index]
    assert label in words(admin.get(url("incoming", row.pk)).text)
    response = admin.get(url("raw", row.pk))
    name = f'filename="deskpost-{row.pk}-reconstructed.eml"'
    assert name in response["Content-Disposition"]
    original = rows.mail(scene.channel)
    assert "reconstructed" not in admin.get(url("raw", original.pk))["Content-Disposition"]
    assert label not in admin.get(url("incoming", original.pk)).text.partition("<aside")[2]
