"""The file of an export of raw messages is whole or is not offered, whatever dies in between."""

from __future__ import annotations

import io
import mailbox
import uuid
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.core.management import call_command
from django.utils import timezone

from deskpost.jobs import ask, run
from deskpost.jobs import export as mail_export
from deskpost.jobs.doing import Pace
from deskpost.logs import export_files, export_mail, retention
from deskpost.logs.search import Query
from deskpost.mail import mbox
from deskpost.models import InboundEmail, Job, Log, queue
from tests.desk import Desk
from tests.logs import rows
from tests.parts.site import letter

RAW = b"From: Ann <ann@x.test>\r\nSubject: %d\r\n\r\nFrom here on\r\n>From there\r\n"


def fill(desk: Desk, number: int) -> dict[uuid.UUID, bytes]:
    """Make so many incoming messages; returns their originals."""
    return {
        rows.mail(desk.channel, raw=raw, at=rows.ago(minutes=n)).pk: raw
        for n, raw in enumerate(RAW % n for n in range(number))
    }


def asked(desk: Desk, act: Job.Act) -> Job:
    admin = desk.member(f"{uuid.uuid4().hex}@desk.test", "admin")
    query = Query(project_id=desk.project.pk, log=Log.INCOMING)
    return ask.ask(act, desk.project, admin, log="in", queries=[query])


def step(owner: str = "one") -> int:
    return run.step(owner, lambda: False)


def ended(job: Job) -> Job:
    while step():
        pass
    job.refresh_from_db()
    return job


def content(job: Job) -> bytes:
    pieces = mail_export.of(job, "pieces")
    export_files.check(job, pieces)
    return b"".join(export_files.read(job, pieces))


def unzipped(job: Job) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content(job))) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


@pytest.fixture
def chunks_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MBOX", "ZIP"):
        doing = getattr(mail_export, name)
        smaller = type(doing)(chunk=doing.chunk, finish=doing.finish, drop=doing.drop, size=3)
        monkeypatch.setattr(mail_export, name, smaller)


@pytest.mark.usefixtures("chunks_of_three")
def test_a_zip_of_many_chunks_and_pieces_is_one_whole_zip(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_files, "PIECE", 100)
    raws = fill(desk, 10)
    job = ended(asked(desk, Job.Act.EXPORT_ZIP))
    named = unzipped(job)
    index = named.pop(export_mail.INDEX)
    assert sorted(named.values()) == sorted(raws.values())
    assert index.count(b"\n") == 1 + len(raws)
    assert len(mail_export.of(job, "pieces")) > 10


