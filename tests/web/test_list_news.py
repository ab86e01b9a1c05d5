"""What is new in a list is announced and moves nothing; a search that takes too long says so."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from deskpost.logs import search
from deskpost.models import logline
from deskpost.outcomes import Kind, Outcome
from deskpost.web import news
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import Scene

PAGES = ("email-logs", "email-logs-invitations", "email-logs-incoming", "email-logs-search")


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


def url(name: str, *args: Any) -> str:
    return reverse(name, args=["IT", *args])


def poll(page: str) -> str:
    """Return the address that the page asks for what is new."""
    found = re.search(r'data-poll[^>]* hx-get="([^"]+)"', page)
    assert found
    return unescape(found[1])


def said(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code in {200, 204}
    return " ".join(re.sub(r"<[^>]+>", " ", response.text).split())


# --- What is new ---------------------------------------------------------------------------------


def test_what_came_since_is_counted_under_the_same_filters(scene: Scene, admin: Client) -> None:
    rows.mail(scene.channel, Outcome.BULK)
    address = poll(admin.get(url("email-logs-incoming") + "?code=bulk").text)
    assert admin.get(address).status_code == 204
    rows.mail(scene.channel)
    assert said(admin, address) == ""
    for n in (1, 2, 3):
        rows.mail(scene.channel, Outcome.BULK)
        assert said(admin, address) == f"{n} new"
    button = admin.get(address).text
    shown = unescape(re.findall(r'href="([^"]+)"', button)[0])
    assert shown == url("email-logs-incoming") + f"?channel={scene.channel.pk}&code=bulk"
    assert admin.get(shown).text.count("<tr data-row") == 4


def test_a_lower_id_that_is_seen_later_is_new_all_the_same(scene: Scene, admin: Client) -> None:
    for minutes in (1, 20):
        rows.mail(scene.channel, at=rows.ago(minutes=minutes))
    address = poll(admin.get(url("email-logs-incoming")).text)
    rows.mail(scene.channel, at=rows.ago(minutes=10))  # of another host, whose commit took longer
    assert said(admin, address) == "1 new"


def test_what_becomes_part_of_the_list_when_it_is_settled_is_new(
    scene: Scene, admin: Client
) -> None:
    rows.note(scene.project, scene.customer, at=rows.ago(minutes=9))
    waits = rows.note(scene.project, scene.customer, status="queued", due_at=timezone.now())
    address = poll(admin.get(url("email-logs")).text)
    assert said(admin, address) == ""
    waits.status, waits.reason, waits.due_at = "failed", "unknown_error", None
    waits.save()
    assert said(admin, address) == "1 new"


def test_older_rows_that_move_up_are_not_new(scene: Scene, admin: Client) -> None:
    made = [rows.mail(scene.channel, at=rows.ago(minutes=n)) for n in range(53)]
    address = poll(admin.get(url("email-logs-incoming")).text)
    logline.forget([made[10].pk])
    assert said(admin, address) == ""
    rows.mail(scene.channel)
    assert said(admin, address) == "1 new"


def test_beyond_a_page_it_says_so(scene: Scene, admin: Client) -> None:
    rows.mail(scene.channel, at=rows.ago(days=1))
    address = poll(admin.get(url("email-logs-incoming")).text)
    for n in range(51):
        rows.mail(scene.channel, at=rows.ago(seconds=n))
    assert said(admin, address) == "50+ new"


def test_an_empty_log_asks_too_and_so_do_all_lists(scene: Scene, admin: Client) -> None:
    addresses = {name: poll(admin.get(url(name)).text) for name in PAGES}
    under = poll(admin.get(url("channel-logs", scene.channel.pk)).text)
    rows.mail(scene.channel)
    rows.note(scene.project, scene.customer)
    rows.note(scene.project, scene.customer, kind=Kind.CUSTOMER_INVITED)
    found = {name: said(admin, address) for name, address in addresses.items()}
    assert found == dict.fromkeys(PAGES, "1 new") | {"email-logs-search": "3 new"}
    assert said(admin, under) == "1 new"
    assert f'href="{url("channel-logs", scene.channel.pk)}' in admin.get(under).text


def test_an_open_entry_stays_open(scene: Scene, admin: Client) -> None:
    note = rows.note(scene.project, scene.customer)
    for path in (url("notification", note.pk), url("notification", note.pk) + "?both=1&q=customer"):
        address = poll(admin.get(path).text)
        made = rows.note(scene.project, scene.customer)
        button = admin.get(address).text
        assert url("notification", note.pk) in button
        logline.forget([made.pk])


def test_later_pages_ask_nothing(scene: Scene, admin: Client) -> None:
    row = rows.mail(scene.channel)
    assert "data-poll" not in admin.get(f"{url('email-logs-incoming')}?before={row.pk}").text


@pytest.mark.parametrize(
    ("log", "query", "status"),
    [
        ("in", "given=", 404),
        ("in", "given=*", 404),
        ("in", "given=QUJD", 404),
        ("in", "given=" + "A" * 5000, 404),
        ("in", "given=é", 404),
        ("in", f"given={news.written([], None)}&channel=x", 204),
        ("nonsense", f"given={news.written([], None)}", 404),
        ("search", f"given={news.written([], None)}&q=%22", 204),
    ],
)
def test_other_addresses_are_not_answered(
    scene: Scene, admin: Client, log: str, query: str, status: int
) -> None:
    assert admin.get(f"{url('log-news', log)}?{query}").status_code == status


@pytest.mark.parametrize(("who", "status"), [("agent", 403), ("stranger", 404), ("nobody", 302)])
def test_nobody_else_is_told(scene: Scene, who: str, status: int) -> None:
    address = f"{url('log-news', 'in')}?given={news.written([], None)}"
    assert scene.browser(who).get(address).status_code == status


# --- Too slow ------------------------------------------------------------------------------------

STOPPED = "This search took too long and was stopped. Narrow the dates."


def too_slow(*_: Any, **__: Any) -> Any:
    raise search.TooSlow


@pytest.mark.parametrize("name", PAGES)
def test_a_search_that_takes_too_long_still_gives_a_page(
    scene: Scene, admin: Client, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for kind in (Kind.COMMENT_ADDED, Kind.CUSTOMER_INVITED):
        rows.note(scene.project, scene.customer, kind=kind)
    rows.mail(scene.channel)
    address = poll(admin.get(url(name)).text)
    monkeypatch.setattr(search, "page", too_slow)
    page = admin.get(url(name) + "?q=ann&from=2026-01-01")
    assert page.status_code == 200
    assert STOPPED in page.text
    assert f'href="{url(name)}?' in page.text.partition(STOPPED)[2].partition("</nav>")[0]
    for when in ("today", "yesterday", "7"):
        assert f"when={when}" in page.text.partition(STOPPED)[2].partition("</nav>")[0]
    assert "<tr data-row" not in page.text
    assert "No mail yet" not in page.text
    assert "Nothing" not in page.text.partition(STOPPED)[2].partition("</main>")[0]
    assert said(admin, address) == ""


@pytest.mark.parametrize("name", PAGES)
def test_sums_that_take_too_long_are_left_out(
    scene: Scene, admin: Client, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for kind in (Kind.COMMENT_ADDED, Kind.CUSTOMER_INVITED):
        rows.note(scene.project, scene.customer, kind=kind)
    rows.mail(scene.channel)
    monkeypatch.setattr(search, "counts", too_slow)
    page = admin.get(url(name)).text
    assert "<tr data-row" in page
    assert STOPPED not in page
    assert 'class="count"' not in page


def test_an_entry_opens_although_its_neighbours_take_too_long(
    scene: Scene, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, note = rows.mail(scene.channel), rows.note(scene.project, scene.customer)
    monkeypatch.setattr(search, "page", too_slow)
    monkeypatch.setattr(search, "beside", too_slow)
    for path in (
        url("incoming", row.pk),
        url("notification", note.pk),
        f"{url('channel-logs', scene.channel.pk)}?entry={row.pk}",
        f"{url('incoming', row.pk)}?both=1",
    ):
        page = admin.get(path).text
        assert '<aside class="drawer"' in page
        assert "Next entry" not in page


# --- What a page costs ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*PAGES, "channel-logs"])
def test_a_page_of_fifty_rows_takes_as_many_queries_as_one_of_two(
    scene: Scene, admin: Client, name: str
) -> None:
    def make(count: int) -> None:
        for n in range(count):
            at = rows.ago(minutes=n)
            rows.mail(scene.channel, at=at)
            for kind in (Kind.COMMENT_ADDED, Kind.CUSTOMER_INVITED):
                rows.note(scene.project, scene.customer, kind=kind, at=at)

    def asked() -> int:
        path = url(name, scene.channel.pk) if name == "channel-logs" else url(name)
        with CaptureQueriesContext(connection) as found:
            assert admin.get(path).status_code == 200
        return len(found)

    make(2)
    asked()
    few = asked()
    make(50)
    full = asked()
    # Where a list goes on, SQLite looks once more for ids of the same millisecond, in each log.
    assert full - few <= (3 if name == "email-logs-search" else 1)
    make(10)
    assert asked() == full


def test_the_rows_are_read_by_their_ids(scene: Scene, admin: Client) -> None:
    row = rows.mail(scene.channel)
    with CaptureQueriesContext(connection) as found:
        admin.get(url("email-logs-incoming"))
    read = [q["sql"] for q in found if '"envelope_from"' in q["sql"] and " IN (" in q["sql"]]
    assert len(read) == 1
    assert row.pk.hex in read[0].replace("-", "")
    assert '"trail"' not in read[0]
    assert '"facts"' not in read[0]


def test_load_more_brings_rows_without_counting_again(
    scene: Scene, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [rows.mail(scene.channel, at=rows.ago(minutes=n)) for n in range(60)]
    monkeypatch.setattr(search, "counts", too_slow)
    path = f"{url('email-logs-incoming')}?before={made[49].pk}"
    page = admin.get(path, headers={"HX-Request": "true", "HX-Target": "ledger"}).text
    assert page.count("<tr data-row") == 10


def test_a_team_managed_project_is_told_of_incoming_mail_only(scene: Scene, admin: Client) -> None:
    addresses = {page: poll(admin.get(url(page)).text) for page in PAGES}
    scene.project.kind = "team"
    scene.project.save()
    answers = {page: admin.get(address).status_code for page, address in addresses.items()}
    assert answers.pop("email-logs-incoming") == 204
    assert set(answers.values()) == {404}
