"""What fuzzing starts from: a few good and broken inputs of each target, and words of mail."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from tests.mail import broken, samples

BROKEN: Final = 60  # messages of each strategy

# libFuzzer puts these in where it likes.
WORDS: Final = (
    b"\r\n", b"\r\n\r\n", b"\r\n ", b"--b\r\n", b"--b--", b"From: ", b"To: ", b"Subject: ",
    b"Date: ", b"Message-ID: <", b"References: ", b"Content-Type: ", b"multipart/mixed",
    b"multipart/report", b"; report-type=delivery-status", b"; boundary=b", b"text/html",
    b"message/rfc822", b"message/delivery-status", b"message/feedback-report", b"text/calendar",
    b"; charset=", b"iso-2022-jp", b"utf-7", b"utf-16", b"shift_jis", b"Content-Disposition: ",
    b"attachment; filename=", b"filename*0*=", b"utf-8''", b"%E3%81%82", b"\xe2\x80\xae",
    b"Content-Transfer-Encoding: ", b"base64", b"quoted-printable", b"x-uuencode", b"begin 644 x\n",
    b"=?utf-8?b?", b"=?iso-2022-jp?q?", b"?=", b"\x1b$B", b"\x1b(I", b"\x1b(B", b"+2AA-", b"\0",
    b"Final-Recipient: rfc822; ", b"Status: 5.1.1", b"Action: failed", b"Diagnostic-Code: smtp; ",
    b"550 5.1.1 ", b"Auto-Submitted: ", b"Precedence: ", b"> ", b"-- \n", b"On 1 Jan 2026, Ann",
    b" wrote:\n", b"-----Original Message-----", b"_____________", b"<div>", b"</div>", b"<svg>",
    b"<style>", b"<script>", b"<!--", b"-->", b"<img src=cid:", b" style='", b"url(", b"onerror=",
    b"javascript:", b"&#106;", b"<table><tr><td>", b"<math><mtext>", b"<template>", b"@", b"xn--",
    b"support+r.", b"<dp.", b"=00", b"=\n", b'"', b"\\", b"(",
)  # fmt: skip

_LONE: Final[dict[str, tuple[str, ...]]] = {
    "quotes": (*broken.BODIES, "-----Original Message-----\nFrom: a\nTo: b\nSubject: c\n"),
    "html": (*broken.BODIES, samples.REPLY_HTML, "<a href='java\tscript:x'>y</a>"),
    "address": broken.ADDRESSES,
    "proofs": (
        "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/simple; d=a.example; s=s;\r\n"
        " h=from:subject; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"
        "From: ann@a.example\r\n\r\n",
        "mx.example; dmarc=fail (p=reject dis=none) header.from=a.example; spf=pass (x (y))",
        "v=DMARC1; p=quarantine; sp=none; pct=20; rua=mailto:d@a.example; adkim=s",
    ),
}


def write(target: str, folder: Path) -> None:
    """Write the seeds of one target into the folder, a file each."""
    lone = [text.encode() for text in _LONE.get(target, ())]
    for number, raw in enumerate(lone or _whole_messages()):
        (folder / f"seed-{number:03}").write_bytes(raw)


def write_words(path: Path) -> None:
    """Write the words in libFuzzer's form: one a line, in quotes, octets in hexadecimal."""
    lines = ('"' + "".join(f"\\x{octet:02x}" for octet in word) + '"\n' for word in WORDS)
    path.write_text("".join(lines), "ascii")


@cache
def _whole_messages() -> list[bytes]:
    return [
        samples.encode(samples.PLAIN),
        samples.encode(samples.MIXED),
        samples.bounce(),
        samples.complaint(),
        samples.simple("Auto-Submitted: auto-replied"),
        *broken.examples(broken.messages(), BROKEN),
        *broken.examples(broken.broken(), BROKEN),
    ]
