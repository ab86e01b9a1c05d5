"""A client that goes away amid STARTTLS gives its place in the listener back."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.inbound.channels.test_smtp import Client, Wired
from tests.parts import certificates

SECONDS = 1  # that the listener waits for a client
HALF_A_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"  # RFC 8446, section 5.1


def close(client: Client) -> None:
    client.writer.close()


def reset(client: Client) -> None:
    """End the connection as a machine does that has lost its memory of it."""
    at_once = struct.pack("ii", 1, 0)
    client.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    client.writer.transport.abort()


def wait(client: Client) -> None:
    """Say nothing more."""


@pytest.mark.parametrize("leave", [close, reset, wait])
@pytest.mark.parametrize("said", [b"", HALF_A_HELLO])
def test_who_goes_away_amid_starttls_gives_the_place_back(
    tmp_path: Path, said: bytes, leave: Callable[[Client], None]
) -> None:
    async def test(wired: Wired) -> None:
        client = await wired.connect()
        assert (await client.say(b"STARTTLS")).startswith("220")
        assert wired.listener.connections == 1
        if said:
            client.writer.write(said)
            await asyncio.sleep(0.1)  # the handshake has begun
        leave(client)
        async with asyncio.timeout(SECONDS + 9):
            while wired.listener.connections:
                await asyncio.sleep(0.02)
        assert not wired.listener.open

    certificates.make(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    Wired(tls=context, idle=SECONDS).run(test)
