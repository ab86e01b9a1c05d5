"""Mail of every shape, and the same broken: strategies for hypothesis.

`messages` are as mail should be, more or less: nested, encoded, folded, labelled wrongly.
`broken` is what becomes of them when they are cut, doubled, mixed up and spoilt.
"""

from __future__ import annotations

import base64
import binascii
import quopri
from typing import Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.mail.edits import EDITS, edited

MAX_EDITS: Final = 6

CHARSETS: Final = (
    "utf-8", "us-ascii", "iso-8859-1", "windows-1252", "koi8-r", "iso-2022-jp", "shift_jis",
    "euc-jp", "gb2312", "big5", "euc-kr", "utf-7", "utf-16", "UTF-32", "hz", "punycode", "idna",
    "zlib", "hex", "rot13", "undefined", "unicode_escape", "x-unknown", "utf-8*ja", "8bit", "",
)  # fmt: skip
TEXTS: Final = (
    "words", "Grüße aus Köln", "プリンターが壊れています", "сломался", "打印机", "a" * 80, "",
    "\u202egnp.exe", "a\u2028b", "line\nline", "tab\tbed", "=?", "?=", "\U0001f5a8", "ﾌﾟﾘﾝﾀ①㈱",
)  # fmt: skip
BODIES: Final = (
    "Hello\n\nOn Mon, Jan 5, 2026 at 10:00 Support <support@desk.example> wrote:\n> old\n",
    "> quoted\n> > deeper\n\nwords\n-- \nAnn\n",
    "From: a@a.example\nTo: b@b.example\nSubject: old\nDate: Mon, 5 Jan 2026 10:00:00 +0000\n",
    "<p>Hello <b>you</b><img src='cid:x'><script>alert(1)</script><a href='javascript:x'>y</a>",
    "<div>" * 30 + "<table><tr><td style='background:url(x)'>cell</table>" + "</div>" * 9,
    "begin 644 file.txt\n#0V%T\n`\nend\n",
)
NAMES: Final = (
    'filename="report.pdf"', 'filename="../../etc/passwd"', 'filename="C:\\\\temp\\\\a.exe"',
    "filename=.", 'filename=".."', 'filename="\u202efdp.exe"', 'filename="a\tb\x01c\x7f"',
    f'filename="{"x" * 400}.pdf"', "filename*=utf-8''%E8%A6%8B%00%2F%0A.pdf",
    "filename*=x-unknown'en'%80%FF", "filename*0*=utf-8''%E3%81; filename*1*=%82.txt",
    "filename*999=x; filename*1=y; filename*1*=z", 'filename="=?utf-8?b?44GC?= =?x?q?=2F?="',
    'filename="unclosed', 'filename="\\"', "filename", "filename=", 'filename="a;b"; filename=c',
)  # fmt: skip
ADDRESSES: Final = (
    "ann@customer.example", '"Berg, Ann" <ann@customer.example>', "Ann <ann@customer.example",
    "team: ann@a.example, bob@b.example;", "ann@customer.example (Ann (at work))",
    "<@relay.example:ann@a.example>", '"a\\"b"@a.example', "ann@例え.example", "@", "<>", ",;:",
    "=?utf-8?b?44GC?= <a..b@docomo.ne.jp>", "=?utf-8?q?ann=40a.example?=", "a" * 400 + "@a.example",
    "ann@xn--.example", "ann@\u200b.example", "support+r.aaaaaaaaaaaaaaaaaaaaaaaa@desk.example",
)  # fmt: skip
ENCODINGS: Final = (
    "7bit", "8bit", "binary", "base64", "BASE64", "quoted-printable", '"base64"', "x-uuencode",
    "base64; x=y", "nonsense", "",
)  # fmt: skip
BOUNDARIES: Final = ("b", "=_b", "b b", "--", "b--", "b;c", "ü", "x" * 70, "")
_PLAIN_HEADERS: Final = (
    "Date: Mon, 5 Jan 2026 11:00:00 +0100", "Date: Mon, 99 Foo 0000 25:61:61 +9999",
    "Message-ID: <one@customer.example>", "Message-ID: <a\tb\x01c@x>", "Message-ID: none",
    "In-Reply-To: <zero@desk.example>", "References: <a@b>\r\n <c@d>\r\n\t<e@f> g@h",
    "Auto-Submitted: auto-replied (vacation)", "Precedence: bulk", "List-Id: <l.example>",
    "Return-Path: <>", "X-Failed-Recipients: ann@a.example", "Content-Length: 1073741824",
    "Subject :spaced", "No colon at all", "X-Long: " + "y" * 1200, "MIME-Version: 1.0",
)  # fmt: skip
_STATUS_FIELDS: Final = (
    "Reporting-MTA: dns; relay.example", "Final-Recipient: rfc822; ann@customer.example",
    "Original-Recipient: rfc822; ann+40a.example", "Final-Recipient: rfc822;", "Action: failed",
    "Action: delayed (later)", "Status: 5.1.1", "Status: 4.4.1 (x)", "Status: 9.9.9", "",
    "Diagnostic-Code: smtp; 550 5.1.1 <ann@customer.example>: unknown user", "Remote-MTA: dns;",
    "Diagnostic-Code: X-Odd; =?utf-8?q?=00=0A?=", "Feedback-Type: abuse", "Feedback-Type: not-spam",
    "Original-Rcpt-To: <ann@customer.example>", "Version: 1", "Arrival-Date: x",
)  # fmt: skip
_PIECES: Final = (
    b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\xff", b"\xe3\x81", b"\x1b$B", b"\x80", b"--b",
    b"--b--", b'"', b"=", b"=?", b"?=", b"=?utf-8?b?", b";", b"*0*=", b"<", b">", b"(", b"\\",
    b"\x0b", b"\xe2\x80\xae", b"\xe2\x80\xa8", b"+2AA-", b"&#0;", b"<!--", b" ", b"begin 644 x\n",
)  # fmt: skip


