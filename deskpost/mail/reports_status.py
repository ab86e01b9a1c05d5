"""The fields of a delivery status notification (RFC 3464, RFC 6533), wherever they stand."""

from __future__ import annotations

from typing import Final

from deskpost.mail.reports_codes import diagnose, severity_of, status_of
from deskpost.mail.reports_fields import Fields, address, groups
from deskpost.mail.reports_model import ReportRecipient

MAX_RECIPIENTS: Final = 100
MAX_DIAGNOSTICS: Final = 30_000  # characters of all diagnostics of a report that are read

_NAMES: Final = ("final-recipient", "original-recipient", "x-actual-recipient")


def read_status(body: bytes) -> tuple[tuple[ReportRecipient, ...], str | None]:
    """The recipients that the fields name, at most 100, and the server that reports."""
    found = groups(body)
    named = [group for group in found if any(map(group.get, _NAMES))][:MAX_RECIPIENTS]
    most = MAX_DIAGNOSTICS // max(1, len(named))
    recipients = tuple(_recipient(group, most) for group in named)
    server = next((name for group in found if (name := group.typed("reporting-mta"))), None)
    return recipients, server


def _recipient(group: Fields, most: int) -> ReportRecipient:
    action = group.get("action").partition(";")[0].partition("(")[0].strip().lower()
    diagnostic = group.typed("diagnostic-code")[:most]
    status = status_of(group.get("status"), diagnostic)
    said = diagnose(diagnostic)
    if not status and action in ("failed", "delayed"):
        status = said.derived(delayed=action == "delayed")
    return ReportRecipient(
        address=address(group),
        action=action or ("failed" if status[:1] in ("4", "5") else ""),
        status=status,
        diagnostic=diagnostic,
        remote_server=group.typed("remote-mta"),
        severity=severity_of(action, status, diagnostic),
    )
