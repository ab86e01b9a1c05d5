"""Bounces (RFC 3464, RFC 6533) and complaints (RFC 5965), as their structure tells them."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from deskpost.mail.answers import read_reply
from deskpost.mail.mailboxes import parse_mailboxes
from deskpost.mail.mime import ParsedEmail
from deskpost.mail.structure import Headers, read_headers
from deskpost.mail.words import decode_words, header_text, one_line

Severity = Literal["hard", "soft", "delayed", "policy", "delivered"]

MAX_RECIPIENTS: Final = 100
MAX_GROUPS: Final = 200
MAX_REPORT: Final = 256 * 1024  # octets of a status part that are read
MAX_VALUE: Final = 2_000  # characters of one field that are kept

_STATUS_TYPES: Final = ("message/delivery-status", "message/global-delivery-status")
_ORIGINAL_TYPES: Final = (
    "message/rfc822",
    "text/rfc822-headers",
    "message/global",
    "message/global-headers",
)
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_REPLY_CODE = re.compile(r"(?<!\d)([245]\d\d)[ -]")
_GROUP_END = re.compile(rb"(?:\r?\n){2,}")
_TYPED = re.compile(r"\s*[A-Za-z0-9-]{1,30}\s*;\s*(.*)", re.DOTALL)
# Feedback that is no complaint of the recipient's: authentication reports, and "not spam".
_NO_COMPLAINT: Final = frozenset({"auth-failure", "not-spam"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRecipient:
    """What a report says of one recipient.

    `severity`: hard, the address does not exist; policy, refused for what or who we are;
    soft, any other failure, and every 4.x.x whatever the action; delayed, still tried.
    """

    address: str
    action: str
    status: str
    diagnostic: str
    remote_server: str
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A bounce or a complaint. `original_message_id` is that of the message it is about."""

    kind: Literal["bounce", "complaint"]
    recipients: tuple[ReportRecipient, ...]
    original_message_id: str | None
    reporting_server: str | None


def read(parsed: ParsedEmail) -> Report | None:
    """Read a report by its structure, or None where it has none.

    At most 100 recipients are read. Nothing here is proof: who acts on a report checks that
    it reached a signed address or embeds a signed Message-ID. Never raises.
    """
    for content_type, body in parsed.report_parts:
        if content_type == "message/feedback-report":
            return _complaint(parsed, body)
        if content_type in _STATUS_TYPES and (report := _bounce(parsed, body)) is not None:
            return report
    return None


class _Fields:
    """The fields of one group, by name; the first of each counts."""

    def __init__(self, headers: Headers) -> None:
        self._values: dict[str, list[str]] = {}
        for name, raw in headers:
            text = one_line(decode_words(header_text(raw)))[:MAX_VALUE]
            self._values.setdefault(name.lower(), []).append(text)

    def get(self, name: str) -> str:
        return self._values.get(name, [""])[0]

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def typed(self, name: str) -> str:
        """A value without its type: `dns; mx.example` (RFC 3464, section 2.1.2)."""
        value = self.get(name)
        found = _TYPED.fullmatch(value)
        return (found[1] if found else value).strip()


def _groups(body: bytes) -> list[_Fields]:
    body = body[:MAX_REPORT].lstrip(b"\r\n")
    groups = []
    for block in _GROUP_END.split(body, maxsplit=MAX_GROUPS)[:MAX_GROUPS]:
        headers, _, _ = read_headers(block, 0, len(block), size=MAX_REPORT, count=100)
        if headers:
            groups.append(_Fields(headers))
    return groups


def _bounce(parsed: ParsedEmail, body: bytes) -> Report | None:
    groups = _groups(body)
    recipients = [
        _recipient(group)
        for group in groups
        if group.get("final-recipient") or group.get("original-recipient")
    ][:MAX_RECIPIENTS]
    if not recipients:
        return None
    server = next((name for group in groups if (name := group.typed("reporting-mta"))), None)
    return Report(
        kind="bounce",
        recipients=tuple(recipients),
        original_message_id=_original_id(parsed),
        reporting_server=server,
    )


