"""Whether a message is a bounce in words: its sender, its subject and what it announces."""

from __future__ import annotations

import re

from deskpost.mail.bounces_notice import Notice
from deskpost.mail.bounces_senders import is_daemon, is_mail_system, is_null, is_role
from deskpost.mail.bounces_words import ANNOUNCED, DELAYED, MAIL_SUBJECT, OUT_OF_OFFICE, SUBJECT
from deskpost.mail.mime import ParsedEmail

_REPLY_OR_FORWARD = re.compile(r"\s*(?:re|fwd?|aw|wg|tr|rv|sv|vs|r|i|enc)\s?:", re.IGNORECASE)
_GREETING = re.compile(
    r"\s{0,20}(?:hi|hello|hey|dear|good (?:day|morning|afternoon|evening)|hallo|guten|liebe\w?"
    r"|sehr geehrte|bonjour|hola|buenos|ciao|buongiorno|ol[áa]|beste|geachte)\b",
    re.IGNORECASE,
)
_TRANSCRIPT = re.compile(
    r"rcpt to:|^\W{0,10}[45]\d\d(?:[ -]|$)|^<[^<>\s@]{1,64}@[^<>\s@]{1,255}>[: ]",
    re.IGNORECASE | re.MULTILINE,
)


def is_forwarded(parsed: ParsedEmail, envelope_from: str | None) -> bool:
    """Whether a person forwards or answers a report with the parts that it had."""
    if parsed.content_type == "multipart/report" or is_mail_system(parsed):
        return False
    return _REPLY_OR_FORWARD.match(parsed.subject) is not None and not (
        is_null(parsed, envelope_from)
    )


def may_be(parsed: ParsedEmail, envelope_from: str | None) -> bool:
    """Whether sender and subject allow it: all that most messages are asked."""
    if is_mail_system(parsed) or parsed.header("X-Failed-Recipients"):
        return True
    if _REPLY_OR_FORWARD.match(parsed.subject) or OUT_OF_OFFICE.search(parsed.subject):
        return False
    if is_null(parsed, envelope_from):
        return is_role(parsed) or SUBJECT.search(parsed.subject) is not None
    return is_role(parsed) and MAIL_SUBJECT.search(parsed.subject) is not None


def announces(parsed: ParsedEmail, envelope_from: str | None, notice: Notice) -> bool:
    """Whether the words say that a message did not arrive. Of a postmaster who is none but a
    person may be, more is asked than of a daemon."""
    text, subject = notice.text[:8_000], parsed.subject
    announced = ANNOUNCED.search(text) is not None
    if is_daemon(parsed) or is_null(parsed, envelope_from):
        known = parsed.header("X-Failed-Recipients") or SUBJECT.search(subject)
        shown = is_daemon(parsed) and _TRANSCRIPT.search(text)
        return bool(announced or known or shown)
    if _GREETING.match(text):
        return False
    if MAIL_SUBJECT.search(subject) and not _REPLY_OR_FORWARD.match(subject):
        return True
    about = SUBJECT.search(subject) and not _REPLY_OR_FORWARD.match(subject)
    return bool(announced and (about or _TRANSCRIPT.search(text)))


def is_delayed(parsed: ParsedEmail, notice: Notice) -> bool:
    """Whether the message is not lost yet: the server goes on trying."""
    return DELAYED.search(f"{parsed.subject}\n{notice.text[:8_000]}") is not None
