"""Rows live their days, then they and their raw messages are gone; what waits is never dropped."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.utils import timezone

from deskpost.logs import retention, retention_days
from deskpost.models import (
    Attempt,
    InboundEmail,
    Job,
    LogCount,
    LogLine,
    Notification,
    ProviderMessage,
    QuotaPeriod,
    Request,
    SiteFact,
    first_id,
    leaving,
    logline,
    new_id,
    partitions,
)
from tests.carriers import Accepting
from tests.desk import Desk
from tests.parts.site import letter


def age(row: InboundEmail | Notification, days: int) -> uuid.UUID:
    """Make a row so many days old: its id, and where its raw message lies."""
    then = timezone.now() - timedelta(days=days)
    partitions.ensure([then.date()])
    new_id = uuid.UUID(int=first_id(then).int | (row.pk.int & ((1 << 76) - 1)))
    key = f"{then:%Y%m%d}/{new_id}.eml"
    with storages["raw"].open(row.raw_key) as file:
        storages["raw"].save(key, ContentFile(file.read()))
    type(row)._default_manager.filter(pk=row.pk).update(id=new_id, raw_key=key)
    logline.forget([row.pk])
    made: Any = type(row)._default_manager.filter(pk=new_id)
    row.note_settled(made)
    return new_id


def test_after_21_days_rows_and_raws_are_gone_and_the_desk_stays(
    desk: Desk, outside: Accepting
) -> None:
    old, kept = desk.take(letter("old")), desk.take(letter("kept"))
    notes = desk.deliver(outside)
    old_id, kept_id = age(old, 23), age(kept, 20)
    note_id = age(notes[0], 23)
    Attempt.objects.filter(notification=notes[0].pk).update(notification=note_id)
    old_key = InboundEmail.objects.get(pk=old_id).raw_key
    retention.prune()
    assert set(InboundEmail.objects.values_list("pk", flat=True)) == {kept_id}
    assert not Notification.objects.filter(pk=note_id).exists()
    assert not storages["raw"].exists(old_key)
    assert storages["raw"].exists(InboundEmail.objects.get().raw_key)
    assert Request.objects.count() == 2
    # It is still known: the same message again is a duplicate for ever.
    assert desk.take(letter("new")).outcome == "request_created"


def test_what_still_waits_is_never_dropped(desk: Desk) -> None:
    row = desk.arrive(letter())
    age(row, 30)
    retention.prune()
    waiting = InboundEmail.objects.get()
    assert storages["raw"].exists(waiting.raw_key)


@pytest.mark.django_db(transaction=True)
def test_days_that_are_over_lose_their_partitions(desk: Desk) -> None:
    """SQLite has plain tables: there never is one."""
    row = desk.take(letter())
    age(row, 30)
    day = (timezone.now() - timedelta(days=30)).strftime("%Y%m%d")
    name = f"deskpost_inboundemail_{day}"
    has_days = connection.vendor == "postgresql"
    assert (name in dict(partitions.days_there())) is has_days
    retention.prune()
    assert name not in dict(partitions.days_there())
    assert not any(part.day.strftime("%Y%m%d") == day for part in leaving.parts())


@pytest.mark.django_db(transaction=True)
def test_a_day_on_which_something_waits_loses_all_but_that(desk: Desk) -> None:
    """And once it is settled, its line has a day to stand in; then that goes too."""
    settled, waits = desk.take(letter("over")), desk.arrive(letter("waits"))
    over_id, waits_id = age(settled, 30), age(waits, 30)
    over_raw = InboundEmail.objects.get(pk=over_id).raw_key
    retention.prune()
    assert set(InboundEmail.objects.values_list("pk", flat=True)) == {waits_id}
    assert not storages["raw"].exists(over_raw)
    assert storages["raw"].exists(InboundEmail.objects.get().raw_key)
    desk.work_inbound()
    assert LogLine.objects.filter(pk=waits_id).exists()
    retention.prune()
    assert not InboundEmail.objects.exists()
    assert not LogLine.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_was_cut_off_on_its_way_out_goes_or_comes_back(desk: Desk) -> None:
    """A day that is detached and not dropped yet goes at the next call; if more days are kept by
    then, it is a part of the log again."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has plain tables")
    age(desk.take(letter("a")), 30)
    kept = age(desk.take(letter("b")), 10)
    today = timezone.now().date()
    for part in leaving.parts():
        if part.day in {today - timedelta(days=30), today - timedelta(days=10)}:
            assert leaving.detach(part)
    assert not InboundEmail.objects.exists()
    retention.prune()
    assert set(InboundEmail.objects.values_list("pk", flat=True)) == {kept}
    states = {part.state for part in leaving.parts()}
    assert states == {leaving.State.ATTACHED}
    assert min(part.day for part in leaving.parts()) >= retention.first_day_kept(timezone.now())