def messages() -> st.SearchStrategy[bytes]:
    """Whole messages with CRLF or, now and then, with LF."""
    first = st.sampled_from((b"From: Ann <ann@customer.example>", b"From: x", b"From: <>"))
    rest = st.lists(_headers(), max_size=8)
    whole = st.builds(_message, first, rest, _entities())
    return st.builds(_with_ends, whole, st.sampled_from((b"\r\n", b"\r\n", b"\n", b"\r")))


def broken() -> st.SearchStrategy[bytes]:
    """Messages after up to six of the edits of `edits`."""
    place = st.integers(0, 1 << 16)
    edit = st.tuples(st.sampled_from(EDITS), place, place, st.sampled_from(_PIECES))
    return st.builds(edited, messages(), st.lists(edit, max_size=MAX_EDITS))


def examples(strategy: st.SearchStrategy[bytes], count: int) -> list[bytes]:
    """Some values of a strategy, the same ones in every run."""
    found: list[bytes] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def gather(one: bytes) -> None:
        found.append(one)

    gather()
    return found


def _message(first: bytes, rest: list[bytes], entity: bytes) -> bytes:
    return b"".join(header + b"\r\n" for header in (first, *rest)) + entity


def _with_ends(raw: bytes, ends: bytes) -> bytes:
    return raw if ends == b"\r\n" else raw.replace(b"\r\n", ends)


# --- Headers ---


def _headers() -> st.SearchStrategy[bytes]:
    named = st.sampled_from((b"From: ", b"To: ", b"Cc: ", b"Reply-To: ", b"Sender: "))
    boxes = st.lists(st.sampled_from(ADDRESSES), max_size=4).map(
        lambda some: ", ".join(some).encode()
    )
    return st.one_of(
        st.builds(bytes.__add__, named, boxes | _values()),
        _values().map(lambda value: b"Subject: " + value),
        st.sampled_from(_PLAIN_HEADERS).map(str.encode),
    )


def _values() -> st.SearchStrategy[bytes]:
    """Header values: encoded words with anything between them, 8-bit text, anything."""
    word = st.builds(
        _encoded_word,
        st.sampled_from(TEXTS),
        st.sampled_from(CHARSETS),
        st.sampled_from(("b", "B", "q", "Q", "x")),
        st.integers(0, 3),
    )
    between = st.sampled_from((b" ", b"\r\n ", b"\r\n\t", b"", b" x "))
    words = st.builds(bytes.join, between, st.lists(word, max_size=4))
    eight_bit = st.builds(_in_charset, st.sampled_from(TEXTS), st.sampled_from(CHARSETS))
    junk = st.binary(max_size=40).map(lambda raw: raw.translate(None, b"\r\n"))
    return words | eight_bit | junk


