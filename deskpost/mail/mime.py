"""A message's bytes to a ParsedEmail. Whatever the bytes are, this neither raises nor swells.

`structure` cuts the message, `content` reads its parts, `words` its text.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from deskpost.mail.attachments import ParsedAttachment
from deskpost.mail.content import Content, read_content
from deskpost.mail.mailboxes import MAX_MAILBOXES, Mailbox, first_mailbox, parse_mailboxes
from deskpost.mail.notes import Note
from deskpost.mail.structure import Limits, Part, read_headers, split
from deskpost.mail.words import decode_words, header_text, one_line

__all__ = ["Limits", "Note", "ParsedAttachment", "ParsedEmail", "fingerprint", "parse"]

MAX_REFERENCES: Final = 100
MAX_RECIPIENTS: Final = 500
_DEFAULT: Final = Limits()

_ID = re.compile(r"<([^<>]{1,998})>")
_BARE_ID = re.compile(r"[^\s<>@,;\"]{1,500}@[^\s<>@,;\"]{1,500}")
_SPACE = re.compile(r"\s+")
_RECIPIENT_HEADERS: Final = frozenset(
    {"to", "cc", "delivered-to", "x-original-to", "x-forwarded-to", "envelope-to"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedEmail:
    """What a message says. Every text in it is clean: UTF-8 can encode it, no NULs.

    Headers are decoded and on one line each, in the order in which they stood. `text` and
    `html` are the bodies to show; `date` is in UTC; `defects` are words such as "no_parts:1" or
    "unknown_charset:x", and name what the limits left out, with how much of it:
    "too_many_attachments:37". `report_parts` are (content type, decoded bytes) of delivery
    reports, feedback reports and embedded messages. `notes` are what to tell of attachments.
    """

    message_id: str | None
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    subject: str
    from_: Mailbox | None
    from_header: str
    sender: Mailbox | None
    reply_to: tuple[Mailbox, ...]
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    recipients_seen: tuple[str, ...]
    date: datetime | None
    headers: tuple[tuple[str, str], ...]
    text: str | None
    html: str | None
    attachments: tuple[ParsedAttachment, ...]
    report_parts: tuple[tuple[str, bytes], ...]
    content_type: str
    report_type: str | None
    defects: tuple[str, ...]
    notes: tuple[Note, ...] = ()

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its case, or None."""
        lower = name.lower()
        return next((value for key, value in self.headers if key.lower() == lower), None)

    def header_all(self, name: str) -> tuple[str, ...]:
        """Every header of that name, whatever its case, topmost first."""
        lower = name.lower()
        return tuple(value for key, value in self.headers if key.lower() == lower)


def parse(raw: bytes, *, limits: Limits = _DEFAULT) -> ParsedEmail:
    """Read a message (RFC 5322, MIME). Never raises, whatever the bytes.

    Time is linear in the size, and what is kept is bounded by the message's size and
    `limits`; what the limits left out is named in `defects`.
    """
    raw = _with_line_ends(raw)
    root, defects = split(raw, limits)
    content = read_content(raw, root, limits)
    return _email(root, content, defects)


def fingerprint(raw: bytes, parsed: ParsedEmail) -> str:
    """The hexadecimal SHA-256 of Message-ID, From, Date and the body's bytes.

    Two copies of one message agree whichever way they came: headers that relays add, carriage
    returns and line ends at the very end do not count.
    """
    raw = _with_line_ends(raw)
    _, start, _ = read_headers(raw, 0, len(raw), size=_DEFAULT.header_bytes, count=_DEFAULT.headers)
    digest = hashlib.sha256()
    for name in ("Message-ID", "From", "Date"):
        value = _SPACE.sub(" ", parsed.header(name) or "").encode()
        digest.update(b"%d:%s" % (len(value), value))
    # Half the time of replace: this runs over every attachment.
    digest.update(raw[start:].translate(None, b"\r").rstrip(b"\n"))
    return digest.hexdigest()


