"""Amazon SES's notifications as SNS mails them: JSON in the text (bounces, complaints,
deliveries).

https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from deskpost.mail.bounces_senders import is_role
from deskpost.mail.mime import ParsedEmail
from deskpost.mail.reports_codes import severity_of, status_of
from deskpost.mail.reports_fields import MAX_VALUE
from deskpost.mail.reports_model import Report, ReportRecipient
from deskpost.mail.words import one_line

MAX_JSON: Final = 256 * 1024  # characters that are read
MAX_RECIPIENTS: Final = 100

# A mail server breaks lines of more than 990 characters so.
_BROKEN_LINE = re.compile(r"!\r?\n ")


def read(parsed: ParsedEmail) -> Report | None:
    """Read a notification of a machine whose JSON begins the text, or None."""
    if not is_role(parsed):
        return None
    text = (parsed.text or "")[:MAX_JSON].lstrip()
    if not text.startswith("{") or not re.search('"(?:notification|event)Type"', text[:2_000]):
        return None
    said = _dict(_decode(text))
    kind = str(said.get("notificationType") or said.get("eventType") or "").lower()
    about = _dict(said.get(kind))
    named = about.get(
        {"bounce": "bouncedRecipients", "complaint": "complainedRecipients"}.get(kind, "recipients")
    )
    if kind not in ("bounce", "complaint", "delivery") or not isinstance(named, list):
        return None
    recipients = tuple(_recipient(kind, _dict(it, "emailAddress"), about) for it in named)
    return Report(
        kind="complaint" if kind == "complaint" else "bounce",
        recipients=recipients[:MAX_RECIPIENTS],
        original_message_id=_message_id(_dict(said.get("mail"))),
        reporting_server=_text(about.get("reportingMTA")).removeprefix("dsn;").strip() or None,
        free_text=True,
    )


def _decode(text: str) -> Any:
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(_BROKEN_LINE.sub("", text))
    except (ValueError, RecursionError):
        return None
    return value


def _dict(value: Any, name: str = "") -> dict[str, Any]:
    """The value where it is an object; with `name`, a mere text becomes its field."""
    if isinstance(value, dict):
        return value
    return {name: value} if name else {}


def _text(value: Any) -> str:
    return one_line(value[:MAX_VALUE]) if isinstance(value, str) else ""


def _recipient(kind: str, said: dict[str, Any], about: dict[str, Any]) -> ReportRecipient:
    address = _text(said.get("emailAddress")).strip("<>")[:320]
    if kind == "complaint":
        action = _text(about.get("complaintFeedbackType")) or "abuse"
        return ReportRecipient(
            address=address, action=action, status="", diagnostic=_text(about.get("userAgent")),
            remote_server="", severity="policy",
        )  # fmt: skip
    diagnostic = _text(said.get("diagnosticCode") or about.get("smtpResponse"))
    diagnostic = diagnostic.removeprefix("smtp;").strip()
    action = "delivered" if kind == "delivery" else _text(said.get("action")) or "failed"
    status = status_of(_text(said.get("status")), diagnostic)
    if not status and kind == "bounce":
        status = "4.0.0" if _text(about.get("bounceType")) == "Transient" else "5.0.0"
    return ReportRecipient(
        address=address,
        action=action,
        status=status,
        diagnostic=diagnostic,
        remote_server="",
        severity=severity_of(action, status, diagnostic),
    )


def _message_id(mail: dict[str, Any]) -> str | None:
    """The original's own Message-ID; SES's, which it puts in its place, else."""
    value = _text(_dict(mail.get("commonHeaders")).get("messageId") or mail.get("messageId"))
    return f"<{value.strip('<> ')}>" if value.strip("<> ") else None
