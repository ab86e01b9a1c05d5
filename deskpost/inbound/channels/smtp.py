"""The SMTP and LMTP listener: it keeps bytes and answers; the worker decides.

Its parts, in the order in which a message meets them: smtp_wire (lines, limits), smtp_hello and
smtp_session (commands), smtp_path (addresses), smtp_content (DATA), and then the intake.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from functools import partial

from django.conf import settings

from deskpost.inbound.channels.smtp_content import KEPT_OF_OVERSIZE
from deskpost.inbound.channels.smtp_session import LmtpSession, SmtpSession
from deskpost.inbound.channels.smtp_wire import Limits, Listener

__all__ = ["KEPT_OF_OVERSIZE", "Limits", "Listener", "limits_from_settings", "serve", "tls_context"]

log = logging.getLogger(__name__)

STOP_SECONDS = 5.0  # what sessions get to finish


def limits_from_settings() -> Limits:
    return Limits(
        message=settings.DESKPOST["INBOUND_LIMIT"],
        # Each listener has its part, rounded up: together they hold the limit.
        connections=-(-settings.DESKPOST["SMTP_CONNECTIONS"] // settings.DESKPOST["LISTENERS"]),
        recipients=settings.DESKPOST["SMTP_RECIPIENTS"],
        idle=settings.DESKPOST["SMTP_IDLE"],
    )


async def serve(listener: Listener, stop: asyncio.Event) -> None:
    """Listen where the settings say, until told to stop; then let what is being said finish."""
    loop = asyncio.get_running_loop()
    servers = []
    # The kernel deals connections out among the processes that share a port. A lone listener
    # shares with nobody: a second one on its port must fail.
    shared = settings.DESKPOST["LISTENERS"] > 1
    sessions: tuple[tuple[type[SmtpSession], str], ...] = (
        (SmtpSession, "SMTP"),
        (LmtpSession, "LMTP"),
    )
    for session, name in sessions:
        host, port = settings.DESKPOST[f"{name}_HOST"], settings.DESKPOST[f"{name}_PORT"]
        if port:
            make = partial(session, listener)
            servers.append(await loop.create_server(make, host, port, reuse_port=shared))
            log.info("%s listens on %s:%s", name, host, port)
    await stop.wait()
    listener.stopping = True
    for server in servers:
        server.close()
    end = loop.time() + STOP_SECONDS
    while listener.connections and loop.time() < end:
        await asyncio.sleep(0.05)
    for connection in list(listener.open):
        if connection.transport is not None:
            connection.transport.close()


def tls_context() -> ssl.SSLContext | None:
    """Return what STARTTLS offers, or None when no certificate is set."""
    certificate, key = settings.DESKPOST["TLS_CERT"], settings.DESKPOST["TLS_KEY"]
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