def _with_line_ends(raw: bytes) -> bytes:
    """Without a byte order mark and empty lines in front; a lone CR as line end is mended."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if raw[:1] in (b"\r", b"\n"):
        raw = raw.lstrip(b"\r\n")
    if b"\n" not in raw and b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")
    return raw


def _email(root: Part, content: Content, defects: tuple[str, ...]) -> ParsedEmail:
    charset = _charset(root)
    plain = tuple((name, header_text(value, charset)) for name, value in root.headers)
    first = _firsts(plain)
    report_type = root.parameters.get("report-type")
    return ParsedEmail(
        message_id=_message_id(first.get("message-id", "")),
        in_reply_to=_ids(first.get("in-reply-to", "")),
        references=_ids(" ".join(value for name, value in plain if name.lower() == "references")),
        subject=one_line(decode_words(first.get("subject", ""))),
        from_=first_mailbox(first.get("from", "")),
        from_header=one_line(decode_words(first.get("from", ""))),
        sender=first_mailbox(first.get("sender", "")),
        reply_to=_mailboxes(plain, "reply-to"),
        to=_mailboxes(plain, "to"),
        cc=_mailboxes(plain, "cc"),
        recipients_seen=_recipients(plain),
        date=_date(first.get("date", "")),
        headers=tuple((name, one_line(decode_words(value))) for name, value in plain),
        text=content.text,
        html=content.html,
        attachments=content.attachments,
        report_parts=content.report_parts,
        content_type=one_line(root.content_type),
        report_type=one_line(report_type).lower() if report_type else None,
        defects=defects + content.defects + _left_out(plain),
        notes=content.notes,
    )


def _charset(root: Part) -> str | None:
    """The charset of the first text: that of 8-bit headers too, which name none."""
    part = root
    while part.children:
        part = part.children[0]
    return part.parameters.get("charset") or root.parameters.get("charset")


def _left_out(headers: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """How many addresses of To and Cc are not read; each has an "@"."""
    over = sum(
        max(
            0,
            sum(value.count("@") for name, value in headers if name.lower() == wanted)
            - MAX_MAILBOXES,
        )
        for wanted in ("to", "cc")
    )
    return (f"too_many_addresses:{over}",) if over else ()


def _firsts(headers: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """The first header of each name; an empty one does not hide a later one."""
    found: dict[str, str] = {}
    for name, value in headers:
        if not found.get(name.lower()):
            found[name.lower()] = value
    return found


def _message_id(value: str) -> str | None:
    if found := _ID.search(value):
        return f"<{_SPACE.sub('', found[1])}>"
    value = _SPACE.sub("", value).strip("<>")[:998]
    return f"<{value}>" if value else None


def _ids(value: str) -> tuple[str, ...]:
    """Message-IDs, each once, in order. Of too many, the first and the last 99 are kept."""
    found = [f"<{_SPACE.sub('', inner)}>" for inner in _ID.findall(value)]
    if not found:
        found = [f"<{bare}>" for bare in _BARE_ID.findall(value[:10_000])]
    found = list(dict.fromkeys(found))
    if len(found) > MAX_REFERENCES:
        found = found[:1] + found[1 - MAX_REFERENCES :]
    return tuple(found)


def _mailboxes(headers: tuple[tuple[str, str], ...], wanted: str) -> tuple[Mailbox, ...]:
    # Joined: a second To is against RFC 5322 (section 3.6) and is read all the same.
    return parse_mailboxes(", ".join(value for name, value in headers if name.lower() == wanted))


def _recipients(headers: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name, value in headers:
        if name.lower() in _RECIPIENT_HEADERS:
            found |= {mailbox.address: None for mailbox in parse_mailboxes(value)}
            if len(found) >= MAX_RECIPIENTS:
                break
    return tuple(found)[:MAX_RECIPIENTS]


def _date(value: str) -> datetime | None:
    """The Date header in UTC; a time without a zone is taken as UTC."""
    try:
        date = parsedate_to_datetime(value[:200])
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError, AttributeError):
        return None
