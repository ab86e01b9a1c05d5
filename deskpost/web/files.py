"""Attachments go out as files to be kept, never as pages of this site."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from django.core.files.storage import storages
from django.http import FileResponse, Http404

from deskpost.models import Attachment

NAME_LIMIT = 120
# Types that a browser may be told; each other file is bytes.
TOLD = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"})
# No part of a name on any system: separators, wildcards, controls, changes of direction.
UNSAFE = re.compile(
    r"[\\/:*?\"<>|%\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd]+"
)


def response(attachment: Attachment) -> FileResponse:
    """Return the file, or raise Http404 if the storage has lost it."""
    try:
        content = storages["default"].open(attachment.storage_key)
    except FileNotFoundError:
        raise Http404 from None
    kind = attachment.content_type.lower()
    answer = FileResponse(
        content,
        as_attachment=True,
        filename=safe_name(attachment.name, f"attachment-{attachment.pk}"),
        content_type=kind if kind in TOLD else "application/octet-stream",
    )
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, no-store"
    answer["Cross-Origin-Resource-Policy"] = "same-origin"
    return answer


def safe_name(name: str, otherwise: str) -> str:
    """Return a name that is one plain name on every system, with the ending that it had."""
    clean = UNSAFE.sub("_", name).strip(" ._")
    if len(clean) > NAME_LIMIT:
        ending = PurePosixPath(clean).suffix[:16]
        clean = clean[: NAME_LIMIT - len(ending)].rstrip(" .") + ending
    return clean or otherwise
