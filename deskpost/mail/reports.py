"""Bounces (RFC 3464, RFC 6533; also in words for people) and complaints (RFC 5965).

`reports_status` reads the fields of a bounce, `reports_feedback` those of a complaint, and
`bounces` what has no such parts.
"""

from __future__ import annotations

from typing import Final

from deskpost.mail import bounces, bounces_json
from deskpost.mail.bounces_signs import is_forwarded
from deskpost.mail.mime import ParsedEmail, parse
from deskpost.mail.reports_feedback import read_feedback, read_loose
from deskpost.mail.reports_model import Report, ReportRecipient, Severity
from deskpost.mail.reports_original import embedded_messages, original_id
from deskpost.mail.reports_status import read_status

__all__ = ["Report", "ReportRecipient", "Severity", "read"]

MAX_EMBEDDED: Final = 1024 * 1024  # octets of a report within a report that are read

_STATUS_TYPES: Final = ("message/delivery-status", "message/global-delivery-status")


def read(parsed: ParsedEmail, envelope_from: str | None = None) -> Report | None:
    """Read a report by its parts, else by its words; None where it is none.

    At most 100 recipients are read. `envelope_from` as for `automatic.nature`; without it, the
    Return-Path counts. Nothing here is proof: who acts on a report checks that it reached a
    signed address or embeds a signed Message-ID. Never raises.
    """
    if is_forwarded(parsed, envelope_from):
        return None
    for content_type, body in parsed.report_parts:
        if content_type == "message/feedback-report":
            return read_feedback(parsed, body)
        if content_type in _STATUS_TYPES and (report := _status(parsed, body)) is not None:
            return report
    return bounces_json.read(parsed) or read_loose(parsed) or _words(parsed, envelope_from)


def _words(parsed: ParsedEmail, envelope_from: str | None) -> Report | None:
    """A bounce in words; where they name nobody, the report that it embeds, else of whom the
    original was."""
    report = bounces.read(parsed, envelope_from)
    if report is not None and not report.recipients:
        report = _within(parsed) or bounces.of_original(parsed, report, envelope_from)
    if report is None and parsed.report_type == "delivery-status":
        return Report(
            kind="bounce",
            recipients=(),
            original_message_id=original_id(parsed),
            reporting_server=None,
        )
    return report


def _status(parsed: ParsedEmail, body: bytes) -> Report | None:
    recipients, server = read_status(body)
    if not recipients:
        return None
    return Report(
        kind="bounce",
        recipients=bounces.with_words(parsed, recipients),
        original_message_id=original_id(parsed),
        reporting_server=server,
    )


def _within(parsed: ParsedEmail) -> Report | None:
    """The report that a gateway has wrapped in one of its own; one level is read."""
    for body in embedded_messages(parsed)[:1]:
        inner = parse(body[:MAX_EMBEDDED])
        for content_type, fields in inner.report_parts:
            if content_type in _STATUS_TYPES and (report := _status(inner, fields)) is not None:
                return report
        report = bounces.read(inner)
        return report if report and report.recipients else None
    return None
