"""One owner for each mailbox at a time, and nothing from one whose time is over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django import db
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now
from django.utils import timezone

from deskpost.inbound.channels import lease
from deskpost.inbound.channels.lease import LostLease
from deskpost.models import Mailbox
from tests.desk import Desk
from tests.inbound.channels.mailboxes import custom, owned


def run_out(mailbox: Mailbox) -> None:
    past = ExpressionWrapper(Now() - timedelta(milliseconds=5), output_field=DateTimeField())
    Mailbox.objects.filter(pk=mailbox.pk).update(lease_until=past)


def test_a_mailbox_has_one_owner_at_a_time(desk: Desk) -> None:
    mailbox = custom(desk)
    assert [one.pk for one in lease.claim("one", 10)] == [mailbox.pk]
    assert lease.claim("two", 10) == []
    assert lease.claim("one", 10) == []


def test_a_lease_lasts_less_than_a_minute_from_its_renewal(desk: Desk) -> None:
    mailbox = owned(custom(desk), "one")
    lease.renew("one", [mailbox.pk])
    until = Mailbox.objects.get(pk=mailbox.pk).lease_until
    assert until is not None
    left = (until - timezone.now()).total_seconds()
    assert 20 < left < 50


def test_when_the_lease_has_run_out_another_takes_over_and_the_first_writes_nothing(
    desk: Desk,
) -> None:
    mailbox = owned(custom(desk), "one")
    run_out(mailbox)
    (theirs,) = lease.claim("two", 10)
    assert theirs.fence == mailbox.fence + 1
    with pytest.raises(LostLease):
        lease.write(mailbox, next_uid=99)
    lease.write(theirs, next_uid=7)
    assert Mailbox.objects.get(pk=mailbox.pk).next_uid == 7
    assert lease.renew("one", [mailbox.pk]) == {}
    lease.release_one(mailbox)
    assert Mailbox.objects.get(pk=mailbox.pk).owner == "two"


def test_an_owner_that_is_known_to_be_dead_is_not_waited_for(desk: Desk) -> None:
    mailbox = owned(custom(desk), "dead")
    assert lease.bury("dead") == 1
    assert [one.pk for one in lease.claim("two", 10)] == [mailbox.pk]


def test_a_removed_channel_is_nobodys(desk: Desk) -> None:
    mailbox = owned(custom(desk), "one")
    mailbox.channel.removed_at = timezone.now()
    mailbox.channel.save()
    assert lease.renew("one", [mailbox.pk]) == {}
    lease.release_one(mailbox)
    assert lease.claim("one", 10) == []


def test_secrets_are_encrypted_in_the_database(desk: Desk) -> None:
    mailbox = custom(desk, password="open sesame", refresh_token="refresh me")
    with db.connection.cursor() as cursor:
        cursor.execute("SELECT password, refresh_token, access_token FROM deskpost_mailbox")
        (kept,) = cursor.fetchall()
    assert "sesame" not in str(kept)
    assert "refresh me" not in str(kept)
    assert kept[2] == ""
    again = Mailbox.objects.get(pk=mailbox.pk)
    assert (again.password, again.refresh_token) == ("open sesame", "refresh me")
