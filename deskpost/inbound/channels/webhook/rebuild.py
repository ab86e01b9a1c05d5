"""A message out of the pieces that a provider has taken it apart into.

django-anymail has a builder too; it goes through the standard library's strict headers, which
raise for a second Subject or an odd content type, and nothing that a stranger writes may make a
message vanish. This one writes down whatever it is given. The same pieces give the same bytes, so
that a double is recognised as one.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deskpost.inbound.channels.webhook.delivery import Content
from deskpost.net import one_line

MOST_VALUE = 64 * 1024  # characters of one header
MOST_HEADERS = 1000

_NAME = re.compile(r"[!-9;-~]{1,200}")
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")
_REPORT = re.compile(r"multipart/report\b.{0,500}?report-type=\"?([a-z-]{1,40})", re.I | re.DOTALL)
_OURS = ("content-", "mime-version")  # the structure is new


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An attachment; `content_id` is set where the HTML shows it."""

    content: bytes
    content_type: str
    name: str = ""
    content_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """Headers in their order, the two bodies, and the attachments."""

    headers: Sequence[tuple[str, str]]
    text: str = ""
    html: str = ""
    files: Sequence[File] = ()


def address(name: str, email: str) -> str:
    """An address for a header (RFC 5322, section 3.4), its name as it is read."""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{email}>' if name else email


def rebuild(pieces: Pieces) -> Content:
    """Return a message of these pieces. Its headers are UTF-8 (RFC 6532)."""
    bodies = [_body("plain", pieces.text)] if pieces.text or not pieces.html else []
    bodies += [_body("html", pieces.html)] if pieces.html else []
    shown = [_file(one) for one in pieces.files if one.content_id]
    others = [_file(one) for one in pieces.files if not one.content_id]
    related = [_multipart("multipart/alternative", bodies), *shown]
    whole = _multipart(_top(pieces.headers), [_multipart("multipart/related", related), *others])
    raw = _headers(pieces.headers) + b"MIME-Version: 1.0\r\n" + whole
    return Content(raw=raw, size=len(raw), reconstructed=True)


def _top(headers: Iterable[tuple[str, str]]) -> str:
    """A report stays one: by that it is recognised (RFC 6522)."""
    for name, value in headers:
        if name.lower() == "content-type" and (found := _REPORT.match(value.strip()[:1000])):
            return f"multipart/report; report-type={found[1].lower()}"
    return "multipart/mixed"


def _headers(headers: Sequence[tuple[str, str]]) -> bytes:
    lines = [
        f"{name}: {_one_line(value)}\r\n"
        for name, value in headers[:MOST_HEADERS]
        if _NAME.fullmatch(name) and not name.lower().startswith(_OURS)
    ]
    return "".join(lines).encode("utf-8", "replace")


def _one_line(value: str) -> str:
    return " ".join(value[:MOST_VALUE].replace("\0", " ").split())


def _multipart(kind: str, parts: Sequence[bytes]) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    boundary = f"=_{digest.hexdigest()[:40]}"
    head = f'Content-Type: {kind}; boundary="{boundary}"\r\n\r\n'.encode()
    between = f"--{boundary}\r\n".encode()
    return head + b"".join(between + part + b"\r\n" for part in parts) + between[:-2] + b"--\r\n"


def _body(kind: str, text: str) -> bytes:
    content = base64.encodebytes(text.encode("utf-8", "replace")).replace(b"\n", b"\r\n")
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + content


def _file(file: File) -> bytes:
    kind = file.content_type.partition(";")[0].strip().lower()
    if not _TYPE.fullmatch(kind) or kind.startswith("multipart/"):
        kind = "application/octet-stream"
    lines = [f"Content-Type: {kind}"]
    if charset := re.search(r"charset=\"?([A-Za-z0-9_.:-]{1,40})", file.content_type[:500]):
        lines[0] += f"; charset={charset[1]}"
    name = one_line(file.name)[:255].replace("\\", "_").replace('"', "_")
    how = "inline" if file.content_id else "attachment"
    lines.append(
        f'Content-Disposition: {how}; filename="{name}"' if name else f"Content-Disposition: {how}"
    )
    if file.content_id:
        bare = "".join(one_line(file.content_id)[:200].strip("<>").split())
        lines.append(f"Content-ID: <{bare}>")
    content = file.content
    if kind.startswith("message/"):  # RFC 2046, section 5.2: never encoded
        lines.append("Content-Transfer-Encoding: 8bit")
    else:
        lines.append("Content-Transfer-Encoding: base64")
        content = base64.encodebytes(content).replace(b"\n", b"\r\n")
    return "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n\r\n" + content
