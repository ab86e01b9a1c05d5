"""The filters of the lists: each finds exactly its rows, alone and with another; each is a chip."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from itertools import combinations
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from deskpost.logs import search
from deskpost.models import Channel, InboundEmail, Notification
from deskpost.outcomes import Kind, Outcome, Reason, Withheld
from deskpost.web import incoming_log, notification_log
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

NOW = timezone.now().replace(hour=12)
MIB = 1024 * 1024


def ago(days: int) -> Any:
    return NOW - timedelta(days=days)


def day(days: int) -> str:
    return f"{ago(days):%Y-%m-%d}"


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


def url(name: str, *args: Any) -> str:
    return reverse(name, args=["IT", *args])


def ids(page: str) -> set[str]:
    return set(re.findall(r'<tr data-row id="e-([0-9a-f-]{36})"', page))


@dataclass(frozen=True)
class Filter:
    """A filter of an address, and which rows it must find."""

    name: str
    value: str
    holds: Callable[[Any], bool]

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


# --- Incoming messages ---------------------------------------------------------------------------


def who(row: InboundEmail) -> str:
    """Return the sender as it is found: of what nothing has read, the envelope's."""
    return f"{row.sender_name} {row.sender or row.envelope_from}".lower()


INCOMING = [
    Filter("sender", "ann", lambda r: "ann" in who(r)),
    Filter("sender", "ANN@x.test", lambda r: who(r).endswith(" ann@x.test")),
    Filter("subject", "print", lambda r: "print" in r.subject.lower()),
    Filter("subject", "印刷", lambda r: "印刷" in r.subject),
    Filter("key", "it-7", lambda r: r.request_key == "IT-7"),
    Filter("status", "failed", lambda r: r.status == "failed"),
    Filter("status", "processing", lambda r: r.status == "processing"),
    Filter("code", "bulk", lambda r: r.outcome == "bulk"),
    Filter("size", "1m", lambda r: r.raw_size >= MIB),
    Filter("from", day(2), lambda r: r.received_at.date() >= ago(2).date()),
    Filter("to", day(2), lambda r: r.received_at.date() <= ago(2).date()),
    Filter("when", "yesterday", lambda r: r.received_at.date() == ago(1).date()),
    Filter("when", "7", lambda r: r.received_at.date() >= ago(6).date()),
    Filter("q", "printer", lambda r: "printer" in r.subject.lower()),
    Filter("q", "-from:ann", lambda r: "ann" not in who(r)),
]


@pytest.fixture
def mail(scene: Scene) -> list[InboundEmail]:
    """Messages of which each filter finds some; and some of another channel that none finds."""
    made: list[InboundEmail] = []

    def one(outcome: Outcome | None, days: int, **fields: Any) -> None:
        made.append(rows.mail(scene.channel, outcome, at=ago(days), **fields))

    one(Outcome.REQUEST_CREATED, 0, sender_name="Ann Osei", request_key="IT-7")
    one(Outcome.REQUEST_CREATED, 1, sender="joann@x.test", subject="プリンタで印刷できない")
    one(Outcome.BULK, 2, sender="news@shop.test", subject="Fine prints")
    one(Outcome.TOO_LARGE, 3, raw_size=3 * MIB, request_key="IT-7", subject="My PRINTER")
    one(Outcome.NO_SENDER, 9, sender="", envelope_from="", subject="")
    one(Outcome.BULK, 8, sender="bob@x.test", sender_name="Bob Annan", subject="Toner 印刷")
    one(None, 0, due_at=timezone.now())
    one(Outcome.DMARC, 1, sender="ann@y.test", subject="Printer", request_key="IT-70")
    other = Channel.objects.create(
        project=scene.project, address="b@desk.test", request_type=scene.channel.request_type
    )
    rows.mail(other, Outcome.BULK, at=ago(1), request_key="IT-7", sender_name="Ann Osei")
    return made


def expected(made: list[Any], *filters: Filter) -> set[str]:
    return {str(row.pk) for row in made if all(one.holds(row) for one in filters)}