def _in_charset(text: str, charset: str) -> bytes:
    try:
        return text.encode(charset, "replace")
    except (LookupError, UnicodeError, AssertionError):
        return text.encode()  # labelled wrongly


def _encoded_word(text: str, charset: str, kind: str, lost: int) -> bytes:
    """An encoded word (RFC 2047) whose last octets may be lost."""
    data = _in_charset(text, charset)
    if kind in "bB":
        payload = binascii.b2a_base64(data, newline=False)
    else:
        payload = b"".join(b"=%02X" % octet for octet in data)
    payload = payload[: len(payload) - lost] if lost else payload
    return b"=?%s?%s?%s?=" % (charset.encode(), kind.encode(), payload)


# --- Bodies ---


def _entities() -> st.SearchStrategy[bytes]:
    """Content headers, an empty line and a body; multiparts and messages hold others."""
    return st.recursive(
        _leaves(), lambda inner: st.one_of(_multiparts(inner), _multiparts(inner), _embedded(inner))
    )


def _leaves() -> st.SearchStrategy[bytes]:
    charset = st.sampled_from(CHARSETS)
    encoding = st.sampled_from(ENCODINGS)
    data = st.builds(_in_charset, st.sampled_from(BODIES + TEXTS), charset) | st.binary(max_size=90)
    texts = (
        "plain",
        "html",
        "html",
        "calendar; method=REQUEST",
        "enriched",
        "rfc822-headers",
        "x-odd",
    )
    text = st.builds(_text, st.sampled_from(texts), charset, encoding, encoding | st.none(), data)
    file = st.builds(_file, st.sampled_from(NAMES), encoding, encoding | st.none(), data)
    kinds = ("delivery-status", "global-delivery-status", "feedback-report")
    fields = st.lists(st.sampled_from(_STATUS_FIELDS), max_size=12)
    return st.one_of(text, text, text, file, st.builds(_report, st.sampled_from(kinds), fields))


def _text(subtype: str, charset: str, encoding: str, really: str | None, data: bytes) -> bytes:
    kind = f"text/{subtype}; charset={charset}"
    return _entity(kind, encoding, encoding if really is None else really, data)


def _file(name: str, encoding: str, really: str | None, data: bytes) -> bytes:
    kind = f"application/pdf\r\nContent-ID: <x>\r\nContent-Disposition: attachment; {name}"
    return _entity(kind, encoding, encoding if really is None else really, data)


def _entity(kind: str, encoding: str, really: str, data: bytes) -> bytes:
    head = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + _encoded(data, really.strip('"').lower())


def _encoded(data: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(data)
    if encoding == "quoted-printable":
        return quopri.encodestring(data)
    if encoding == "x-uuencode":
        lines = (binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45))
        return b"begin 644 x\n" + b"".join(lines) + b"`\nend\n"
    return data


def _report(kind: str, fields: list[str]) -> bytes:
    return f"Content-Type: message/{kind}\r\n\r\n".encode() + "\r\n".join(fields).encode()


def _embedded(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    head = b"Content-Type: message/rfc822\r\n\r\nFrom: in@a.example\r\nMessage-ID: <dp.x@y>\r\n"
    return inner.map(lambda entity: head + entity)


def _multiparts(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    kinds = ("mixed", "alternative", "related", "digest", "report; report-type=delivery-status", "")
    return st.builds(
        _multipart,
        st.sampled_from(kinds),
        st.sampled_from(BOUNDARIES),
        st.lists(inner, max_size=4),
        st.booleans(),
    )


def _multipart(kind: str, boundary: str, parts: list[bytes], ends: bool) -> bytes:
    mark = boundary.encode()
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\npreamble\r\n'
    body = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts)
    return head.encode() + body + (b"--" + mark + b"--\r\n" if ends else b"")
