"""What a reader must be told of a message besides its text: invitations, encryption, signatures,
and what of it was left out. Stored as plain data on the comment and on the row; said here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from deskpost.logs import words

SAID: Mapping[str, Any] = {
    "smime_encrypted": gettext_lazy(
        "The message is encrypted (S/MIME). It is kept as it came, and cannot be read here."
    ),
    "smime_signed": gettext_lazy("The message is signed (S/MIME); the signature is not checked."),
    "pgp_encrypted": gettext_lazy(
        "The message is encrypted (OpenPGP). It is kept as it came, and cannot be read here."
    ),
    "pgp_signed": gettext_lazy("The message is signed (OpenPGP); the signature is not checked."),
    "tnef": gettext_lazy("Outlook packed its attachments into winmail.dat, kept as it came."),
}

# What the bounds of reading left out, with how often.
LEFT_OUT: Mapping[str, Any] = {
    "header_truncated": gettext_lazy("Its headers are longer than is read; the rest was left out."),
    "nesting": gettext_lazy(
        "Its parts are nested deeper than is read; the inner ones were left out."
    ),
    "too_many_parts": ngettext_lazy(
        "%(count)d part over the limit was left out.",
        "%(count)d parts over the limit were left out.",
        "count",
    ),
    "too_many_attachments": ngettext_lazy(
        "%(count)d attachment over the limit was left out.",
        "%(count)d attachments over the limit were left out.",
        "count",
    ),
    "text_truncated": gettext_lazy("Its text is longer than is read; the rest was left out."),
    "attachments_too_large": ngettext_lazy(
        "%(count)d attachment was left out: together they unpack to more than is kept.",
        "%(count)d attachments were left out: together they unpack to more than is kept.",
        "count",
    ),
    "too_many_addresses": ngettext_lazy(
        "%(count)d address over the limit of its headers was left out.",
        "%(count)d addresses over the limit of its headers were left out.",
        "count",
    ),
}

INVITATIONS: Mapping[str, Any] = {
    "CANCEL": gettext_lazy("An invitation is withdrawn: %(event)s."),
    "REPLY": gettext_lazy("An answer to an invitation: %(event)s."),
    "COUNTER": gettext_lazy("Another time is proposed: %(event)s."),
}
INVITATION = gettext_lazy("An invitation: %(event)s.")


def said(notes: Any) -> list[str]:
    """Return a sentence for each note that is known; odd ones are passed over."""
    found = notes if isinstance(notes, Iterable) else ()
    sentences = (_sentence(note) for note in found if isinstance(note, dict))
    return [sentence for sentence in sentences if sentence]


def _sentence(note: Mapping[str, Any]) -> str:
    kind = str(note.get("kind", ""))
    if kind == "calendar":
        return _invitation(note)
    if kind in LEFT_OUT:
        count = note.get("count")
        return str(LEFT_OUT[kind] % {"count": count if isinstance(count, int) else 1})
    return str(SAID.get(kind, ""))


def _invitation(note: Mapping[str, Any]) -> str:
    summary = words.outside(note.get("summary") or _("without a title"))
    when = _when(str(note.get("start", "")), str(note.get("zone", "")))
    event = _("“%(summary)s”, %(when)s") if when else _("“%(summary)s”")
    template = INVITATIONS.get(str(note.get("method", "")), INVITATION)
    return str(template % {"event": event % {"summary": summary, "when": when}})


def _when(start: str, zone: str) -> str:
    """Write a start as the sender gave it: in the reader's zone only where it is in UTC."""
    try:
        if len(start) <= 10:
            return words.day(date.fromisoformat(start)) if start else ""
        at = datetime.fromisoformat(start)
    except ValueError:
        return ""
    if at.tzinfo is not None:
        return words.moment(at)
    written = f"{words.day(at.date())} {at:%H:%M}"
    return f"{written} ({words.outside(zone)})" if zone else written
