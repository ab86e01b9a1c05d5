"""RENDER: a notification becomes a message, with real tokens for the send or placeholders for the
copy that is kept.

Headers are made by the standard library's EmailMessage, which refuses line breaks; values from
outside are cut to one line before they reach it.
"""

from __future__ import annotations

import email.policy
from dataclasses import dataclass
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

import css_inline
from django.conf import settings
from django.utils import translation

from deskpost.mail import address
from deskpost.models import Channel, Membership, Notification, Request, Role
from deskpost.outbound import links, templates
from deskpost.outbound.templates_values import MARKERS

PLACEHOLDER = "TOKEN"


class _Headers(email.policy.EmailPolicy):
    """A header of one long word (List-Unsubscribe) is not folded, and not encoded for its length.
    A subject in other letters is written in encoded words of up to 75 characters (RFC 2047,
    section 2), which the newer code of the standard library gets wrong."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name != "Subject" or str(value).isascii():
            return super().fold_binary(name, value)
        words = Header(str(value), "utf-8", header_name=name, maxlinelen=75)
        return f"{name}: {words.encode(linesep=self.linesep)}{self.linesep}".encode("ascii")


HEADERS = _Headers(linesep="\r\n", max_line_length=900)
# Styles go onto the elements, for the programs that know no others. What cannot go there (dark
# colours) stays in the head. Nothing is fetched.
_INLINER = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A finished message: envelope sender, bytes, its ids, and the size of its parts. `fallback`
    says what was wrong with the project's own template, if the standard one had to be used."""

    envelope_from: str
    message: bytes
    kept: bytes
    subject: str
    message_id: str
    parts: list[tuple[str, int]]
    fallback: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tokens:
    reply_to: str
    envelope_from: str
    unsubscribe: str
    mute: str | None


def compose(note: Notification) -> Composed:
    """Compose the message of a notification; the same row always gives the same Message-ID."""
    channel = _channel(note)
    real = _real_tokens(note, channel)
    held = _Tokens(
        reply_to=_placeholder(real.reply_to),
        envelope_from=_placeholder(real.envelope_from),
        unsubscribe=f"{settings.BASE_URL}/unsubscribe/{PLACEHOLDER}/",
        mute=f"{settings.BASE_URL}/mute/{PLACEHOLDER}/" if real.mute else None,
    )
    rendered = _rendered(note, channel, real)
    message = _message(note, channel, real, rendered)
    parts = [(part.get_content_type(), len(part.as_bytes())) for part in message.iter_parts()]
    return Composed(
        envelope_from=real.envelope_from,
        message=_bytes(message),
        kept=_bytes(_message(note, channel, held, _rendered(note, channel, held))),
        subject=str(message["Subject"]),
        message_id=str(message["Message-ID"]),
        parts=sorted(parts, key=lambda part: -part[1]),
        fallback=rendered.fallback,
    )


def _placeholder(signed: str) -> str:
    if signed == address.base_address(signed):
        return signed
    local, _, domain = signed.rpartition("@")
    return f"{local.rpartition('.')[0]}.{PLACEHOLDER}@{domain}"


def _bytes(message: EmailMessage) -> bytes:
    return message.as_bytes(policy=HEADERS)


def _channel(note: Notification) -> Channel:
    if note.request and note.request.channel and note.request.channel.removed_at is None:
        return note.request.channel
    channel = Channel.objects.filter(project_id=note.project_id).order_by("id").first()
    if channel is None:
        raise LookupError(f"project {note.project_id} has no channel to send from")
    return channel


def _real_tokens(note: Notification, channel: Channel) -> _Tokens:
    key = settings.MAIL_KEY
    bounce = address.BounceToken(notification=note.id)
    reply_to = channel.address
    if note.request_id:
        token = address.ReplyToken(request=note.request_id, person=note.person_id)
        reply_to = address.reply_address(channel.address, token, key)
    return _Tokens(
        reply_to=reply_to,
        envelope_from=address.bounce_address(channel.address, bounce, key),
        unsubscribe=links.unsubscribe_url(note.person),
        mute=links.mute_url(note.request_id, note.person_id) if note.request_id else None,
    )


