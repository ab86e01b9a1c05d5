"""The values of DESKPOST_TRACKING, and what each of its providers needs."""

from __future__ import annotations

import re
from collections.abc import Mapping

# The settings without which nobody could tell a provider's calls from anyone's.
TRACKING: Mapping[str, str] = {
    "amazon_ses": "WEBHOOK_SECRET",
    "brevo": "WEBHOOK_SECRET",
    "mailersend": "MAILERSEND_TRACKING_SECRET",
    "mailgun": "MAILGUN_SIGNING_KEY",
    "mailjet": "WEBHOOK_SECRET",
    "mailtrap": "MAILTRAP_TRACKING_SECRET",
    "mandrill": "MANDRILL_TRACKING_KEY",
    "postal": "POSTAL_WEBHOOK_KEY",
    "postmark": "WEBHOOK_SECRET",
    "resend": "RESEND_TRACKING_SECRET",
    "sendgrid": "SENDGRID_TRACKING_KEY",
    "sparkpost": "WEBHOOK_SECRET",
    "unisender_go": "UNISENDER_GO_TRACKING_KEY",
}


def tracking(value: str) -> tuple[str, ...]:
    """Read `postmark,mailgun`."""
    found = tuple(one.strip() for one in value.split(",") if one.strip())
    if unknown := [one for one in found if one not in TRACKING]:
        raise ValueError(f"{unknown[0]!r} is none of: " + ", ".join(TRACKING))
    return found


def signing_key(value: str) -> str:
    """Read a key that a provider shows as it is."""
    if value and not re.fullmatch(r"[!-~]{8,500}", value):
        raise ValueError("it is not a key: 8 or more printable characters of ASCII, no spaces")
    return value
