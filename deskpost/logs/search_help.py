"""The help of the search box: each prefix with an example and words, and its possible values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from deskpost.logs.search_language import LIMIT, PARTS
from deskpost.logs.search_words import Prefix, vocabulary
from deskpost.models import Project
from deskpost.outcomes import OUTCOMES, REASONS, WITHHELD, IncomingStatus, NotificationStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the help: an example that can be typed, and what it finds."""

    example: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What may stand behind a prefix: each code with the reader's words."""

    prefix: str
    title: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """What the help panel shows; `limit` is in characters."""

    rows: tuple[Row, ...]
    values: tuple[Values, ...]
    limit: int = LIMIT
    parts: int = PARTS


def help_rows(project: Project) -> Help:
    """Return the help in the reader's language, its examples with the project's own key."""
    return Help(
        rows=(*_texts(), *_properties(project.key), *_sizes_and_days()),
        values=(
            _values(Prefix.STATUS, _("Statuses"), (*NotificationStatus, *IncomingStatus)),
            _values(Prefix.REASON, _("Reasons of notifications"), (*REASONS, *WITHHELD)),
            _values(Prefix.REASON, _("Outcomes of incoming emails"), OUTCOMES),
            _values(Prefix.NAME, _("Notification names"), vocabulary(Prefix.NAME).words),
        ),
    )


def _texts() -> tuple[Row, ...]:
    return (
        Row(
            example="ann printer",
            words=_("Both words, each in the name, the address or the subject; or a key."),
        ),
        Row(example='"out of ink"', words=_("The phrase, as it stands.")),
        Row(
            example="-newsletter",
            words=_("Without this. A minus works before every other search too."),
        ),
        Row(
            example="from:ann@",
            words=_("The sender of an incoming email: a part of the name or address."),
        ),
        Row(example="from:<ann@desk.example>", words=_("This address as a whole; so with to:.")),
        Row(
            example="to:bob",
            words=_("The recipient of a notification, or the channel of an incoming email."),
        ),
        Row(example='subject:"label printer"', words=_("In the subject only.")),
    )


def _properties(key: str) -> tuple[Row, ...]:
    return (
        Row(example="status:failed,queued", words=_("One of these statuses.")),
        Row(
            example="reason:suppression_list",
            words=_("Why a notification failed, or what became of an incoming email."),
        ),
        Row(example="name:comment_added", words=_("The notification’s name.")),
        Row(example=f"key:{key}-42", words=_("Everything about a request; key:42 does too.")),
        Row(example="channel:help@", words=_("A part of the channel’s address, or its number.")),
        Row(
            example="id:<abc@mail.example>",
            words=_("A Message-ID, with the angle brackets or without."),
        ),
        Row(
            example="in:incoming",
            words=_("One list only: incoming, notifications or invitations."),
        ),
    )


def _sizes_and_days() -> tuple[Row, ...]:
    today = timezone.localdate()
    return (
        Row(example=f"after:{today:%Y-%m-01}", words=_("From the beginning of that day on.")),
        Row(example="before:today", words=_("Until the end of the day before it.")),
        Row(
            example=f"on:{today:%Y-%m}",
            words=_("A day, a month or a year. Also today, yesterday, 7d (7 days ago), 2w."),
        ),
        Row(
            example="larger:5mb",
            words=_("The whole message has 5 MiB or more; also k, g or b. 1 KB is 1,024 bytes."),
        ),
        Row(example="smaller:300k", words=_("300 KB or less.")),
    )


def _values(prefix: Prefix, title: str, codes: Iterable[str]) -> Values:
    known = vocabulary(prefix).words
    return Values(
        prefix=str(prefix),
        title=title,
        values=tuple((str(code), str(known[str(code)])) for code in dict.fromkeys(map(str, codes))),
    )
