"""Mail systems as senders: daemons, postmasters, gateways and the null sender."""

from __future__ import annotations

import re

from deskpost.mail.mime import ParsedEmail

DAEMON = re.compile(
    r"mailer[-_. ]?daemon|mail[-_. ]?daemon|mail[. ]deliver(?:y|er)?[. ](?:sub)?system"
    r"|delivery subsystem",
    re.IGNORECASE,
)
_MAIL_SYSTEM = re.compile(
    r"\bpost[-_]?master\b|\bm(?:ail)?daemon\b|mail administrator|system administrator"
    r"|mail(?:er)? system|mail service|\bimss\b|interscan|\bmmsc ndr|\bbounces?@|\bndr@",
    re.IGNORECASE,
)
# Accounts of machines: whether they speak for a mail system, their words must say.
_ROLE = re.compile(
    r"(?:^|[-._+])(?:(?:do)?-?not?-?reply|noreply|admin|administrator|mail|smtp|mta|gateway"
    r"|service|notifications?|notifier|system|sysadmin|ndr|bounces?|alerts?)(?:$|[-._+\d])",
    re.IGNORECASE,
)


def is_null(parsed: ParsedEmail, envelope_from: str | None) -> bool:
    """Whether the sender of the envelope is nobody (RFC 5321, section 4.5.5).

    Without an envelope its Return-Path counts. Some servers write the daemon's name there.
    """
    if envelope_from is None:
        envelope_from = parsed.header("Return-Path")
        if envelope_from is None:
            return False
    sender = envelope_from.strip(" <>")
    return not sender or DAEMON.match(sender) is not None


def is_daemon(parsed: ParsedEmail) -> bool:
    """Whether From is a mail system's own name: nobody reads or writes mail with it."""
    return DAEMON.search(parsed.from_header) is not None


def is_mail_system(parsed: ParsedEmail) -> bool:
    """Whether From names a mail system or those who run it."""
    return is_daemon(parsed) or _MAIL_SYSTEM.search(parsed.from_header) is not None


def is_role(parsed: ParsedEmail) -> bool:
    """Whether From is a machine's account, such as no-reply@."""
    local = parsed.from_.address.rpartition("@")[0] if parsed.from_ else ""
    return _ROLE.search(local) is not None
