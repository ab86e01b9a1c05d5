"""From a provider's call to rows: whose message it is, whether it is a repetition, storing it."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache

from django.conf import settings
from django.db import IntegrityError

from deskpost.hooks.refusal import Refusal
from deskpost.inbound import intake
from deskpost.inbound.channels.smtp import KEPT_OF_OVERSIZE
from deskpost.inbound.channels.webhook import delivery as webhook_delivery
from deskpost.inbound.channels.webhook.delivery import Content, Delivery
from deskpost.inbound.intake import Target
from deskpost.mail import address
from deskpost.models import Channel, InboundEmail, WebhookDelivery
from deskpost.net import one_line

log = logging.getLogger(__name__)

MOST_RECIPIENTS = 500
FORGOTTEN_AT_ONCE = 500
WRITERS = 2  # threads that write raws, in each process

TAKEN = "Kept."
TAKEN_BEFORE = "Taken before."


class _Repeated(Exception):
    """Another call has brought the same in the meantime."""


def take(provider: str, name: str, delivery: Delivery) -> str:
    """Store what a call brought; return what to say. It is durable then, or was before.

    `provider` is as in the settings, `name` as people know it. Raises Refusal (406 where no
    recipient is ours), and DatabaseError where the database cannot be asked.
    """
    key = hashlib.sha256(delivery.key.encode("utf-8", "replace")).hexdigest()
    if WebhookDelivery.objects.filter(provider=provider, delivery=key).exists():
        return TAKEN_BEFORE
    targets = find_all([one_line(one) for one in delivery.recipients[:MOST_RECIPIENTS]])
    if not targets:
        raise Refusal(406, "None of the recipients is an address of this site.")
    arrival = _arrival(name, one_line(delivery.sender), targets, delivery.content())

    def first() -> None:
        try:
            WebhookDelivery.objects.create(provider=provider, delivery=key)
        except IntegrityError as error:
            raise _Repeated from error

    try:
        intake.store([arrival], _pool(), first=first)
    except _Repeated:
        return TAKEN_BEFORE
    except Exception as error:
        log.exception("a message from %s could not be stored", name)
        raise Refusal(503, "The message could not be stored; try again later.") from error
    return TAKEN


def find_all(recipients: Sequence[str]) -> list[Target]:
    """Return the recipients that are on-demand channels of ours, or their signed addresses.

    Raises DatabaseError.
    """
    keys = {key for recipient in recipients for key in _keys(recipient)}
    found = Channel.objects.filter(kind=Channel.Kind.ON_DEMAND, address_key__in=keys)
    channels = {channel.address_key: channel for channel in found}
    targets = []
    for recipient in recipients:
        own, base_key = _keys(recipient)
        channel, base = channels.get(own), channels.get(base_key)
        if not channel and base:
            signed = address.read_signed(recipient, base.address, [settings.MAIL_KEY])
            channel = base if signed else None
        if channel:
            targets.append(
                Target(recipient=recipient, channel_id=channel.pk, project_id=channel.project_id)
            )
    return targets


def _keys(recipient: str) -> tuple[str, str]:
    return address.normalise(recipient), address.normalise(address.base_address(recipient))


def _arrival(name: str, sender: str, targets: Sequence[Target], content: Content) -> intake.Arrival:
    oversize = content.size > webhook_delivery.limit()
    return intake.Arrival(
        raw=content.raw[:KEPT_OF_OVERSIZE] if oversize else content.raw,
        targets=targets,
        transport=InboundEmail.Transport.WEBHOOK,
        envelope_from=sender,
        client=name,
        oversize_bytes=content.size if oversize else None,
        reconstructed=content.reconstructed,
    )


_making = threading.Lock()


def _pool() -> ThreadPoolExecutor:
    with _making:
        return _make_pool()


@cache
def _make_pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(WRITERS, thread_name_prefix="webhook-raw")


def forget(before: datetime) -> int:
    """Delete the notes of deliveries that were taken before that; return how many went.

    In small batches, so that no writer waits for long. Raises DatabaseError.
    """
    gone = 0
    old = WebhookDelivery.objects.filter(at__lt=before).order_by("id")
    while batch := list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE]):
        gone += WebhookDelivery.objects.filter(pk__in=batch).delete()[0]
    return gone