@pytest.mark.parametrize("one", INCOMING, ids=str)
def test_each_filter_of_incoming_emails_finds_exactly_its_rows(
    scene: Scene, admin: Client, mail: list[InboundEmail], one: Filter
) -> None:
    wanted = expected(mail, one)
    assert wanted and len(wanted) < len(mail)
    query = urlencode({one.name: one.value})
    for path in (url("email-logs-incoming"), url("channel-logs", scene.channel.pk)):
        page = admin.get(f"{path}?{query}").text
        assert ids(page) == wanted, path
        assert f">{len(wanted)} row" in page


def test_pairs_of_filters_of_incoming_emails_find_what_both_do(
    scene: Scene, mail: list[InboundEmail]
) -> None:
    for one, other in combinations(INCOMING, 2):
        if one.name == other.name:
            continue
        request = RequestFactory().get("/", {one.name: one.value, other.name: other.value})
        for under in (False, True):
            log = incoming_log.Log(request, scene.project, scene.channel, under_channels=under)
            found = {str(pk) for pk in search.page(log.query).ids}
            assert found == expected(mail, one, other), f"{one} {other}"


# --- Notifications -------------------------------------------------------------------------------

NOTES = [
    Filter("recipient", "ann", lambda n: "ann" in n.address),
    Filter("recipient", "ann@x.test", lambda n: n.address == "ann@x.test"),
    Filter("subject", "toner", lambda n: "oner" in n.subject),
    Filter("key", "IT-7", lambda n: n.request_key == "IT-7"),
    Filter("status", "failed", lambda n: n.status == "failed"),
    Filter("status", "queued", lambda n: n.status == "queued"),
    Filter("code", "muted", lambda n: n.reason == "muted"),
    Filter("code", "unsubscribed", lambda n: n.reason == "unsubscribed"),
    Filter("kind", "request_created", lambda n: n.kind == "request_created"),
    Filter("size", "100k", lambda n: n.raw_size >= 100 * 1024),
    Filter("from", day(1), lambda n: n.created_at.date() >= ago(1).date()),
    Filter("when", "today", lambda n: n.created_at.date() == ago(0).date()),
    Filter("q", "ann toner", lambda n: "ann" in n.address and "oner" in n.subject),
]


@pytest.fixture
def notes(scene: Scene) -> list[Notification]:
    made: list[Notification] = []

    def one(address: str, days: int, reason: str = Reason.UNSUBSCRIBED, **fields: Any) -> None:
        more = {"address": address, "at": ago(days)} | fields
        made.append(rows.note(scene.project, scene.customer, reason, **more))

    one("ann@x.test", 0, subject="IT-7 Toner", request_key="IT-7")
    one("joann@x.test", 1, status="delivered", raw_size=200 * 1024, kind=Kind.REQUEST_CREATED)
    one("bob@x.test", 2, Withheld.MUTED, status="withheld", subject="Toner")
    one("ann@x.test", 3, Reason.LIMIT_REACHED, kind=Kind.REQUEST_CREATED, raw_size=300 * 1024)
    one("eve@x.test", 0, status="queued", due_at=timezone.now(), request_key="IT-7")
    one("bob@x.test", 0, Withheld.MUTED, status="withheld", kind=Kind.REQUEST_CREATED)
    rows.note(scene.project, scene.customer, kind=Kind.CUSTOMER_INVITED, address="ann@x.test")
    return made


@pytest.mark.parametrize("one", NOTES, ids=str)
def test_each_filter_of_notifications_finds_exactly_its_rows(
    scene: Scene, admin: Client, notes: list[Notification], one: Filter
) -> None:
    wanted = expected(notes, one)
    assert wanted and len(wanted) < len(notes)
    query = urlencode({"status": "all"} | {one.name: one.value})
    assert ids(admin.get(f"{url('email-logs')}?{query}").text) == wanted


def test_pairs_of_filters_of_notifications_find_what_both_do(
    scene: Scene, notes: list[Notification]
) -> None:
    for one, other in combinations(NOTES, 2):
        if one.name == other.name:
            continue
        given = {"status": "all"} | {one.name: one.value, other.name: other.value}
        request = RequestFactory().get("/", given)
        log = notification_log.Log(request, scene.project, notification_log.REQUESTS)
        found = {str(pk) for pk in search.page(log.query).ids}
        assert found == expected(notes, one, other), f"{one} {other}"