def _recipient(group: _Fields) -> ReportRecipient:
    action = group.get("action").partition(";")[0].partition("(")[0].strip().lower()
    diagnostic = group.typed("diagnostic-code")
    status = _status(group.get("status"), diagnostic)
    return ReportRecipient(
        address=_address(group),
        action=action,
        status=status,
        diagnostic=diagnostic,
        remote_server=group.typed("remote-mta"),
        severity=_severity(action, status, diagnostic),
    )


def _address(group: _Fields) -> str:
    """The address that the sender used where the report knows it, else the final one."""
    for name in ("original-recipient", "final-recipient"):
        value = _unxtext(group.typed(name))
        if mailboxes := parse_mailboxes(value):
            return mailboxes[0].address
    return _unxtext(group.typed("final-recipient")).strip("<> ")[:320]


def _unxtext(value: str) -> str:
    """Undo the xtext of an ORCPT (RFC 3461, section 4): "+40" is "@".

    Only where the value has no "@" of its own: a plus sign is common in addresses.
    """
    if "@" in value:
        return value
    return one_line(re.sub(r"\+([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), value))


def _status(value: str, diagnostic: str) -> str:
    """The status code; where the field says nothing, the one in the server's words."""
    found = _STATUS.search(value)
    status = found[0] if found else ""
    if not status or status.endswith(".0.0"):
        enhanced = read_reply(_reply_code(diagnostic), diagnostic).enhanced
        if enhanced and (not status or enhanced[0] == status[0]):
            return enhanced
    return status


def _reply_code(diagnostic: str) -> int:
    found = _REPLY_CODE.search(diagnostic[:200])
    return int(found[1]) if found else 0


def _severity(action: str, status: str, diagnostic: str) -> Severity:
    if action in ("delivered", "relayed", "expanded"):
        return "delivered"
    if action == "delayed":
        return "delayed"
    # A queue that expired says "failed" and keeps its last, temporary, status.
    if status.startswith("4"):
        return "soft"
    if status.startswith("2"):
        return "delivered"
    words = _REPLY_CODE.sub("", diagnostic, count=1) if status else diagnostic
    code = _reply_code(diagnostic)
    answer = read_reply(code if code >= 500 else 550, f"{status} {words}".strip())
    if status.startswith("5.7.") or (read_reply(550, words).enhanced or "").startswith("5.7."):
        return "policy"
    if not status and 400 <= code < 500:
        return "soft"
    return "hard" if answer.suppress else "soft"


def _original_id(parsed: ParsedEmail) -> str | None:
    for content_type, body in parsed.report_parts:
        if content_type in _ORIGINAL_TYPES:
            fields = _block(body)
            found = re.search(r"<[^<>\s]{1,998}>", fields.get("message-id"))
            if found:
                return found[0]
    return None


def _block(body: bytes) -> _Fields:
    body = body[:MAX_REPORT].lstrip(b"\r\n")
    headers, _, _ = read_headers(body, 0, len(body), size=MAX_REPORT, count=500)
    return _Fields(headers)


def _complaint(parsed: ParsedEmail, body: bytes) -> Report | None:
    fields = _block(body)
    kind = fields.get("feedback-type").strip().lower()
    if kind in _NO_COMPLAINT:
        return None
    return Report(
        kind="complaint",
        recipients=tuple(
            ReportRecipient(
                address=address,
                action=kind or "abuse",
                status="",
                diagnostic=fields.get("user-agent"),
                remote_server=fields.typed("reporting-mta"),
                severity="policy",
            )
            for address in _complainers(parsed, fields)
        ),
        original_message_id=_original_id(parsed),
        reporting_server=fields.typed("reporting-mta") or None,
    )


def _complainers(parsed: ParsedEmail, fields: _Fields) -> list[str]:
    """Whose complaint it is: Original-Rcpt-To, else the original's sole recipient."""
    named = [
        mailbox.address
        for value in fields.all("original-rcpt-to")
        for mailbox in parse_mailboxes(value)
    ]
    if named:
        return list(dict.fromkeys(named))[:MAX_RECIPIENTS]
    for content_type, body in parsed.report_parts:
        if content_type in _ORIGINAL_TYPES:
            to = parse_mailboxes(_block(body).get("to"))
            return [to[0].address] if len(to) == 1 else []
    return []
