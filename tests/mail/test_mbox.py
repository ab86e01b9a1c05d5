"""An mbox gives back the messages that were written to it, whatever they are."""

from __future__ import annotations

import io
import mailbox
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskpost.mail import mbox

FROM = b"From ann@x.test Mon Jan  5 10:00:00 2026\n"
LIMIT = 10_000

lines = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [
            b"From here on it goes down.",
            b">From ann@x.test Mon Jan  5 10:00:00 2026",
            FROM.strip(),
            b">>From the start",
            b"From ",
            b"From: ann@x.test",
            b"\r",
            b"",
        ]
    ),
)
messages = st.lists(lines, max_size=12).map(lambda some: b"".join(line + b"\n" for line in some))


def read(data: bytes, *, limit: int = LIMIT, keep: int = 20) -> list[mbox.Entry]:
    return list(mbox.read(io.BytesIO(data), limit=limit, keep=keep))


def raws(data: bytes) -> list[bytes]:
    return [entry.raw for entry in read(data)]


def written(message: bytes, beginning: bytes = FROM) -> bytes:
    """The message as mboxrd has it."""
    quoted = re.sub(rb"^(>*From )", rb">\1", message, flags=re.M)
    return beginning + quoted + (b"" if quoted.endswith(b"\n") or not quoted else b"\n") + b"\n"


@given(st.lists(messages, min_size=1, max_size=5))
def test_what_mboxrd_holds_comes_out_as_it_was(some: list[bytes]) -> None:
    data = b"".join(written(message) for message in some)
    found = read(data)
    assert [entry.raw for entry in found] == some
    assert [entry.size for entry in found] == [len(message) for message in some]
    assert found[-1].end == len(data)


@given(st.lists(messages, min_size=2, max_size=4), st.integers(0, 60), st.integers(0, 60))
def test_a_larger_message_gives_its_beginning_and_its_size(
    some: list[bytes], limit: int, keep: int
) -> None:
    data = b"".join(written(message) for message in some)
    for entry, message in zip(read(data, limit=limit, keep=keep), some, strict=True):
        assert entry.size == len(message)
        assert entry.raw == (message if len(message) <= limit else message[:keep])


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail_or_lose_the_end(rest: bytes) -> None:
    found = read(b"From " + rest)
    assert found[-1].end == len(rest) + 5
    assert all(entry.size == len(entry.raw) for entry in found)


def test_a_line_longer_than_what_is_read_at_a_time_is_kept_whole() -> None:
    """Where such a piece begins there is no line, whatever stands there."""
    long = b"x" * 65_536 + FROM.strip() + b"y" * 200_000 + b"\n"
    endless = b"From " + b"z" * 70_000 + b"\n"
    data = written(long) + FROM.strip() + b" " * 70_000 + b"\n" + endless
    assert [entry.raw for entry in read(data, limit=10**6)] == [long, endless]


def test_what_pythons_mailbox_writes_is_read(tmp_path: Path) -> None:
    some = [b"Subject: 1\n\nOne.\n\nFrom now on two.\n", b"Subject: 2\n\n\n>From me\n"]
    box = mailbox.mbox(tmp_path / "old.mbox")
    for message in some:
        box.add(message)
    box.close()
    data = (tmp_path / "old.mbox").read_bytes()
    found = read(data)
    # This writer is mboxo: it leaves ">From " as it is, so that a level is lost.
    assert [entry.raw for entry in found] == [some[0], some[1].replace(b">From", b"From")]
    assert {entry.envelope_from for entry in found} == {"MAILER-DAEMON"}


@pytest.mark.parametrize(
    "line",
    [
        b"From ann@x.test Mon Jan  5 10:00:00 2026\n",
        b"From ann@x.test Mon Jan  5 10:00 2026\r\n",
        b"From 1850000000000000001@xxx Mon Jan 05 10:00:00 +0000 2026\n",
        b"From - Mon Jan 05 10:00:00 2026\r\n",
        b"From ann at x.test  Mon Jan  5 10:00:00 2026\n",
        b"From ann@x.test Mon, 5 Jan 2026 10:00:00 +0100\n",
        b"From ann@x.test Mon Jan  5 10:00:00 CET 2026 remote from x\n",
        b"From ann@x.test\n",
        b"From \r\n",
    ],
)
def test_each_way_to_write_the_from_line(line: bytes) -> None:
    assert raws(line + b"S: 1\n\n" + line + b"S: 2\n\n") == [b"S: 1\n", b"S: 2\n"]


@pytest.mark.parametrize(
    "text",
    [
        b"From the manual:\nWarning: it is hot.\n",
        b"From Monday on, at 10:00, in 2026\nit is closed.\n",
        b"From ann\nand bob\n",
        b"From: ann@x.test\nTo: bob@x.test\n",
    ],
)
def test_text_that_begins_with_from_is_text_even_if_it_is_not_quoted(text: bytes) -> None:
    message = b"S: 1\n\nHello,\n\n" + text
    assert raws(FROM + message + b"\n" + FROM + b"S: 2\n") == [message, b"S: 2\n"]


def test_the_sender_is_what_stands_after_from() -> None:
    assert [entry.envelope_from for entry in read(FROM + b"\n" + b"From \nS: 1\n")] == [
        "ann@x.test",
        "",
    ]


def test_line_ends_stay_as_they_are() -> None:
    message = b"S: 1\r\n\r\nOne.\r\n>From two.\r\n"
    data = FROM.replace(b"\n", b"\r\n") + message + b"\r\n"
    assert raws(data * 2) == [message.replace(b">From", b"From")] * 2


def test_what_does_not_begin_with_a_from_line_is_no_mbox() -> None:
    with pytest.raises(ValueError, match="From line"):
        read(b"Subject: 1\n\nOne.\n")


def test_memory_does_not_grow_with_the_file() -> None:
    """It asks for a bounded piece at a time, and yields a message before it reads the next."""

    class Endless:
        """An mbox of messages of a thousand long lines, without end."""

        def __init__(self) -> None:
            self.calls = 0

        def readline(self, size: int = -1, /) -> bytes:
            assert 0 < size <= 64 * 1024
            self.calls += 1
            return FROM if self.calls % 1000 == 1 else b"x" * (size - 1) + b"\n"

    file = Endless()
    first = next(mbox.read(file, limit=2_000, keep=100))
    assert (len(first.raw), first.size) == (100, 999 * 64 * 1024)
    assert file.calls == 1001
