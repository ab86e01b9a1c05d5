"""The SMTP and LMTP listener: it keeps bytes and answers; the worker decides.

RFC 5321, RFC 2033 (LMTP), RFC 1870 (SIZE), RFC 3207 (STARTTLS), RFC 6531 (SMTPUTF8).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.db import DatabaseError

from deskpost.inbound.channels.directory import Directory
from deskpost.inbound.intake import Arrival, Intake, Target
from deskpost.models import InboundEmail

log = logging.getLogger(__name__)

KEPT_OF_OVERSIZE = 256 * 1024  # bytes of the beginning, in which the headers are
TRY_AGAIN = "451 4.3.0 The message could not be stored; try again later"
NULL_SENDER = "<>"
END_OF_DATA = b"\r\n.\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one listener takes. Sizes in bytes, times in seconds."""

    message: int
    connections: int
    recipients: int
    idle: int


def limits_from_settings() -> Limits:
    return Limits(
        message=settings.DESKPOST["INBOUND_LIMIT"],
        connections=settings.DESKPOST["SMTP_CONNECTIONS"],
        recipients=settings.DESKPOST["SMTP_RECIPIENTS"],
        idle=settings.DESKPOST["SMTP_IDLE"],
    )


@dataclass(slots=True)
class Listener:
    """What all connections of a process share."""

    intake: Intake
    directory: Directory
    limits: Limits
    tls: ssl.SSLContext | None
    connections: int = 0
    stopping: bool = False
    open: set[Any] = field(default_factory=set)


