"""Lines as they come over the wire, in whichever pieces."""

import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskpost.inbound.channels.pop3 import wire as pop3_wire
from deskpost.inbound.channels.pop3.wire import Answer, Wire
from tests.parts.pop3_server import stuffed

PIECE = st.sampled_from([b".", b"\r\n", b"\r", b"\n", b"..", b"x", b"\0\xff", b"y" * 90])
MESSAGE = st.lists(PIECE, max_size=60).map(b"".join)


def read(sent: bytes, most: int, cuts: list[int]) -> tuple[pop3_wire.Block, Answer]:
    """Send this in pieces; return the block that was read, and the answer behind it."""
    ours, theirs = socket.socketpair()
    places = sorted(cut % (len(sent) + 1) for cut in cuts)

    def send() -> None:
        for start, end in zip([0, *places], [*places, len(sent)], strict=True):
            theirs.sendall(sent[start:end])

    with ours, theirs:
        sender = threading.Thread(target=send)
        sender.start()
        try:
            wire = Wire(ours, "mail.test", 110)
            return wire.block(most), wire.answer()
        finally:
            sender.join()


@settings(max_examples=150, deadline=None)
@given(MESSAGE, st.lists(st.integers(0, 10_000), max_size=6), st.integers(1, 200), st.booleans())
def test_a_message_is_what_was_sent_however_it_is_cut(
    message: bytes, cuts: list[int], chunk: int, short: bool
) -> None:
    message += b"\r\n"
    most = len(message) // 2 + 1 if short else len(message)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pop3_wire, "_CHUNK", max(chunk, 16))
        block, answer = read(stuffed(message) + b".\r\n+OK next\r\n", most, cuts)
    assert block.content == message[:most]
    assert block.size == len(message)
    assert answer == Answer(True, b"next")


def test_a_large_message_is_what_was_sent() -> None:
    message = b"".join(b"." * (n % 7) + b"x" * (n * 37 % 9000) + b"\r\n" for n in range(3000))
    block, _ = read(stuffed(message) + b".\r\n+OK\r\n", len(message), [])
    assert block.content == message


def test_no_lines_are_nothing() -> None:
    block, answer = read(b".\r\n-ERR [sys/temp] later\r\n", 10, [1])
    assert (block.content, block.size) == (b"", 0)
    assert (answer.ok, answer.code) == (False, "SYS/TEMP")
