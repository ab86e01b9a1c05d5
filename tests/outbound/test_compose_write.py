"""The writer of messages: what it writes, the standard library reads as it was given; and no text
from outside becomes a header, a part, or a line that is too long."""

from __future__ import annotations

import email
import email.policy
import re
from email.header import decode_header
from email.headerregistry import Address
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deskpost.outbound import compose_write
from deskpost.outbound.compose import one_line
from deskpost.outbound.compose_write import header, mailbox, words

SEED = "01a21ed52fed765994bfe070563dc713"
lines = st.text(max_size=200).map(one_line)
odd_lines = st.text(alphabet="\"'\\=?_().,:;<>@[] aé日😀", max_size=120).map(one_line)
shown = st.one_of(lines, odd_lines)
locals_ = st.text(
    st.characters(categories=["L", "N"], include_characters=".+-_'\"\\ ()"), min_size=1, max_size=30
).filter(lambda local: local == one_line(local))
bodies = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=400),
    st.text(alphabet="\r\n\t =.-_aé日\x00\x0c", max_size=200),
    st.text(alphabet="ab =", min_size=900, max_size=1200),
)


def read(raw: bytes) -> EmailMessage:
    """Read a message; decoded first, since addresses beyond ASCII stand as they are."""
    message = email.message_from_string(raw.decode(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def parts_of(message: EmailMessage) -> list[EmailMessage]:
    return [part for part in message.iter_parts() if isinstance(part, EmailMessage)]


def content(part: EmailMessage) -> str:
    return str(part.get_content()).replace("\r\n", "\n")


def written(subject: str, name: str, address: str, text: str, page: str) -> bytes:
    body, _ = compose_write.alternative(text, page, SEED)
    return words("Subject", subject) + mailbox("To", name, address) + body


def oracle(subject: str, name: str, address: str, text: str, page: str) -> EmailMessage:
    """The same message, made by the standard library."""
    message = EmailMessage(policy=email.policy.SMTP)
    local, _, domain = address.rpartition("@")
    message["Subject"] = subject
    message["To"] = Address(display_name=name, username=local, domain=domain)
    message.set_content(text, cte="base64")
    message.add_alternative(page, subtype="html", cte="base64")
    return message


def said(message: EmailMessage) -> list[object]:
    """What a person sees of a message, and where it goes."""
    (to,) = message["To"].addresses
    parts = parts_of(message)
    return [
        str(message["Subject"]).split(),  # runs of space are folded by who reads it
        [name.lower() for name in message],
        (to.display_name, to.username, to.domain),
        [(part.get_content_type(), part.get_content_charset()) for part in parts],
        [content(part) for part in parts],
    ]


@given(subject=shown.filter(bool), name=shown, local=locals_, text=bodies, page=bodies)
@example(subject="a" * 700, name='"x" \\ <y>', local="a..b", text="", page="\r\n.\r\n")
@example(subject="日本語" * 60, name="山田 花子", local="用户", text="日\r本\n", page="From x\n")
@example(subject="Grüße =? x", name="(ü) a@b,", local='a "b"', text="=" * 99, page=" \n\t\n ")
def test_the_standard_library_reads_what_was_given(
    subject: str, name: str, local: str, text: str, page: str
) -> None:
    given_ = (subject, name, f"{local}@x.test", text, page)
    made, expected = said(read(written(*given_))), said(oracle(*given_))
    made[1], expected[1] = sorted(made[1]), sorted(expected[1])  # type: ignore[call-overload]
    assert made == expected


@given(subject=shown, name=shown, text=bodies, page=bodies)
def test_no_line_is_longer_than_mail_allows(subject: str, name: str, text: str, page: str) -> None:
    raw = written(subject, name, "ann@x.test", text, page)
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert b"\x00" not in raw
    for line in raw.split(b"\r\n"):
        assert len(line) <= 998  # RFC 5322, section 2.1.1
        if re.search(rb"=\?utf-8\?[qb]\?", line):
            assert len(line) <= 76  # RFC 2047, section 2
    for part in parts_of(read(raw)):
        if part["Content-Transfer-Encoding"] in ("base64", "quoted-printable"):
            payload = part.get_payload()
            assert isinstance(payload, str)
            assert max(map(len, payload.splitlines()), default=0) <= 76  # RFC 2045, section 6.7


@given(text=st.text(min_size=1, max_size=200).map(one_line).filter(lambda text: not text.isascii()))
@example(text="日本語の件名 " * 15)
@example(text="Grüße aus Köln " * 15)
def test_each_encoded_word_holds_whole_characters(text: str) -> None:
    found = words("Subject", text).removeprefix(b"Subject: ").decode("ascii").split()
    read_back = ""
    for word in found:
        assert len(word) <= 75
        ((octets, charset),) = decode_header(word)
        assert charset == "utf-8"
        read_back += octets.decode("utf-8")  # RFC 2047, section 5: no character is split
    assert read_back == text


UNSAFE = ["\r", "\n", "\x00", "\x0b", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"]


@pytest.mark.parametrize("unsafe", UNSAFE)
@pytest.mark.parametrize("around", ["{}Bcc: eve@x.test", "é{}", "a\r\n {}b", '"{}"'])
def test_a_line_break_or_control_character_is_refused_in_every_header(
    unsafe: str, around: str
) -> None:
    value = around.format(unsafe)
    refused = pytest.raises(ValueError, match="line break or a control")
    with refused:
        header("X-Test", value)
    with refused:
        words("Subject", value)
    with refused:
        mailbox("To", value, "ann@x.test")
    with refused:
        mailbox("To", "Ann", f"{value}@x.test")
    with refused:
        mailbox("To", "Ann", f"ann@{value}x.test")


@pytest.mark.parametrize(
    "address",
    ["ann", "@x.test", "ann@", "a@x.test>", "a@x,y", "a@x y", "=?utf-8?q?a?=@x.test"],
)
def test_an_address_that_would_be_read_as_another_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        mailbox("To", "Ann", address)


def test_an_odd_address_is_quoted_and_stays_one() -> None:
    message = read(mailbox("To", "", "a@x.test, eve@y.test") + b"\r\n")
    (to,) = message["To"].addresses
    assert (to.username, to.domain) == ("a@x.test, eve", "y.test")


def test_a_header_beyond_ascii_or_998_octets_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        header("Feedback-ID", "é")
    with pytest.raises(ValueError, match="too long"):
        header("Feedback-ID", "a" * 999)
    with pytest.raises(ValueError, match="too long"):
        words("Subject", "a" * 999)


@pytest.mark.parametrize("tail", ["", "_", "__", "--"])
def test_a_text_that_knows_the_boundary_ends_no_part(tail: str) -> None:
    text = f"a\n--=_{SEED}{tail}\nContent-Type: text/html\n\n<b>eve</b>\n"
    body, parts = compose_write.alternative(text, "<p>x</p>\n", SEED)
    message = read(b"Subject: x\r\n" + body)
    first, second = parts_of(message)
    assert content(first) == text
    assert content(second) == "<p>x</p>\n"
    assert [name for name, _ in parts] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Short lines.\nAnother.\n", "7bit"),
        ("a" * 79, "quoted-printable"),
        ("a\x00b", "quoted-printable"),
        ("Grüße aus Köln", "quoted-printable"),
        ("日本語の本文 and some", "base64"),
    ],
)
def test_what_is_mostly_ascii_stays_readable_on_the_way(text: str, encoding: str) -> None:
    body, _ = compose_write.alternative(text, "x", SEED)
    first = parts_of(read(body))[0]
    assert first["Content-Transfer-Encoding"] == encoding
    assert content(first) == text.removesuffix("\n") + "\n"
