"""A fetched message as an arrival: who sent it, and to which of the channel's addresses.

A mailbox has no envelope. The sender is Return-Path, else From; the recipient is the channel's
address, or a signed form of it that the headers show (`support+r.TOKEN@`), which proves itself.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from deskpost.inbound import intake
from deskpost.inbound.channels import importing
from deskpost.inbound.channels.smtp import KEPT_OF_OVERSIZE
from deskpost.inbound.channels.source import Fetched, Item
from deskpost.mail import address, mime
from deskpost.models import Channel, InboundEmail, Mailbox

MOST_RECIPIENTS = 200


def arrival(
    mailbox: Mailbox, fetched: Fetched, *, parsed: mime.ParsedEmail, backlog: bool, old: bool
) -> intake.Arrival:
    """Return what is stored of a message whose bytes are there. `old` is mail from before the
    channel was connected, `backlog` what waited while it was down."""
    raw = fetched.raw or b""
    return intake.Arrival(
        raw=raw if fetched.whole else raw[:KEPT_OF_OVERSIZE],
        targets=[target(mailbox.channel, recipient(parsed, mailbox.channel))],
        transport=transport(mailbox, old=old),
        envelope_from=importing.envelope_from("", parsed),
        client=client(mailbox),
        oversize_bytes=None if fetched.whole else max(fetched.item.size, len(raw)),
        backlog=backlog and not old,
    )


def unread(mailbox: Mailbox, fetched: Fetched, *, backlog: bool, old: bool) -> intake.Arrival:
    """Return what is stored of a message whose headers could not be read: all its bytes."""
    return arrival(mailbox, fetched, parsed=mime.parse(b""), backlog=backlog, old=old)


def refused(mailbox: Mailbox, item: Item, **facts: Any) -> intake.Arrival:
    """Return what is stored of a message that the server never gave."""
    return intake.Arrival(
        raw=b"",
        targets=[target(mailbox.channel, mailbox.channel.address)],
        transport=transport(mailbox, old=False),
        envelope_from="",
        client=client(mailbox),
        not_fetched={"uid": item.uid, "folder": mailbox.folder, "size": item.size, **facts},
    )


def read(raw: bytes) -> mime.ParsedEmail:
    """Read as much of a message as is needed to file it: the beginning, with the headers."""
    return mime.parse(raw[:KEPT_OF_OVERSIZE])


def transport(mailbox: Mailbox, *, old: bool) -> InboundEmail.Transport:
    if old:
        return InboundEmail.Transport.IMPORT
    if mailbox.protocol == Mailbox.Protocol.POP3:
        return InboundEmail.Transport.POP3
    return InboundEmail.Transport.IMAP


def client(mailbox: Mailbox) -> str:
    """Where it was fetched. The port is with it so that it is never taken for a client's address,
    of which DMARC would ask whether it may send."""
    host = f"[{mailbox.host}]" if ":" in mailbox.host else mailbox.host
    folder = mailbox.folder if mailbox.protocol == Mailbox.Protocol.IMAP else ""
    return f"{host}:{mailbox.port} {folder}".strip()


def target(channel: Channel, recipient: str) -> intake.Target:
    return intake.Target(recipient=recipient, channel_id=channel.pk, project_id=channel.project_id)


def recipient(parsed: mime.ParsedEmail, channel: Channel) -> str:
    """Return the first signed form of the channel's address in the headers, else the address."""
    for one in parsed.recipients_seen[:MOST_RECIPIENTS]:
        if address.read_signed(one, channel.address, [settings.MAIL_KEY]):
            return one
    return channel.address
