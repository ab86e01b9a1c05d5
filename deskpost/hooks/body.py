"""The body of a provider's call: read within its limit, and forms taken apart byte by byte.

Django reads form fields as text, and its own limits are those of our pages. Here a field keeps its
bytes, since one of them may be the original message.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.utils.datastructures import MultiValueDict
from django.utils.http import parse_header_parameters

from deskpost.hooks.refusal import Refusal

READ_AT_ONCE = 64 * 1024
MOST_FIELDS = 1000
MOST_PART_HEADERS = 16 * 1024  # bytes
MOST_OPTIONS = 32  # of a header, with what is before them
MOST_SIMPLE = 64 * 1024  # bytes of a field that Django's own form shows too

_ESCAPED = re.compile(rb"%([0-9A-Fa-f]{2})")
_BYTES = {f"{n:02x}".encode(): bytes([n]) for n in range(256)}


def read(request: HttpRequest, limit: int) -> bytes:
    """Return the body, and let Django have it too. Raises Refusal.

    Its length is looked at before anything is read. Django's DATA_UPLOAD_MAX_MEMORY_SIZE is for
    pages and does not count here.
    """
    declared = request.META.get("CONTENT_LENGTH") or ""
    if not re.fullmatch(r"[0-9]{1,15}", declared):
        raise Refusal(411, "The call does not say how long it is.")
    if int(declared) > limit:
        raise Refusal(413, f"Larger than the {limit} bytes that are read here.")
    body = bytearray()
    try:
        while len(body) < int(declared) and (piece := request.read(READ_AT_ONCE)):
            body += piece
    except UnreadablePostError as error:
        raise Refusal(400, "The call broke off.") from error
    if len(body) < int(declared):
        raise Refusal(400, "The call broke off.")
    request._body = bytes(body)
    return bytes(body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a form, with its bytes as they came. `content_type` and `filename`: of a file."""

    name: str
    value: bytes
    content_type: str = ""
    filename: str = ""


class Form:
    """The fields of a call. Of several with one name the last counts."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields = {field.name: field for field in fields}

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def get(self, name: str) -> Field | None:
        return self._fields.get(name)

    def simple(self, most: int = MOST_SIMPLE) -> QueryDict:
        """Return the fields of `most` bytes as Django has them: those that are signed, and read by
        anymail, are then the very ones that are read here."""
        post = QueryDict(mutable=True)
        for field in self._fields.values():
            if not field.filename and len(field.value) <= most:
                post[field.name] = field.value.decode("utf-8", "replace")
        return post

    def raw(self, name: str) -> bytes:
        """Return the field's bytes; empty where there is none."""
        return self._fields[name].value if name in self._fields else b""

    def text(self, name: str, charset: str = "utf-8") -> str:
        """Return the field as text; empty where there is none."""
        try:
            return self.raw(name).decode(charset, "replace")
        except (LookupError, ValueError):
            return self.raw(name).decode("utf-8", "replace")


def form(request: HttpRequest, body: bytes, most: int = MOST_SIMPLE) -> Form:
    """Take the form apart; fields of `most` bytes are shown to Django's request.POST too. Raises
    Refusal."""
    kind, options = _header(request.META.get("CONTENT_TYPE", ""))
    if kind == "multipart/form-data" and options.get("boundary"):
        fields = list(_multipart(body, options["boundary"].encode("utf-8", "replace")))
    elif kind == "application/x-www-form-urlencoded":
        fields = list(_urlencoded(body))
    else:
        raise Refusal(400, "The call is not a form.")
    found = Form(fields)
    request._post = found.simple(most)  # type: ignore[attr-defined]
    request._files = MultiValueDict()  # type: ignore[attr-defined]
    return found


def _header(value: str) -> tuple[str, dict[str, str]]:
    # Django's reader takes a time that grows with the square of their number.
    value = ";".join(value.split(";", MOST_OPTIONS)[:MOST_OPTIONS])
    try:
        kind, options = parse_header_parameters(value)
    except ValueError:
        return "", {}
    found = {
        name: one if isinstance(one, str) else one.decode("latin-1")
        for name, one in options.items()
    }
    return kind.lower(), found


# --- multipart/form-data (RFC 7578) -------------------------------------------------------------


def _multipart(body: bytes, boundary: bytes) -> Iterator[Field]:
    text = b"\r\n" + body  # a delimiter begins with the line break before it
    for count, (start, end) in enumerate(_spans(text, b"\r\n--" + boundary), 1):
        if count > MOST_FIELDS:
            raise Refusal(400, "The form has too many fields.")
        if (field := _field(text, start, end)) is not None:
            yield field


def _spans(text: bytes, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Where each part begins, at the line break after its delimiter, and where it ends.

    Without the delimiter at the end (RFC 2046, section 5.1.1) the form is not whole.
    """
    begun, at = -1, text.find(delimiter)
    while at >= 0:
        after = at + len(delimiter)
        line, ended, _ = text[after : after + 100].partition(b"\r\n")
        is_last = line.startswith(b"--")
        if is_last or (ended and not line.strip(b" \t")):
            if begun >= 0:
                yield begun, at
            if is_last:
                return
            begun = after + len(line)
        at = text.find(delimiter, after)
    raise Refusal(400, "The form broke off.")


def _field(text: bytes, start: int, end: int) -> Field | None:
    """Read a part from the line break before its headers; None where it has no name."""
    split = text.find(b"\r\n\r\n", start, min(end, start + MOST_PART_HEADERS))
    if split < 0:
        return None
    headers = {}
    for line in text[start + 2 : split].split(b"\r\n"):
        name, _, said = line.decode("utf-8", "replace").partition(":")
        headers[name.strip().lower()] = said.strip()
    _, options = _header(headers.get("content-disposition", ""))
    if "name" not in options:
        return None
    value = text[split + 4 : end]
    if headers.get("content-transfer-encoding", "").lower() == "base64":
        try:
            value = binascii.a2b_base64(value)
        except binascii.Error as error:
            raise Refusal(400, "A field of the form is not Base64.") from error
    return Field(
        name=options["name"],
        value=value,
        content_type=headers.get("content-type", ""),
        filename=options.get("filename", ""),
    )


# --- application/x-www-form-urlencoded ----------------------------------------------------------


def _urlencoded(body: bytes) -> Iterator[Field]:
    pairs = body.split(b"&", MOST_FIELDS)
    if len(pairs) > MOST_FIELDS:
        raise Refusal(400, "The form has too many fields.")
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        yield Field(name=_unquoted(name).decode("utf-8", "replace"), value=_unquoted(value))


def _unquoted(value: bytes) -> bytes:
    """Undo %XX and +. In slices: a field of nothing but %XX would swell to many times its size."""
    value, plain, start = value.replace(b"+", b" "), bytearray(), 0
    while start < len(value):
        end = start + READ_AT_ONCE
        if (escape := value.rfind(b"%", end - 2, end)) > start:
            end = escape  # which is not to be cut in two
        plain += _ESCAPED.sub(lambda found: _BYTES[found[1].lower()], value[start:end])
        start = end
    return bytes(plain)
