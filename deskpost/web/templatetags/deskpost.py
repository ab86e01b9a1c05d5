"""What templates need: icons, moments in the reader's zone, status badges, sizes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime

from django import template
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from deskpost.logs import words
from deskpost.outcomes import (
    INCOMING_STATUS_WORDS,
    NOTIFICATION_STATUS_WORDS,
    IncomingStatus,
    NotificationStatus,
)
from deskpost.web.icons import ICONS

register = template.Library()

KEY = re.compile(r"\b([A-Z][A-Z0-9]{0,9}-\d{1,9})\b")

NOTIFICATION_TONES = {
    NotificationStatus.FAILED: "fail",
    NotificationStatus.QUEUED: "wait",
    NotificationStatus.DELIVERED: "good",
    NotificationStatus.WITHHELD: "held",
}
INCOMING_TONES = {
    IncomingStatus.FAILED: "fail",
    IncomingStatus.PROCESSING: "wait",
    IncomingStatus.SUCCESS: "good",
    IncomingStatus.SKIPPED: "skip",
}
# The colour of a badge by its icon; what is not here is plain ink.
TONE_CLASSES = {
    "fail": "badge-fail",
    "wait": "badge-wait",
    "skip": "badge-skip",
    "held": "badge-skip",
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw an icon of web/icons.py; it says nothing, so a word must stand beside it."""
    return format_html(
        '<svg class="i" viewBox="0 0 16 16" aria-hidden="true">{}</svg>',
        mark_safe(ICONS[name]),  # noqa: S308 (a constant of ours)
    )


@register.simple_tag
def badge(tone: str, said: object, box: bool = False) -> SafeString:
    """Draw a badge, icon and words: `tone` is fail, wait, good, skip or held."""
    classes = " ".join(
        ("badge", *(["badge-box"] if box else []), TONE_CLASSES.get(tone, ""))
    ).strip()
    return format_html('<span class="{}">{}<span>{}</span></span>', classes, icon(tone), said)


@register.simple_tag
def notification_badge(status: str, said: object = None, box: bool = False) -> SafeString:
    """Draw the badge of a notification's status, with the status's words or others."""
    known = NotificationStatus(status)
    return badge(NOTIFICATION_TONES[known], said or NOTIFICATION_STATUS_WORDS[known], box)


@register.simple_tag
def incoming_badge(status: str, said: object = None, box: bool = False) -> SafeString:
    """Draw the badge of an incoming message's status, with the status's words or others."""
    known = IncomingStatus(status)
    return badge(INCOMING_TONES[known], said or INCOMING_STATUS_WORDS[known], box)


@register.simple_tag
def when(moment: datetime | None, style: str = "short") -> str:
    """Write a moment in the reader's zone; the exact one, with its zone, on hover.

    `style` is `time` (14:06), `seconds` (14:06:09), `short` (23 Nov, 14:06), `exact`
    (23 Nov, 14:06:09) or `date` (23 Nov).
    """
    if moment is None:
        return "–"
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()}",
        words.moment(moment, style),
    )


@register.simple_tag
def day(of: date) -> str:
    """Write a day in full: Monday 23 November."""
    return words.day(of)


@register.filter
def amount(count: int) -> str:
    """Write a number with the reader's separators: 1,318."""
    return formats.number_format(count, use_l10n=True, force_grouping=True)


@register.filter
def octets(count: int) -> str:
    """Write a number of bytes as people say it: 11.4 KB."""
    return words.size(count)


@register.filter
def whole_keys(said: object) -> SafeString:
    """Write words in which a request's key, such as IT-13, is not broken over two lines."""
    pieces = KEY.split(str(said))
    kept = '<span class="nowrap">{}</span>'
    return format_html_join(
        "", "{}", ((format_html(kept, one) if n % 2 else one,) for n, one in enumerate(pieces))
    )


@register.filter
def sentences(said: Iterable[object]) -> str:
    """Put sentences after one another, as the language does."""
    return words.sentences(said)


@register.simple_tag
def in_a_row(*said: object) -> str:
    """Put sentences after one another, as the language does; empty ones are left out."""
    return words.sentences(filter(None, said))


@register.simple_tag
def listed(*names: object) -> str:
    """Write words one after another, with the language's comma."""
    return words.listed(names)


@register.filter
def visible(text: object) -> str:
    """Make what cannot be seen in text from outside visible; the template still escapes it."""
    return words.visible("" if text is None else text)