class Mail(Envelope):
    """An envelope that also knows its targets and its size."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[Target] = []
        self.declared = 0
        self.oversize_bytes: int | None = None


class Handler:
    """Answers to the commands; the protocol itself is aiosmtpd's."""

    def __init__(self, listener: Listener, transport: InboundEmail.Transport) -> None:
        self.listener = listener
        self.transport = transport

    async def handle_EHLO(
        self, server: Any, session: Session, envelope: Mail, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        offered = [line for line in responses if not line.startswith("250-AUTH")]
        offered.insert(1, f"250-SIZE {self.listener.limits.message}")
        offered.insert(1, "250-ENHANCEDSTATUSCODES")
        return offered

    async def handle_exception(self, error: Exception) -> str:
        log.error("an SMTP session failed", exc_info=error)
        return "451 4.3.0 Something went wrong here; try again later"

    async def handle_MAIL(
        self, server: Any, session: Session, envelope: Mail, address: str | None, options: list[str]
    ) -> str:
        # aiosmtpd takes an empty mail_from for "no MAIL yet"; a report's null sender is one too.
        envelope.mail_from = address or NULL_SENDER
        envelope.mail_options.extend(options)
        envelope.declared = _declared(options)
        return "250 2.1.0 Sender OK"

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Mail, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= self.listener.limits.recipients:
            return "452 4.5.3 Too many recipients; send the others in another message"
        try:
            target = await self.listener.directory.find(address)
        except (DatabaseError, OSError):
            log.exception("the channels could not be read")
            return "451 4.3.0 Recipients cannot be looked up at the moment; try again later"
        if target is None:
            return "550 5.1.1 No such address here; this server relays for nobody"
        if envelope.declared > self.listener.limits.message:
            return await self._refuse_declared(session, envelope, target)
        envelope.rcpt_tos.append(address)
        envelope.targets.append(target)
        return "250 2.1.5 Recipient OK"

    async def _refuse_declared(self, session: Session, envelope: Mail, target: Target) -> str:
        """Too large as declared (RFC 1870, section 6.1): refuse, and keep a row of the envelope."""
        stored = await self._store(session, envelope, [target], b"", envelope.declared)
        limit = self.listener.limits.message
        return (
            f"552 5.3.4 Larger than the {limit} bytes that are taken here" if stored else TRY_AGAIN
        )

    async def handle_DATA(self, server: Any, session: Session, envelope: Mail) -> str:
        raw = envelope.original_content or b""
        answer = "250 2.0.0 Kept"
        if not await self._store(session, envelope, envelope.targets, raw, envelope.oversize_bytes):
            answer = TRY_AGAIN
        elif envelope.oversize_bytes:
            limit = self.listener.limits.message
            answer = f"552 5.3.4 Larger than the {limit} bytes that are taken here"
        if self.transport == InboundEmail.Transport.LMTP:
            # RFC 2033, section 4.2: one answer for each recipient.
            return "\r\n".join([answer] * len(envelope.rcpt_tos))
        return answer

    async def _store(
        self,
        session: Session,
        envelope: Mail,
        targets: list[Target],
        raw: bytes,
        oversize_bytes: int | None,
    ) -> bool:
        sender = envelope.mail_from or NULL_SENDER
        arrival = Arrival(
            raw=raw,
            targets=targets,
            transport=self.transport,
            envelope_from="" if sender == NULL_SENDER else sender,
            client=f"{_ip(session)} {session.host_name or ''}".strip(),
            oversize_bytes=oversize_bytes,
        )
        try:
            await asyncio.wrap_future(self.listener.intake.submit(arrival))
        except Exception:
            log.exception("a message could not be stored; its sender will try again")
            return False
        return True


def _ip(session: Session) -> str:
    peer: Any = session.peer
    return str(peer[0]) if peer else ""


def _declared(options: list[str]) -> int:
    for option in options:
        name, _, value = option.partition("=")
        if name.upper() == "SIZE" and value.isdigit() and len(value) <= 20:
            return int(value)
    return 0


class _Protocol(SMTP):
    """aiosmtpd's SMTP with our envelope, our limits, and DATA that is bounded and keeps lines of
    any length."""

    command_size_limit = 2048
    spoken = InboundEmail.Transport.SMTP
    line_length_limit = 64 * 1024  # how much the reader takes in one go

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        super().__init__(
            Handler(listener, self.spoken),
            data_size_limit=None,
            enable_SMTPUTF8=True,
            hostname=settings.DESKPOST["DOMAIN"],
            ident="Deskpost",
            tls_context=listener.tls,
            timeout=listener.limits.idle,
            auth_exclude_mechanism=["LOGIN", "PLAIN"],
            loop=asyncio.get_running_loop(),
        )

    def _create_envelope(self) -> Mail:
        return Mail()

    def connection_made(self, transport: Any) -> None:
        first = self.transport is None  # it is made a second time after STARTTLS
        if first:
            self.listener.connections += 1
            self.listener.open.add(self)
            if (
                self.listener.stopping
                or self.listener.connections > self.listener.limits.connections
            ):
                transport.write(b"421 4.3.2 Too many connections; try again later\r\n")
                transport.close()
                return
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self in self.listener.open:
            self.listener.open.discard(self)
            self.listener.connections -= 1
        if self.transport is not None:
            super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:
        if await self.check_helo_needed():
            return
        assert self.envelope is not None
        if not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content, total = await self._read_content()
        envelope: Any = self.envelope
        envelope.content = envelope.original_content = content
        if total > len(content):
            envelope.oversize_bytes = total
        await self.push(await self._call_handler_hook("DATA"))
        self.envelope = self._create_envelope()

    async def _read_content(self) -> tuple[bytes, int]:
        """Read to the lone dot. Returns the content (its beginning, if it is too large) with
        transparency removed (RFC 5321, section 4.5.2), and its whole size."""
        beginning = await self._reader.readexactly(3)
        if beginning == END_OF_DATA[2:]:
            return b"", 0
        reader: Any = self._reader  # what was peeked at goes back: the terminator may span it
        reader._buffer[:0] = beginning
        kept, total, end = bytearray(), 0, False
        while not end:
            try:
                piece = await self._reader.readuntil(END_OF_DATA)
                end = True
                piece = piece[:-3]
            except asyncio.LimitOverrunError as error:
                piece = await self._reader.readexactly(error.consumed)
            self._reset_timeout()
            total += len(piece)
            # Stuffed dots are a third of the content at the most, and do not count.
            if total <= self.listener.limits.message * 4 // 3:
                kept += piece
            else:
                del kept[KEPT_OF_OVERSIZE:]
        content = bytes(kept.removeprefix(b".").replace(b"\r\n.", b"\r\n"))
        if len(content) > self.listener.limits.message:
            return content[:KEPT_OF_OVERSIZE], total
        return content, total if total > len(kept) else len(content)


class SmtpProtocol(_Protocol):
    """SMTP (RFC 5321)."""


class LmtpProtocol(_Protocol, LMTP):
    """LMTP (RFC 2033)."""

    spoken = InboundEmail.Transport.LMTP


async def serve(listener: Listener, stop: asyncio.Event) -> None:
    """Listen where the settings say, until told to stop; then let what is being said finish."""
    loop = asyncio.get_running_loop()
    servers = []
    protocols: tuple[tuple[type[_Protocol], str], ...] = (
        (SmtpProtocol, "SMTP"),
        (LmtpProtocol, "LMTP"),
    )
    for protocol, name in protocols:
        host, port = settings.DESKPOST[f"{name}_HOST"], settings.DESKPOST[f"{name}_PORT"]
        if port:
            servers.append(await loop.create_server(partial(protocol, listener), host, port))
            log.info("%s listens on %s:%s", name, host, port)
    await stop.wait()
    listener.stopping = True
    for server in servers:
        server.close()
    end = loop.time() + 5
    while listener.connections and loop.time() < end:
        await asyncio.sleep(0.05)
    for protocol in list(listener.open):
        if protocol.transport is not None:
            protocol.transport.close()


def tls_context() -> ssl.SSLContext | None:
    """Return what STARTTLS offers, or None when no certificate is set."""
    certificate, key = settings.DESKPOST["TLS_CERT"], settings.DESKPOST["TLS_KEY"]
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
