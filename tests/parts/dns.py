"""A real DNS server on the loopback address, over UDP and TCP, that says what a test wants."""

import contextlib
import socket
import socketserver
import struct
import threading
import time
from typing import Any, Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from tests.parts.ports import HOST

TTL = 300
MAX_CHAIN = 20  # aliases that are followed in one answer
PLAIN_UDP = 512  # octets of an answer where the question names no size (RFC 1035, section 2.3.4)


class NameServer:
    """A context manager; `address` is `127.0.0.1:port`, the same port for UDP and TCP.

    A name that it was told nothing about does not exist (NXDOMAIN), unless it lies above one that
    does. `asked` has every question, (name, type), in the order in which they came.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.seconds = 0.0  # that each answer takes
        self._zone: dict[tuple[str, str], list[str]] = {}
        self._silent: set[str] = set()
        self._failing: set[str] = set()
        self._babbling: set[str] = set()
        self._servers: list[Any] = []
        self._threads: list[threading.Thread] = []
        self._port = 0

    @property
    def address(self) -> str:
        return f"{HOST}:{self._port}"

    def add(self, name: str, kind: str, *values: str) -> None:
        """Answer with these values, each as a zone file writes it."""
        self._zone.setdefault((name.lower(), kind), []).extend(values)

    def txt(self, name: str, *texts: str) -> None:
        """Answer with these texts, each cut into the strings of 255 octets that DNS wants."""
        for text in texts:
            pieces = [text[at : at + 255] for at in range(0, len(text), 255)] or [""]
            self.add(name, "TXT", " ".join(f'"{_escaped(piece)}"' for piece in pieces))

    def forget(self, name: str) -> None:
        """The name does not exist any more."""
        for key in [key for key in self._zone if key[0] == name.lower()]:
            del self._zone[key]

    def be_silent(self, name: str) -> None:
        """Never answer for the name and those below it; "" is all names."""
        self._silent.add(name.lower())

    def fail(self, name: str) -> None:
        """Answer SERVFAIL for the name and those below it."""
        self._failing.add(name.lower())

    def babble(self, name: str) -> None:
        """Answer with octets that are no answer for the name and those below it."""
        self._babbling.add(name.lower())

    def questions(self, name: str) -> int:
        """How often a name was asked for."""
        return sum(1 for asked, _ in self.asked if asked == name)

    def reply(self, data: bytes, *, most: int | None = None) -> bytes | None:
        """The answer to a question, or None for silence; beyond `most` octets it is truncated."""
        try:
            question = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return None
        name = question.question[0].name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.question[0].rdtype)
        self.asked.append((name, kind))
        time.sleep(self.seconds)
        if _within(name, self._silent):
            return None
        if _within(name, self._babbling):
            return data[:2] + b"\x80\x00" + bytes(range(256))
        response = self._response(question, name, kind)
        if most is None:
            return response.to_wire(max_size=65535)
        return _truncated(response, max(most, question.payload))

    def _response(self, question: dns.message.Message, name: str, kind: str) -> dns.message.Message:
        response = dns.message.make_response(question)
        response.flags |= dns.flags.RA
        if _within(name, self._failing):
            response.set_rcode(dns.rcode.SERVFAIL)
            return response
        for _ in range(MAX_CHAIN):
            if not (alias := self._zone.get((name, "CNAME"))):
                break
            response.answer.append(dns.rrset.from_text(f"{name}.", TTL, "IN", "CNAME", *alias))
            name = alias[0].lower().removesuffix(".")
        if values := self._zone.get((name, kind)):
            response.answer.append(dns.rrset.from_text(f"{name}.", TTL, "IN", kind, *values))
        elif not any(_within(known, {name}) for known, _ in self._zone):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response

    def __enter__(self) -> Self:
        for _ in range(20):
            with contextlib.suppress(OSError):  # the port that UDP got may be taken for TCP
                self._start()
                return self
        raise OSError("no port is free for both UDP and TCP")

    def _start(self) -> None:
        udp = _Udp((HOST, 0), _UdpHandler)
        try:
            tcp = _Tcp(udp.server_address, _TcpHandler)
        except OSError:
            udp.server_close()
            raise
        self._port = udp.server_address[1]
        self._servers = [udp, tcp]
        for server in self._servers:
            server.names = self
            thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def __exit__(self, *problem: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True
    block_on_close = False
    max_packet_size = 65535
    names: NameServer


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    names: NameServer


class _UdpHandler(socketserver.BaseRequestHandler):
    server: _Udp

    def handle(self) -> None:
        data, answers = self.request
        if (reply := self.server.names.reply(data, most=PLAIN_UDP)) is not None:
            with contextlib.suppress(OSError):  # the test may be over
                answers.sendto(reply, self.client_address)


class _TcpHandler(socketserver.BaseRequestHandler):
    server: _Tcp

    def handle(self) -> None:
        connection: socket.socket = self.request
        with contextlib.suppress(OSError, struct.error):
            (length,) = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))
            data = connection.recv(length, socket.MSG_WAITALL)
            if (reply := self.server.names.reply(data)) is not None:
                connection.sendall(struct.pack("!H", len(reply)) + reply)


def _truncated(response: dns.message.Message, most: int) -> bytes:
    try:
        return response.to_wire(max_size=most)
    except dns.exception.TooBig:
        response.answer.clear()
        response.flags |= dns.flags.TC
        return response.to_wire()


def _within(name: str, above: set[str]) -> bool:
    return any(not one or name == one or name.endswith("." + one) for one in above)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
