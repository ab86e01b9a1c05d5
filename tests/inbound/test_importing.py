"""Old mail of each kind is found, read and brought in, without doubles."""

from __future__ import annotations

import io
import mailbox
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import OperationalError

from deskpost.inbound import intake
from deskpost.inbound.channels import importing
from deskpost.inbound.channels.importing import Importer, Kind, NotMail, Tally, find
from deskpost.inbound.channels.smtp import KEPT_OF_OVERSIZE
from deskpost.mail import mime
from deskpost.models import Event, InboundEmail, Request
from tests.desk import Desk
from tests.parts.site import letter, wire


def bring(desk: Desk, path: Path) -> Tally:
    """Import the path and process what came of it."""
    importer = Importer(find(path), desk.channel)
    with ThreadPoolExecutor(2) as pool:
        for _ in importer.run(pool):
            pass
    desk.work_inbound()
    return importer.tally


def a_folder(path: Path, count: int = 3) -> Path:
    for number in range(count):
        (path / f"{number}.eml").write_bytes(wire(letter(f"letter {number}")))
    return path


def test_each_kind_is_recognised(tmp_path: Path) -> None:
    eml = tmp_path / "one.eml"
    eml.write_bytes(b"Subject: x\r\n\r\nx\r\n")
    box = mailbox.mbox(tmp_path / "box", create=True)
    box.add(letter())
    box.close()
    maildir = mailbox.Maildir(tmp_path / "dir", create=True)
    maildir.add(letter())
    assert [find(tmp_path / name).kind for name in ("one.eml", "box", "dir", ".")] == [
        Kind.MESSAGE,
        Kind.MBOX,
        Kind.MAILDIR,
        Kind.FOLDER,
    ]
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotMail, match="neither a Maildir nor a folder"):
        find(tmp_path / "empty")


def test_the_raw_message_is_kept_byte_for_byte(desk: Desk, tmp_path: Path) -> None:
    raw = b"From: Ann <ann@x.test>\nSubject: old\n\nbytes \xff\x00 and no line end"
    (tmp_path / "a.eml").write_bytes(raw)
    bring(desk, tmp_path)
    row = InboundEmail.objects.get()
    with storages["raw"].open(row.raw_key) as file:
        assert file.read() == raw
    assert (row.transport, row.envelope_from) == ("import", "ann@x.test")


def test_a_second_run_takes_nothing_and_makes_no_rows(desk: Desk, tmp_path: Path) -> None:
    a_folder(tmp_path)
    assert str(bring(desk, tmp_path)) == "3 read: 3 taken, 0 there already, 0 too large"
    assert str(bring(desk, tmp_path)) == "3 read: 0 taken, 3 there already, 0 too large"
    assert InboundEmail.objects.count() == 3


def test_what_waits_is_known_too(desk: Desk, tmp_path: Path) -> None:
    importer = Importer(find(a_folder(tmp_path)), desk.channel)
    with ThreadPoolExecutor(2) as pool:
        list(importer.run(pool))
    assert InboundEmail.objects.filter(status="processing").count() == 3
    assert bring(desk, tmp_path).already == 3
    assert InboundEmail.objects.count() == 3


def test_the_same_message_twice_in_one_source_is_taken_once(desk: Desk, tmp_path: Path) -> None:
    data = wire(letter())
    (tmp_path / "a.eml").write_bytes(data)
    (tmp_path / "b.eml").write_bytes(data)
    assert (bring(desk, tmp_path).taken, Request.objects.count()) == (1, 1)


def test_imports_know_no_threshold_and_do_not_count_for_later_mail(
    desk: Desk, tmp_path: Path
) -> None:
    bring(desk, a_folder(tmp_path, 15))
    assert Request.objects.count() == 15
    assert not Event.objects.exists()
    assert desk.take(letter("live")).outcome == "request_created"


def test_too_large_ones_keep_their_headers(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.DESKPOST, "INBOUND_LIMIT", 300_000)
    (tmp_path / "a.eml").write_bytes(b"Subject: film\r\n\r\n" + b"x" * 400_000)
    assert bring(desk, tmp_path).too_large == 1
    row = InboundEmail.objects.get()
    assert (row.outcome, row.subject) == ("too_large", "film")
    assert row.raw_size == KEPT_OF_OVERSIZE
    assert bring(desk, tmp_path).already == 1


