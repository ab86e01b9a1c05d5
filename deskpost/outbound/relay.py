"""An SMTP relay: lanes that keep their connection (RFC 5321), with pipelining where it is offered
(RFC 2920)."""

from __future__ import annotations

import base64
import contextlib
import re
import smtplib
import ssl
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from django.conf import settings

from deskpost.config_relay import Relay
from deskpost.mail.answers import Answer, read_reply
from deskpost.mail.hidden import hidden
from deskpost.net.context import tls_context
from deskpost.outbound import smtp_client
from deskpost.outbound.carrier import Outgoing
from deskpost.outbound.smtp_client import Client

IDLE_SECONDS: Final = 20.0  # a connection idle for longer is tested before it is used again

SIGN_IN: Final = frozenset({530, 534, 535, 538})  # RFC 4954, section 6
CLOSING: Final = 421
_LINE_ENDS: Final = re.compile(rb"\r\n|\r|\n")
_DOTS: Final = re.compile(rb"^\.", re.MULTILINE)


class RelayCarrier:
    """One relay, as the settings have it. `project_key` is given where it is one project's own: its
    account may be another one at the same host."""

    def __init__(self, relay: Relay, project_key: str = "") -> None:
        self._relay = relay
        self.server = f"{relay.host}:{relay.port}"
        self.key = f"{self.server} ({project_key})" if project_key else self.server

    @property
    def lanes(self) -> int:
        return int(settings.DESKPOST["RELAY_CONNECTIONS"])

    def lane(self) -> RelayLane:
        return RelayLane(self._relay)


