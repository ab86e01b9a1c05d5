"""The listener's side of the wire, with nothing behind it: odd clients, and odd moments."""

from __future__ import annotations

import asyncio
import ssl
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from deskpost.inbound import intake as module
from deskpost.inbound.channels import smtp_path
from deskpost.inbound.channels.smtp_content import KEPT_OF_OVERSIZE, Content
from deskpost.inbound.channels.smtp_session import SmtpSession
from deskpost.inbound.channels.smtp_wire import COMMAND_LIMIT, PIECE, Limits, Listener
from deskpost.inbound.intake import Arrival, Intake, Target
from tests.parts import certificates

MIB = 1024 * 1024
IT = "it@desk.test"
ENVELOPE = b"EHLO x.test\r\nMAIL FROM:<ann@x.test>\r\nRCPT TO:<it@desk.test>\r\nDATA\r\n"


class Shelf:
    """An intake that keeps what it is given, or holds it back."""

    def __init__(self) -> None:
        self.kept: list[Arrival] = []
        self.waiting: list[Future[None]] = []
        self.holds = False

    def submit(self, arrival: Arrival) -> Future[None]:
        done: Future[None] = Future()
        self.kept.append(arrival)
        if self.holds:
            self.waiting.append(done)
        else:
            done.set_result(None)
        return done


class Names:
    async def find(self, recipient: str) -> Target | None:
        if recipient == "boom@desk.test":
            raise ZeroDivisionError
        known = recipient == IT
        return Target(recipient=recipient, channel_id=1, project_id=1) if known else None


class Wired:
    """A listener on a free port, with a shelf behind it."""

    def __init__(self, *, limit: int = MIB, idle: int = 5, tls: Any = None) -> None:
        self.shelf, names = Shelf(), Names()
        limits = Limits(message=limit, connections=10, recipients=3, idle=idle)
        intake: Any = self.shelf
        directory: Any = names
        self.listener = Listener(intake=intake, directory=directory, limits=limits, tls=tls)
        self.port = 0

    def run(self, test: Callable[[Wired], Awaitable[None]]) -> None:
        async def serve() -> None:
            make = partial(SmtpSession, self.listener)
            server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            async with asyncio.timeout(60), server:
                await test(self)

        # In a thread of its own: in this one a browser's loop may run.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, serve()).result()

    async def connect(self) -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        client = Client(reader, writer)
        assert (await client.answer()).startswith("220 ")
        return client


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def answer(self) -> str:
        """The last line of the next answer; empty once the connection is closed."""
        while True:
            line = (await self.reader.readline()).decode()
            if line[3:4] != "-":
                return line.rstrip()

    async def say(self, words: bytes) -> str:
        self.writer.write(words + b"\r\n")
        return await self.answer()

    async def codes(self, count: int) -> list[str]:
        return [(await self.answer())[:3] for _ in range(count)]

    async def begin(self) -> None:
        self.writer.write(ENVELOPE)
        assert await self.codes(4) == ["250", "250", "250", "354"]


# --- The message --------------------------------------------------------------------------------

BODIES = [
    b"",
    b"one line\r\n",
    b"\r\n",
    b"\r\n\r\n",
    b".\r\n",
    b"..\r\n.\r\n",
    b"\n.\n\r.\r\n\n.\r\n",
    b"a\r\n.b\r\n..c\r\n",
    b"bare\n.\nfeeds\r\nand\r.\rreturns\r\n",
]


@pytest.mark.parametrize("body", BODIES)
def test_a_message_is_the_same_wherever_the_network_cuts_it(body: bytes) -> None:
    stuffed = body.replace(b"\r\n.", b"\r\n..")
    stuffed = b"." + stuffed if stuffed.startswith(b".") else stuffed
    wire = stuffed + b".\r\nQUIT\r\n"
    for first in range(len(wire)):
        for second in range(first, len(wire)):
            content, taken = Content(MIB), 0
            for piece in (wire[:first], wire[first:second], wire[second:]):
                if (end := content.feed(piece)) is not None:
                    taken += end
                    break
                taken += len(piece)
            assert wire[taken:] == b"QUIT\r\n"
            assert content.result() == (body, None)


