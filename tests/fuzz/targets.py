"""What must hold whatever the bytes are: nothing raises, and what comes out is clean.

Each target takes any bytes and raises only where a promise is broken.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC
from typing import Final

from selectolax.lexbor import LexborHTMLParser

from deskpost.mail import (
    address,
    answers,
    authresults,
    automatic,
    dkim,
    dmarcrecord,
    html,
    mime,
    quotes,
    reports,
)
from deskpost.mail.dkimcanon import Message
from deskpost.mail.words import decode

KEYS: Final = (b"k" * 32,)
DKIM_KEYS: Final = (b"v=DKIM1; k=ed25519; p=" + base64.b64encode(b"k" * 32), b"\xff;p=", b"")
MAX_TEXT: Final = 20_000  # characters; time over longer texts is for other tests

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TURNS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SCHEME = re.compile(r"\s*([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_GOOD_SCHEMES: Final = {"http", "https", "mailto", "tel", "cid"}
_ACTIVE: Final = {
    "applet", "audio", "base", "button", "canvas", "embed", "form", "frame", "frameset", "iframe",
    "input", "link", "math", "meta", "noscript", "object", "plaintext", "script", "select", "style",
    "svg", "template", "textarea", "title", "video", "xmp",
}  # fmt: skip


def read_mime(raw: bytes) -> None:
    """A message: its texts clean, its attachments harmless, its fingerprint stable."""
    parsed = mime.parse(raw)
    check_email(parsed)
    printed = mime.fingerprint(raw, parsed)
    assert re.fullmatch("[0-9a-f]{64}", printed)
    assert printed == mime.fingerprint(raw, mime.parse(raw))


def read_reports(raw: bytes) -> None:
    """What a message is, and what it reports."""
    parsed = mime.parse(raw)
    report = reports.read(parsed)
    check_lines(_report_lines(report) if report else ())
    for envelope in ("", "<>", "MAILER-DAEMON@a.example", "ann@a.example"):
        check_lines([automatic.nature(parsed, envelope, site_id="desk.test").because])
    reply = answers.read_reply(550, raw[:MAX_TEXT])
    check_lines([reply.text, reply.enhanced or ""])
    check_lines([answers.read_reply(0, decode(raw[:MAX_TEXT])).text])


def read_quotes(raw: bytes) -> None:
    """A text: nothing of it is lost, and nothing comes to it."""
    text = decode(raw[:MAX_TEXT])
    found = quotes.split(text)
    check_text(found.new)
    check_text(found.rest)
    assert found.new.strip() or not text.strip()
    assert Counter("".join((found.new + found.rest).split())) == Counter("".join(text.split()))


def read_html(raw: bytes) -> None:
    """HTML: what is shown runs nothing and fetches nothing."""
    source = decode(raw[:MAX_TEXT])
    check_text(html.to_text(source))
    safe = html.sanitise(source)
    check_text(safe)
    check_harmless(safe)


def read_addresses(raw: bytes) -> None:
    """Addresses, in headers and alone."""
    text = decode(raw[:MAX_TEXT])
    for box in address.parse_mailboxes(text):
        check_lines([box.name, box.address])
        assert "@" in box.address
    if (first := address.first_mailbox(text)) is not None:
        check_lines([str(first)])
    _read_one_address(text)


def read_proofs(raw: bytes) -> None:
    """What vouches for the sender: signatures, another server's findings, a published policy."""
    message = Message(raw)
    for one in dkim.signatures(message):
        check_lines([one.domain])
        if isinstance(one, dkim.Signature):
            check_lines([one.key_name, dkim.verify(message, one, DKIM_KEYS, now=0.0) or ""])
    text = decode(raw[:MAX_TEXT])
    if (found := authresults.read(text)) is not None:
        assert found.server
        assert all(result.method and result.said("p") is not None for result in found.results)
    record = dmarcrecord.read_record([raw, raw[:50]])
    assert record is None or record.policy in ("none", "quarantine", "reject")
    dmarcrecord.is_aligned(text, text[:100], strict=False)


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "mime": read_mime,
    "reports": read_reports,
    "quotes": read_quotes,
    "html": read_html,
    "address": read_addresses,
    "proofs": read_proofs,
}


def check_email(parsed: mime.ParsedEmail) -> None:
    """Every text can be stored and shown; every attachment can be offered."""
    boxes = [*parsed.to, *parsed.cc, *parsed.reply_to, parsed.from_, parsed.sender]
    check_lines([parsed.subject, parsed.from_header, parsed.content_type])
    check_lines([parsed.message_id or "", parsed.report_type or "", *parsed.defects])
    check_lines([*parsed.in_reply_to, *parsed.references, *parsed.recipients_seen])
    check_lines(text for header in parsed.headers for text in header)
    check_lines(text for box in boxes if box for text in (box.name, box.address))
    check_lines(kind for kind, _ in parsed.report_parts)
    check_text(parsed.text or "")
    check_text(parsed.html or "")
    for file in parsed.attachments:
        _check_attachment(file)
    assert parsed.date is None or parsed.date.tzinfo is UTC


def check_text(text: str) -> None:
    """The text can be encoded and stored."""
    text.encode()
    assert "\0" not in text


def check_lines(lines: Iterable[str]) -> None:
    """Each text is one line without control characters."""
    for line in lines:
        line.encode()
        assert not _CONTROL.search(line), ascii(line[:200])


def check_harmless(safe: str) -> None:
    """Another parser than the sanitiser's finds nothing active in the HTML either."""
    body = LexborHTMLParser(safe).body
    for node in body.traverse() if body else ():
        assert node.tag not in _ACTIVE, node.tag
        for name, value in node.attributes.items():
            _check_attribute(node.tag or "", name.lower(), value or "")


def _check_attribute(tag: str, name: str, value: str) -> None:
    assert not name.startswith("on"), (tag, name)
    assert name not in ("srcset", "srcdoc", "background", "action", "formaction", "id", "name")
    if name == "style":
        assert "url(" not in value.lower(), value
        assert "\\" not in value, value
    if name in ("href", "src"):
        scheme = _SCHEME.match(value)
        assert scheme is None or scheme[1].lower() in _GOOD_SCHEMES, value
    if name == "src":
        assert value.lower().startswith("cid:"), value


def _check_attachment(file: mime.ParsedAttachment) -> None:
    check_lines([file.name, file.content_type, file.content_id or ""])
    assert 0 < len(file.name) <= 200
    assert not set("/\\") & set(file.name)
    assert file.name.strip(". ") == file.name
    assert not _TURNS.search(file.name), ascii(file.name)
    assert file.content_type.count("/") == 1


def _report_lines(report: reports.Report) -> Iterable[str]:
    yield report.original_message_id or ""
    yield report.reporting_server or ""
    for one in report.recipients:
        yield from (one.address, one.action, one.status, one.diagnostic, one.remote_server)


def _read_one_address(text: str) -> None:
    assert address.normalise(text) == address.normalise(text.strip())
    found = address.problem(text)
    if found is not None:
        assert found.position is None or text[found.position] == found.character
        assert found.suggestion is None or address.problem(found.suggestion) is None
    address.problem(text, smtputf8=True)
    address.base_address(text)
    assert address.read_signed(text, "support@desk.example", KEYS) is None
    assert address.read_own_message_id(text, KEYS) is None