class RelayLane:
    """One connection to the relay, used again and again."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._client: Client | None = None
        self._used_at = 0.0
        self._said: Answer | None = None

    def ready(self) -> Answer | None:
        if self._said:
            said, self._said = self._said, None
            return said  # the way is closed, as a message has found out
        if self._client and time.monotonic() - self._used_at > IDLE_SECONDS:
            self._test(self._client)
        if self._client:
            return None
        try:
            self._client = connect(self._relay)
        except smtplib.SMTPResponseException as error:
            return self._without_password(down(read_reply(error.smtp_code, error.smtp_error)))
        except (OSError, smtplib.SMTPException, ssl.SSLError, ValueError) as error:
            return self._without_password(Answer(kind="down", text=_words(error)))
        self._used_at = time.monotonic()
        return None

    def _without_password(self, answer: Answer) -> Answer:
        """A relay that does not know a command may repeat it, with the password in Base64."""
        user, password = self._relay.username, self._relay.password
        forms = (password, f"\0{user}\0{password}") if password else ()
        secrets = [password, *(base64.b64encode(one.encode()).decode() for one in forms)]
        return replace(answer, text=hidden(answer.text, secrets))

    def _test(self, client: Client) -> None:
        try:
            alive = client.command("NOOP", smtp_client.REPLY_SECONDS)[0] == 250
        except (OSError, smtplib.SMTPException):
            alive = False
        if not alive:
            self.close()

    def send(self, outgoing: Outgoing) -> Answer:
        if self._client is None and (fault := self.ready()):
            return fault
        assert self._client is not None
        dialogue = _Dialogue(self._client, outgoing)
        try:
            answer = dialogue.run()
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            kind = "temporary" if dialogue.recipient_named else "down"
            return Answer(kind=kind, text=_words(error))  # type: ignore[arg-type]
        if answer.kind == "down" and answer.code in SIGN_IN:
            self._said = answer  # a new connection would not help
        if not dialogue.is_clean or self._said:
            self.close()
        self._used_at = time.monotonic()
        return answer

    def close(self) -> None:
        """End the connection politely, but wait for nothing."""
        if self._client:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._client.say("QUIT")
            self._client.close()
        self._client = None


class _Dialogue:
    """One message: MAIL, RCPT, DATA, the message. `recipient_named` says whether the relay has
    heard of the recipient; `is_clean` whether the connection can be used for the next."""

    def __init__(self, client: Client, outgoing: Outgoing) -> None:
        self._client, self._outgoing = client, outgoing
        self.recipient_named = False
        self.is_clean = True
        self._takes_data = False

    def run(self) -> Answer:
        """Hold it. Raises OSError or an SMTPException where the connection fails before the relay
        has said anything that counts."""
        options = self._options()
        if options is None:
            return _no_smtputf8()
        sender, recipient = self._outgoing.envelope_from, self._outgoing.recipient
        commands = (f"MAIL FROM:<{sender}>{options}", f"RCPT TO:<{recipient}>", "DATA")
        if self._client.has_extn("pipelining"):
            refusal = self._together(commands)
        else:
            refusal = self._one_by_one(commands)
        if refusal is None:
            return self._message()
        if self._takes_data:
            self._withhold()
        self._begin_anew()
        return refusal

    def _one_by_one(self, commands: Sequence[str]) -> Answer | None:
        """Each command after the reply to the one before. Returns the refusal, or None where the
        relay waits for the message."""
        for command in commands:
            self._client.say(command)
            if refusal := self._reply_to(command):
                return refusal
        return None

    def _together(self, commands: Sequence[str]) -> Answer | None:
        """All commands in one packet, then their replies: the first refusal counts, also where the
        relay then ends the connection."""
        self._client.say(*commands)
        refusal: Answer | None = None
        for command in commands:
            try:
                answer = self._reply_to(command)
            except (OSError, smtplib.SMTPException):
                if refusal is None:
                    raise
                self.is_clean = False
            else:
                refusal = refusal or answer
            if not self.is_clean:
                return refusal
        return refusal

    def _reply_to(self, command: str) -> Answer | None:
        """Return what the reply refuses, or None where it is a yes."""
        self.recipient_named |= command.startswith("RCPT")
        code, text = self._client.reply(smtp_client.REPLY_SECONDS)
        self.is_clean = code != CLOSING
        if command == "DATA":
            self._takes_data = code == 354
            return None if self._takes_data else self._refused(command, code, text)
        return self._refused(command, code, text) if code >= 300 else None

    def _options(self) -> str | None:
        """The parameters of MAIL, or None where the relay cannot take such an address."""
        outgoing, client, options = self._outgoing, self._client, ""
        if client.has_extn("size"):  # RFC 1870
            options += f" SIZE={len(outgoing.message)}"
        if not (outgoing.recipient.isascii() and outgoing.envelope_from.isascii()):
            if not client.has_extn("smtputf8"):
                return None
            options += " SMTPUTF8"
        if client.has_extn("8bitmime") and not outgoing.message.isascii():
            options += " BODY=8BITMIME"
        return options

    def _message(self) -> Answer:
        """Hand the message over; the reply to its final dot is the answer."""
        self._client.send_bytes(quoted(self._outgoing.message), smtp_client.BODY_SECONDS)
        code, text = self._client.reply(smtp_client.TAKEN_SECONDS)
        self.is_clean = code != CLOSING
        if not 200 <= code < 300:
            self._begin_anew()
        return read_reply(code, text)

    def _withhold(self) -> None:
        """A relay that says 354 though it has refused the recipient gets no line of the message
        (RFC 2920, section 3.1)."""
        try:
            self._client.send_bytes(b".\r\n", smtp_client.REPLY_SECONDS)
            self.is_clean = self._client.reply(smtp_client.REPLY_SECONDS)[0] != CLOSING
        except (OSError, smtplib.SMTPException):
            self.is_clean = False

    def _refused(self, command: str, code: int, text: bytes) -> Answer:
        answer = read_reply(code, text)
        if code in SIGN_IN or (command.startswith("MAIL") and code == CLOSING):
            return down(answer)  # no recipient's matter: the relay wants us to sign in, or goes
        if command.startswith("MAIL"):
            answer = replace(answer, suppress=None, of_sender=True)
        if answer.kind == "accepted":  # a yes where only 354 makes sense
            return Answer(kind="temporary", code=code, text=answer.text)
        return answer

    def _begin_anew(self) -> None:
        if not self.is_clean:
            return
        try:
            self.is_clean = self._client.command("RSET", smtp_client.REPLY_SECONDS)[0] == 250
        except (OSError, smtplib.SMTPException):
            self.is_clean = False


def _no_smtputf8() -> Answer:
    return Answer(
        kind="permanent",
        reason="validation_error",
        enhanced="5.6.7",  # RFC 6531, section 3.5
        text="The relay does not offer SMTPUTF8, which this address needs",
    )


def quoted(message: bytes) -> bytes:
    """Return the message as it goes over the wire: lines that end in CRLF, leading dots doubled,
    and the final dot (RFC 5321, section 4.5.2)."""
    if b"\n" in message.replace(b"\r\n", b"") or b"\r" in message.replace(b"\r\n", b""):
        message = _LINE_ENDS.sub(b"\r\n", message)
    if message.startswith(b".") or b"\n." in message:
        message = _DOTS.sub(b"..", message)
    return message + (b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n")


def connect(relay: Relay) -> Client:
    """Return a client that is greeted, encrypted and signed in, as the settings want it. Raises
    OSError or an SMTPException."""
    context = tls_context() if relay.tls != "none" else None
    client = Client(settings.DESKPOST["DOMAIN"])
    try:
        client.open(relay.host, relay.port, context if relay.tls == "tls" else None)
        client.ehlo_or_helo_if_needed()
        if relay.tls == "starttls":
            client.starttls(context=context)
            client.ehlo()
        if relay.username:
            client.login(relay.username, relay.password)
    except BaseException:
        client.close()
        raise
    return client


def down(answer: Answer) -> Answer:
    """The answer as one about the way: whatever its code, it is no matter of the message."""
    return Answer(
        kind="down",
        code=answer.code,
        enhanced=answer.enhanced,
        text=answer.text,
        again_after=answer.again_after,
    )


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "The relay did not answer in time"
    if isinstance(error, UnicodeError):  # its words show what it was: a letter of the password
        return f"{type(error).__name__}: the host, user name or password cannot be written"
    return f"{type(error).__name__}: {error}"[:500]
