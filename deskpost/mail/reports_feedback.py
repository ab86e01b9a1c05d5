"""Complaints (RFC 5965), also in the looser forms in which providers send them."""

from __future__ import annotations

import re
from typing import Final

from deskpost.mail.mailboxes import parse_mailboxes
from deskpost.mail.mime import ParsedEmail
from deskpost.mail.reports_fields import Fields, block
from deskpost.mail.reports_model import Report, ReportRecipient
from deskpost.mail.reports_original import original_fields, original_id

MAX_COMPLAINERS: Final = 100

# Feedback that is no complaint of the recipient's: authentication reports, and "not spam".
_NO_COMPLAINT: Final = frozenset({"auth-failure", "not-spam"})
# Who complains, by the names that providers use, from the surest on.
_UNSUBSCRIBE = re.compile(r"sent this (?:e-?mail|message) to unsubscribe from", re.IGNORECASE)
_COMPLAINERS: Final = ("original-rcpt-to", "removal-recipient", "x-hmxmroriginalrecipient")


def read_feedback(parsed: ParsedEmail, body: bytes) -> Report | None:
    """Read the fields of a feedback report; None where they are no complaint."""
    fields = block(body)
    kind = fields.get("feedback-type").strip().lower()
    if kind in _NO_COMPLAINT:
        return None
    return complaint(parsed, kind or "abuse", _complainers(parsed, fields), fields)


def read_loose(parsed: ParsedEmail) -> Report | None:
    """Read a complaint that has no feedback report: of Outlook.com's programme (JMRP), which names
    the complainer in the embedded message, or a mail program's request to unsubscribe."""
    originals = original_fields(parsed)
    if parsed.report_parts and originals.get("x-hmxmroriginalrecipient"):
        return complaint(parsed, "abuse", _complainers(parsed, originals))
    if (
        parsed.from_ is not None
        and parsed.subject.strip().lower() == "unsubscribe"
        and _UNSUBSCRIBE.search((parsed.text or "")[:500])
    ):
        return complaint(parsed, "opt-out", [parsed.from_.address])
    return None


def complaint(
    parsed: ParsedEmail, kind: str, complainers: list[str], fields: Fields | None = None
) -> Report:
    """A complaint of these addresses about the message that `parsed` embeds."""
    fields = fields or Fields(())
    server = fields.typed("reporting-mta")
    return Report(
        kind="complaint",
        recipients=tuple(
            ReportRecipient(
                address=address,
                action=kind,
                status="",
                diagnostic=fields.get("user-agent"),
                remote_server=server,
                severity="policy",
            )
            for address in list(dict.fromkeys(complainers))[:MAX_COMPLAINERS]
        ),
        original_message_id=original_id(parsed),
        reporting_server=server or None,
    )


def _complainers(parsed: ParsedEmail, fields: Fields) -> list[str]:
    """Whom the report names, else the original's sole recipient."""
    original = original_fields(parsed)
    for source in (fields, original):
        for name in _COMPLAINERS:
            named = [box.address for value in source.all(name) for box in parse_mailboxes(value)]
            if named:
                return named
    to = parse_mailboxes(original.get("to"))
    return [to[0].address] if len(to) == 1 else []
