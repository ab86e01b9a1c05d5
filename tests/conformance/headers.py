"""Subjects, addresses, Message-IDs, bodies and attachments, as other parsers read them.

Each source counts by rules of its own; what is done to compare is said where it is done. White
space at the ends, kinds of line ends and control characters within a line do not count.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from email.header import decode_header
from email.utils import getaddresses
from typing import Any, Final

from deskpost.mail.content import part_bytes
from deskpost.mail.filenames import safe_name
from deskpost.mail.mailboxes import Mailbox
from deskpost.mail.mime import Limits, ParsedEmail, parse
from deskpost.mail.structure import Part, split
from tests.conformance.checks import Check, Goal
from tests.conformance.corpus import Item

GOALS = {
    "subject": Goal(rate=0.98),
    "from": Goal(rate=0.98),
    "to": Goal(rate=0.98),
    "body text": Goal(rate=0.98),
    "attachments": Goal(rate=0.98),
    "message ids": Goal(rate=0.98),
}

_HALF_A_GROUP = (
    "Base64 that ends within a group of four: upstream drops its last octets, we keep them"
)
_TWO_TYPES = (
    "two Content-Types on one part: the first counts; upstream takes the last, and shows the inner"
    " delimiters and the HTML's source as text"
)
DELIBERATE: dict[str, str] = {
    "james_mime4j/mimetools-testmsgs__frag.msg": _HALF_A_GROUP,
    "james_mime4j/mimetools-testmsgs__multi-frag.msg": _HALF_A_GROUP,
    "stalwart_mail_parser/malformed__020.eml": _TWO_TYPES,
    "stalwart_mail_parser/malformed__021.eml": _TWO_TYPES,
    "stalwart_mail_parser/thirdparty__015.eml": (
        "three attached messages stand beside each other; upstream counts the first, as that lacks"
        " its own delimiters"
    ),
}

MAX_DESCENT: Final = 5  # messages within messages
_COMMENT = re.compile(r"\([^()]*\)")


def checks(items: Iterable[Item]) -> Iterator[Check]:
    """Compare every message of the sources that say something of its headers or parts."""
    for item in items:
        compare = _SOURCES.get(item.source)
        if compare is not None and item.kind == "rfc822":
            yield from compare(item, _Message(item.raw()))


class _Message:
    """A message as we read it: what it says, and its parts."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.email: ParsedEmail = parse(raw)
        self.root: Part = split(raw, Limits())[0]

    def leaves(self) -> Iterator[Part]:
        waiting = [self.root]
        while waiting:
            part = waiting.pop()
            waiting.extend(reversed(part.children))
            if not part.children:
                yield part

    def embedded(self, depth: int = 0) -> Iterator[_Message]:
        """This message and those within it."""
        yield self
        if depth < MAX_DESCENT:
            for file in self.email.attachments:
                if file.content_type == "message/rfc822":
                    yield from _Message(file.content).embedded(depth + 1)


# What does not count.


def _plain(text: str | None) -> str:
    """Line ends alike, no white space at the ends; a soft control character is a space."""
    text = (text or "").replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
    return text.strip().removeprefix("\ufeff").strip()


