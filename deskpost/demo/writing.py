"""Letters become bytes: text, HTML, attachments, old charsets, bounces, complaints."""

from __future__ import annotations

import email
import email.policy
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.generator import BytesGenerator
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.mime.text import MIMEText
from email.utils import format_datetime, formataddr, parseaddr
from io import BytesIO

from django.utils import timezone

from deskpost.demo.files import FILES
from deskpost.demo.letters import PEOPLE, Letter
from deskpost.demo.world import Received


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a letter gets when it is sent: where to, its subject, what it quotes and answers."""

    to: str
    subject: str
    quote: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def address_of(person: str) -> str:
    """Return the address of one of PEOPLE."""
    return parseaddr(PEOPLE[person])[1]


def new_message_id(address: str) -> str:
    return f"<{secrets.token_hex(10)}@{address.rpartition('@')[2]}>"


def message_id_of(data: bytes) -> str:
    """Return the Message-ID of a message that was written here."""
    return str(email.message_from_bytes(data, policy=email.policy.default)["Message-ID"])


def write(letter: Letter, draft: Draft) -> bytes:
    """Return the letter as it travels, with a Message-ID of its own unless the draft has one."""
    body = letter.body.replace("{quote}", draft.quote)
    headers = {
        "To": draft.to,
        "Date": format_datetime(timezone.now()),
        "Message-ID": new_message_id(address_of(letter.sender)),
        **letter.headers,
        **draft.headers,
    }
    if letter.charset == "iso-2022-jp":
        return _as_in_former_days(letter, draft, body, headers)
    message = EmailMessage(policy=email.policy.SMTP)
    if letter.has_from:
        message["From"] = _mailbox(letter.sender)
    message["Subject"] = draft.subject
    if letter.cc:
        message["Cc"] = [_mailbox(person) for person in letter.cc]
    for name, value in headers.items():
        message[name] = value
    _fill(message, letter, body)
    return message.as_bytes()


def _mailbox(person: str) -> Address:
    name, address = parseaddr(PEOPLE[person])
    return Address(display_name=name, addr_spec=address)


def _fill(message: EmailMessage, letter: Letter, body: str) -> None:
    if body or not letter.html:
        message.set_content(_in(letter.charset, body), charset=letter.charset)
        if letter.html:
            message.add_alternative(letter.html, subtype="html")
    else:
        message.set_content(letter.html, subtype="html")
    for name in letter.files:
        kind, _, sub = FILES[name].content_type.partition("/")
        message.add_attachment(FILES[name].content, maintype=kind, subtype=sub, filename=name)


def _in(charset: str, text: str) -> str:
    """Return the text as a mail program quotes it whose charset lacks some of its characters."""
    return text.replace("’", "'").encode(charset, "replace").decode(charset)


def _as_in_former_days(
    letter: Letter, draft: Draft, body: str, headers: Mapping[str, str]
) -> bytes:
    """ISO-2022-JP (RFC 1468) in the headers too, which EmailMessage would write in UTF-8."""
    message = MIMEText(_in(letter.charset, body), "plain", letter.charset)
    name, address = parseaddr(PEOPLE[letter.sender])
    message["From"] = formataddr((name, address), letter.charset)
    message["Subject"] = Header(draft.subject, letter.charset).encode()
    for field_name, value in headers.items():
        message[field_name] = value
    out = BytesIO()
    BytesGenerator(out, policy=email.policy.compat32.clone(linesep="\r\n")).flatten(message)
    return out.getvalue()


def quote(received: Received) -> str:
    """Return a notification's text as mail programs quote it."""
    lines = received.text.strip().splitlines()
    head = f"On {received.message['Date']}, {received.message['From']} wrote:"
    return "\n".join([head, *(f"> {line}".rstrip() for line in lines), ""])


# --- Reports -----------------------------------------------------------------------------------

_REPORT = """\
From: {sender}
To: {to}
Subject: {subject}
Date: {date}
Message-ID: {message_id}
Auto-Submitted: auto-generated
MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind}; boundary="=_report"

--=_report
Content-Type: text/plain; charset=utf-8

{words}

--=_report
Content-Type: message/{kind}

{fields}

--=_report
Content-Type: text/rfc822-headers

{original}
--=_report--
"""
_GONE = "550 5.1.1 <{recipient}>: this mailbox was closed last week"


def bounce(received: Received) -> bytes:
    """Return the report of the recipient's server that it could not deliver after all
    (RFC 3464). Sent to the envelope sender it proves itself."""
    return _bounce(received.envelope_from, received.recipient, _headers(received))


def bounce_without_proof(to: str, recipient: str) -> bytes:
    """Return a report about a message that this site never sent."""
    original = (
        f"To: {recipient}\nSubject: Not ours\nMessage-ID: {new_message_id('nowhere.example')}"
    )
    return _bounce(to, recipient, original)


def _bounce(to: str, recipient: str, original: str) -> bytes:
    server = f"mx.{recipient.rpartition('@')[2]}"
    said = _GONE.format(recipient=recipient)
    return _report(
        sender=f"Mail Delivery System <MAILER-DAEMON@{server}>",
        to=to,
        subject="Undelivered Mail Returned to Sender",
        kind="delivery-status",
        words=f"Your message could not be delivered to <{recipient}>.\n\n{said}",
        fields=f"Reporting-MTA: dns; {server}\n\nFinal-Recipient: rfc822; {recipient}\n"
        f"Action: failed\nStatus: 5.1.1\nRemote-MTA: dns; {server}\nDiagnostic-Code: smtp; {said}",
        original=original,
    )


def complaint(received: Received, to: str) -> bytes:
    """Return a provider's report that its user called the notification spam (RFC 5965)."""
    provider = received.recipient.rpartition("@")[2]
    return _report(
        sender=f"Feedback loop <fbl@{provider}>",
        to=to,
        subject="Email feedback report",
        kind="feedback-report",
        words="This is a report of a message that a user of ours marked as spam.",
        fields=f"Feedback-Type: abuse\nUser-Agent: {provider}-fbl/1.0\nVersion: 1\n"
        f"Original-Rcpt-To: {received.recipient}",
        original=_headers(received),
    )


def _report(*, sender: str, **parts: str) -> bytes:
    text = _REPORT.format(
        sender=sender,
        date=format_datetime(timezone.now()),
        message_id=new_message_id(sender.rstrip(">")),
        **parts,
    )
    return re.sub(r"\r?\n", "\r\n", text).encode("utf-8")


def _headers(received: Received) -> str:
    return received.content.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
