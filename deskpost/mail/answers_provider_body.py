"""Where a provider's answer has its own code and words. Each has its own form of JSON; the places
below are looked at in order, for no two of them mean something else."""

import json
import re
from typing import Any, Final

from deskpost.mail.words import decode, one_line

MAX_BODY: Final = 200_000  # bytes of an answer that are read
MAX_WORDS: Final = 500

_FIRST: Final = "*"  # whatever a list or an object has first

Place = tuple[str, ...]

_CODES: Final[tuple[Place, ...]] = (
    ("ErrorCode",),  # Postmark, and Mailjet of the whole request
    ("Messages", _FIRST, "Errors", _FIRST, "ErrorCode"),  # Mailjet
    (_FIRST, "reject_reason"),  # Mandrill, of a recipient
    ("warnings", _FIRST, "recipients", _FIRST, "reasons", _FIRST),  # MailerSend
    ("failed_emails", _FIRST),  # Unisender Go
    ("name",),  # Resend, Mandrill
    ("data", "code"),  # Postal
    ("errors", _FIRST, "code"),  # SparkPost
    ("errors", _FIRST, "field"),  # SendGrid
    ("Error", "Code"),  # Amazon SES
    ("code",),  # Brevo, Unisender Go
    ("type",),  # Scaleway
)
_WORDS: Final[tuple[Place, ...]] = (
    ("Message",),  # Postmark
    ("Messages", _FIRST, "Errors", _FIRST, "ErrorMessage"),  # Mailjet
    ("ErrorMessage",),
    ("Error", "Message"),  # Amazon SES
    ("message",),  # Mailgun, Brevo, MailerSend, Mandrill, Resend, Scaleway, Unisender Go
    ("data", "message"),  # Postal
    ("errors", _FIRST, "message"),  # SendGrid, SparkPost
    ("errors", _FIRST, "description"),  # SparkPost
    ("errors", _FIRST),  # Mailtrap
    ("error",),
    ("details", _FIRST, "help_message"),  # Scaleway
    ("warnings", _FIRST, "warning"),  # MailerSend
)
_TAG: Final = re.compile(r"<[^<>]{0,500}>")


def said(body: bytes) -> tuple[str, str]:
    """Return the code and the words in the body of an answer; each may be empty, each is one
    line. What is no JSON is itself the words, without tags. Never raises."""
    try:
        found = json.loads(body[:MAX_BODY])
    except (ValueError, RecursionError):
        text = _TAG.sub(" ", decode(body[:4_000]))
        return "", one_line(" ".join(text.split()))[:MAX_WORDS]
    return said_in(found)


def said_in(found: object) -> tuple[str, str]:
    """The same of what was JSON."""
    codes = [_text(found, place) for place in _CODES]
    words = dict.fromkeys(filter(None, (_text(found, place) for place in _WORDS)))
    return next(filter(None, codes), "")[:100], " · ".join(words)[:MAX_WORDS]


def _text(found: Any, place: Place) -> str:
    for step in place:
        if step == _FIRST and isinstance(found, list | dict) and found:
            found = found[0] if isinstance(found, list) else next(iter(found.values()))
        elif isinstance(found, dict):
            found = found.get(step)
        else:
            return ""
    if isinstance(found, bool) or not isinstance(found, str | int):
        return ""
    return one_line(str(found)) if found else ""
