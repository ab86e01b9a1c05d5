"""The audit log: who looked at or changed what, for site admins."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from deskpost.models import AuditEntry, Person, Project
from deskpost.outbound import suppress
from deskpost.web import audit_rows
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

pytestmark = pytest.mark.django_db
Act = AuditEntry.Act
AUDIT, EXPORT = "/audit/", "/audit/export/"


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


@pytest.fixture
def site_admin(scene: Scene) -> Client:
    return scene.browser("site_admin")


def read(client: Client, path: str = AUDIT, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    return response.content.decode()


def home(client: Client) -> str:
    return client.get("/", follow=True).content.decode()


def entry(
    by: Person,
    act: str = Act.UNBLOCK,
    subject: str = "ann@x.test",
    *,
    at: datetime | None = None,
    project: Project | None = None,
    details: dict[str, Any] | None = None,
) -> AuditEntry:
    made = AuditEntry.objects.create(
        person=by, act=act, subject=subject, project=project, details=details or {}
    )
    if at:
        AuditEntry.objects.filter(pk=made.pk).update(at=at)
    return made


def file_of(client: Client, query: str = "") -> list[list[str]]:
    response = client.get(EXPORT + query)
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(text)))


# --- For whom ------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["admin", "agent", "customer", "stranger"])
def test_only_a_site_admin_reads_it(scene: Scene, who: str) -> None:
    for path in (AUDIT, EXPORT):
        read(scene.browser(who), path, 403)
    assert f'href="{AUDIT}"' not in home(scene.browser(who))
    assert not AuditEntry.objects.exists()


def test_it_stands_in_the_site_s_pane(site_admin: Client) -> None:
    assert f'href="{AUDIT}"' in home(site_admin)
    assert "No entry yet" in read(site_admin)


# --- Each act in words, with where it leads ------------------------------------------------------


def test_what_people_do_is_read_with_links_to_it(scene: Scene, site_admin: Client) -> None:
    note, mail = rows.note(scene.project, scene.customer), rows.mail(scene.channel)
    admin = scene.browser("admin")
    b"".join(admin.get(reverse("raw", args=["IT", mail.pk])).streaming_content)  # type: ignore[attr-defined]
    suppress.block("bob@x.test", "by_hand", {"note": "asked"}, by=scene.site_admin)
    suppress.unblock("bob@x.test", by=scene.admin, project=scene.project)
    admin.post(reverse("send-again", args=["IT", note.pk]))
    admin.post(reverse("invite", args=["IT"]), {"email": "new@x.test", "name": "New"})
    page = read(site_admin)
    for words in (
        "Raw message downloaded",
        "Address blocked",
        "Address unblocked",
        "Sent again",
        "Person invited",
    ):
        assert f">{words}</td>" in page, words
    sent = AuditEntry.objects.get(act=Act.SEND_AGAIN)
    for path in (
        reverse("incoming", args=["IT", mail.pk]),
        reverse("notification", args=["IT", sent.details["notification"]]),
        reverse("person", args=["bob@x.test"]),
        reverse("person", args=["new@x.test"]),
    ):
        assert f'href="{path}"' in page, path


@pytest.mark.parametrize(
    ("act", "subject", "details", "words", "leads"),
    [
        ("settings", "it@desk.test", {"act": "pause"}, "Channel paused", "channel-settings"),
        ("settings", "it@desk.test", {"removed": "imap"}, "Channel removed", None),
        ("settings", "notifications", {"comment_added": [1]}, "comment_added", "rules"),
        ("settings", "senders", {"block_list": "secret.test"}, "block_list", "senders"),
        ("settings", "x/en", {"template": "saved", "before": {}}, "Template saved", "templates"),
        ("settings", "x.test", {"dkim": "made"}, "DKIM key made", "dkim"),
        ("block", "CSV", {"imported": 12, "first": ["a@x.test"]}, "12 addresses", "suppression"),
        ("invite", "a@x.test", {"request": "IT-7"}, "Participant added", "person"),
        ("send_again", "limit 2026-11-20", {"sent": 3}, "3 notifications", None),
        ("reprocess", "gone", {"before": "bulk", "after": "request_created"}, "Bulk mail →", None),
        ("export", "req", {"number": 1234, "query": "q=x"}, "1,234 messages", "list"),
        ("export", "audit", {"filters": {}}, "Audit log", "audit"),
        ("send_again", "job 12", {"job": 12, "asked": True}, "for many messages", None),
        ("export", "job 12", {"job": 12, "cancelled": True}, "cancelled", None),
        ("raw_download", "job 12", {"form": "zip", "messages": 7}, "7 messages", None),
        (
            "settings",
            "senders",
            {"block_list": "secret.test", "removed": "evil.test", "message": "x"},
            "evil.test taken off",
            "senders",
        ),
        ("something", "new", {}, "something", None),
    ],
)
def test_each_sort_of_act_has_words(
    scene: Scene,
    site_admin: Client,
    act: str,
    subject: str,
    details: dict[str, Any],
    words: str,
    leads: str | None,
) -> None:
    entry(scene.admin, act, subject, project=scene.project, details=details)
    page = read(site_admin).split("<tbody")[1].split("</tbody")[0]
    paths = {
        "channel-settings": reverse("channel-settings", args=["IT", scene.channel.pk]),
        "rules": reverse("notification-rules", args=["IT"]),
        "senders": reverse("senders", args=["IT"]),
        "templates": reverse("templates", args=["IT"]),
        "dkim": reverse("dkim"),
        "list": reverse("email-logs", args=["IT"]) + "?q=x",
        "audit": AUDIT,
        "suppression": reverse("suppression"),
        "person": reverse("person", args=["a@x.test"]),
    }
    assert words in page
    assert "secret.test" not in page, "what a setting was changed to is not shown"
    if leads:
        assert f'href="{paths[leads]}"' in page


@pytest.mark.parametrize("details", [[], "x", 1, None, {"imported": True}, {"sent": "x"}])
def test_odd_details_do_no_harm(scene: Scene, site_admin: Client, details: Any) -> None:
    for act in Act:
        made = entry(scene.admin, act, HOSTILE, project=scene.project)
        AuditEntry.objects.filter(pk=made.pk).update(details=details if details is not None else {})
    page = read(site_admin)
    assert "&lt;script&gt;alert" in page
    assert "<script>alert" not in page


# --- Filters and pages ---------------------------------------------------------------------------


def test_each_filter_finds_and_has_a_chip_that_removes_it(scene: Scene, site_admin: Client) -> None:
    entry(scene.admin, Act.UNBLOCK, "ann@x.test", project=scene.project)
    entry(scene.site_admin, Act.BLOCK, "bob@x.test", at=timezone.now() - timedelta(days=5))
    today = f"{timezone.localdate():%Y-%m-%d}"
    for query, ann, bob in [
        ("", True, True),
        ("?person=admin@desk", True, True),
        ("?person=The+admin", True, False),
        ("?person=site_admin@", False, True),
        ("?project=IT", True, False),
        ("?act=block", False, True),
        ("?q=ANN@", True, False),
        (f"?from={today}", True, False),
        ("?to=2001-01-01", False, False),
        ("?act=x&from=y&to=z&before=w", True, True),
    ]:
        page = read(site_admin, AUDIT + query)
        assert (">ann@x.test<" in page, ">bob@x.test<" in page) == (ann, bob), query
    page = read(site_admin, AUDIT + "?act=block&q=bob")
    assert f'href="{AUDIT}?q=bob" aria-label="Remove filter: Act Address blocked' in page


def test_pages_go_on_by_the_key(scene: Scene, site_admin: Client) -> None:
    for n in range(120):
        entry(scene.admin, subject=f"p{n}@x.test")
    seen, path = [], AUDIT
    while path:
        page = read(site_admin, path)
        seen += [n for n in range(120) if f">p{n}@x.test<" in page]
        more = page.split('id="more"><a class="btn" href="')
        path = more[1].split('"')[0].replace("&amp;", "&") if len(more) > 1 else ""
    assert len(seen) == 120
    assert set(seen) == set(range(120))


def test_a_search_looks_at_so_many_and_offers_to_look_further_back(
    scene: Scene, site_admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_rows, "LOOKED_AT", 10)
    entry(scene.admin, subject="wanted@x.test")
    for _ in range(25):
        entry(scene.admin)
    path, looks = AUDIT + "?q=wanted", 0
    while ">wanted@x.test<" not in (page := read(site_admin, path)):
        assert "Look further back" in page
        path = page.split('id="more"><a class="btn" href="')[1].split('"')[0].replace("&amp;", "&")
        looks += 1
    assert looks == 2
    assert [row[4] for row in file_of(site_admin, "?q=wanted")[1:]] == ["wanted@x.test"]


def test_days_are_found_among_many_in_a_few_looks(
    scene: Scene, site_admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_rows, "LOOKED_AT", 500)
    begin = timezone.now() - timedelta(days=400)
    AuditEntry.objects.bulk_create(
        AuditEntry(person=scene.admin, act=Act.UNBLOCK, subject=f"day-{n}") for n in range(3000)
    )
    found = list(AuditEntry.objects.order_by("pk"))
    for n, row in enumerate(found):
        row.at = begin + timedelta(hours=3 * n)
    AuditEntry.objects.bulk_update(found, ["at"], batch_size=400)
    day = f"{timezone.localdate(begin + timedelta(days=100)):%Y-%m-%d}"
    with CaptureQueriesContext(connection) as asked:
        page = read(site_admin, f"{AUDIT}?from={day}&to={day}")
    assert page.count("data-row") == 8
    assert len(asked) < 60


# --- CSV -----------------------------------------------------------------------------------------


def test_the_file_holds_what_the_filters_find_and_no_formula(
    scene: Scene, site_admin: Client
) -> None:
    entry(scene.admin, Act.BLOCK, "=cmd|' /C calc'!A0", project=scene.project)
    entry(scene.admin, Act.UNBLOCK, "ann@x.test")
    head, line = file_of(site_admin, "?act=block")
    assert head == ["at", "person", "project", "act", "subject", "details"]
    assert line[1:5] == ["admin@desk.test", "IT", "block", "'=cmd|' /C calc'!A0"]


def test_that_it_was_taken_is_an_entry_itself(scene: Scene, site_admin: Client) -> None:
    file_of(site_admin, "?q=ann")
    made = AuditEntry.objects.get(act=Act.EXPORT)
    assert (made.person, made.details["filters"]) == (scene.site_admin, {"q": "ann"})
    assert site_admin.head(EXPORT).status_code == 200
    assert AuditEntry.objects.count() == 1