def test_counts_and_finished_jobs_go_with_their_days_and_quotas_after_ninety(desk: Desk) -> None:
    now = timezone.now()
    old, young = now - timedelta(days=23), now - timedelta(days=20)
    for at in (old, young):
        LogCount.objects.create(
            project_id=desk.project.pk, log="in", bucket=at, status="failed", number=3
        )
        Job.objects.create(
            act=Job.Act.SEND_AGAIN,
            project=desk.project,
            by=desk.agent,
            created_at=at,
            finished_at=at,
            what={"log": "req", "shown": "", "ids": []},
            state=Job.State.DONE,
        )
    for days in (89, 91):
        QuotaPeriod.objects.create(day=now.date() - timedelta(days=days), sent=1)
    retention.prune()
    assert [count.bucket for count in LogCount.objects.all()] == [young]
    assert [job.finished_at for job in Job.objects.all()] == [young]
    assert [period.day for period in QuotaPeriod.objects.all()] == [now.date() - timedelta(days=89)]


def test_a_call_that_has_little_time_says_that_there_is_more(desk: Desk) -> None:
    for n in range(3):
        age(desk.take(letter(f"m{n}")), 30)
    assert retention.prune(seconds=0) is False
    assert retention.prune() is True
    assert not InboundEmail.objects.exists()


def test_fewer_days_come_into_force_an_hour_later_and_can_be_taken_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kept = age(desk.take(letter()), 10)
    retention.prune()

    def wanted(days: int) -> None:
        monkeypatch.setitem(settings.DESKPOST, "RETENTION_DAYS", days)

    def passes(**span: float) -> None:
        row = SiteFact.objects.get(name=retention_days.FACT)
        at = datetime.fromisoformat(row.value["at"]) - timedelta(**span)
        SiteFact.objects.update(value=row.value | {"at": at.isoformat()})

    wanted(7)
    retention.prune()
    fewer = retention_days.pending()
    assert fewer is not None
    assert (fewer.kept, fewer.wanted) == (21, 7)
    assert timedelta(minutes=59) < fewer.at - timezone.now() <= timedelta(hours=1)
    assert "is 7, no longer 21" in caplog.text
    passes(minutes=59)
    retention.prune()
    assert InboundEmail.objects.filter(pk=kept).exists()

    wanted(21)
    retention.prune()
    assert retention_days.pending() is None
    wanted(7)
    retention.prune()
    assert InboundEmail.objects.filter(pk=kept).exists()
    passes(minutes=61)
    retention.prune()
    assert not InboundEmail.objects.exists()


def test_more_days_are_in_force_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    age(desk.take(letter()), 30)
    retention_days.compare(timezone.now())
    monkeypatch.setitem(settings.DESKPOST, "RETENTION_DAYS", 40)
    retention.prune()
    assert InboundEmail.objects.exists()


def test_with_log_delivered_off_deliveries_go_after_seven_days(
    desk: Desk, outside: Accepting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.DESKPOST, "LOG_DELIVERED", False)
    desk.take(letter())
    (note,) = desk.deliver(outside)
    retention.prune()
    assert Notification.objects.exists()
    Notification.objects.update(settled_at=timezone.now() - timedelta(days=7, minutes=1))
    retention.prune()
    assert not Notification.objects.exists()
    assert not Attempt.objects.exists()
    assert note.status == "delivered"


def test_a_missing_day_is_made_by_intake(desk: Desk) -> None:
    if connection.vendor == "postgresql":
        today = timezone.now().strftime("%Y%m%d")
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE deskpost_inboundemail_{today}")
    assert desk.take(letter()).outcome == "request_created"


def test_a_providers_ids_go_with_the_rows_that_they_name(desk: Desk) -> None:
    now = timezone.now()
    for name, days in (("old", 23), ("new", 20)):
        ProviderMessage.objects.create(
            provider="postmark",
            message_id=name,
            notification=new_id(),
            at=now - timedelta(days=days),
        )
    retention.prune()
    assert [one.message_id for one in ProviderMessage.objects.all()] == ["new"]