def _rendered(note: Notification, channel: Channel, tokens: _Tokens) -> templates.Rendered:
    values = _values(note, channel, tokens)
    return templates.render(note.kind, note.language, values, note.project)


def _message(
    note: Notification, channel: Channel, tokens: _Tokens, rendered: templates.Rendered
) -> EmailMessage:
    message = EmailMessage(policy=email.policy.SMTP)
    message["Subject"] = one_line(rendered.subject)
    message["From"] = _mailbox(note.project.name, channel.address)
    message["To"] = _mailbox(note.person.name, note.address)
    message["Reply-To"] = _mailbox(note.project.name, tokens.reply_to)
    message["Date"] = format_datetime(note.created_at)
    _identify(message, note)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834, section 5
    message["X-Auto-Response-Suppress"] = "All"
    message["X-Deskpost-Site"] = settings.DESKPOST["DOMAIN"]
    # For the large providers' statistics: what was complained about, of whose.
    message["Feedback-ID"] = f"{note.kind}:{note.project.key}:{settings.DESKPOST['DOMAIN']}"
    message["List-Unsubscribe"] = f"<{tokens.unsubscribe}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    page = inlined(rendered.html)
    message.set_content(rendered.text, cte=_encoding(rendered.text))
    message.add_alternative(page, subtype="html", cte=_encoding(page))
    return message


def inlined(page: str) -> str:
    """Return the page with its styles on the elements."""
    return _INLINER.inline(page)


def _encoding(text: str) -> str | None:
    """Seven bits travel everywhere. Text that is mostly ASCII stays readable on the way."""
    if text.isascii():
        return None  # 7bit, or quoted-printable where a line is too long
    foreign = sum(1 for c in text if not c.isascii())
    return "base64" if foreign * 4 > len(text) else "quoted-printable"


def _identify(message: EmailMessage, note: Notification) -> None:
    """Signed ids: one for the message, and one that is constant for the request, by which mail
    programs keep its messages together."""
    domain, key = settings.DESKPOST["DOMAIN"], settings.MAIL_KEY
    own = address.OwnId(request=note.request_id or 0, notification=note.id)
    message["Message-ID"] = address.own_message_id(own, domain, key)
    if note.request_id:
        thread = address.OwnId(request=note.request_id, notification=None)
        message["In-Reply-To"] = address.own_message_id(thread, domain, key)
        message["References"] = message["In-Reply-To"]


def _mailbox(name: str, email_address: str) -> Address:
    if "=?" in email_address:  # the standard library would decode it, line breaks and all
        raise ValueError("an address that reads as an encoded word")
    local, _, domain = email_address.rpartition("@")
    return Address(display_name=one_line(name)[:120], username=local, domain=domain)


def one_line(text: str) -> str:
    """Return the text without line breaks and control characters: safe in a header.

    What looks like an encoded word (RFC 2047) is broken up: the standard library would decode it,
    and with it whatever line break it holds.
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line.replace("=?", "= ?")


def _values(note: Notification, channel: Channel, tokens: _Tokens) -> dict[str, Any]:
    """What a template may use. In Liquid an empty text is true: what is not there is None."""
    language = note.language if note.language in MARKERS else "en"
    return {
        "marker": MARKERS[language] if note.request_id else None,
        "project": {"name": note.project.name, "address": channel.address},
        "person": {"name": note.person.name or None},
        "request": _request(note, note.request, language) if note.request else {},
        "comment": {
            "author": str(note.comment.author) if note.comment else "",
            "text": note.comment.text if note.comment else "",
        },
        "unsubscribe_url": tokens.unsubscribe,
        "mute_url": tokens.mute,
    }


def _request(note: Notification, request: Request, language: str) -> dict[str, Any]:
    """The request's values, in the recipient's language; its address only for those who can open
    it."""
    opens = note.person.is_site_admin or (
        Membership.objects.filter(project_id=note.project_id, person_id=note.person_id)
        .exclude(role=Role.CUSTOMER)
        .exists()
    )
    url = f"{settings.BASE_URL}/projects/{note.project.key}/requests/{request.key}/"
    with translation.override(language):
        status = str(request.get_status_display())
    return {
        "key": request.key,
        "summary": request.summary,
        "status": status,
        "is_resolved": True if request.status == Request.Status.RESOLVED else None,
        "url": url if opens else None,
    }
