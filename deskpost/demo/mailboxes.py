"""The demo's own mailboxes: two custom channels with a past, which nobody ever connects to.

Written here as pollers and people would have written them, for no door leads into the past. One is
paused, which no poller takes up (`lease.claim`); the other waits for a person to sign in again,
and is not tried before that (`attend`). Their server's name is a reserved one (RFC 2606): whoever
resumes them all the same learns that there is no such server.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from deskpost.demo import fetched, pasts, writing
from deskpost.demo.letters import By, Letter
from deskpost.demo.pasts import Happening
from deskpost.demo.writing import Draft
from deskpost.inbound import intake
from deskpost.inbound.channels import connection
from deskpost.inbound.channels import letters as arriving
from deskpost.inbound.channels.source import Fetched, Item
from deskpost.mail import address
from deskpost.models import (
    Channel,
    ConnectionEvent,
    Mailbox,
    Person,
    first_id,
    moment_of,
    new_id,
    partitions,
)
from deskpost.models.mailbox import account_key
from deskpost.problems import ConnectionState, Notice, Problem

SUPPORT, BOOKINGS = "support@harbour.example", "bookings@harbour.example"
BY = "Deskpost demo"
LEFT = 3  # messages that came after it was last looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was made: the channels that were missing, how many messages were stored, and where the
    log of those stands on the web."""

    addresses: Sequence[str] = ()
    letters: int = 0
    logs: Sequence[str] = ()


def make(beside: Channel, admin: Person) -> Made:
    """Make the mailboxes that are not there yet, in the project of that channel, and store what
    lay in them. The logs name the admin. Connects to nothing."""
    now, made = timezone.now(), Made()
    missing = tuple(one for one in (SUPPORT, BOOKINGS) if not _is_taken(one))
    if missing:
        _make_room(now)
    with transaction.atomic():
        if SUPPORT in missing:
            made = _fill(_support(beside, admin, now))
        if BOOKINGS in missing:
            _bookings(beside, now)
    return replace(made, addresses=missing)


def _make_room(now: datetime) -> None:
    """Have the log keep the days of the past. Not within the transaction that fills them: each of
    these statements holds up a whole table, and workers are at work in several."""
    past = (*pasts.of_support(now, ""), *pasts.of_bookings(now))
    partitions.ensure(sorted({one.at.date() for one in past}))


def _fill(support: Mailbox) -> Made:
    """Store what lay in the mailbox before it was paused, and note that it is paused."""
    arrivals = _arrivals(support)
    with ThreadPoolExecutor(4) as pool:
        intake.store(arrivals, pool)
    connection.tell(support, Notice.PAUSED, by=BY)
    channel = support.channel
    log = reverse("channel-logs", args=[channel.project.key, channel.pk])
    return Made(letters=len(arrivals), logs=[log])


def find(channel_address: str) -> Channel | None:
    """Return the channel of that address, or None."""
    rows = Channel.objects.select_related("project")
    return rows.filter(address_key=address.normalise(channel_address)).first()


def _is_taken(channel_address: str) -> bool:
    """Whether there is such a channel already, or somebody else reads that account."""
    key = account_key(channel_address, pasts.HOST)
    return bool(find(channel_address)) or Mailbox.objects.filter(account_key=key).exists()


# --- The channels ---------------------------------------------------------------------------------


def _support(beside: Channel, admin: Person, now: datetime) -> Mailbox:
    past = pasts.of_support(now, admin.name or admin.email)
    mailbox = Mailbox(
        state=ConnectionState.PAUSED,
        old_count=pasts.OLD,
        validity=1,
        waiting=LEFT,
        last_success_at=now,
        last_message_at=now,
        down_since=now,
    )
    return _keep(mailbox, SUPPORT, beside, past)


def _bookings(beside: Channel, now: datetime) -> Mailbox:
    down, past = pasts.bookings_down(now), pasts.of_bookings(now)
    mailbox = Mailbox(
        provider=Mailbox.Provider.GOOGLE,
        state=ConnectionState.ATTENTION,
        problem=Problem.GRANT_REVOKED,
        facts=past[-1].facts,
        failures={Problem.GRANT_REVOKED.family: 1},
        old_count=pasts.OLD_OF_BOOKINGS,
        validity=1,
        last_success_at=down,
        down_since=down,
    )
    return _keep(mailbox, BOOKINGS, beside, past)


def _keep(
    mailbox: Mailbox, channel_address: str, beside: Channel, past: Sequence[Happening]
) -> Mailbox:
    """Write the channel, as old as its log, with its mailbox and its log."""
    begun = past[0].at
    channel = Channel.objects.create(
        project=beside.project,
        kind=Channel.Kind.CUSTOM,
        address=channel_address,
        request_type=beside.request_type,
        checks_dmarc=False,
    )
    Channel.objects.filter(pk=channel.pk).update(created_at=begun)
    channel.created_at = begun
    mailbox.channel, mailbox.username = channel, channel_address
    mailbox.host, mailbox.port, mailbox.begun_at = pasts.HOST, pasts.PORT, begun
    mailbox.save(force_insert=True)
    ConnectionEvent.objects.bulk_create(_row(channel, one) for one in past)
    return mailbox


def _row(channel: Channel, one: Happening) -> ConnectionEvent:
    row_id = _id_at(one.at)
    return ConnectionEvent(
        id=row_id,
        project_id=channel.project_id,
        channel=channel,
        at=moment_of(row_id),
        last_at=one.last_at,
        count=one.count,
        status=one.status,
        code=one.code,
        facts=dict(one.facts),
    )


def _id_at(moment: datetime) -> uuid.UUID:
    """Return an id as it would have been made then."""
    return uuid.UUID(int=first_id(moment).int | (new_id().int & (1 << 80) - 1))


# --- What lay in it -------------------------------------------------------------------------------


def _arrivals(mailbox: Mailbox) -> list[intake.Arrival]:
    """Return what the mailbox gave, in the order of its numbers, and what it did not give."""
    written: dict[int, bytes] = {}
    arrivals, number = [], pasts.OLD
    for letter in (*fetched.WAITED, *fetched.TODAY):
        number += 1
        raw = written[id(letter)] = writing.write(letter, _draft(letter, written))
        item = Item(uid=str(number), size=len(raw))
        arrivals.append(
            arriving.arrival(
                mailbox,
                Fetched(item=item, raw=raw),
                parsed=arriving.read(raw),
                backlog=letter in fetched.WAITED,
                old=False,
            )
        )
    never = Item(uid=str(number + 1), size=48_213)
    return [*arrivals, arriving.refused(mailbox, never, said=fetched.NEVER_GIVEN, tries=3)]


def _draft(letter: Letter, written: dict[int, bytes]) -> Draft:
    headers = {}
    if letter.answers and letter.by is By.ORIGINAL:
        original = writing.message_id_of(written[id(letter.answers)])
        headers = {"In-Reply-To": original, "References": original}
    return Draft(to=SUPPORT, subject=letter.subject, headers=headers)
