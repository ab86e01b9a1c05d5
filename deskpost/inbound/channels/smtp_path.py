"""What stands behind MAIL FROM: and RCPT TO: a path, then parameters (RFC 5321, section 4.1.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email._header_value_parser import get_addr_spec, get_angle_addr

NULL_PATH = "<>"
# Nearly every path is of this form. Letters beyond ASCII: RFC 6531; no halves of a pair, which
# stand for bytes that are not UTF-8.
_BEYOND = "\xa0-\ud7ff\ue000-\U0010ffff"
_PLAIN = re.compile(rf"<([\w!#$%&'*+/=?^`{{|}}~.{_BEYOND}-]+@[\w.{_BEYOND}-]+)>([^<>]*)", re.ASCII)
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def read(text: str) -> tuple[str, str] | None:
    """Return the address and what stands behind it; None if it is malformed.

    The null path is returned as `<>`. A source route is dropped, as the RFC asks; brackets may be
    missing.
    """
    if plain := _PLAIN.fullmatch(text):
        return plain[1], plain[2]
    if text.startswith(NULL_PATH):
        return NULL_PATH, text[len(NULL_PATH) :]
    if _FORBIDDEN.search(text):
        return None
    try:
        path, rest = (get_angle_addr if text.startswith("<") else get_addr_spec)(text)
    except Exception:  # noqa: BLE001 (this parser fails in many ways on odd text)
        return None
    return path.addr_spec, rest


def parameters(text: str) -> Mapping[str, str | None] | None:
    """Return the parameters in upper case, with None for one that has no value; None if they are
    malformed."""
    found: dict[str, str | None] = {}
    for one in text.upper().split():
        name, equals, value = one.partition("=")
        if not name.isalnum() or (equals and not value):
            return None
        found[name] = value or None
    return found