@pytest.mark.parametrize("line", [b"x" * 76 + b"\r\n", b".\r\n", b"." * 90])
def test_a_message_of_the_limit_is_whole_and_one_byte_more_leaves_its_beginning(
    line: bytes,
) -> None:
    limit = KEPT_OF_OVERSIZE * 2
    body = (line * (limit // len(line) + 1))[: limit - 2] + b"\r\n"
    for more in (b"", b"y"):
        wanted = more + body
        stuffed = wanted.replace(b"\r\n.", b"\r\n..")
        stuffed = b"." + stuffed if stuffed.startswith(b".") else stuffed
        content = Content(limit)
        wire = stuffed + b".\r\n"
        for start in range(0, len(wire), PIECE):
            content.feed(wire[start : start + PIECE])
        kept, size = content.result()
        assert (kept, size) == ((wanted, None) if not more else (wanted[: len(kept)], len(stuffed)))
        assert not more or 0 < len(kept) <= KEPT_OF_OVERSIZE


def test_what_is_much_too_large_takes_no_more_memory_than_the_limit() -> None:
    content = Content(4 * MIB)
    piece = b"x" * PIECE
    tracemalloc.start()
    for _ in range(64 * MIB // PIECE):
        content.feed(piece)
    assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    tracemalloc.stop()
    assert content.feed(b"\r\n.\r\n") == 5
    kept, size = content.result()
    assert (len(kept), size) == (KEPT_OF_OVERSIZE, 64 * MIB + 2)


def test_only_crlf_dot_crlf_ends_a_message() -> None:
    """Or a second message could be smuggled through a server that lets bare line feeds pass."""

    async def test(wired: Wired) -> None:
        client = await wired.connect()
        await client.begin()
        smuggled = b"".join(
            b"a" + end + b"MAIL FROM:<eve@x.test>\r\n"
            for end in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r\n\x00.\r\n")
        )
        assert (await client.say(smuggled + b"\r\n.")).startswith("250")
        (kept,) = wired.shelf.kept
        assert kept.raw.count(b"eve@x.test") == 6
        assert kept.envelope_from == "ann@x.test"

    Wired().run(test)


# --- The commands -------------------------------------------------------------------------------


def test_commands_and_messages_that_come_at_once_are_taken_in_their_order() -> None:
    async def test(wired: Wired) -> None:
        client = await wired.connect()
        letter = b"MAIL FROM:<>\r\nRCPT TO:<it@desk.test>\r\nDATA\r\nmessage %d\r\n.\r\n"
        client.writer.write(b"HELO x.test\r\n" + b"".join(letter % n for n in range(50)))
        client.writer.write(b"QUIT\r\n")
        assert await client.codes(202) == ["250", *["250", "250", "354", "250"] * 50, "221"]
        assert await client.answer() == ""
        assert [one.raw for one in wired.shelf.kept] == [b"message %d\r\n" % n for n in range(50)]

    Wired().run(test)


ORDER = [
    (b"MAIL FROM:<ann@x.test>", "503"),
    (b"EHLO", "501"),
    (b"EHLO x.test", "250"),
    (b"RCPT TO:<it@desk.test>", "503"),
    (b"DATA", "503"),
    (b"MAIL", "501"),
    (b"MAIL FROM:", "501"),
    (b"MAIL FROM:<ann@>", "553"),
    (b"MAIL FROM:<ann\xff@x.test>", "553"),
    (b"MAIL FROM:<ann\0@x.test>", "553"),
    (b"MAIL FROM:<" + b"(" * 1500 + b"ann@x.test>", "553"),
    (b"MAIL FROM:<ann@x.test> BODY=BINARYMIME", "501"),
    (b"MAIL FROM:<ann@x.test> SMTPUTF8=1", "501"),
    (b"MAIL FROM:<ann@x.test> SIZE=many", "501"),
    (b"MAIL FROM:<ann@x.test> SIZE", "501"),
    (b"MAIL FROM:<ann@x.test> RET=HDRS", "555"),
    (b"mail from:<ann@x.test> size=99 body=8bitmime smtputf8", "250"),
    (b"MAIL FROM:<bob@x.test>", "503"),
    (b"RCPT TO:<it@desk.test> NOTIFY=NEVER", "555"),
    (b"RCPT TO:<boom@desk.test>", "451"),
    (b"RCPT TO:<it@desk.test>", "250"),
    (b"DATA now", "501"),
    (b"RSET now", "501"),
    (b"RSET", "250"),
    (b"data", "503"),
    (b"STARTTLS", "454"),
    (b"AUTH PLAIN AGEAYg==", "502"),
    (b"NOOP", "250"),
    (b"VRFY ann", "252"),
    (b"EXPN all", "502"),
    (b"HELP", "214"),
    (b"", "500"),
    (b"NOOP " + b"x" * COMMAND_LIMIT, "500"),
    (b"NOOP " + b"x" * 5 * PIECE, "500"),
    (b"\xff\xfe", "500"),
    (b"GET / HTTP/1.1", "500"),
    (b"QUIT now", "501"),
    (b"QUIT", "221"),
]


def test_each_command_has_its_answer_and_none_ends_the_session_but_quit() -> None:
    async def test(wired: Wired) -> None:
        client = await wired.connect()
        assert [(words, (await client.say(words))[:3]) for words, _ in ORDER] == ORDER
        assert await client.answer() == ""

    Wired().run(test)


def test_whoever_does_not_speak_smtp_is_sent_away() -> None:
    async def test(wired: Wired) -> None:
        client = await wired.connect()
        client.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nC: d\r\nE: f\r\nG: h\r\n")
        assert await client.codes(6) == ["500", "500", "500", "500", "502", ""]

    Wired().run(test)


PATHS = [
    "<ann@x.test>",
    "<ann+b.c@x.test> SIZE=3",
    "ann@x.test",
    "<jörg@bücher.test>",
    "<a..b@docomo.ne.jp>",
    '<"ann osei"@x.test>',
    '<"it"@desk.test>',
    '<"a>b"@x.test> SIZE=3',
    "<@a.test,@b.test:ann@x.test>",
    "<ann@[192.0.2.1]>",
    "<>",
    "<> BODY=7BIT",
    "<ann>",
    "<ann@x.test",
    "<@>",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_read_as_a_lenient_server_reads_it(path: str) -> None:
    """As aiosmtpd does, which was tried on many clients."""
    other: Any = object.__new__(SMTP)
    address, rest = other._getaddr(path)
    read = smtp_path.read(path)
    assert (read and (read[0], read[1].strip())) == (address and (address, rest.strip()))


# --- Odd moments --------------------------------------------------------------------------------


def test_a_client_that_leaves_while_its_message_is_stored_harms_nobody() -> None:
    async def test(wired: Wired) -> None:
        wired.shelf.holds = True
        client, other = await wired.connect(), await wired.connect()
        await client.begin()
        client.writer.write(b"hello\r\n.\r\n")
        while not wired.shelf.kept:
            await asyncio.sleep(0.01)
        client.writer.transport.abort()
        while wired.listener.connections > 1:
            await asyncio.sleep(0.01)
        wired.shelf.waiting[0].set_result(None)
        wired.shelf.holds = False
        await other.begin()
        assert (await other.say(b"hello\r\n.")).startswith("250")

    Wired().run(test)


@pytest.fixture
def intake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Intake]:
    """An intake of which only the threads are there: no disk, no database."""

    def write(key: str, raw: bytes) -> None:
        if raw == b"too much":
            raise OSError("the disk is full")

    monkeypatch.setattr(module, "_write_raw", write)
    monkeypatch.setattr(module, "_sync_raws", lambda keys: None)
    monkeypatch.setattr(module, "_insert", lambda rows, first: None)
    monkeypatch.setattr(module, "close_old_connections", lambda: None)
    running = Intake()
    running.start()
    yield running
    running.close()


def arrival(raw: bytes) -> Arrival:
    target = Target(recipient=IT, channel_id=1, project_id=1)
    return Arrival(
        raw=raw, targets=[target], transport=SmtpSession.spoken, envelope_from="", client=""
    )


def test_the_intake_goes_on_when_somebody_calls_a_message_back(intake: Intake) -> None:
    for _ in range(20):
        assert not intake.submit(arrival(b"never mind")).cancel()  # it is on its way already
    assert intake.submit(arrival(b"hello")).exception(timeout=10) is None


def test_a_message_that_cannot_be_written_fails_alone(intake: Intake) -> None:
    raws = [b"hello", b"too much", b"hello again"]
    stored = [intake.submit(arrival(raw)) for raw in raws]
    failed = [one.exception(timeout=10) for one in stored]
    assert [type(one) for one in failed] == [type(None), OSError, type(None)]


def test_a_client_that_sends_byte_by_byte_does_not_stay_for_ever() -> None:
    async def test(wired: Wired) -> None:
        client = await wired.connect()
        await client.begin()
        begun = asyncio.get_running_loop().time()
        with pytest.raises((ConnectionError, asyncio.TimeoutError)):
            while asyncio.get_running_loop().time() - begun < 20:
                client.writer.write(b"x")
                await client.writer.drain()
                await asyncio.sleep(0.05)
            raise AssertionError("it was never closed")
        assert wired.shelf.kept == []

    Wired(idle=1).run(test)


def test_a_client_that_reads_no_answers_is_not_read_without_end_and_is_cut_off() -> None:
    async def test(wired: Wired) -> None:
        client = await wired.connect()
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        sent = 0
        while wired.listener.connections:
            client.writer.write(b"NOOP\r\n" * 1000)
            sent += 6000
            try:
                async with asyncio.timeout(0.2):
                    await client.writer.drain()
            except (TimeoutError, ConnectionError):
                await asyncio.sleep(0.1)
            assert sum(len(one._waiting) for one in wired.listener.open) <= 2 * PIECE

    Wired(idle=1).run(test)


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[ssl.SSLContext, ssl.SSLContext]]:
    trusted = certificates.make(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    yield server, ssl.create_default_context(cafile=str(trusted))


def test_what_was_said_before_starttls_counts_no_more(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    """Whoever sits between can put words before the handshake (RFC 3207, section 4.2)."""

    async def test(wired: Wired) -> None:
        client = await wired.connect()
        assert (await client.say(b"EHLO x.test")) == "250 HELP"
        client.writer.write(b"STARTTLS\r\nNOOP\r\nMAIL FROM:<eve@x.test>\r\n")
        assert (await client.answer()).startswith("220")
        await client.writer.start_tls(tls[1], server_hostname="localhost")
        assert (await client.say(b"MAIL FROM:<ann@x.test>")).startswith("503")
        await client.begin()
        assert (await client.say(b"secret\r\n.")).startswith("250")
        assert [one.envelope_from for one in wired.shelf.kept] == ["ann@x.test"]
        assert (await client.say(b"STARTTLS")).startswith("454")
        assert (await client.say(b"QUIT")).startswith("221")

    Wired(tls=tls[0]).run(test)


def test_a_client_that_asks_for_tls_and_speaks_in_the_clear_is_cut_off(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async def test(wired: Wired) -> None:
        client = await wired.connect()
        assert (await client.say(b"STARTTLS")).startswith("220")
        client.writer.write(b"EHLO x.test\r\n")
        assert await client.reader.read() is not None
        while wired.listener.connections:
            await asyncio.sleep(0.01)

    Wired(tls=tls[0]).run(test)