@pytest.mark.usefixtures("chunks_of_three")
@pytest.mark.parametrize("act", [Job.Act.EXPORT_ZIP, Job.Act.EXPORT_MBOX])
def test_after_a_death_in_the_middle_no_message_is_missing_or_there_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, act: Job.Act
) -> None:
    """It dies with its pieces written and its progress not; then once more at the very end."""
    raws = fill(desk, 7)
    job = asked(desk, act)
    step(), step()

    class Killed(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(run, "_record", die)
        with pytest.raises(Killed):
            step("the dead")
    queue.bury(Job, ["the dead"])
    while Job.objects.get().looked_at < len(raws):
        step()
    with monkeypatch.context() as dying:
        dying.setattr(run, "_write", die)
        with pytest.raises(Killed):
            step("the dead too")
    job.refresh_from_db()
    assert not job.file_key
    queue.bury(Job, ["the dead too"])
    job = ended(job)
    assert (job.state, job.made) == (Job.State.DONE, 7)
    if act == Job.Act.EXPORT_ZIP:
        named = unzipped(job)
        del named[export_mail.INDEX]
        assert sorted(named.values()) == sorted(raws.values())
    else:
        found = mbox.read(io.BytesIO(content(job)), limit=10**6, keep=0)
        assert sorted(entry.raw for entry in found) == sorted(raws.values())


@pytest.mark.usefixtures("chunks_of_three")
def test_a_late_worker_writes_nothing_into_the_file_of_the_next(desk: Desk) -> None:
    """One that was paused comes back when another has taken its place: its pieces do not count."""
    raws = fill(desk, 3)
    job = asked(desk, Job.Act.EXPORT_ZIP)
    step()
    (late,) = queue.claim(Job.objects.all(), "late", timezone.now(), 1)
    queue.bury(Job, ["late"])
    job = ended(job)
    ids: Sequence[uuid.UUID] = list(raws)
    done = mail_export.ZIP.chunk(late, ids[:1], Pace(late, lambda: False, again=True))
    with pytest.raises(queue.LostClaim):
        run._record(late, ids[:1], done)
    named = unzipped(job)
    del named[export_mail.INDEX]
    assert sorted(named.values()) == sorted(raws.values())


def test_a_piece_that_is_not_whole_ends_in_no_file(desk: Desk) -> None:
    fill(desk, 2)
    job = asked(desk, Job.Act.EXPORT_MBOX)
    step(), step()
    job.refresh_from_db()
    ((name, _),) = mail_export.of(job, "pieces")
    Path(storages["default"].path(f"exports/{job.pk}/{name}")).write_bytes(b"From")
    for _ in range(5):
        Job.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        step()
    job.refresh_from_db()
    assert (job.state, job.file_key) == (Job.State.FAILED, "")
    assert job.error.startswith("Broken")
    assert not storages["default"].exists(f"exports/{job.pk}")


def test_what_does_not_fit_is_named_and_the_file_is_what_fits(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    raws = fill(desk, 5)
    monkeypatch.setattr(mail_export, "MOST", 3)
    job = ended(asked(desk, Job.Act.EXPORT_ZIP))
    assert (job.made, job.left_out) == (3, {"over_limit": 2})
    assert len(unzipped(job)) == 3 + 1
    monkeypatch.setattr(mail_export, "MOST", 10)
    monkeypatch.setattr(mail_export, "MOST_OCTETS", 2 * len(next(iter(raws.values()))))
    job = ended(asked(desk, Job.Act.EXPORT_ZIP))
    assert (job.made, job.left_out) == (2, {"over_limit": 3})


def test_what_a_cancelled_job_has_written_goes(desk: Desk) -> None:
    fill(desk, 3)
    job = asked(desk, Job.Act.EXPORT_ZIP)
    step(), step()
    assert storages["default"].exists(f"exports/{job.pk}")
    assert ask.cancel(job, job.by)
    step()
    assert not storages["default"].exists(f"exports/{job.pk}")


def test_what_lies_about_of_a_job_that_is_over_is_cleared_away_and_what_is_offered_stays(
    desk: Desk,
) -> None:
    fill(desk, 1)
    kept, failed = ended(asked(desk, Job.Act.EXPORT_ZIP)), ended(asked(desk, Job.Act.EXPORT_ZIP))
    Job.objects.filter(pk=failed.pk).update(file_key="", state=Job.State.FAILED)
    retention.prune()
    assert not storages["default"].exists(f"exports/{failed.pk}")
    assert unzipped(kept)


@pytest.mark.django_db(transaction=True)
def test_an_exported_mbox_can_be_imported_and_is_the_same(desk: Desk, tmp_path: Path) -> None:
    for n in range(3):
        desk.take(letter(f"Printer {n}"))
    job = ended(asked(desk, Job.Act.EXPORT_MBOX))
    path = tmp_path / "out.mbox"
    path.write_bytes(content(job))
    assert len(mailbox.mbox(path)) == 3
    before = {row.raw_sha256 for row in InboundEmail.objects.all()}
    other = desk.add_channel("hr@desk.test", type(desk.project).objects.create(key="HR", name="HR"))
    call_command("import_mail", str(path), channel=other.address)
    desk.work_inbound()
    taken = InboundEmail.objects.filter(channel=other)
    assert {row.raw_sha256 for row in taken} == before
    assert taken.count() == 3


def test_no_more_than_a_piece_is_held(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_files, "PIECE", 64 * 1024)
    longest = 0
    before = export_files.Pieces._keep

    def keep(self: export_files.Pieces) -> None:
        nonlocal longest
        longest = max(longest, len(self._held))
        before(self)

    monkeypatch.setattr(export_files.Pieces, "_keep", keep)
    rows.mail(desk.channel, raw=b"Subject: Long\r\n\r\n" + b"a line of it\r\n" * 200_000)
    job = ended(asked(desk, Job.Act.EXPORT_MBOX))
    assert job.file_size > 2_000_000
    assert longest < 2 * export_files.PIECE
    assert settings.DESKPOST["INBOUND_LIMIT"] > longest
