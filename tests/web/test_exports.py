"""Exports of the Email logs: what a list shows as CSV and JSON Lines, its raw messages as mbox and
zip, and who may have them."""

from __future__ import annotations

import csv
import io
import json
import mailbox
import uuid
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone

from deskpost.jobs import run
from deskpost.logs import export, export_rows, retention
from deskpost.logs.export_rows import COLUMNS
from deskpost.models import Attempt, AuditEntry, Job, Project
from deskpost.outcomes import NotificationStatus, Outcome
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import Scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


def url(page: str, form: str, query: str = "", key: str = "IT") -> str:
    return reverse("export", args=[key, page, form]) + query


def octets(response: Any) -> bytes:
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


def closed(response: Any) -> None:
    """Do what the server does when the reader has gone away. (The response's own `close` would end
    the test's connection to the database too.)"""
    for close in response._resource_closers:
        close()


def read_csv(response: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(octets(response).decode("utf-8-sig"), newline="")))


def read_jsonl(response: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in octets(response).decode().splitlines()]


def worked(job: Job) -> Job:
    """Do what a worker does until the job is over."""
    while run.step("test-worker", lambda: False):
        pass
    job.refresh_from_db()
    return job


def asked_for(scene: Scene, page: str, form: str, query: str = "") -> Job:
    response = scene.browser("admin").post(url(page, form, query))
    assert response.status_code == 302
    job = Job.objects.latest("id")
    assert response["Location"] == reverse("job", args=["IT", job.pk])
    return worked(job)


# --- CSV and JSON Lines ---


def test_a_csv_holds_what_the_list_shows_with_ids_codes_and_words(scene: Scene) -> None:
    at = timezone.now() - timedelta(hours=2)
    failed = rows.note(scene.project, scene.customer, at=at, subject="IT-1 Printer")
    Attempt.objects.create(notification=failed, started_at=at)
    rows.note(scene.project, scene.customer, status=NotificationStatus.DELIVERED)
    (line,) = read_csv(scene.browser("admin").get(url("req", "csv")))
    assert list(line) == list(COLUMNS)
    assert line["id"] == str(failed.pk)
    assert (line["status"], line["status_words"]) == ("failed", "Failed")
    assert (line["code"], line["details"]) == ("suppression_list", "Suppression list")
    assert (line["recipient"], line["key"]) == (scene.customer.email, "IT-1")
    assert (line["kind"], line["name"]) == ("comment_added", "Comment added")
    assert line["attempts"] == "1"
    assert datetime.fromisoformat(line["time"]) == at.replace(microsecond=0)
    assert len(read_csv(scene.browser("admin").get(url("req", "csv", "?status=all")))) == 2


def test_a_line_of_json_holds_the_facts_too(scene: Scene) -> None:
    said = {"server": "mx.x.test", "code": 550, "answer": "no ‹such› user"}
    note = rows.note(scene.project, scene.customer, facts=said)
    (line,) = read_jsonl(scene.browser("admin").get(url("req", "jsonl")))
    assert (line["id"], line["facts"]) == (str(note.pk), said)


def test_words_and_times_are_the_readers_also_while_the_file_is_streamed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BATCH", 1)
    for _ in range(2):
        rows.mail(scene.channel, Outcome.BLOCKED_SENDER, raw=b"")
    scene.admin.language, scene.admin.time_zone = "ja", "Asia/Tokyo"
    scene.admin.save()
    for line in read_csv(scene.browser("admin").get(url("in", "csv"))):
        assert line["time"].endswith("+09:00")
        assert line["status_words"] not in {"", "Skipped"}


def test_no_cell_is_a_formula_to_a_spreadsheet(scene: Scene) -> None:
    for subject in ("=1+1", "+1", "-1", "@A1", "\tx", "＝HYPERLINK(1)", "\u3000=1"):
        rows.mail(scene.channel, subject=subject)
    response = scene.browser("admin").get(url("in", "csv"))
    body = octets(response)
    assert body.startswith(b"\xef\xbb\xbf")
    found = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""))
    assert {line["subject"][0] for line in found} == {"'"}


def test_it_is_a_file_of_ours_and_nothing_that_a_browser_shows_or_keeps(scene: Scene) -> None:
    response: Any = scene.browser("admin").get(url("in", "csv"))
    closed(response)
    assert response["Content-Disposition"].startswith('attachment; filename="deskpost-IT-incoming-')
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "no-store"
    assert "sandbox" in response["Content-Security-Policy"]


