"""How old a call of Mailgun may be. Its signature covers a time and a token, and nothing else."""

from __future__ import annotations

import time

from anymail.exceptions import AnymailWebhookValidationFailure

OLDEST = 15 * 24 * 3600  # seconds; tokens are remembered for longer, so that none works twice


def check_age(said: str) -> None:
    """Take the signed time, in seconds of Unix. Raises AnymailWebhookValidationFailure."""
    if not said.isascii() or not said.isdigit() or len(said) > 12:
        raise AnymailWebhookValidationFailure("no time")
    if time.time() - int(said) > OLDEST:
        raise AnymailWebhookValidationFailure("too old")
