"""The overview at the top of the Email logs page: its numbers are the rows, and lead to them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from selectolax.lexbor import LexborNode as Node

from deskpost.logs import counts, words
from deskpost.models import Channel, Log
from deskpost.outbound import quota
from deskpost.outcomes import Kind, NotificationStatus, Outcome, Reason, Withheld
from deskpost.problems import ConnectionState, Problem
from deskpost.web import overview
from tests.logs import rows
from tests.logs.connections import custom, event
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

LOGS = {"req": "email-logs", "inv": "email-logs-invitations", "in": "email-logs-incoming"}
ZONES = ("Asia/Tokyo", "Asia/Kolkata", "America/St_Johns")


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


def url(name: str, *args: Any) -> str:
    return reverse(name, args=["IT", *args])


def read(client: Client, path: str) -> HTMLParser:
    """Read a page with its overview open."""
    response = client.get(f"{path}{'&' if '?' in path else '?'}overview=open")
    assert response.status_code == 200, path
    return HTMLParser(response.content.decode())


def text(node: Node | None) -> str:
    assert node is not None
    return " ".join(node.text().split())


def part(page: HTMLParser) -> Node:
    found = page.css_first("#overview")
    assert found is not None
    return found


def listed(page: HTMLParser, log: str) -> Node:
    """The part of one list."""
    heading = part(page).css_first(f"#overview-{log}")
    assert heading is not None and heading.parent is not None
    return heading.parent


def links(node: Node, selector: str) -> dict[str, str]:
    """The addresses in a part, by their names."""
    return {
        str(link.attributes["aria-label"]): str(link.attributes["href"])
        for link in node.css(selector)
    }


def number(name: str) -> int:
    """The number with which a name ends, as in All on Monday 23 November: 12."""
    found = re.search(r": ([\d,]+)", name)
    assert found is not None, name
    return int(found[1].replace(",", ""))


def number_of_rows(client: Client, path: str) -> int:
    """How many rows are at an address, on all of its pages."""
    found, following = 0, path
    while following:
        page = read(client, following)
        found += len(page.css("tr[data-row]"))
        more = page.css_first("#more a[hx-get]")
        following = str(more.attributes["href"]) if more else ""
    return found


def fill(scene: Scene, now: datetime) -> None:
    """Some days of everything: also what waits, and what was folded already."""
    for days in (0, 1, 1, 3, 12):
        at = now - timedelta(days=days)
        rows.mail(scene.channel, Outcome.REQUEST_CREATED, at=at)
        rows.mail(scene.channel, Outcome.BULK, at=at)
        rows.note(scene.project, scene.customer, at=at)
        rows.note(scene.project, scene.customer, at=at, status=NotificationStatus.DELIVERED)
    rows.mail(scene.channel, Outcome.DMARC, at=now)
    rows.note(scene.project, scene.customer, Reason.UNKNOWN_ERROR, at=now)
    counts.fold()
    rows.note(
        scene.project, scene.customer, Withheld.MUTED, at=now, status=NotificationStatus.WITHHELD
    )
    rows.note(
        scene.project, scene.customer, Reason.VALIDATION_ERROR, at=now, kind=Kind.CUSTOMER_INVITED
    )
    rows.mail(scene.channel, None, at=now - timedelta(days=1), due_at=now)
    rows.note(scene.project, scene.customer, at=now, status=NotificationStatus.QUEUED, due_at=now)


# --- Numbers and links ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOGS.values())
def test_each_number_leads_to_exactly_its_rows(scene: Scene, admin: Client, name: str) -> None:
    fill(scene, timezone.now())
    page = read(admin, url(name))
    out = "inv" if name == LOGS["inv"] else "req"
    for log, many in ((out, {"inv": 2, "req": 14}[out]), ("in", 14)):
        cells = links(listed(page, log), "td a")
        reasons = links(listed(page, log), ".overview-why a")
        assert len(cells) == many
        assert reasons
        for said, path in (cells | reasons).items():
            assert number_of_rows(admin, path) == number(said), (said, path)


def test_each_bar_leads_to_its_day_and_says_it(scene: Scene, admin: Client) -> None:
    fill(scene, timezone.now())
    page = read(admin, url("email-logs"))
    for log, many in (("req", 4), ("in", 4)):
        bars = links(listed(page, log), "svg a")
        assert len(bars) == many  # days without rows lead nowhere
        for said, path in bars.items():
            assert number_of_rows(admin, path) == number(said)
        assert next(iter(bars.values())).startswith(reverse(LOGS[log], args=["IT"]))
    today = [said for said in links(listed(page, "req"), "svg a") if ": 5, 2 failed" in said]
    assert len(today) == 1


def test_the_table_says_what_the_chart_shows(scene: Scene, admin: Client) -> None:
    fill(scene, timezone.now())
    table = listed(read(admin, url("email-logs")), "req").css_first("table")
    assert table is not None
    heads = [text(cell) for cell in table.css("thead th")]
    assert heads == ["Day", "All", "Failed", "Queued", "Sent", "Withheld"]
    first = [text(cell) for cell in table.css("tbody tr")[0].css("th, td")]
    assert first[1:] == ["5", "2", "1", "1", "1"]
    assert len(table.css("tbody tr")) == 4
    assert len(table.css("tbody th[scope=row]")) == 4


def test_the_line_says_today_in_both_directions(scene: Scene, admin: Client) -> None:
    fill(scene, timezone.now().replace(hour=12))
    said = text(part(read(admin, url("email-logs"))).css_first("summary"))
    assert said.startswith("Today Out 3 failed · 1 queued, 1 sent, 1 withheld")
    assert "In 1 failed · 1 taken, 1 skipped" in said


@pytest.mark.parametrize("zone", ZONES)
def test_days_are_those_of_the_reader(scene: Scene, zone: str) -> None:
    scene.admin.time_zone = zone
    scene.admin.save(update_fields=["time_zone"])
    admin = scene.browser("admin")
    today = datetime.now(ZoneInfo(zone)).date()
    midnight = datetime.combine(today, datetime.min.time(), ZoneInfo(zone))
    for at in (midnight - timedelta(seconds=1), midnight, midnight + timedelta(seconds=1)):
        rows.note(scene.project, scene.customer, at=at)
        rows.mail(scene.channel, Outcome.DMARC, at=at)
    with timezone.override(zone):
        names = _all_days(read(admin, url("email-logs")))
    assert sorted(number(said) for said in names) == [1, 1, 2, 2]
    for said, path in names.items():
        assert number_of_rows(admin, path) == number(said), said
        assert (f"from={today}" in path) is (number(said) == 2)


def _all_days(page: HTMLParser) -> dict[str, str]:
    found = {}
    for log in ("req", "in"):
        for said, path in links(listed(page, log), "td a").items():
            if said.startswith("All on"):
                found[f"{log} {said}"] = path
    return found


def test_the_page_shows_the_list_that_is_open_first(scene: Scene, admin: Client) -> None:
    for name, order in (
        ("email-logs", ["overview-req", "overview-in"]),
        ("email-logs-invitations", ["overview-inv", "overview-in"]),
        ("email-logs-incoming", ["overview-in", "overview-req"]),
    ):
        heads = [head.attributes["id"] for head in part(read(admin, url(name))).css("h2")]
        assert heads[:2] == order


def test_of_several_channels_the_chosen_one_is_shown(scene: Scene, admin: Client) -> None:
    other = Channel.objects.create(
        project=scene.project, address="two@desk.test", request_type=scene.channel.request_type
    )
    for channel in (scene.channel, other, other):
        rows.mail(channel, Outcome.DMARC)
    page = read(admin, url("email-logs-incoming") + f"?channel={other.pk}")
    assert "two@desk.test" in text(listed(page, "in").css_first("h2"))
    days = links(listed(page, "in"), "td a")
    assert {number(said) for said in days} == {2}
    assert all(number_of_rows(admin, path) == 2 for path in days.values())
    failed = part(page).css(".overview-channels a.bad")
    assert [text(one) for one in failed] == ["1 failed today", "2 failed today"]
    paths = [str(one.attributes["href"]) for one in failed]
    assert [number_of_rows(admin, path) for path in paths] == [1, 2]


def test_delivered_notifications_have_no_place_where_they_are_not_logged(
    scene: Scene, admin: Client, settings: Any
) -> None:
    fill(scene, timezone.now())
    settings.DESKPOST = settings.DESKPOST | {"LOG_DELIVERED": False}
    page = read(admin, url("email-logs"))
    assert "sent" not in text(part(page).css_first("summary"))
    for said, path in links(listed(page, "req"), "td a").items():
        assert number_of_rows(admin, path) == number(said), said


# --- Channels, limit, emptiness ------------------------------------------------------------------


def test_each_channel_says_how_it_stands(scene: Scene, admin: Client) -> None:
    mailbox = custom(
        scene.project,
        state=ConnectionState.RETRYING,
        problem=Problem.DROPPED,
        down_since=rows.ago(hours=3),
        next_try_at=rows.ago(hours=-1),
        last_success_at=rows.ago(hours=4),
        waiting=5,
    )
    event(mailbox, ConnectionState.RETRYING, Problem.DROPPED, rows.ago(hours=3))
    page = read(admin, url("email-logs"))
    assert "1 channel down" in text(part(page).css_first("summary"))
    two, one = part(page).css(".overview-channels > li")  # what is down comes first
    assert "it@desk.test" in text(one) and "Taking mail" in text(one)
    assert "support@harbour.test" in text(two) and "Retrying" in text(two)
    assert text(two.css(".overview-facts dd")[-1]) == "5"
    assert two.css_first("time") is not None
    strip = two.css_first(".strip svg")
    assert strip is not None and "partly down" in str(strip.attributes["aria-label"])
    link = two.css_first("a")
    assert link is not None
    assert str(link.attributes["href"]).startswith(url("email-logs-connectivity"))


def test_the_limit_is_said_in_the_line_once_it_is_near(
    scene: Scene, admin: Client, settings: Any
) -> None:
    assert "limit" not in text(part(read(admin, url("email-logs"))).css_first("summary"))
    settings.DESKPOST = settings.DESKPOST | {"DAILY_LIMIT": 1}
    note = rows.note(
        scene.project,
        scene.customer,
        status=NotificationStatus.QUEUED,
        due_at=timezone.now(),
    )
    assert quota.reserve([note]) == {note.pk}
    page = part(read(admin, url("email-logs")))
    assert "The limit is reached" in text(page.css_first("summary"))
    assert "1 of 1 used" in text(page.css_first(".overview-limit"))


@pytest.mark.parametrize("name", LOGS.values())
def test_a_new_project_says_that_there_is_nothing_yet(admin: Client, name: str) -> None:
    page = part(read(admin, url(name)))
    assert "Out nothing yet In nothing yet" in text(page.css_first("summary"))
    assert not page.css("svg a, table")
    assert "No message came in these days." in text(page)


def test_without_a_channel_only_what_goes_out_is_shown(scene: Scene, admin: Client) -> None:
    scene.channel.removed_at = timezone.now()
    scene.channel.save(update_fields=["removed_at"])
    page = part(read(admin, url("email-logs")))
    assert not page.css("#overview-in")
    assert "This project takes no mail yet." in text(page)


def test_what_comes_from_outside_is_shown_as_text(scene: Scene, admin: Client) -> None:
    scene.channel.address = HOSTILE
    scene.channel.save(update_fields=["address"])
    rows.mail(scene.channel, Outcome.DMARC)
    response = admin.get(url("email-logs"))
    assert "<script>alert" not in response.content.decode()


def test_it_is_closed_until_a_browser_says_that_it_was_left_open(admin: Client) -> None:
    closed = part(HTMLParser(admin.get(url("email-logs")).text))
    assert "open" not in closed.attributes
    (more,) = closed.css("a[href]")
    assert "open" in part(HTMLParser(admin.get(str(more.attributes["href"])).text)).attributes
    admin.cookies[overview.COOKIE] = "open"
    shown = part(HTMLParser(admin.get(url("email-logs")).text)).attributes
    assert "open" in shown
    assert shown["data-remember"] == overview.COOKIE


def test_it_asks_as_often_of_a_full_log_with_many_channels_as_of_an_empty_one(
    scene: Scene, rf: Any
) -> None:
    request = rf.get("/")

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            overview.values(request, scene.project, Log.REQUESTS)
        return len(queries)

    before = asked()
    fill(scene, timezone.now())
    for n in range(4):
        mailbox = custom(scene.project, f"box{n}@harbour.test", state=ConnectionState.CONNECTED)
        for hours in (5, 9):
            event(mailbox, ConnectionState.RETRYING, Problem.DROPPED, rows.ago(hours=hours))
    assert asked() == before
    assert before <= 10


def test_it_is_said_in_japanese_too(scene: Scene) -> None:
    """Numbers and days are the language's own."""
    scene.admin.language = "ja"
    scene.admin.save(update_fields=["language"])
    fill(scene, timezone.now())
    page = read(scene.browser("admin"), url("email-logs"))
    with translation.override("ja"):
        today = words.day(timezone.localdate())
    assert "月" in today
    assert any(today in name for name in links(listed(page, "req"), "svg a"))
    assert any(today in name for name in links(listed(page, "req"), "td a"))


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_keyboard_opens_it_reaches_a_day_and_finds_it_open_there(
    live_server: Any, chromium: Any
) -> None:
    scene = scenes.make()
    fill(scene, timezone.now())
    session = scene.browser("admin").cookies["deskpost_session"].value
    with chromium.page(viewport={"width": 1440, "height": 900}) as page:
        page.context.add_cookies(
            [{"name": "deskpost_session", "value": session, "url": live_server.url}]
        )
        page.goto(live_server.url + url("email-logs"))
        assert page.evaluate("document.querySelector('#ledger').getBoundingClientRect().top") < 700
        page.focus("#overview > summary")
        page.keyboard.press("Enter")
        page.wait_for_selector("#overview svg")
        assert page.evaluate("document.querySelector('#ledger').getBoundingClientRect().top") < 860
        page.keyboard.press("Tab")  # As a table
        page.keyboard.press("Tab")  # the first day that has rows
        said = page.evaluate("document.activeElement.getAttribute('aria-label')")
        page.keyboard.press("Enter")
        page.wait_for_url("**from=*")
        assert page.locator("tr[data-row]").count() == number(said)
        page.reload()
        assert page.evaluate("document.querySelector('#overview').open")