def test_a_file_that_is_full_says_where_the_rest_is_and_that_goes_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BATCH", 2)
    monkeypatch.setattr(export.walk, "__defaults__", (3,))
    ids = [str(rows.mail(scene.channel, at=rows.ago(minutes=n), raw=b"").pk) for n in range(7)]
    browser = scene.browser("admin")
    seen, address = [], url("in", "csv", "?status=success")
    for _ in range(3):
        lines = read_csv(browser.get(address))
        seen += [line["id"] for line in lines if line["id"]]
        address = lines[-1]["details"] if lines[-1]["log"] == "limit" else ""
        if not address:
            break
        assert "status=success" in address
    assert seen == ids
    *_, last = read_jsonl(browser.get(url("in", "jsonl")))
    assert last["why"] == "limit"
    assert "before=" in last["next"]
    assert len(read_jsonl(browser.get(last["next"]))) == 4


def test_the_search_over_all_lists_is_one_file_newest_first(scene: Scene) -> None:
    a = rows.mail(scene.channel, at=rows.ago(minutes=3), subject="Printer").pk
    b = rows.note(scene.project, scene.customer, at=rows.ago(minutes=2), subject="Printer").pk
    c = rows.mail(scene.channel, at=rows.ago(minutes=1), subject="Printer").pk
    rows.mail(scene.channel, subject="Door")
    lines = read_jsonl(scene.browser("admin").get(url("search", "jsonl", "?q=printer")))
    assert [line["id"] for line in lines] == [str(c), str(b), str(a)]
    assert [line["log"] for line in lines] == ["in", "req", "in"]


def test_an_export_is_written_down_with_its_filter_and_number(scene: Scene) -> None:
    for _ in range(3):
        rows.mail(scene.channel, raw=b"")
    octets(scene.browser("admin").get(url("in", "csv", "?status=success")))
    entry = AuditEntry.objects.get(act=AuditEntry.Act.EXPORT)
    assert (entry.person, entry.project, entry.subject) == (scene.admin, scene.project, "in")
    assert entry.details == {"form": "csv", "query": "status=success", "number": 3}


