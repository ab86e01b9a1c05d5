"""From the name of a server to its addresses, in bounded time. Nothing is checked here."""

from __future__ import annotations

import queue
import socket
import threading
from typing import Any

import idna

MOST_OF_A_NAME = 253  # RFC 1035, section 2.3.4, as text

Found = tuple[socket.AddressFamily, tuple[Any, ...]]  # and what `socket.connect` takes


def look_up(host: str, port: int, seconds: float) -> list[Found]:
    """Return the IPv4 and IPv6 addresses of a server, the best first.

    `host` is anything that a person typed; the system may read `127.1` or `0x7f.1` as an address.
    Raises OSError or ValueError if there is no such name, TimeoutError after `seconds`.
    """
    # In a thread of its own, for getaddrinfo cannot be interrupted.
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    name = ascii_name(host)
    work = threading.Thread(target=_ask, args=(name, port, answers), name="resolve", daemon=True)
    work.start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    families = (socket.AF_INET, socket.AF_INET6)
    return [(family, sockaddr) for family, _, _, _, sockaddr in answer if family in families]


def _ask(name: str, port: int, answers: queue.SimpleQueue[Any]) -> None:
    try:
        kind, protocol = socket.SOCK_STREAM, socket.IPPROTO_TCP
        answers.put(socket.getaddrinfo(name, port, type=kind, proto=protocol))
    except Exception as error:  # noqa: BLE001 (whoever waits for the answer raises it)
        answers.put(error)


def ascii_name(host: str) -> str:
    """Return the name as DNS and TLS have it (IDNA 2008, RFC 5891). Raises ValueError.

    A name in ASCII is left as it is, since there are servers with names that IDNA does not know
    (my_mail).
    """
    name = host.strip()[: MOST_OF_A_NAME + 3].removeprefix("[").removesuffix("]")
    if not name.isascii():
        name = idna.encode(name, uts46=True).decode("ascii")
    if not 0 < len(name.rstrip(".")) <= MOST_OF_A_NAME or not name.isprintable() or " " in name:
        raise ValueError("not the name of a server")
    return name