def _line(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").strip()


def _same(wanted: str, got: str) -> bool:
    """Equal; where upstream did not decode an octet (U+FFFD) ours may be any character."""
    if "\ufffd" not in wanted:
        return wanted == got
    pieces = map(re.escape, re.split("\ufffd+", wanted))
    return re.fullmatch(r"[^\x00-\x7f]{0,4}".join(pieces), got, re.DOTALL) is not None


def _bare(message_id: str | None) -> str:
    return re.sub(r"\s", "", message_id or "").strip("<>")


def _check(item: Item, area: str, wanted: Any, got: Any, ok: bool | None = None) -> Check:
    agrees = wanted == got if ok is None else ok
    return Check(area=area, source=item.source, name=item.name, ok=agrees, wanted=wanted, got=got)


def _text_check(item: Item, wanted: str | None, message: _Message) -> Check:
    shown = _plain(message.email.text)
    return _check(item, "body text", _plain(wanted), shown, _same(_plain(wanted), shown))


def _subject_check(item: Item, wanted: str, message: _Message) -> Check:
    got = _line(message.email.subject)
    return _check(item, "subject", _line(wanted), got, _same(_line(wanted), got))


# stalwart_mail_parser: the golden output of a parser that follows RFC 8621 (JMAP).


def _stalwart(item: Item, message: _Message) -> Iterator[Check]:
    expect, email = item.expect, message.email
    if "subject" in expect:
        yield _subject_check(item, expect["subject"], message)
    if "from" in expect:
        yield _jmap_addresses(item, "from", expect["from"][:1], [email.from_])
    if "to" in expect:
        yield _jmap_addresses(item, "to", expect["to"], list(email.to))
    if "message_id" in expect:
        wanted, got = _bare(expect["message_id"]), _bare(email.message_id)
        yield _check(item, "message ids", wanted, got)
    if "text_body_first_part" in expect:
        yield _first_text(item, message)
    yield _jmap_count(item, message)
    if "attachment_names" in expect:
        yield _names(item, expect["attachment_names"], message)


def _jmap_addresses(
    item: Item, area: str, wanted: list[dict[str, Any]], got: list[Mailbox | None]
) -> Check:
    """Upstream keeps entries without an "@" (with and without an address); to us they are none,
    as nothing can be sent to them."""
    pairs = [
        (_line(entry["name"]), entry["address"])
        for entry in wanted
        if "@" in (entry["address"] or "")
    ]
    ours = [(_line(box.name), box.address) for box in got if box]
    alike = len(pairs) == len(ours) and all(
        _same(name, our_name) and address == our_address
        for (name, address), (our_name, our_address) in zip(pairs, ours, strict=True)
    )
    return _check(item, area, pairs, ours, alike)


def _first_text(item: Item, message: _Message) -> Check:
    """Upstream gives the first text part of several; ours are joined: it must begin ours."""
    wanted, shown = _plain(item.expect["text_body_first_part"]), _plain(message.email.text)
    if item.expect["parts_count"] > 1:
        shown = shown[: len(wanted)]
    return _check(item, "body text", wanted, shown, _same(wanted, shown))


def _jmap_count(item: Item, message: _Message) -> Check:
    """Upstream's "attachments" are about those of RFC 8621, section 4.1.4. The difference of
    the two rules is taken leaf by leaf; both are written out here."""
    problem = item.expect.get("encoding_problem", False)
    differences = sum(
        _is_file(leaf, message.root)
        - (_is_jmap_file(leaf) or (problem and _is_broken(message.raw, leaf)))
        for leaf in message.leaves()
    )
    wanted = item.expect["attachments_count"] + differences
    return _check(item, "attachments", wanted, len(message.email.attachments))


def _is_jmap_file(part: Part) -> bool:
    """Whether upstream calls this leaf an attachment: all but texts and empty multiparts, and a
    text that is not the first of its multipart if it has a name or is in a multipart/related."""
    if part.content_type.startswith("multipart/"):
        return part.start < part.end
    if part.content_type not in ("text/plain", "text/html") or _disposition(part) == "attachment":
        return True
    parent = part.parent
    if parent is None or parent.children[0] is part:
        return False
    return parent.content_type == "multipart/related" or "name" in part.parameters


def _is_broken(raw: bytes, part: Part) -> bool:
    """Whether upstream notes a problem, and then makes a file of the text: no delimiter ends
    it, or it does not decode."""
    if part.parent is not None and part.end == len(raw):
        return True
    encoded = part.header("Content-Transfer-Encoding").lower() == "base64"
    content = re.sub(rb"\s", b"", raw[part.start : part.end]).partition(b"=")[0]
    return encoded and re.search(rb"[^A-Za-z0-9+/]", content) is not None


def _is_file(part: Part, root: Part) -> bool:
    """Whether this leaf is a file with us: all but unnamed texts, the first text, a message of
    one text, an empty multipart, and what only says how a delivery went."""
    if part.content_type.startswith("multipart/"):
        return part is not root and part.start < part.end
    if part.content_type in ("message/delivery-status", "text/rfc822-headers"):
        return False
    if part.content_type not in ("text/plain", "text/html", "text/enriched", "text/richtext"):
        return not (part is root and part.content_type.startswith("text/"))
    named = "filename" in (part.header("Content-Disposition")).lower() or any(
        name.startswith("name") for name in part.parameters
    )
    first = part.parent is None or part.parent.children[0] is part
    return _disposition(part) == "attachment" or (named and not first)


def _disposition(part: Part) -> str:
    return part.header("Content-Disposition").partition(";")[0].strip().lower()


def _names(item: Item, wanted: list[str | None], message: _Message) -> Check:
    """Upstream gives names as they were sent, ours are safe to show: without path and signs that
    file systems forbid, and those of messages end in ".eml". (Where a sender did not escape the
    backslashes of a path, upstream has lost them: "C:TEMPa.png".)"""
    missing = [file.name for file in message.email.attachments]
    lacking = []
    for name in filter(None, wanted):
        found = next((ours for ours in missing if _is_name(name, ours)), None)
        if found is None:
            lacking.append(name)
        else:
            missing.remove(found)
    return _check(
        item, "attachments", wanted, [f.name for f in message.email.attachments], not lacking
    )


def _is_name(wanted: str, ours: str) -> bool:
    drive = re.match(r"[A-Z]:", wanted) is not None
    safe = safe_name(wanted)
    return _same(safe, ours) or f"{safe}.eml" == ours or (drive and wanted.endswith(ours))


# james_mime4j: the bytes of every leaf, in messages within messages too.


def _james(item: Item, message: _Message) -> Iterator[Check]:
    expect = item.expect
    if "raw_subject" in expect:
        yield _subject_check(item, _stdlib(expect["raw_subject"]), message)
    for area, boxes in (("from", [message.email.from_]), ("to", list(message.email.to))):
        if f"raw_{area}" in expect:
            yield _raw_addresses(item, area, expect[f"raw_{area}"], boxes)
    if "raw_message_id" in expect:
        wanted, got = _bare(expect["raw_message_id"]), _bare(message.email.message_id)
        yield _check(item, "message ids", wanted, got)
    yield from _james_leaves(item, message)


def _stdlib(raw: str) -> str:
    try:
        pieces = decode_header(raw)
        return "".join(
            piece if isinstance(piece, str) else piece.decode(charset or "latin-1")
            for piece, charset in pieces
        )
    except (LookupError, ValueError):
        return raw


def _raw_addresses(item: Item, area: str, raw: str, boxes: Sequence[Mailbox | None]) -> Check:
    found = [address for _, address in getaddresses([raw]) if "@" in address]
    wanted = found[:1] if area == "from" else found
    return _check(item, area, wanted, [box.address for box in boxes if box])


def _james_leaves(item: Item, message: _Message) -> Iterator[Check]:
    """Files byte by byte; texts too, where they are short in the reader's form. Empty leaves are
    left out: that they are found says nothing."""
    messages = list(message.embedded())
    # Quoted-printable may hold line ends of its own: those of the mail alone are made alike.
    messages += _Message(_with_carriage_returns(message.raw)).embedded()
    files = {
        hashlib.sha256(file.content).hexdigest()
        for one in messages
        for file in one.email.attachments
    }
    texts = files | {
        hashlib.sha256(data).hexdigest()
        for one in messages
        for leaf in one.leaves()
        for data in _in_both_forms(part_bytes(one.raw, leaf))
    }
    for leaf in item.expect["leaf_parts"]:
        if leaf["bytes"] and leaf["kind"] == "binary-body":
            said = f"{leaf['bytes']} bytes"
            yield _check(item, "attachments", said, None, leaf["sha256"] in files)
        elif leaf["bytes"]:
            shown = leaf.get("text")
            ok = leaf["sha256"] in texts or (shown is not None and _is_shown(shown, messages))
            yield _check(item, "body text", shown or f"{leaf['bytes']} bytes", None, ok)


def _in_both_forms(data: bytes) -> tuple[bytes, bytes]:
    return data, _with_carriage_returns(data)


def _with_carriage_returns(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _is_shown(text: str, messages: list[_Message]) -> bool:
    """Whether a text is a part of what we show, or a file of ours."""
    bodies = [body for one in messages for body in (one.email.text, one.email.html) if body]
    bodies += [
        file.content.decode("utf-8", "replace")
        for one in messages
        for file in one.email.attachments
    ]
    return any(_plain(text) in _plain(body) for body in bodies)


# mikel_mail: what its tests assert of the headers.


def _mikel(item: Item, message: _Message) -> Iterator[Check]:
    expect, email = item.expect, message.email
    if "subject" in expect:
        yield _subject_check(item, expect["subject"], message)
    if "from" in expect:
        wanted = [_COMMENT.sub("", address) for address in expect["from"][:1]]
        yield _check(item, "from", wanted, [box.address for box in [email.from_] if box])
    for area in ("to", "reply_to"):
        if area in expect:
            got = [box.address for box in getattr(email, area)]
            yield _check(item, "to", expect[area], got)
    if "body_text" in expect:
        yield _text_check(item, expect["body_text"], message)
    if "attachments_count" in expect:
        yield _mikel_count(item, message)
    if name := expect.get("first_attachment_name"):
        yield _check(item, "attachments", [name], [file.name for file in email.attachments][:1])
    yield from _mikel_ids(item, email)


def _mikel_ids(item: Item, email: ParsedEmail) -> Iterator[Check]:
    expect = item.expect
    if "message_id" in expect:
        yield _check(item, "message ids", expect["message_id"], _bare(email.message_id))
    if "in_reply_to" in expect:
        wanted, got = [expect["in_reply_to"]], [_bare(one) for one in email.in_reply_to]
        yield _check(item, "message ids", wanted, got)
    for case in item.cases:
        if case["expr"] == "mail[:references].message_ids":
            got = [_bare(one) for one in email.references]
            yield _check(item, "message ids", case["equals"], got)


def _mikel_count(item: Item, message: _Message) -> Check:
    """Upstream counts the files of embedded messages too, and a message itself only if it has
    a name."""
    got = sum(
        1
        for one in message.embedded()
        for leaf in one.leaves()
        if _is_file(leaf, one.root)
        and (leaf.content_type != "message/rfc822" or leaf.parameters.get("name"))
    )
    return _check(item, "attachments", item.expect["attachments_count"], got)


# The others.


def _chatwoot(item: Item, message: _Message) -> Iterator[Check]:
    expect, email = item.expect, message.email
    if "subject" in expect:
        yield _subject_check(item, expect["subject"], message)
    if "body_text_full" in expect:
        yield _text_check(item, expect["body_text_full"], message)
    if "attachments_count" in expect:
        # Upstream counts without what the HTML shows.
        html = email.html or ""
        got = sum(
            1
            for file in email.attachments
            if not (file.content_id and f"cid:{file.content_id}" in html)
        )
        yield _check(item, "attachments", expect["attachments_count"], got)
    if "inline_cids" in expect:
        ids = {file.content_id for file in email.attachments}
        yield _check(
            item, "attachments", expect["inline_cids"], ids, set(expect["inline_cids"]) <= ids
        )
    for fact in ("in_reply_to", "in_reply_to_first"):
        if fact in expect:
            got_id = _bare(email.in_reply_to[0]) if email.in_reply_to else ""
            yield _check(item, "message ids", expect[fact], got_id)
    if "reply_to" in expect:
        yield _check(item, "to", [expect["reply_to"]], [str(box) for box in email.reply_to])


def _mailpit(item: Item, message: _Message) -> Iterator[Check]:
    """Upstream divides its files into attachments and what the HTML shows; both are files."""
    expect, files = item.expect, message.email.attachments
    if "attachments_count" in expect:
        wanted = expect["attachments_count"] + expect["inline_count"]
        yield _check(item, "attachments", wanted, len(files))
    if "inline_content_ids" in expect:
        ids = [file.content_id for file in files if file.inline]
        yield _check(item, "attachments", expect["inline_content_ids"], ids)
    if "first_attachment_sha256" in expect:
        got = [hashlib.sha256(file.content).hexdigest() for file in files[:1]]
        yield _check(item, "attachments", [expect["first_attachment_sha256"]], got)


def _subject_and_text(item: Item, message: _Message) -> Iterator[Check]:
    expect, email = item.expect, message.email
    if "subject" in expect:
        yield _subject_check(item, expect["subject"], message)
    if beginning := expect.get("subject_startswith"):
        ok = email.subject.startswith(beginning)
        yield _check(item, "subject", beginning, email.subject, ok)
    if "body_text" in expect:
        yield _text_check(item, expect["body_text"], message)
    for piece in expect.get("body_contains", []):
        # Upstream takes the text from the HTML where there is one.
        shown = f"{email.text}\n{email.html}"
        yield _check(item, "body text", piece, shown, piece in shown)
    for piece in expect.get("html_contains", []):
        yield _check(item, "body text", piece, email.html, piece in (email.html or ""))


def _roundup(item: Item, message: _Message) -> Iterator[Check]:
    """What upstream keeps of the text. (Its subjects are without its own commands: not ours.)"""
    wanted = item.expect.get("message_content")
    if wanted and item.category != "encrypted/signed":
        yield _text_check(item, wanted, message)


def _cpython(item: Item, message: _Message) -> Iterator[Check]:
    """The facts of its tests that have a counterpart here."""
    readers: dict[str, tuple[str, Callable[[], Any]]] = {
        "msg['from']": ("from", lambda: message.email.header("from")),
        "msg['to']": ("to", lambda: message.email.header("to")),
        "msg.get_all('cc')": ("to", lambda: list(message.email.header_all("cc"))),
        "msg.get_content_type()": ("structure", lambda: message.email.content_type),
        "msg.get_payload(0).get_content_type()": (
            "structure",
            lambda: message.root.children[0].content_type,
        ),
        "msg.get_boundary()": ("structure", lambda: message.root.parameters.get("boundary")),
        "msg.get_param('charset')": ("structure", lambda: message.root.parameters.get("charset")),
        "msg.get_payload(1).get_param('name')": (
            "structure",
            lambda: message.root.children[1].parameters.get("name"),
        ),
        "len(msg.get_payload())": ("structure", lambda: len(message.root.children)),
    }
    for case in item.cases:
        if (reader := readers.get(case["expr"])) is not None:
            area, read = reader
            yield _check(item, area, case["equals"], read())


_SOURCES: Final[dict[str, Callable[[Item, _Message], Iterator[Check]]]] = {
    "anymail": _subject_and_text,
    "chatwoot": _chatwoot,
    "cpython_email": _cpython,
    "django_helpdesk": _subject_and_text,
    "james_mime4j": _james,
    "mailpit": _mailpit,
    "mikel_mail": _mikel,
    "roundup": _roundup,
    "stalwart_mail_parser": _stalwart,
}
