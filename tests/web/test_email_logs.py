"""The Email logs page: who may open it, and what its lists show."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from deskpost.models import Channel, Project
from deskpost.outcomes import REASONS, Kind, NotificationStatus, Outcome, Reason, Rule, Withheld
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

PAGES = ("email-logs", "email-logs-invitations", "email-logs-incoming")


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


def read(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    return response.content.decode()


def url(name: str, *args: Any) -> str:
    return reverse(name, args=["IT", *args])


# --- Who may open it -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    ("who", "status"),
    [("site_admin", 200), ("admin", 200), ("agent", 403), ("customer", 403), ("stranger", 404)],
)
def test_only_admins_open_it(scene: Scene, name: str, who: str, status: int) -> None:
    read(scene.browser(who), url(name), status)


@pytest.mark.parametrize("name", PAGES)
def test_whoever_is_not_signed_in_is_led_to_the_sign_in_and_back(scene: Scene, name: str) -> None:
    response = scene.browser("nobody").get(url(name) + "?status=all")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/?next=")
    assert "status%3Dall" in response["Location"]


def test_an_unknown_project_is_not_found(admin: Client) -> None:
    read(admin, reverse("email-logs", args=["NO"]), 404)
    read(admin, "/projects/a%00b/email-logs/", 404)


def test_an_agent_has_no_entry_and_reads_why(scene: Scene) -> None:
    agent = scene.browser("agent")
    assert "Your part in IT help is: agent." in read(agent, url("email-logs"), 403)
    assert url("email-logs") not in read(agent, url("requests"))
    assert url("email-logs") in read(scene.browser("admin"), url("requests"))


def test_admins_are_told_while_no_relay_is_set(scene: Scene, settings: Any) -> None:
    for who, told in [("site_admin", True), ("admin", True), ("agent", False)]:
        assert ("No relay is set" in read(scene.browser(who), url("requests"))) is told
    settings.DESKPOST = settings.DESKPOST | {"RELAY": object()}
    assert "No relay is set" not in read(scene.browser("admin"), url("requests"))


def test_an_entry_of_another_project_is_not_found(scene: Scene, admin: Client) -> None:
    other = Project.objects.create(key="HR", name="People")
    channel = Channel.objects.create(
        project=other, address="hr@desk.test", request_type=scene.channel.request_type
    )
    note, mail = rows.note(other, scene.customer), rows.mail(channel)
    read(admin, url("notification", note.pk), 404)
    read(admin, url("incoming", mail.pk), 404)
    read(admin, url("raw", mail.pk), 404)


def test_the_old_address_leads_here_for_good(admin: Client) -> None:
    response = admin.get("/projects/IT/customer-notification-logs/")
    assert response.status_code == 301
    assert response["Location"] == url("email-logs")


def test_pages_are_only_read(scene: Scene, admin: Client) -> None:
    for name in PAGES:
        assert admin.post(url(name)).status_code == 405


# --- Team-managed projects -----------------------------------------------------------------------


@pytest.fixture
def team(scene: Scene) -> Scene:
    scene.project.kind = Project.Kind.TEAM
    scene.project.save()
    return scene


def test_a_team_managed_project_has_no_such_page_and_says_so(team: Scene) -> None:
    client = team.browser("admin")
    note, mail = rows.note(team.project, team.customer), rows.mail(team.channel)
    paths = [url(name) for name in PAGES]
    paths += [url("notification", note.pk), url("incoming", mail.pk)]
    for path in paths:
        page = read(client, path, 404)
        assert "only available in company-managed projects" in page
        assert url("channels") in page
    assert f'href="{url("email-logs")}"' not in read(client, url("requests"))


def test_a_team_managed_project_keeps_view_logs_and_the_raw_messages(team: Scene) -> None:
    client, mail = team.browser("admin"), rows.mail(team.channel)
    logs = url("channel-logs", team.channel.pk)
    assert url("raw", mail.pk) in read(client, logs)
    assert "This message became" in read(client, f"{logs}?entry={mail.pk}")
    response = client.get(url("raw", mail.pk))
    assert b"".join(response.streaming_content) == rows.RAW  # type: ignore[attr-defined]


# --- Customer notifications ----------------------------------------------------------------------


def test_failures_are_shown_first_and_the_rest_is_one_click_away(
    scene: Scene, admin: Client
) -> None:
    rows.note(scene.project, scene.customer, address="failed@x.test")
    rows.note(scene.project, scene.customer, status="delivered", address="delivered@x.test")
    rows.note(scene.project, scene.customer, status="queued", address="queued@x.test")
    rows.note(
        scene.project, scene.customer, Withheld.MUTED, status="withheld", address="withheld@x.test"
    )
    for query, shown in [
        ("", {"failed"}),
        ("?status=failed", {"failed"}),
        ("?status=delivered", {"delivered"}),
        ("?status=queued", {"queued"}),
        ("?status=withheld", {"withheld"}),
        ("?status=all", {"failed", "delivered", "queued", "withheld"}),
        ("?status=nonsense", {"failed"}),
    ]:
        page = read(admin, url("email-logs") + query)
        found = {str(s) for s in NotificationStatus if f"{s}@x.test" in page}
        assert found == shown, query


def test_the_columns_of_request_notifications(scene: Scene, admin: Client) -> None:
    rows.note(scene.project, scene.customer, Reason.PRIVATE_ADDRESS, request_key="IT-7")
    page = read(admin, url("email-logs"))
    heads = ["Date", "Recipient", "Notification name", "Work item key", "Details"]
    places = [page.index(f'scope="col">{head}<') for head in heads]
    assert places == sorted(places)
    assert "Comment added" in page
    assert f'<a href="{url("request", "IT-7")}">IT-7</a>' in page
    assert "Private email address" in page


def test_the_columns_of_customer_invitations(scene: Scene, admin: Client) -> None:
    rows.note(
        scene.project,
        scene.customer,
        Reason.VALIDATION_ERROR,
        kind=Kind.CUSTOMER_INVITED,
        address="invited@x.test",
    )
    rows.note(scene.project, scene.customer, address="told@x.test")
    page = read(admin, url("email-logs-invitations"))
    assert ">Notification name<" not in page
    assert "Work item key" not in page
    assert "invited@x.test" in page
    assert "Email validation error" in page
    assert "told@x.test" not in page
    assert "invited@x.test" not in read(admin, url("email-logs"))


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_stands_in_its_words_in_the_row_and_the_drawer(
    scene: Scene, admin: Client, reason: Reason
) -> None:
    note = rows.note(scene.project, scene.customer, reason)
    words = str(REASONS[reason].words)
    assert words in read(admin, url("email-logs"))
    page = read(admin, url("notification", note.pk))
    assert page.count(words) >= 2
    assert str(REASONS[reason].meaning).split("’")[0] in page
    if REASONS[reason].page:
        assert reverse(str(REASONS[reason].page)) in page


def test_search_and_its_chip(scene: Scene, admin: Client) -> None:
    rows.note(scene.project, scene.customer, address="bob@x.test")
    rows.note(scene.project, scene.customer, address="eve@x.test")
    page = read(admin, url("email-logs") + "?q=bob&status=all")
    assert "bob@x.test" in page
    assert "eve@x.test" not in page
    assert f'href="{url("email-logs")}?status=all" aria-label="Remove filter: Search bob"' in page


def test_fifty_rows_and_then_more(scene: Scene, admin: Client) -> None:
    for n in range(60):
        rows.note(scene.project, scene.customer, at=rows.ago(minutes=n), address=f"p{n}@x.test")
    first = read(admin, url("email-logs"))
    assert first.count("data-row") == 50
    more = first.partition('id="more"')[2].split('href="')[1].split('"')[0]
    second = read(admin, more.replace("&amp;", "&"))
    assert second.count("data-row") == 10
    assert "p59@x.test" in second
    assert "Load more" not in second


def test_rows_stand_under_the_reader_s_days(scene: Scene) -> None:
    scene.admin.time_zone = "Asia/Tokyo"
    scene.admin.save()
    at = rows.ago(days=2).replace(hour=20, minute=5)
    rows.note(scene.project, scene.customer, at=at)
    page = read(scene.browser("admin"), url("email-logs"))
    assert ">05:05</time>" in page
    assert "JST" in page
    assert f'data-day="{(at + timedelta(days=1)):%Y-%m-%d}"' in page


def test_an_open_entry_stands_beside_its_list_under_the_same_filters(
    scene: Scene, admin: Client
) -> None:
    note = rows.note(scene.project, scene.customer, address="bob@x.test")
    path = url("notification", note.pk)
    page = read(admin, f"{path}?status=all&q=bob")
    assert 'class="frame has-drawer"' in page
    assert f'<tr data-row id="e-{note.pk}" class="open"' in page
    assert f'href="{url("email-logs")}?status=all&amp;q=bob#e-{note.pk}"' in page


def test_delivered_ones_are_not_shown_where_the_site_says_so(
    scene: Scene, admin: Client, settings: Any
) -> None:
    settings.DESKPOST = settings.DESKPOST | {"LOG_DELIVERED": False}
    note = rows.note(scene.project, scene.customer, status="delivered", address="bob@x.test")
    page = read(admin, url("email-logs") + "?status=all")
    assert "bob@x.test" not in page
    assert ">Sent<" not in page
    read(admin, url("notification", note.pk), 404)


def test_the_number_of_failures_stands_in_the_pane(scene: Scene, admin: Client) -> None:
    rows.note(scene.project, scene.customer)
    assert '<span class="n">1<' in read(admin, url("requests"))


# --- Incoming emails -----------------------------------------------------------------------------


def test_the_columns_of_incoming_emails(scene: Scene, admin: Client) -> None:
    row = rows.mail(scene.channel, request_key="IT-7")
    page = read(admin, url("email-logs-incoming"))
    heads = ["Date", "From", "Subject", "Status", "Key", "Details"]
    places = [page.index(f'scope="col">{head}<') for head in heads]
    assert places == sorted(places)
    for text in ("ann@x.test", "Printer", "Success", "Request created", url("raw", row.pk)):
        assert text in page
    assert f'<a href="{url("request", "IT-7")}">IT-7</a>' in page
    assert "Connectivity" not in page


def test_there_is_a_selector_only_with_more_than_one_channel(scene: Scene, admin: Client) -> None:
    rows.mail(scene.channel, sender="ann@x.test")
    assert '<select id="ch"' not in read(admin, url("email-logs-incoming"))
    second = Channel.objects.create(
        project=scene.project, address="b@desk.test", request_type=scene.channel.request_type
    )
    rows.mail(second, sender="bob@x.test")
    page = read(admin, url("email-logs-incoming"))
    assert '<select id="ch"' in page
    assert ("ann@x.test" in page, "bob@x.test" in page) == (True, False)
    page = read(admin, url("email-logs-incoming") + f"?channel={second.pk}")
    assert ("ann@x.test" in page, "bob@x.test" in page) == (False, True)


@pytest.mark.parametrize("channel", ["x", "999999", "9" * 60, "-1", "%00"])
def test_a_channel_that_there_is_not_shows_the_first(
    scene: Scene, admin: Client, channel: str
) -> None:
    rows.mail(scene.channel)
    assert "ann@x.test" in read(admin, url("email-logs-incoming") + f"?channel={channel}")


@pytest.mark.parametrize(
    ("query", "chip"),
    [
        ("status=success", "Status Success"),
        ("sender=ann", "Sender ann"),
        ("subject=print", "Subject print"),
        ("key=it-7", "Key it-7"),
        ("q=printer", "Search printer"),
        ("from=2026-01-01", "From Thursday 1 January"),
        ("to=2100-01-01", "Until Friday 1 January 2100"),
    ],
)
def test_each_filter_finds_and_has_a_chip_that_removes_it(
    scene: Scene, admin: Client, query: str, chip: str
) -> None:
    rows.mail(scene.channel, request_key="IT-7")
    page = read(admin, f"{url('email-logs-incoming')}?{query}")
    assert page.count("data-row") == 1
    assert f'href="{url("email-logs-incoming")}" aria-label="Remove filter: {chip}' in page


@pytest.mark.parametrize(
    "query",
    [
        "from=x",
        "to=0001-01-01",
        "to=9999-12-31",
        "status=x",
        "before=x",
        "q=%00",
        "q=" + "x" * 5000,
    ],
)
def test_filters_that_are_none_do_no_harm(scene: Scene, admin: Client, query: str) -> None:
    rows.mail(scene.channel)
    for name in PAGES:
        read(admin, f"{url(name)}?{query}")


def test_a_waiting_message_says_how_long(scene: Scene, admin: Client) -> None:
    row = rows.mail(scene.channel, None, at=rows.ago(minutes=5))
    page = read(admin, url("email-logs-incoming"))
    assert "Processing" in page
    assert "In the queue for 5 min" in page
    assert "waits to be processed" in read(admin, url("incoming", row.pk))


def test_an_empty_log_says_where_to_write(scene: Scene, admin: Client) -> None:
    page = read(admin, url("email-logs-incoming"))
    assert "No mail yet" in page
    assert 'href="mailto:it@desk.test"' in page
    assert "IT-1" in page


def test_filters_that_match_nothing_are_no_empty_log(scene: Scene, admin: Client) -> None:
    rows.mail(scene.channel)
    page = read(admin, url("email-logs-incoming") + "?q=zzz")
    assert "No mail yet" not in page
    assert "Nothing matches these filters" in page


def test_a_project_without_an_address_says_so(scene: Scene) -> None:
    Project.objects.create(key="NEW", name="New")
    page = read(scene.browser("site_admin"), reverse("email-logs-incoming", args=["NEW"]))
    assert "no address yet" in page


# --- Text from outside ---------------------------------------------------------------------------

LONG = "x" * 255 + "@x.test"
RTL = "\u202egnp.exe@x.test \u05e9\u05dc\u05d5\u05dd"


@pytest.mark.parametrize("text", [HOSTILE, LONG, RTL, "{{ 1 }} {% now 'Y' %} %s %(x)s %"])
def test_text_from_outside_is_shown_and_never_obeyed(
    scene: Scene, admin: Client, text: str
) -> None:
    scene.customer.name = text[:200]
    scene.customer.save()
    note = rows.note(
        scene.project,
        scene.customer,
        Reason.SERVICE_PROVIDER_ERROR,
        address=text[:320],
        subject=text,
        facts={"server": text, "code": 550, "enhanced": "5.1.1", "answer": text},
    )
    trail = rows.trail_to(Rule.BLOCK_LIST, entry=text, where="From", because=text)
    mail = rows.mail(
        scene.channel,
        Outcome.BLOCKED_SENDER,
        sender=text[:320],
        sender_name=text[:200],
        subject=text,
        envelope_from=text[:320],
        client=text[:320],
        message_id=text[:255],
        facts=trail[-1]["facts"],
        trail=trail,
    )
    for path in (
        url("email-logs"),
        url("notification", note.pk),
        url("email-logs-incoming"),
        url("incoming", mail.pk),
        f"{url('channel-logs', scene.channel.pk)}?entry={mail.pk}",
        f"{url('email-logs')}?q={text[:100]}",
    ):
        page = read(admin, path)
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "\u202e" not in page
        assert page.rstrip().endswith("</html>")


def test_no_inline_script_nor_style(scene: Scene, admin: Client) -> None:
    note, mail = rows.note(scene.project, scene.customer), rows.mail(scene.channel)
    for path in (url("notification", note.pk), url("incoming", mail.pk), url("channels")):
        response = admin.get(path)
        page = response.content.decode()
        assert " style=" not in page
        assert "<style" not in page
        assert page.count("<script") == page.count('<script src="')
        assert "script-src 'self'" in response["Content-Security-Policy"]