def test_invitations_are_filtered_too(scene: Scene, admin: Client) -> None:
    made = [
        rows.note(scene.project, scene.customer, kind=Kind.CUSTOMER_INVITED, address=address)
        for address in ("ann@x.test", "bob@x.test")
    ]
    page = admin.get(url("email-logs-invitations") + "?recipient=bob").text
    assert ids(page) == {str(made[1].pk)}
    assert 'name="kind"' not in page


def test_a_status_in_the_search_box_is_not_held_against_the_default(
    scene: Scene, admin: Client, notes: list[Notification]
) -> None:
    page = admin.get(url("email-logs") + "?q=status:delivered").text
    assert ids(page) == {str(note.pk) for note in notes if note.status == "delivered"}


# --- Sums ----------------------------------------------------------------------------------------


def tally(page: str) -> dict[str, str]:
    part = page.partition('<nav class="tally"')[2].partition("</nav>")[0]
    return {words: number for number, words in re.findall(r"<b>([^<]+)</b>([^<]+)</a>", part)}


def test_the_sums_are_those_of_the_other_filters(
    scene: Scene, admin: Client, mail: list[InboundEmail]
) -> None:
    page = admin.get(url("email-logs-incoming") + "?key=IT-7&status=failed").text
    assert tally(page) == {
        "All": "2",
        "Failed": "1",
        "Skipped": "0",
        "Success": "1",
        "Processing": "0",
    }
    assert "1 row" in page


def test_delivered_ones_are_hidden_from_lists_sums_and_searches(
    scene: Scene, admin: Client, notes: list[Notification], settings: Any
) -> None:
    settings.DESKPOST = settings.DESKPOST | {"LOG_DELIVERED": False}
    shown = {str(note.pk) for note in notes if note.status != "delivered"}
    page = admin.get(url("email-logs") + "?status=all").text
    assert ids(page) == shown
    assert tally(page)["All"] == str(len(shown))
    assert "Sent" not in tally(page)
    # The status is no filter there: what is shown is the default.
    assert tally(admin.get(url("email-logs") + "?status=delivered").text)["All"] == str(len(shown))
    assert not ids(admin.get(url("email-logs") + "?q=status:delivered").text)
    assert not ids(admin.get(url("email-logs") + "?status=all&q=joann").text)
    assert not ids(admin.get(url("email-logs-search") + "?q=joann").text)


# --- Chips, and the address ----------------------------------------------------------------------

ALL_INCOMING = {
    "status": "failed",
    "q": "printer ann",
    "sender": "ann",
    "subject": "print",
    "key": "IT-7",
    "code": "too_large",
    "size": "1m",
    "when": "7",
    "from": day(5),
    "to": day(0),
}


def chips(page: str) -> dict[str, str]:
    part = page.partition('<ul class="chips"')[2].partition("</ul>")[0]
    found = re.findall(r'href="([^"]*)" aria-label="Remove filter: ([^"]*)"', part)
    return {unescape(label): unescape(href) for href, label in found}


def query_of(address: str) -> dict[str, str]:
    request = RequestFactory().get(address)
    return {name: request.GET[name] for name in request.GET}


def test_each_chip_takes_away_exactly_one_filter(scene: Scene, admin: Client) -> None:
    for path in (url("email-logs-incoming"), url("channel-logs", scene.channel.pk)):
        page = admin.get(f"{path}?{urlencode(ALL_INCOMING)}").text
        found = chips(page)
        assert len(found) == len(ALL_INCOMING) + 1  # two words of the search
        left = [query_of(href) for href in found.values()]
        for name in ALL_INCOMING.keys() - {"q"}:
            without = {k: v for k, v in ALL_INCOMING.items() if k != name}
            assert without in left, name
        for word in ("printer", "ann"):
            assert ALL_INCOMING | {"q": word} in left


def test_the_default_of_notifications_is_a_chip_too(scene: Scene, admin: Client) -> None:
    page = admin.get(url("email-logs")).text
    assert chips(page) == {"Status Failed": url("email-logs") + "?status=all"}
    assert chips(admin.get(url("email-logs") + "?status=all").text) == {}


