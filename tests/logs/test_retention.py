"""Rows live their days, then they and their raw messages are gone; what waits is never dropped."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.utils import timezone

from deskpost.logs import retention
from deskpost.models import (
    Attempt,
    InboundEmail,
    Notification,
    ProviderMessage,
    Request,
    first_id,
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


def test_days_that_are_empty_lose_their_partition(desk: Desk) -> None:
    """SQLite has plain tables: there never is one."""
    row = desk.take(letter())
    age(row, 30)
    day = (timezone.now() - timedelta(days=30)).strftime("%Y%m%d")
    name = f"deskpost_inboundemail_{day}"
    has_days = connection.vendor == "postgresql"
    assert (name in dict(partitions.days_there())) is has_days
    retention.prune()
    assert name not in dict(partitions.days_there())


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