def test_one_that_is_cut_off_is_written_down_with_what_went_out(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BATCH", 2)
    for _ in range(5):
        rows.mail(scene.channel, raw=b"")
    response: Any = scene.browser("admin").get(url("in", "csv"))
    pieces = iter(response.streaming_content)
    next(pieces), next(pieces)
    closed(response)
    assert AuditEntry.objects.get(act=AuditEntry.Act.EXPORT).details["number"] == 2


def test_memory_does_not_grow_with_the_file(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than one batch of messages is asked for before it is wanted."""
    monkeypatch.setattr(export, "BATCH", 2)
    asked: list[int] = []
    before = export_rows.records

    def counted(ids: Any) -> Any:
        asked.append(len(ids))
        return before(ids)

    monkeypatch.setattr(export, "records", counted)
    for _ in range(9):
        rows.mail(scene.channel, raw=b"")
    response: Any = scene.browser("admin").get(url("in", "csv"))
    pieces = iter(response.streaming_content)
    assert asked == [2]
    next(pieces), next(pieces), next(pieces)
    assert asked == [2, 2]
    closed(response)


@pytest.mark.parametrize(
    ("name", "status"),
    [("agent", 403), ("customer", 403), ("stranger", 404), ("nobody", 302), ("site_admin", 200)],
)
def test_only_admins_export(scene: Scene, name: str, status: int) -> None:
    browser = scene.browser(name)
    response = browser.get(url("in", "csv"))
    assert response.status_code == status
    if status == 200:
        closed(response)
    assert browser.post(url("in", "zip")).status_code == (302 if status == 200 else status)
    assert Job.objects.exists() is (status == 200)


def test_what_is_no_export_is_not_there_and_mail_is_not_made_by_a_link(scene: Scene) -> None:
    browser = scene.browser("admin")
    assert browser.get(url("in", "exe")).status_code == 404
    assert browser.get(url("out", "csv")).status_code == 404
    assert browser.get(url("in", "zip")).status_code == 405
    assert browser.post(url("in", "csv")).status_code == 405


def test_a_team_managed_project_exports_its_channels_log_only(scene: Scene) -> None:
    Project.objects.update(kind=Project.Kind.TEAM)
    rows.mail(scene.channel, raw=b"")
    browser = scene.browser("admin")
    assert len(read_csv(browser.get(url("in", "csv", f"?channel={scene.channel.pk}")))) == 1
    assert browser.get(url("req", "csv")).status_code == 404
    assert browser.post(url("in", "zip")).status_code == 404


# --- Raw messages ---


def test_a_zip_holds_each_original_byte_for_byte_and_an_index(scene: Scene) -> None:
    mails = [
        rows.mail(scene.channel, raw=f"Subject: {n}\r\n\r\n{n}\r\n".encode()) for n in range(4)
    ]
    gone = rows.mail(scene.channel, subject="=gone")
    storages["raw"].delete(gone.raw_key)
    job = asked_for(scene, "in", "zip")
    assert (job.state, job.made, job.left_out) == (Job.State.DONE, 4, {"raw_gone": 1})
    response = scene.browser("admin").get(reverse("export-file", args=["IT", job.pk]))
    body = octets(response)
    assert len(body) == int(response["Content-Length"]) == job.file_size
    with zipfile.ZipFile(io.BytesIO(body)) as file:
        assert file.testzip() is None
        named = {name: file.read(name) for name in file.namelist()}
    index = list(csv.DictReader(io.StringIO(named.pop("index.csv").decode("utf-8-sig"))))
    raws = {mail.pk: f"Subject: {n}\r\n\r\n{n}\r\n".encode() for n, mail in enumerate(mails)}
    assert sorted(named.values()) == sorted(raws.values())
    for line in index:
        if line["file"]:
            assert named[line["file"]] == raws[uuid.UUID(line["id"])]
    (left,) = [line for line in index if not line["file"]]
    assert (left["id"], left["left_out"]) == (str(gone.pk), "raw_gone")
    assert left["subject"] == "'=gone"


def test_an_mbox_is_read_by_others_and_its_index_names_what_is_missing(
    scene: Scene, tmp_path: Path
) -> None:
    head, dated = b"Subject: Quotes\r\n\r\n", b"From a Mon Jan  5 10:00:00 2026\r\n"
    text = head + b"From here\r\n>From there\r\n\r\n" + dated
    rows.mail(scene.channel, raw=text, at=rows.ago(minutes=1))
    rows.mail(scene.channel, raw=b"Subject: No end", envelope_from="", at=rows.ago(minutes=2))
    rows.mail(scene.channel, raw=b"", at=rows.ago(minutes=3))
    job = asked_for(scene, "in", "mbox")
    browser = scene.browser("admin")
    path = tmp_path / "out.mbox"
    path.write_bytes(octets(browser.get(reverse("export-file", args=["IT", job.pk]))))
    box = mailbox.mbox(path, create=False)
    assert [message["Subject"] for message in box] == ["Quotes", "No end"]
    assert [str(message.get_from()).split()[0] for message in box] == [
        "ann@x.test",
        "MAILER-DAEMON",
    ]
    box.close()
    index = read_csv(browser.get(reverse("export-index", args=["IT", job.pk])))
    assert [(line["file"], line["left_out"]) for line in index] == [
        ("1", ""),
        ("2", ""),
        ("", "raw_gone"),
    ]


def test_a_file_is_for_admins_of_the_project_for_a_day_and_taking_it_is_written_down(
    scene: Scene,
) -> None:
    rows.mail(scene.channel)
    job = asked_for(scene, "in", "zip")
    address = reverse("export-file", args=["IT", job.pk])
    assert scene.browser("agent").get(address).status_code == 403
    assert scene.browser("stranger").get(address).status_code == 404
    octets(scene.browser("site_admin").get(address))
    entry = AuditEntry.objects.get(act=AuditEntry.Act.RAW_DOWNLOAD)
    assert (entry.person, entry.subject) == (scene.site_admin, f"job {job.pk}")
    assert entry.details["messages"] == 1
    Job.objects.update(file_until=timezone.now() - timedelta(seconds=1))
    assert scene.browser("admin").get(address).status_code == 404
    retention.prune()
    assert not storages["default"].exists(f"exports/{job.pk}")
    assert Job.objects.get().file_key == ""


def test_a_job_of_another_project_has_no_file_here(scene: Scene) -> None:
    rows.mail(scene.channel)
    job = asked_for(scene, "in", "zip")
    other = Project.objects.create(key="HR", name="HR")
    other.memberships.create(person=scene.admin, role="admin")
    address = reverse("export-file", args=["HR", job.pk])
    assert scene.browser("admin").get(address).status_code == 404


def test_a_file_of_which_a_piece_is_missing_is_not_given_out(scene: Scene) -> None:
    rows.mail(scene.channel)
    job = asked_for(scene, "in", "zip")
    storages["default"].delete(f"exports/{job.pk}/{job.options['pieces'][0][0]}")
    response = scene.browser("admin").get(reverse("export-file", args=["IT", job.pk]))
    assert response.status_code == 410


def test_the_same_form_sent_twice_makes_one_job(scene: Scene) -> None:
    rows.mail(scene.channel)
    browser = scene.browser("admin")
    for _ in range(2):
        response: HttpResponse = browser.post(url("in", "zip"), {"token": "abc"})  # type: ignore[assignment]
        assert response.status_code == 302
    assert Job.objects.count() == 1