def test_entries_sums_and_pages_keep_the_filters(scene: Scene, admin: Client) -> None:
    for n in range(60):
        rows.mail(scene.channel, at=rows.ago(minutes=n))
    page = admin.get(url("email-logs-incoming") + "?sender=ann&subject=printer&when=7").text
    kept = {"sender": "ann", "subject": "printer", "when": "7"}
    hrefs = re.findall(r'class="row-link" href="([^"]+)"', page)
    assert len(hrefs) == 50
    assert all(query_of(unescape(href)) == kept for href in hrefs)
    more = re.findall(r'<a class="btn" href="([^"]+)" hx-get', page)
    assert query_of(unescape(more[0])).keys() == {*kept, "before"}
    second = admin.get(unescape(more[0])).text
    assert len(ids(second)) == 10
    assert "Back to the newest" in second
    part = page.partition('<nav class="tally"')[2].partition("</nav>")[0]
    for href in re.findall(r'href="([^"]+)"', part):
        assert kept.items() <= query_of(unescape(href)).items()


def test_the_form_that_adds_a_filter_holds_those_in_force(scene: Scene, admin: Client) -> None:
    rows.mail(scene.channel)
    page = admin.get(url("email-logs-incoming") + "?sender=ann&code=bulk&from=2026-01-01").text
    form = page.partition('<form class="filters"')[2].partition("</form>")[0]
    assert '<details class="more-filters"><summary>' in form
    assert 'name="sender" value="ann"' in form
    assert '<option value="bulk" selected>' in form
    assert 'name="from" value="2026-01-01"' in form
    for name in ("q", "when", "subject", "key", "status", "size", "to"):
        assert f'name="{name}"' in form


@pytest.mark.parametrize(
    "query",
    [
        *("status=x", "code=x", "kind=x", "size=x", "when=x", "from=x", "to=9999-12-31"),
        *("before=x", "channel=99999999999999999999", "x=1", "sender=%00", "entry=x"),
    ],
)
def test_what_is_no_filter_is_left_out(scene: Scene, admin: Client, query: str) -> None:
    mail, note = rows.mail(scene.channel), rows.note(scene.project, scene.customer)
    for path, row in [
        (url("email-logs-incoming"), mail),
        (url("channel-logs", scene.channel.pk), mail),
        (url("email-logs"), note),
    ]:
        page = admin.get(f"{path}?{query}").text
        assert ids(page) == {str(row.pk)}
        assert set(chips(page)) <= {"Status Failed"}


@pytest.mark.parametrize("name", ["q", "sender", "recipient", "subject", "key"])
@pytest.mark.parametrize(
    "text", [HOSTILE, "%_\\", "' OR 1=1 --", "\u202egnp", "x" * 3000, "\ud800"]
)
def test_hostile_values_are_texts(scene: Scene, admin: Client, name: str, text: str) -> None:
    rows.mail(scene.channel)
    value = urlencode({name: text.encode("utf-8", "surrogatepass")})
    for path in ("email-logs", "email-logs-incoming", "email-logs-search"):
        response = admin.get(f"{url(path)}?{value}")
        assert response.status_code == 200
        assert "<script>alert" not in response.text
        assert "<img src=x" not in response.text


# --- The search box ------------------------------------------------------------------------------


def test_what_the_box_does_not_understand_is_said_and_kept(scene: Scene, admin: Client) -> None:
    rows.mail(scene.channel)
    rows.note(scene.project, scene.customer)
    for name in ("email-logs", "email-logs-incoming", "email-logs-search"):
        response = admin.get(url(name) + '?q=status:nonsense+"ann')
        assert response.status_code == 200
        assert 'id="q-error" role="alert"' in response.text
        assert 'value="status:nonsense &quot;ann"' in response.text
        assert 'aria-invalid="true"' in response.text
        assert not ids(response.text)


def test_a_list_that_the_words_leave_out_says_why(scene: Scene, admin: Client) -> None:
    rows.mail(scene.channel)
    page = admin.get(url("email-logs-incoming") + "?q=name:comment_added").text
    assert not ids(page)
    assert 'id="q-why"' in page
    assert url("email-logs-search") + "?q=name%3Acomment_added" in page


def test_two_letters_of_japanese_find(scene: Scene, admin: Client) -> None:
    row = rows.mail(scene.channel, subject="会議室のプリンタが紙詰まり")
    rows.mail(scene.channel, subject="請求書")
    for path in (url("email-logs-incoming"), url("channel-logs", scene.channel.pk)):
        assert ids(admin.get(path + "?q=紙詰").text) == {str(row.pk)}
