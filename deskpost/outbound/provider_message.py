"""A finished message, taken apart again for a provider's API, which makes its own of the pieces.

Subject, bodies and addresses go where django-anymail has a place for them; every other header of
ours goes along as it is. What a provider does not know is left out by its backend.
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import Mapping
from email.message import EmailMessage, MIMEPart
from typing import Final

from django.core.mail import EmailMultiAlternatives

from deskpost.config_relay import Provider
from deskpost.outbound.carrier import Outgoing

# Made anew from the pieces, by the provider or by Django. A signature would no longer fit.
_MADE_ANEW: Final = frozenset(
    {
        "bcc",
        "cc",
        "content-transfer-encoding",
        "content-type",
        "date",
        "dkim-signature",
        "from",
        "mime-version",
        "reply-to",
        "subject",
        "to",
    }
)
# Headers of the provider's own that have it keep what is ours, or leave the links alone where the
# API has no switch for it.
_BESIDES: Final[Mapping[str, Mapping[str, str]]] = {
    "postmark": {"X-PM-KeepID": "true"},
    "postal": {"X-AMP": "skip"},
}
# Refused by the provider, with the whole message.
_REFUSED: Final[Mapping[str, frozenset[str]]] = {"mailjet": frozenset({"message-id"})}
# MailerSend takes headers from its largest plans only; In-Reply-To has a place of its own.
_FEW: Final = frozenset({"in-reply-to"})
# Where bounces come back to the address that we name. Others take its domain at most, or (by the
# option envelope_sender) only from some accounts.
_RETURNS: Final = frozenset({"amazon_ses", "postal"})


def as_email(outgoing: Outgoing, provider: Provider) -> EmailMultiAlternatives:
    """Return the message for django-anymail, to the one recipient of `outgoing`. Opens and clicks
    are not to be counted, so that no link is changed. Raises ValueError for what is no message."""
    fields, whole = _read(outgoing.message)
    message = EmailMultiAlternatives(
        subject=str(fields["Subject"] or ""),
        from_email=str(fields["From"] or outgoing.envelope_from),
        to=[_recipient(fields, outgoing.recipient)],
        reply_to=[str(fields["Reply-To"])] if fields["Reply-To"] else None,
        headers=_headers(fields, provider),
    )
    _put_bodies(message, whole)
    message.track_opens = message.track_clicks = False  # type: ignore[attr-defined]
    if outgoing.notification:
        message.metadata = {"deskpost": str(outgoing.notification)}  # type: ignore[attr-defined]
    if provider.name in _RETURNS or provider.options.get("envelope_sender") == "on":
        message.envelope_sender = outgoing.envelope_from  # type: ignore[attr-defined]
    return message


def _read(message: bytes) -> tuple[EmailMessage, EmailMessage]:
    """The message's header fields, decoded first, for addresses beyond ASCII stand in them as they
    are (RFC 6532); and the message, for its parts."""
    head = message.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    fields = email.message_from_string(head, policy=email.policy.default)
    whole = email.message_from_bytes(message, policy=email.policy.default)
    assert isinstance(fields, EmailMessage)
    assert isinstance(whole, EmailMessage)
    return fields, whole


def _recipient(fields: EmailMessage, recipient: str) -> str:
    """The recipient with the name that the message has for them."""
    for one in fields["To"].addresses if fields["To"] else ():
        if one.addr_spec.lower() == recipient.lower():
            return str(one)
    return recipient


def _headers(fields: EmailMessage, provider: Provider) -> dict[str, str]:
    without = _MADE_ANEW | _REFUSED.get(provider.name, frozenset())
    few = provider.name == "mailersend" and provider.options.get("headers") != "on"
    headers = {
        name: str(value)
        for name, value in fields.items()
        if name.lower() not in without and (not few or name.lower() in _FEW)
    }
    return {**headers, **_BESIDES.get(provider.name, {})}


def _put_bodies(message: EmailMultiAlternatives, parsed: EmailMessage) -> None:
    text, page = parsed.get_body(("plain",)), parsed.get_body(("html",))
    message.body = _lines(text) if text else ""
    if page:
        message.attach_alternative(_lines(page), "text/html")
    for part in parsed.iter_attachments():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            message.attach(part.get_filename(), content, part.get_content_type())


def _lines(part: MIMEPart) -> str:
    """The text of a part with the line ends of JSON's world; what came in Base64 has mail's."""
    return str(part.get_content()).replace("\r\n", "\n")
