"""What a report says: the types that its readers hand on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["hard", "soft", "delayed", "policy", "delivered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRecipient:
    """What a report says of one recipient.

    `action` is that of RFC 3464 (failed, delayed, delivered, relayed, expanded), or a complaint's
    type (abuse, opt-out). `status` is an enhanced code (RFC 3463): the report's own, or one that
    its reply code and words amount to; empty where they say nothing. `severity`: hard, the address
    does not exist; policy, refused for what or who we are; soft, any other failure, and every
    4.x.x whatever the action; delayed, still tried.
    """

    address: str
    action: str
    status: str
    diagnostic: str
    remote_server: str
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A bounce or a complaint. `original_message_id` is that of the message it is about.

    `recipients` is empty where a mail system speaks of a delivery and names nobody. `free_text`:
    it was read from words for people, not from the parts of RFC 3464 or RFC 5965.
    """

    kind: Literal["bounce", "complaint"]
    recipients: tuple[ReportRecipient, ...]
    original_message_id: str | None
    reporting_server: str | None
    free_text: bool = False
