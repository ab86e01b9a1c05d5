"""PARSE: the kept bytes of a message become what the rules ask about. No decision is made here."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core.files.storage import storages

from deskpost.mail import automatic, html, mime, quotes, reports
from deskpost.models import InboundEmail


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A message, read: its parts, what kind of sender wrote it, and its report if it is one.

    `text` is its plain text (made from HTML where it has none), split; `html` is safe to show.
    """

    email: mime.ParsedEmail
    text: quotes.SplitText
    html: str
    fingerprint: str
    nature: automatic.Nature
    report: reports.Report | None


def read(row: InboundEmail) -> Parsed:
    """Read the raw message of the row. Raises OSError if the raw cannot be had just now."""
    raw = b""
    if row.raw_key:
        with storages["raw"].open(row.raw_key) as file:
            raw = file.read()
    email = mime.parse(raw)
    return Parsed(
        email=email,
        text=quotes.split(_plain(email)),
        html=html.sanitise(email.html) if email.html else "",
        fingerprint=mime.fingerprint(raw, email),
        nature=automatic.nature(email, row.envelope_from, site_id=site_id()),
        report=reports.read(email),
    )


def _plain(email: mime.ParsedEmail) -> str:
    if email.text and email.text.strip():
        return email.text
    return html.to_text(email.html) if email.html else ""


def site_id() -> str:
    """Return the name by which this site knows its own mail."""
    return str(settings.DESKPOST["DOMAIN"])
