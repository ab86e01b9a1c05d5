"""A channel is removed while its poller stores (PostgreSQL: two transactions at once)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction

from deskpost.inbound.channels import lease, removal
from deskpost.models import Channel, InboundEmail, Mailbox, MailboxUid, Request
from deskpost.outbound.compose import compose
from tests.desk import Desk
from tests.inbound.channels.mailboxes import custom, owned
from tests.parts.site import letter


@pytest.mark.django_db(transaction=True)
def test_a_pop3_channel_can_be_removed_while_its_mail_is_stored(desk: Desk) -> None:
    admin = desk.member("mara@desk.test", "admin")
    mailbox = owned(custom(desk, protocol="pop3"))
    assert Channel.objects.count() > 1
    begun, end = threading.Event(), threading.Event()

    def store() -> None:
        try:
            with transaction.atomic():
                lease.write(mailbox, waiting=0)
                MailboxUid.objects.create(mailbox=mailbox, uid="u1")
                begun.set()
                end.wait(0.5)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        stored = pool.submit(store)
        assert begun.wait(10)
        removal.remove(mailbox.channel, by=admin, waiting="process")
        stored.result()
    assert not Mailbox.objects.exists()


def removed(desk: Desk, waiting: str) -> InboundEmail:
    """A message that waits while its channel is removed, once nothing waits any more."""
    channel = desk.add_channel("support@desk.test")
    row = desk.arrive(letter("Out of ink"), to=channel.address, channel=channel)
    removal.remove(channel, by=desk.agent, waiting=waiting)
    desk.work_inbound()
    row.refresh_from_db()
    return row


def test_what_waits_becomes_a_request_all_the_same(desk: Desk) -> None:
    row = removed(desk, "process")
    assert (row.outcome, row.request_key) == ("request_created", "IT-1")
    (note,) = desk.announce()
    assert compose(note).message.count(b"it@desk.test")  # from an address that there still is


def test_or_it_is_left_with_a_row_that_says_so(desk: Desk) -> None:
    row = removed(desk, "drop")
    assert (row.status, row.outcome, row.due_at) == ("skipped", "channel_removed", None)
    assert row.facts == {"by": "Agent"}
    assert not Request.objects.exists()


def test_the_last_channel_stays(desk: Desk) -> None:
    with pytest.raises(removal.LastChannel):
        removal.remove(desk.channel, by=desk.agent, waiting="process")
    assert Channel.objects.filter(pk=desk.channel.pk).exists()


def test_its_address_is_free_for_another(desk: Desk) -> None:
    channel = desk.add_channel("support@desk.test")
    removal.remove(channel, by=desk.agent, waiting="process")
    assert desk.add_channel("support@desk.test").pk != channel.pk
