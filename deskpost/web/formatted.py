"""An entry as its sender formatted it: HTML that was made safe when it came, on a page of its own
that runs nothing and fetches nothing. Images that came with the message are put into it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from html import escape, unescape
from urllib.parse import unquote

from django.core.files.storage import storages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from deskpost.models import Attachment, Comment, Project
from deskpost.models.permission import Act
from deskpost.web.access import project_view

SHOWN_BYTES = 4 * 1024 * 1024  # of images, all together
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
# The sanitiser writes every attribute so.
_CID = re.compile(r' src="cid:([^"]{1,1000})"', re.IGNORECASE)
POLICY = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"
PAGE = (
    '<!doctype html><html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
    '<meta name="viewport" content="width=device-width"><title>{title}</title>'
    "<body style='margin:1rem;background:#fff;color:#111;font:15px/1.5 sans-serif'>{body}</html>"
)


@require_safe
@never_cache
@project_view(Act.READ_REQUESTS)
def entry(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """Show an entry of one of the project's requests as its sender formatted it."""
    if pk >= 2**63:
        raise Http404
    rows = Comment.objects.filter(request__project=project).select_related("request")
    comment = get_object_or_404(rows.exclude(html=""), pk=pk)
    page = PAGE.format(title=escape(comment.request.key), body=with_images(comment))
    response = HttpResponse(page)
    response["Content-Security-Policy"] = POLICY
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = "no-referrer"
    return response


def with_images(comment: Comment) -> str:
    """Return the entry's HTML with the images that it names by cid put into it, as far as they are
    of kinds that only draw, and within SHOWN_BYTES."""
    found = {
        file.content_id: file
        for file in comment.attachments.exclude(content_id="").order_by("pk")
        if file.content_type.lower() in IMAGES
    }
    room = [SHOWN_BYTES]
    return _CID.sub(lambda source: _image(source[1], found, room), comment.html)


def _image(written: str, found: Mapping[str, Attachment], room: list[int]) -> str:
    cid = unquote(unescape(written)).strip("<>")
    file = found.get(cid) or found.get(f"<{cid}>")
    if file is None or file.size > room[0]:
        return ""
    try:
        with storages["default"].open(file.storage_key) as content:
            data = base64.b64encode(content.read()).decode("ascii")
    except FileNotFoundError:
        return ""
    room[0] -= file.size
    return f' src="data:{file.content_type.lower()};base64,{data}"'
