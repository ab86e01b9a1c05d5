"""A channel is removed while its poller stores (PostgreSQL: two transactions at once)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction

from deskpost.inbound.channels import lease, removal
from deskpost.models import Channel, Mailbox, MailboxUid
from tests.desk import Desk
from tests.inbound.channels.mailboxes import custom, owned


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
