"""Moments, days, sizes and counts as words, in the reader's zone and language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from functools import reduce
from typing import Any
from unicodedata import bidirectional

from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext, ngettext, pgettext

KIB = 1024
MIB = 1024 * KIB


def moment(at: datetime, style: str = "short") -> str:
    """Write a moment: `time`, `seconds`, `short`, `exact` or `date`. The year stands where it is
    not this one."""
    local = timezone.localtime(at)
    if style == "time":
        return formats.date_format(local, "H:i")
    if style == "seconds":
        return formats.date_format(local, "H:i:s")
    date_words = short_day(local.date())
    if style == "date":
        return date_words
    clock = formats.date_format(local, "H:i:s" if style == "exact" else "H:i")
    return pgettext("moment", "%(date)s, %(time)s") % {"date": date_words, "time": clock}


def short_day(of: date) -> str:
    """Write a day briefly: 23 Nov."""
    if of.year == timezone.localdate().year:
        return formats.date_format(of, pgettext("date format", "j M"))
    return formats.date_format(of, pgettext("date format", "j M Y"))


def day(of: date) -> str:
    """Write a day in full: Monday 23 November."""
    if of.year == timezone.localdate().year:
        return formats.date_format(of, pgettext("date format", "l j F"))
    return formats.date_format(of, pgettext("date format", "l j F Y"))


def said_at(at: datetime) -> str:
    """Write a moment as it stands in a sentence: today at 14:02, or on 23 Nov at 14:02."""
    local = timezone.localtime(at)
    clock = formats.date_format(local, "H:i")
    if local.date() == timezone.localdate():
        return gettext("today at %(time)s") % {"time": clock}
    return gettext("on %(date)s at %(time)s") % {"date": short_day(local.date()), "time": clock}


def parsed(stored: Any) -> datetime | None:
    """Read a moment from the facts of a row (ISO 8601, aware), or None if it is none."""
    try:
        at = parse_datetime(str(stored or ""))
    except ValueError:
        return None
    return at if at and timezone.is_aware(at) else None


def sentences(said: Iterable[object]) -> str:
    """Put sentences after one another: with a space between them, in Japanese with none."""
    pair = pgettext("two sentences", "%(one)s %(next)s")
    texts = [str(one) for one in said]
    return reduce(lambda one, following: pair % {"one": one, "next": following}, texts or [""])


def listed(names: Iterable[object]) -> str:
    """Write names one after another: Ann, Bob."""
    return pgettext("between the names of a list", ", ").join(str(name) for name in names)


def size(count: Any) -> str:
    """Write a number of bytes: 11.4 KB, or 25 MiB as in the settings (1,024 to the step)."""
    if not isinstance(count, int):
        return "–"
    for bound, unit in ((MIB, gettext("MiB")), (KIB, gettext("KB"))):
        if count >= bound:
            return f"{_short(count / bound)} {unit}"
    return gettext("%(count)d bytes") % {"count": count}


def _short(value: float) -> str:
    places = 0 if value == int(value) or value >= 100 else 1
    rounded = round(value, places)
    return formats.number_format(rounded, decimal_pos=places, use_l10n=True, force_grouping=True)


def count(number: Any) -> str:
    """Write a number with the reader's separators."""
    if not isinstance(number, int):
        return "–"
    return formats.number_format(number, use_l10n=True, force_grouping=True)


def share(part: float | None) -> str:
    """Write a share of a whole: 97.8%. Only all of it is 100%."""
    if part is None:
        return "–"
    tenths = 1_000 if part >= 1 else min(999, int(part * 1_000))
    number = formats.number_format(tenths / 10, decimal_pos=0 if tenths % 10 == 0 else 1)
    return pgettext("share", "%(number)s%%") % {"number": number}


def span(since: datetime, now: datetime) -> str:
    """Write how long ago a moment is: 4 s, 12 min, 3 h, 2 d."""
    seconds = max(0, int((now - since).total_seconds()))
    for bound, form in (
        (86_400, pgettext("span", "%d d")),
        (3_600, pgettext("span", "%d h")),
        (60, pgettext("span", "%d min")),
    ):
        if seconds >= bound:
            return form % (seconds // bound)
    return pgettext("span", "%d s") % seconds


def length(seconds: float) -> str:
    """Write a length of time in its two largest units: 40 s, 12 min, 2 h 10 min, 3 d 4 h."""
    left, parts = max(0, int(seconds)), []
    for size_of, form in (
        (86_400, pgettext("span", "%d d")),
        (3_600, pgettext("span", "%d h")),
        (60, pgettext("span", "%d min")),
        (1, pgettext("span", "%d s")),
    ):
        whole, left = divmod(left, size_of)
        parts.append(form % whole if whole else "")
    first = next((n for n, part in enumerate(parts) if part), len(parts) - 1)
    largest, following = parts[first] or pgettext("span", "%d s") % 0, parts[first + 1 : first + 2]
    # Seconds beside minutes are more than anybody wants to know.
    if first >= 2 or not following or not following[0]:
        return largest
    pair = pgettext("length of time", "%(larger)s %(smaller)s")
    return pair % {"larger": largest, "smaller": following[0]}


def lasting(since: datetime, now: datetime) -> str:
    """Write how long something has lasted, in full: 7 minutes, 3 hours, 2 days."""
    minutes = max(1, int((now - since).total_seconds()) // 60)
    if minutes >= 2 * 24 * 60:
        days = minutes // (24 * 60)
        return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    if minutes >= 2 * 60:
        hours = minutes // 60
        return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}


def visible(text: Any) -> str:
    """Return text from outside with what cannot be seen made visible, as in `[U+202E]`.

    Marks of direction (Unicode UAX #9) would let an address or a subject look like another one;
    control characters would let it hide. Line breaks and tabs stay.
    """
    return _HIDDEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", str(text))


_HIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def outside(text: Any) -> str:
    """Return words from outside for use in a sentence of ours: visible, on one line, and isolated
    where their letters run the other way, so that the words around them stay in place."""
    line = visible(" ".join(str(text).split()))
    turns = any(bidirectional(c) in {"R", "AL", "AN"} for c in line)
    return f"\u2068{line}\u2069" if turns else line


# As they write themselves; another is shown by the name that the settings know it by.
PROVIDERS = {
    "amazon_ses": "Amazon SES",
    "brevo": "Brevo",
    "mailersend": "MailerSend",
    "mailgun": "Mailgun",
    "mailjet": "Mailjet",
    "mailtrap": "Mailtrap",
    "mandrill": "Mandrill",
    "postal": "Postal",
    "postmark": "Postmark",
    "resend": "Resend",
    "scaleway": "Scaleway",
    "sendgrid": "SendGrid",
    "sparkpost": "SparkPost",
    "unisender_go": "UniSender Go",
}


def provider(name: Any) -> str:
    """Write the name of an email service provider, as in `postmark`, or `postmark (IT)` for a
    project's own account. Another name, such as a relay's, stays as it is; empty for none."""
    known, separator, rest = str(name or "")[:320].partition(" (")
    return PROVIDERS.get(known, known) + separator + rest
