"""PARSE: the kept bytes of a message become what the rules ask about. No decision is made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.files.storage import storages

from deskpost.inbound import authentic, dmarc
from deskpost.mail import automatic, html, mime, quotes, reports
from deskpost.models import InboundEmail

# Of what reading notices, what means that something of the message is not shown or kept.
LEFT_OUT = frozenset(
    {
        "header_truncated",
        "nesting",
        "too_many_parts",
        "too_many_attachments",
        "text_truncated",
        "attachments_too_large",
        "too_many_addresses",
    }
)
NOTES_KEPT = 20


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """A message, read: its parts, what kind of sender wrote it, and its report if it is one.

    `text` is its plain text (made from HTML where it has none), split; `html` is safe to show.
    `dmarc` is None where the channel does not ask whether the sender's domain vouches for it.
    """

    email: mime.ParsedEmail
    text: quotes.SplitText
    html: str
    fingerprint: str
    nature: automatic.Nature
    report: reports.Report | None
    dmarc: dmarc.Result | None = None

    @cached_property
    def notes(self) -> list[dict[str, Any]]:
        """What a reader must be told besides: of its parts, and of what was left out of it."""
        notes: list[dict[str, Any]] = [
            {name: value for name, value in asdict(note).items() if value}
            for note in self.email.notes
        ]
        for defect in self.email.defects:
            kind, _, count = defect.partition(":")
            if kind in LEFT_OUT:
                notes.append({"kind": kind, "count": int(count) if count.isdigit() else 1})
        return notes[:NOTES_KEPT]


def read_all(
    rows: Sequence[InboundEmail], raws: Sequence[bytes] | None = None
) -> list[tuple[InboundEmail, Parsed]]:
    """Read the raw messages of a batch (the kept ones, or those given), and ask DNS about all of
    them at once. Raises OSError if a raw cannot be had just now.
    """
    raws = [_raw(row) for row in rows] if raws is None else raws
    read_rows = [(row, raw, read(row, raw)) for row, raw in zip(rows, raws, strict=True)]
    results = authentic.check([(row, raw, parsed.email) for row, raw, parsed in read_rows])
    return [
        (row, replace(parsed, dmarc=result))
        for (row, _, parsed), result in zip(read_rows, results, strict=True)
    ]


def _raw(row: InboundEmail) -> bytes:
    if not row.raw_key:
        return b""
    with storages["raw"].open(row.raw_key) as file:
        return bytes(file.read())


def read(row: InboundEmail, raw: bytes) -> Parsed:
    """Read one message, without asking DNS about it."""
    email = mime.parse(raw)
    report = reports.read(email, row.envelope_from)
    return Parsed(
        email=email,
        text=_new_text(email),
        html=html.sanitise(email.html) if email.html else "",
        fingerprint=mime.fingerprint(raw, email),
        nature=automatic.nature(email, row.envelope_from, site_id=site_id(), report=report),
        report=report,
    )


def _new_text(email: mime.ParsedEmail) -> quotes.SplitText:
    if email.text and email.text.strip():
        return quotes.split(email.text, subject=email.subject)
    return quotes.split_html(email.html or "", subject=email.subject)


def site_id() -> str:
    """Return the name by which this site knows its own mail."""
    return str(settings.DESKPOST["DOMAIN"])
