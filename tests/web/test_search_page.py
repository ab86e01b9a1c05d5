"""The search over both directions: incoming messages and notifications in one list, by time."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from deskpost.models import Log, Project
from deskpost.outcomes import Kind, Outcome, Reason
from deskpost.web import search_page
from tests.logs import rows
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


def ids(page: str) -> list[str]:
    return re.findall(r'<tr data-row id="e-([0-9a-f-]{36})"', page)


def words(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def search(client: Client, query: str) -> str:
    response = client.get(url("email-logs-search") + query)
    assert response.status_code == 200
    return response.text


@pytest.mark.parametrize(
    ("who", "status"), [("site_admin", 200), ("admin", 200), ("agent", 403), ("stranger", 404)]
)
def test_only_admins_search(scene: Scene, who: str, status: int) -> None:
    assert scene.browser(who).get(url("email-logs-search")).status_code == status


def test_a_team_managed_project_has_no_such_page(scene: Scene, admin: Client) -> None:
    scene.project.kind = Project.Kind.TEAM
    scene.project.save()
    assert admin.get(url("email-logs-search")).status_code == 404


def test_both_directions_stand_in_one_order_of_time(scene: Scene, admin: Client) -> None:
    came = rows.mail(scene.channel, at=rows.ago(minutes=9), request_key="IT-7")
    told = rows.note(scene.project, scene.customer, at=rows.ago(minutes=8), address="ann@x.test")
    invited = rows.note(
        scene.project,
        scene.customer,
        Reason.VALIDATION_ERROR,
        kind=Kind.CUSTOMER_INVITED,
        at=rows.ago(minutes=7),
        address="ann,b@x.test",
    )
    waits = rows.mail(scene.channel, None, at=rows.ago(minutes=6), due_at=timezone.now())
    rows.mail(scene.channel, sender="bob@x.test", envelope_from="")
    page = search(admin, "?q=ann")
    assert ids(page) == [str(row.pk) for row in (waits, invited, told, came)]
    heads = ["Date", "Direction", "Who", "Subject or notification name", "Status", "Key", "Details"]
    assert [unescape(head) for head in re.findall(r'scope="col">([^<]+)<', page)][:7] == heads
    said = words(page)
    assert "Incoming ann@x.test Printer Success IT-7 Request created" in said
    assert "Outgoing ann@x.test Comment added Failed IT-1 Suppression list" in said
    assert "Outgoing ann,b@x.test Customer invited Failed IT-1 Email validation error" in said
    assert "4 rows" in said


def test_every_status_is_shown_and_the_language_narrows(scene: Scene, admin: Client) -> None:
    sent = rows.note(scene.project, scene.customer, status="delivered", subject="Toner")
    failed = rows.note(scene.project, scene.customer, subject="Toner")
    came = rows.mail(scene.channel, subject="Toner")
    assert set(ids(search(admin, "?q=toner"))) == {str(row.pk) for row in (sent, failed, came)}
    assert ids(search(admin, "?q=toner+status:failed")) == [str(failed.pk)]
    assert ids(search(admin, "?q=from:ann")) == [str(came.pk)]
    page = search(admin, "?q=toner+status:failed")
    part = page.partition('<ul class="chips"')[2].partition("</ul>")[0]
    assert [unescape(href) for href in re.findall(r'href="([^"]+)"', part)] == [
        url("email-logs-search") + "?q=status%3Afailed",
        url("email-logs-search") + "?q=toner",
    ]


def test_pages_follow_each_other_without_gap_or_overlap(scene: Scene, admin: Client) -> None:
    made: list[str] = []
    for n in range(40):
        made.append(str(rows.mail(scene.channel, at=rows.ago(minutes=3 * n)).pk))
        for m, kind in enumerate((Kind.COMMENT_ADDED, Kind.CUSTOMER_INVITED), 1):
            at = rows.ago(minutes=3 * n + m)
            note = rows.note(scene.project, scene.customer, status="delivered", kind=kind, at=at)
            made.append(str(note.pk))
    seen: list[str] = []
    more = url("email-logs-search")
    while more:
        page = admin.get(more).text
        seen += ids(page)
        found = re.search(r'<a class="btn" href="([^"]+)" hx-get', page)
        more = unescape(found[1]) if found else ""
    assert seen == made
    assert "Back to the newest" in page


def test_dates_narrow_both(scene: Scene, admin: Client) -> None:
    rows.mail(scene.channel, at=rows.ago(days=3))
    rows.note(scene.project, scene.customer, at=rows.ago(days=3))
    new = rows.mail(scene.channel)
    assert ids(search(admin, "?when=today")) == [str(new.pk)]
    day = f"{timezone.now():%Y-%m-%d}"
    assert ids(search(admin, f"?from={day}&to={day}")) == [str(new.pk)]


def test_an_entry_opens_beside_the_search_with_its_neighbours_of_both_directions(
    scene: Scene, admin: Client
) -> None:
    above = rows.note(scene.project, scene.customer, at=rows.ago(minutes=1), address="ann@x.test")
    row = rows.mail(scene.channel, Outcome.BULK, at=rows.ago(minutes=2))
    below = rows.note(scene.project, scene.customer, at=rows.ago(minutes=3), address="ann@x.test")
    page = search(admin, "?q=ann")
    path = f"{url('incoming', row.pk)}?q=ann&both=1"
    assert f'href="{path.replace("&", "&amp;")}"' in page
    page = admin.get(path).text
    assert f'id="e-{row.pk}" class="open"' in page
    assert len(re.findall("<tr data-row", page)) == 3
    bar = page.partition('<div class="drawer-bar"')[2].partition('<div class="drawer-in"')[0]
    hrefs = [unescape(href) for href in re.findall(r'href="([^"]+)"', bar)]
    assert f"{url('notification', above.pk)}?q=ann&both=1" in hrefs
    assert f"{url('notification', below.pk)}?q=ann&both=1" in hrefs
    assert f"{url('email-logs-search')}?q=ann#e-{row.pk}" in hrefs
    page = admin.get(f"{url('notification', below.pk)}?q=ann&both=1").text
    assert f'id="e-{below.pk}" class="open"' in page
    assert "did not get this comment" in page


def test_other_projects_are_never_found(scene: Scene, admin: Client) -> None:
    other = Project.objects.create(key="HR", name="People")
    note = rows.note(other, scene.customer)
    assert not ids(search(admin, ""))
    assert admin.get(f"{url('notification', note.pk)}?both=1").status_code == 404


def test_every_list_leads_to_it_with_the_words_and_the_dates(scene: Scene, admin: Client) -> None:
    rows.mail(scene.channel)
    for name in ("email-logs", "email-logs-invitations", "email-logs-incoming"):
        page = admin.get(url(name) + "?q=ann&when=7&subject=x&status=failed").text
        assert f'href="{url("email-logs-search")}?q=ann&amp;when=7"' in page
    page = admin.get(url("channel-logs", scene.channel.pk) + "?q=ann").text
    assert f'href="{url("email-logs-search")}?q=ann"' in page


def test_help_and_saved_searches_stand_at_every_box(scene: Scene, admin: Client) -> None:
    rows.mail(scene.channel)
    for path in (
        url("email-logs"),
        url("email-logs-incoming"),
        url("channel-logs", scene.channel.pk),
        url("email-logs-search"),
    ):
        page = admin.get(path).text
        assert 'id="search-help"' in page
        assert 'id="saved-searches"' in page


def test_text_from_outside_is_shown_and_never_obeyed(scene: Scene, admin: Client) -> None:
    rows.mail(scene.channel, sender=HOSTILE[:320], subject=HOSTILE)
    rows.note(scene.project, scene.customer, address=HOSTILE[:320], subject="\u202egnp")
    page = search(admin, "")
    assert len(ids(page)) == 2
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "\u202e" not in page


def test_what_it_asks_can_be_had_for_exports(scene: Scene) -> None:
    request = RequestFactory().get("/", {"q": "from:ann", "when": "today"})
    found = search_page.queries(request, scene.project)
    assert list(found) == [Log.INCOMING]
    assert found[Log.INCOMING].since is not None


def test_nothing_at_all_says_what_would_stand_here(scene: Scene, admin: Client) -> None:
    assert "Every message gets a line here" in search(admin, "")
    assert "Nothing matches these filters" in search(admin, "?q=zzz")