@pytest.mark.parametrize("date", ["Tue, 05 Mar 2999 09:00:00 +0000", "garbage"])
def test_a_date_that_cannot_be_is_not_believed(desk: Desk, tmp_path: Path, date: str) -> None:
    (tmp_path / "a.eml").write_bytes(f"From: a@x.test\r\nDate: {date}\r\n\r\nx\r\n".encode())
    bring(desk, tmp_path)
    age = desk.project.created_at - Request.objects.get().created_at
    assert abs(age.total_seconds()) < 60


@pytest.mark.parametrize(
    ("hint", "headers", "sender"),
    [
        ("bob@x.test", "Return-Path: <>\r\nFrom: ann@x.test", ""),
        ("bob@x.test", "Return-Path: <carl@x.test>\r\nFrom: ann@x.test", "carl@x.test"),
        ("bob@x.test", "From: ann@x.test", "bob@x.test"),
        ("MAILER-DAEMON", "From: ann@x.test", "ann@x.test"),
        ("1850000000000000001@xxx", "From: ann@x.test", "ann@x.test"),
        ("-", "Return-Path: (none)\r\nFrom: ann@x.test", "ann@x.test"),
        ("", "Subject: x", ""),
    ],
)
def test_the_envelope_sender_is_the_best_that_is_known(
    hint: str, headers: str, sender: str
) -> None:
    parsed = mime.parse(f"{headers}\r\n\r\nx\r\n".encode())
    assert importing.envelope_from(hint, parsed) == sender


def test_a_maildir_is_read_in_the_order_of_delivery(tmp_path: Path) -> None:
    for name in ("cur", "new", "tmp"):
        (tmp_path / name).mkdir()
    for name in ("cur/900.b.x:2,S", "cur/1000.a.x:2,", "new/950.c.x", "cur/.lock", "tmp/1.d.x"):
        (tmp_path / name).write_bytes(name.encode())
    letters = find(tmp_path).letters()
    assert [letter.raw for letter in letters] == [
        b"cur/900.b.x:2,S",
        b"new/950.c.x",
        b"cur/1000.a.x:2,",
    ]


def test_old_answers_change_nothing_on_a_request_that_has_gone_on(
    desk: Desk, tmp_path: Path
) -> None:
    desk.take(letter("live"))
    Request.objects.update(status=Request.Status.RESOLVED)
    before = Request.objects.get()
    old = letter("Re: IT-1")
    old.replace_header("Date", "Tue, 05 Mar 2019 09:00:00 +0000")
    (tmp_path / "a.eml").write_bytes(wire(old))
    bring(desk, tmp_path)
    after = Request.objects.get()
    assert (after.status, after.updated_at) == (before.status, before.updated_at)
    comment = after.comments.get(is_description=False)
    assert f"{comment.created_at:%Y-%m-%d}" == "2019-03-05"
    row = InboundEmail.objects.get(transport="import")
    assert (row.outcome, row.facts) == ("comment_added", {"import": True})


@pytest.mark.parametrize("error", [OSError("No space left on device"), OperationalError("gone")])
def test_a_failure_is_said_and_what_was_stored_stays(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    store, calls = intake.store, iter(range(9))

    def second_fails(*what: Any) -> list[InboundEmail]:
        if next(calls):
            raise error
        return store(*what)

    a_folder(tmp_path, intake.GATHER_MESSAGES + 1)
    monkeypatch.setattr(intake, "store", second_fails)
    with pytest.raises(CommandError, match=f"64 taken.*{error}.*\n.*Run it again"):
        call_command("import_mail", str(tmp_path), channel="it@desk.test", stdout=io.StringIO())
    assert InboundEmail.objects.count() == intake.GATHER_MESSAGES
    monkeypatch.setattr(intake, "store", store)
    assert str(bring(desk, tmp_path)) == "65 read: 1 taken, 64 there already, 0 too large"
