"""The way out: an SMTP relay whose connection is kept, or the outbox folder where there is none."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from django.conf import settings

from deskpost.config_values import Relay
from deskpost.mail.answers import Answer, read_reply
from deskpost.models import new_id
from deskpost.outbound import outside

TIMEOUT_SECONDS = 30
IDLE_SECONDS = 20  # a connection idle for longer is tested before it is used again


class Carrier(Protocol):
    """Hands one message over and says what became of it."""

    @property
    def server(self) -> str: ...

    def send(self, envelope_from: str, recipient: str, message: bytes) -> Answer: ...

    def close(self) -> None: ...


class RelayCarrier:
    """Sends through one relay, over one connection that is used again. Never raises: what goes
    wrong on the way is a temporary answer."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._connection: smtplib.SMTP | None = None
        self._used_at = 0.0
        self.server = f"{relay.host}:{relay.port}"

    def send(self, envelope_from: str, recipient: str, message: bytes) -> Answer:
        """Hand the message over; the answer is the server's, or one of ours for the connection."""
        try:
            connection = self._open()
            return self._hand_over(connection, envelope_from, recipient, message)
        except smtplib.SMTPResponseException as error:
            self.close()
            return _ours_to_mend(error.smtp_code, error.smtp_error)
        except (OSError, smtplib.SMTPException, ssl.SSLError) as error:
            self.close()
            return _unreachable(error)

    def _hand_over(
        self, connection: smtplib.SMTP, envelope_from: str, recipient: str, message: bytes
    ) -> Answer:
        options = []
        if connection.has_extn("8bitmime"):
            options.append("BODY=8BITMIME")
        if not recipient.isascii():
            if not connection.has_extn("smtputf8"):
                return _no_smtputf8()
            options.append("SMTPUTF8")
            connection.command_encoding = "utf-8"
        answer = self._dialogue(connection, envelope_from, recipient, message, options)
        self._used_at = time.monotonic()
        return answer

    def _dialogue(
        self,
        connection: smtplib.SMTP,
        envelope_from: str,
        recipient: str,
        message: bytes,
        options: list[str],
    ) -> Answer:
        steps: list[Callable[[], tuple[int, bytes]]] = [
            lambda: connection.mail(envelope_from, options),
            lambda: connection.rcpt(recipient),
            lambda: connection.data(message),
        ]
        code, text = 0, b""
        for ask in steps:
            code, text = _ask(ask)
            if code >= 400:
                with contextlib.suppress(smtplib.SMTPServerDisconnected):
                    connection.rset()
                break
        return read_reply(code, text)

    def _open(self) -> smtplib.SMTP:
        if self._connection and time.monotonic() - self._used_at > IDLE_SECONDS:
            self._test()
        if self._connection is None:
            self._connection = _connect(self._relay)
        return self._connection

    def _test(self) -> None:
        assert self._connection is not None
        try:
            alive = self._connection.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            alive = False
        if not alive:
            self.close()

    def close(self) -> None:
        """End the connection; the next message opens another."""
        if self._connection:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._connection.quit()
            self._connection.close()
        self._connection = None


def _ask(step: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
    """One command's reply; smtplib raises for a refused DATA and returns the other refusals."""
    try:
        return step()
    except smtplib.SMTPDataError as error:
        words = error.smtp_error
        return error.smtp_code, words.encode() if isinstance(words, str) else words


def _connect(relay: Relay) -> smtplib.SMTP:
    host = settings.DESKPOST["DOMAIN"]
    connection: smtplib.SMTP
    if relay.tls == "tls":
        context = ssl.create_default_context()
        connection = smtplib.SMTP_SSL(
            relay.host, relay.port, host, timeout=TIMEOUT_SECONDS, context=context
        )
    else:
        connection = smtplib.SMTP(relay.host, relay.port, host, timeout=TIMEOUT_SECONDS)
    try:
        connection.ehlo_or_helo_if_needed()
        if relay.tls == "starttls":
            connection.starttls(context=ssl.create_default_context())
            connection.ehlo()
        if relay.username:
            connection.login(relay.username, relay.password)
    except BaseException:
        connection.close()
        raise
    return connection


def _ours_to_mend(code: int, text: bytes | str) -> Answer:
    """A refusal before there was a recipient (sign-in, greeting) is no fault of the recipient's:
    it is tried again, in the server's own words."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return Answer(
        kind="temporary", reason=None, suppress=None, code=code, enhanced=None, text=words
    )


def _unreachable(error: Exception) -> Answer:
    words = f"{type(error).__name__}: {error}"
    return Answer(
        kind="temporary", reason=None, suppress=None, code=None, enhanced=None, text=words[:500]
    )


def _no_smtputf8() -> Answer:
    return Answer(
        kind="permanent",
        reason="validation_error",
        suppress=None,
        code=None,
        enhanced="5.6.7",  # RFC 6531, section 3.5
        text="The relay does not offer SMTPUTF8, which this address needs",
    )


class Outbox:
    """Where there is no relay: each message is a file that a person can open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.server = "outbox"

    def send(self, envelope_from: str, recipient: str, message: bytes) -> Answer:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{new_id()}.eml"
        draft = self._folder / f".{name}"
        draft.write_bytes(message)
        draft.rename(self._folder / name)
        return Answer(
            kind="accepted",
            reason=None,
            suppress=None,
            code=None,
            enhanced=None,
            text=f"outbox/{name}",
        )

    def close(self) -> None:
        """Nothing is held."""


class NoRelay:
    """Where no relay is set: for each message the demo's outside world, if a demo runs just then
    (outside.py), else the outbox."""

    def __init__(self, folder: Path) -> None:
        self._outbox = Outbox(folder)
        self._world: RelayCarrier | None = None
        self._port: int | None = None

    @property
    def server(self) -> str:
        return self._chosen().server

    def send(self, envelope_from: str, recipient: str, message: bytes) -> Answer:
        return self._chosen().send(envelope_from, recipient, message)

    def _chosen(self) -> Carrier:
        port = outside.port()
        if port != self._port:
            self.close()
            self._port, self._world = port, _world(port) if port else None
        return self._world or self._outbox

    def close(self) -> None:
        if self._world:
            self._world.close()


def _world(port: int) -> RelayCarrier:
    return RelayCarrier(Relay(host=outside.HOST, port=port, tls="none", username="", password=""))


def carrier() -> Carrier:
    """Return a new carrier, as the settings say."""
    relay = settings.DESKPOST["RELAY"]
    return RelayCarrier(relay) if relay else NoRelay(settings.OUTBOX)
