"""RENDER: a notification becomes a message, with real tokens for the send or placeholders for the
copy that is kept.

It is rendered once, with marks that nobody can guess where the tokens of its links go. Values from
outside are cut to one line before they reach a header; the writer (compose_write.py) takes no
other.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any

import css_inline
from django.conf import settings

from deskpost.mail import address
from deskpost.mail.domains import ascii_domain
from deskpost.models import Channel, Notification
from deskpost.outbound import compose_write, links, templates
from deskpost.outbound.compose_around import Around
from deskpost.outbound.compose_values import values_of
from deskpost.outbound.compose_write import header

__all__ = ["PLACEHOLDER", "Around", "Composed", "compose", "inlined", "one_line"]

PLACEHOLDER = "TOKEN"
_MARK_KEY = secrets.token_bytes(32)  # of this process; asked once, since asking gives up the GIL
# Styles go onto the elements, for the programs that know no others. What cannot go there (dark
# colours) stays in the head. Nothing is fetched.
_INLINER = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A finished message: envelope sender, the domain of From, bytes, its ids, and the size of its
    parts. `fallback` says what was wrong with the project's own template, if the standard one had
    to be used."""

    envelope_from: str
    sender_domain: str
    message: bytes
    kept: bytes
    subject: str
    message_id: str
    parts: list[tuple[str, int]]
    fallback: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tokens:
    """What is not the same in the message and in the copy that is kept. `mute` is empty where
    there is no request."""

    reply_to: str
    unsubscribe: str
    mute: str


def compose(note: Notification, around: Around | None = None) -> Composed:
    """Compose the message of a notification; the same row always gives the same Message-ID.

    `around` is what a batch with this notification asked of the database. Raises LookupError where
    there is no channel to send from, and ValueError for an address that no header can hold.
    """
    around = around or Around([note])
    channel = around.channel(note)
    real, marks = _real_tokens(note, channel), _marks(note)
    values = values_of(note, channel, marks.unsubscribe, marks.mute, may_open=around.opens(note))
    language = templates.written_in(note.language)
    rendered = templates.render_own(around.own(note), note.kind, language, values)
    words = (one_line(rendered.subject), rendered.text, inlined(rendered.html))
    held = _Tokens(reply_to=_placeholder(real.reply_to), unsubscribe=PLACEHOLDER, mute=PLACEHOLDER)
    message_id = _own_id(note, note.id)
    message, parts = _written(note, channel, message_id, real, _with(words, marks, real))
    kept, _ = _written(note, channel, message_id, held, _with(words, marks, held))
    return Composed(
        envelope_from=_envelope_from(note, channel),
        sender_domain=_domain(channel.address),
        message=message,
        kept=kept,
        subject=_with(words, marks, held)[0],
        message_id=message_id,
        parts=sorted(parts, key=lambda part: -part[1]),
        fallback=rendered.fallback,
    )


# --- Tokens --------------------------------------------------------------------------------------


def _real_tokens(note: Notification, channel: Channel) -> _Tokens:
    reply_to = channel.address
    if note.request_id:
        token = address.ReplyToken(request=note.request_id, person=note.person_id)
        reply_to = address.reply_address(channel.address, token, settings.MAIL_KEY)
    return _Tokens(
        reply_to=reply_to,
        unsubscribe=links.unsubscribe_token(note.person_id),
        mute=links.mute_token(note.request_id, note.person_id) if note.request_id else "",
    )


def _marks(note: Notification) -> _Tokens:
    """Return what stands for the tokens until all words are in place: no text can hold it."""
    mark = hashlib.blake2b(note.id.bytes, key=_MARK_KEY, digest_size=16).hexdigest()
    mute = f"{mark}m" if note.request_id else ""
    return _Tokens(reply_to="", unsubscribe=f"{mark}u", mute=mute)


def _with(words: tuple[str, str, str], marks: _Tokens, tokens: _Tokens) -> tuple[str, str, str]:
    """Return subject, text and page with tokens in the places of the marks. Tokens are letters,
    digits, and signs that mean nothing in HTML."""
    made = [word.replace(marks.unsubscribe, tokens.unsubscribe) for word in words]
    if marks.mute:
        made = [word.replace(marks.mute, tokens.mute) for word in made]
    return made[0], made[1], made[2]


def _placeholder(signed: str) -> str:
    if signed == address.base_address(signed):
        return signed
    local, _, domain = signed.rpartition("@")
    return f"{local.rpartition('.')[0]}.{PLACEHOLDER}@{domain}"


def _envelope_from(note: Notification, channel: Channel) -> str:
    bounce = address.BounceToken(notification=note.id)
    return address.bounce_address(channel.address, bounce, settings.MAIL_KEY)


def _own_id(note: Notification, notification: uuid.UUID | None) -> str:
    """Return a signed id: of the message, or without it one that is constant for the request, by
    which mail programs keep its messages together."""
    own = address.OwnId(request=note.request_id or 0, notification=notification)
    return address.own_message_id(own, settings.DESKPOST["DOMAIN"], settings.MAIL_KEY)


# --- The message ---------------------------------------------------------------------------------


def _written(
    note: Notification,
    channel: Channel,
    message_id: str,
    tokens: _Tokens,
    words: tuple[str, str, str],
) -> tuple[bytes, list[tuple[str, int]]]:
    """Return the message and the sizes of its parts."""
    subject, text, page = words
    project, site = one_line(note.project.name)[:120], settings.DESKPOST["DOMAIN"]
    lines = [
        compose_write.words("Subject", subject),
        _mailbox("From", project, channel.address),
        _mailbox("To", one_line(note.person.name)[:120], address.wire(note.address)),
        _mailbox("Reply-To", project, tokens.reply_to),
        header("Date", format_datetime(note.created_at)),
        header("Message-ID", message_id),
        *_thread(note),
        header("Auto-Submitted", "auto-generated"),  # RFC 3834, section 5
        header("X-Auto-Response-Suppress", "All"),
        header("X-Deskpost-Site", site),
        # For the large providers' statistics: what was complained about, of whose.
        header("Feedback-ID", f"{note.kind}:{note.project.key}:{site}"),
        header("List-Unsubscribe", f"<{links.unsubscribe_at(tokens.unsubscribe)}>"),
        header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),  # RFC 8058
    ]
    body, parts = compose_write.alternative(text, page, note.id.hex)
    return b"".join([*lines, body]), parts


def _thread(note: Notification) -> list[bytes]:
    if not note.request_id:
        return []
    thread = _own_id(note, None)
    return [header("In-Reply-To", thread), header("References", thread)]


def _mailbox(name: str, display: str, email_address: str) -> bytes:
    """Return a header with one mailbox. A domain beyond ASCII is written in ASCII where that spares
    the way there SMTPUTF8."""
    local, _, domain = email_address.rpartition("@")
    if local.isascii() and not domain.isascii():
        email_address = f"{local}@{_domain(email_address)}"
    return compose_write.mailbox(name, display, email_address)


def _domain(email_address: str) -> str:
    domain = email_address.rpartition("@")[2]
    return ascii_domain(domain) or domain


def inlined(page: str) -> str:
    """Return the page with its styles on the elements."""
    made: str = _INLINER.inline(page)
    return made


def one_line(text: str) -> str:
    """Return the text without line breaks and control characters: safe in a header.

    What looks like an encoded word (RFC 2047) is broken up: who reads it would decode it, and with
    it whatever line break it holds.
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split()).replace("=?", "= ?")
