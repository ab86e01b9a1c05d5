"""Messages that are made to hurt: enormous, nested, lying. Each is made when it is asked for."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Final

FULL: Final = 25 * 1024 * 1024  # octets, the largest message that is taken whole
START: Final = (
    b"From: ann@x.test\r\nTo: it@desk.test\r\nSubject: Printer\r\nMessage-ID: <m@x.test>\r\n"
)

DAEMON: Final = b"From: MAILER-DAEMON@x.test\r\nTo: it@desk.test\r\nSubject: Undelivered mail\r\n"

Maker = Callable[[], bytes]


def filled(head: bytes, piece: bytes, tail: bytes = b"", *, size: int = FULL) -> bytes:
    """A message of `size` octets whose middle is one piece again and again."""
    room = size - len(START) - len(head) - len(tail)
    return b"".join((START, head, piece * (room // len(piece)), tail))


def _header(name: str, value: bytes) -> bytes:
    return START + name.encode() + b": " + value + b"\r\n\r\nbody\r\n"


def _typed(kind: str, encoding: str = "8bit") -> bytes:
    head = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode()


def _parts(count: int, part: bytes, kind: str = "mixed") -> bytes:
    head = _typed(f"multipart/{kind}; boundary=b")
    return START + head + (b"--b\r\n" + part + b"\r\n") * count + b"--b--\r\n"


def _levels(count: int) -> bytes:
    """Multiparts in one another, each with a delimiter of its own."""
    heads = [
        b"Content-Type: multipart/mixed; boundary=b%dx\r\n\r\n--b%dx\r\n" % (n, n)
        for n in range(count)
    ]
    return START + b"".join(heads) + b"\r\ninnermost\r\n"


def _same_levels(count: int) -> bytes:
    return START + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * count + b"\r\nx"


def _messages(count: int) -> bytes:
    inner = b"Content-Type: message/rfc822\r\n\r\nFrom: in@x.test\r\n"
    return START + inner * count + b"\r\ninnermost\r\n"


def _lying_length() -> bytes:
    head = b"Content-Length: 1073741824\r\nContent-Type: application/pdf\r\n"
    coded = base64.encodebytes(b"%PDF-1.4" * 100)
    return START + head + b"Content-Transfer-Encoding: base64\r\n\r\n" + coded


def _addresses(count: int) -> bytes:
    return _header("Cc", b",\r\n ".join(b"p%d@x.test" % n for n in range(count)))


def _references(count: int) -> bytes:
    return _header("References", b"\r\n ".join(b"<r%d@x.test>" % n for n in range(count)))


def _control_ids() -> bytes:
    ids = b"<a\0b\x01\x1b[2Jc\x7f\xc2\x85@x.test>"
    headers = b"Message-ID: %s\r\nIn-Reply-To: %s\r\nReferences: %s\r\n" % (ids, ids, ids * 50)
    return b"From: ann@x.test\r\nSubject: ids\r\n" + headers + b"\r\nbody\r\n"


def _many_files(count: int) -> bytes:
    disposition = b"Content-Disposition: attachment; filename=a.txt\r\n\r\nx"
    return _parts(count, b"Content-Type: text/plain\r\n" + disposition)


def _long_names(kind: str) -> bytes:
    name = {"plain": "a" * 65_536, "split": "", "coded": "%E3%81%82" * 7_000}[kind]
    value = f"filename*=utf-8''{name}" if kind == "coded" else f'filename="{name}.pdf"'
    if kind == "split":
        value = "; ".join(f"filename*{n}*=%41%42" for n in range(4_000))
    part = f"Content-Type: application/pdf\r\nContent-Disposition: attachment; {value}\r\n\r\nx"
    return _parts(1, part.encode())


def _charset(label: str, data: bytes) -> bytes:
    return filled(_typed(f"text/plain; charset={label}"), data, size=2 * 1024 * 1024)


def _report(fields: bytes, size: int) -> bytes:
    head = _typed("multipart/report; report-type=delivery-status; boundary=b")
    part = b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x.test\r\n"
    return filled(head + part, fields, size=size)


def _diagnostics(count: int) -> bytes:
    """As many recipients as are read, each with as many words as are read; and a long notice."""
    one = b"Final-Recipient: rfc822; a%d@x.test\r\nDiagnostic-Code: smtp; 550 %s\r\n\r\n"
    fields = b"".join(one % (n, b"user address size " * 110) for n in range(count))
    notice = b"--b\r\n\r\n" + b"<a@x.test> user address message size\r\n" * 800
    head = _typed("multipart/report; report-type=delivery-status; boundary=b")
    return DAEMON + head + notice + b"--b\r\nContent-Type: message/delivery-status\r\n\r\n" + fields


def _ses(named: bytes) -> bytes:
    """A bounce as Amazon SES tells it, in JSON."""
    start = b'{"notificationType": "Bounce", "bounce": {"bouncedRecipients": '
    return DAEMON + b"\r\n" + start + named + b"}}\r\n"


def _signatures(count: int) -> bytes:
    """Each asks for the body in a form of its own, and names every header many times."""
    one = (
        b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=x.test; s=s; h="
        + b"from:" * 400
        + b"from; bh=AAAA; b=AAAA\r\n"
    )
    return one * count + START + b"\r\nbody\r\n"


# Up to two megabytes, or what is read of a text. Each may cost a quarter of a second.
SMALL: Final[dict[str, Maker]] = {
    "empty": lambda: b"",
    "one octet": lambda: b"\xff",
    "only nuls": lambda: b"\0" * 100_000,
    "nuls everywhere": lambda: START.replace(b"r", b"r\0") + b"\0\r\n\0\r\nbo\0dy\r\n",
    "no end of headers": lambda: START * 2_000,
    "levels": lambda: _levels(5_000),
    "levels with one delimiter": lambda: _same_levels(5_000),
    "levels of messages": lambda: _messages(5_000),
    "a length that lies": _lying_length,
    "addresses": lambda: _addresses(50_000),
    "comments in an address": lambda: _header("From", b"(" * 200_000 + b"ann@x.test"),
    "quotes in an address": lambda: _header("To", b'"\\' * 100_000),
    "references": lambda: _references(100_000),
    "control characters in ids": _control_ids,
    "a long subject": lambda: _header("Subject", b"x" * 1_000_000),
    "a long folded subject": lambda: _header("Subject", b"x\r\n " * 250_000),
    "encoded words": lambda: _header("Subject", b"=?utf-8?b?44GC?= " * 50_000),
    "half an encoded word": lambda: _header("Subject", b"=?utf-8?q?" * 50_000),
    "a long date": lambda: _header("Date", b"Mon, " * 50_000),
    "parameters": lambda: START + _typed("text/plain" + "; a=b" * 50_000) + b"x",
    "a delimiter of 60 kB": lambda: START + _typed(f'multipart/mixed; boundary="{"b" * 60_000}"'),
    "no delimiter": lambda: filled(_typed("multipart/mixed"), b"--\r\n", size=1_000_000),
    "a long name": lambda: _long_names("plain"),
    "a name in 4,000 pieces": lambda: _long_names("split"),
    "a long encoded name": lambda: _long_names("coded"),
    "utf-7": lambda: _charset("utf-7", b"+2AA-+AAA-"),
    "utf-16": lambda: _charset("utf-16", b"\xd8\x00"),
    "utf-32": lambda: _charset("utf-32", b"\xff\xff\xff\xff"),
    "escapes of JIS": lambda: _charset("iso-2022-jp", b"\x1b$B"),
    "cut JIS": lambda: _charset("iso-2022-jp", b"\x1b$B$\x1b(I1\xff\n"),
    "hz": lambda: _charset("hz", b"~{<:~}"),
    "punycode": lambda: _charset("punycode", b"a-b"),
    "a bomb's charset": lambda: _charset("zlib", b"x\x9c\x03\x00"),
    "a charset of 60 kB": lambda: START + _typed("text/plain; charset=" + "x" * 60_000) + b"x",
    "html nested": lambda: START + _typed("text/html") + b"<div>" * 10_000 + b"x",
    "html of quotes": lambda: START + _typed("text/html") + b"<blockquote>" * 10_000 + b"x",
    "html of lists": lambda: START + _typed("text/html") + b"<ul><li>" * 10_000 + b"x",
    "html unclosed": lambda: START + _typed("text/html") + b"<a href='" * 20_000,
    "deeply quoted": lambda: START + b"\r\n" + b">" * 100_000 + b" deep\r\nanswer\r\n",
    "ever deeper": lambda: START + b"\r\n" + b"\r\n".join(b">" * n for n in range(600)),
    "attributions": lambda: START + b"\r\n" + b"On 1 Jan 2026, Ann wrote:\r\n" * 5_000,
    "wrapped attributions": lambda: START + b"\r\n" + b"On 1 Jan 2026,\r\nAnn wrote:\r\n" * 5_000,
    "a status of 500 kB": lambda: _report(b"Final-Recipient: rfc822; a@x.test\r\n\r\n", 500_000),
    "100 long diagnostics": lambda: _diagnostics(100),
    "a diagnostic of 500 kB": lambda: _report(b"Diagnostic-Code: smtp; 550 ", 500_000),
    "a status of line ends": lambda: _report(b"\n", 500_000),
    "a status of blank lines": lambda: _report(b" \r\n", 500_000),
    "a notice of addresses": lambda: filled(b"\r\n", b"<a@x.test>: 550 5.1.1 no\r\n", size=500_000),
    "a notice": lambda: DAEMON + b"\r\n" + b"<a@x.test>: 550 5.1.1 unknown user\r\n" * 9_000,
    "a notice in one line": lambda: DAEMON + b"\r\n" + b"a@x.test 550 5.1.1 " * 9_000,
    "a notice of spaces": lambda: DAEMON + b"\r\n" + (b" " * 590 + b"\r\n") * 900,
    "JSON of recipients": lambda: _ses(b"[" + b"1," * 100_000 + b"1]"),
    "JSON in levels": lambda: _ses(b"[" * 100_000),
    "JSON of digits": lambda: _ses(b"1" * 200_000),
    "signatures": lambda: _signatures(90),
    "findings": lambda: b"Authentication-Results: x; " + b"dmarc=fail (" * 9_000 + b"\r\n" + START,
    "dashes": lambda: START + b"\r\n" + b"-" * 500_000,
    "100,000 parts": lambda: _parts(100_000, b"\r\nx"),
    "100,000 empty parts": lambda: _parts(100_000, b""),
    "5,000 attachments": lambda: _many_files(5_000),
    "one word": lambda: START + b"\r\n" + b"a" * 500_000,
    "spaces": lambda: START + b"\r\n" + b" " * 500_000 + b"x",
}

# From 10 MB to the largest that is taken. Each may cost two seconds.
LARGE: Final[dict[str, Maker]] = {
    "headers of 10 MB": lambda: START + b"X-A: b\r\n" * 1_250_000 + b"\r\nbody\r\n",
    "one header of 10 MB": lambda: _header("X-A", b"b" * 10_000_000),
    "one folded header of 10 MB": lambda: _header("X-A", b"b\r\n " * 2_500_000),
    "line ends": lambda: filled(b"\r\n", b"\n"),
    "carriage returns": lambda: filled(b"\r\n", b"\r"),
    "only carriage returns": lambda: b"\r" * FULL,
    "nuls": lambda: filled(b"\r\n", b"\0"),
    "one line": lambda: filled(b"\r\n", b"a"),
    "quote signs": lambda: filled(b"\r\n", b"> a\r\n"),
    "attribution ends": lambda: filled(b"\r\n", b"On 1 Jan 2026, Ann wrote:\r\n"),
    "a file": lambda: filled(_typed("application/pdf", "base64"), b"QUJD" * 19 + b"\r\n"),
    "base64 that is none": lambda: filled(_typed("application/pdf", "base64"), b"!\x80A=\r\n"),
    "quoted-printable": lambda: filled(_typed("application/pdf", "quoted-printable"), b"=\r\n"),
    "quoted text": lambda: filled(_typed("text/plain", "quoted-printable"), b"=E3=81=82=\r\n"),
    "uuencode": lambda: filled(_typed("x/y", "x-uuencode") + b"begin 644 x\n", b'"0V%T\n'),
    "html": lambda: filled(_typed("text/html"), b"<div><p style='color:red'>x"),
    "html of text": lambda: filled(_typed("text/html"), b"<p>words</p>"),
    "html of tables": lambda: filled(_typed("text/html"), b"<table><tr><td>"),
    "html of ends": lambda: filled(_typed("text/html"), b"</p></b></a>"),
    "half delimiters": lambda: filled(_typed("multipart/mixed; boundary=b"), b"\n--bb"),
    "JIS": lambda: filled(_typed("text/plain; charset=iso-2022-jp"), b'\x1b$B$"\x1b(I1\xff\n'),
    "embedded": lambda: filled(_typed("message/rfc822"), b"X-A: b\r\n"),
    "reports": lambda: _report(b"Final-Recipient: rfc822; a@x.test\r\nStatus: 5.1.1\r\n\r\n", FULL),
    "parts of reports": lambda: _parts(
        400_000, b"Content-Type: message/delivery-status\r\n\r\nStatus: 5", "report"
    ),
}
