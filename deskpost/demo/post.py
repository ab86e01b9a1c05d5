"""The way in: messages are handed to the site's SMTP port as any mail server does."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence

from django.conf import settings

TIMEOUT_SECONDS = 20
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (where to reach who listens there)


class Post:
    """One connection to the site; a new one for each message, as from many servers."""

    def __init__(self) -> None:
        host = str(settings.DESKPOST["SMTP_HOST"])
        self.host = EVERYWHERE.get(host, host)
        self.port = int(settings.DESKPOST["SMTP_PORT"])
        self.sent = 0

    def answers(self) -> bool:
        """Whether a mail server listens there."""
        if not self.port:
            return False
        try:
            with self._connection():
                return True
        except (OSError, smtplib.SMTPException):
            return False

    def send(self, sender: str, to: str, data: bytes) -> int:
        """Hand a message over and return the answer's code; "" is the null sender."""
        return self._talk(sender, to, data, ())

    def announce(self, sender: str, to: str, size: int) -> int:
        """Say that a message of that many bytes is to come (RFC 1870), and no more."""
        return self._talk(sender, to, None, (f"SIZE={size}",))

    def _talk(self, sender: str, to: str, data: bytes | None, options: Sequence[str]) -> int:
        self.sent += 1
        with self._connection() as connection:
            connection.ehlo_or_helo_if_needed()
            code = connection.mail(sender, list(options))[0]
            if code < 400:
                code = connection.rcpt(to)[0]
            if code < 400 and data is not None:
                code = connection.data(data)[0]
        return code

    def _connection(self) -> smtplib.SMTP:
        return smtplib.SMTP(self.host, self.port, "outside.example", timeout=TIMEOUT_SECONDS)
