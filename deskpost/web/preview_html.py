"""A message's HTML as a page that runs nothing and fetches nothing.

mail/html.py makes it safe; it knows no images but those of the message itself. Remote ones are
therefore given names of that kind before, which nobody can guess, and get their places, or their
addresses, back afterwards.
"""

from __future__ import annotations

import base64
import ipaddress
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape, unescape
from typing import Final
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from selectolax.lexbor import LexborHTMLParser

from deskpost.logs.original_private import is_private, redacted
from deskpost.mail.attachments import ParsedAttachment
from deskpost.mail.html import MAX_HTML, sanitise_counted
from deskpost.web.formatted import IMAGES, SHOWN_BYTES

MOST_REMOTE: Final = 200  # images; more are left out

_IMAGE = re.compile(r'<img(?: [a-z-]+="[^"]*")*>')
_SOURCE = re.compile(r' src="([^"]*)"')
_LINK = re.compile(r'<a(?: [a-z-]+="[^"]*")*>')
_HREF = re.compile(r' href="([^"]*)"')
# Tags within a line: what stands on both sides is read as one word.
_INLINE = re.compile(
    r"</?(?:a|abbr|b|cite|code|del|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong|sub|sup"
    r"|tt|u|var)(?: [a-z-]+=\"[^\"]*\")*>"
)
_TITLE_OR_REL = re.compile(r' (?:title|rel)="[^"]*"')
# Only addresses whose host a browser and we read alike: no user, no backslash, no odd number.
_REMOTE = re.compile(
    r"(?:https?:)?//([a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){1,20})(?::\d{1,5})?"
    r"(?:[/?#][^\s\"'<>\\]{0,2000})?",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """HTML for a sandboxed frame only. `remote` are the hosts of its remote images; `others` counts
    images that are never loaded; `links` those that stand as text."""

    html: str
    remote: tuple[str, ...] = ()
    remote_count: int = 0
    others: int = 0
    links: int = 0


def letter(html: str, files: Sequence[ParsedAttachment], *, remote: bool = False) -> Letter:
    """Return the page that shows a message's HTML, with the images that came with it. With `remote`
    its remote images are loaded by whoever opens the page. Never raises."""
    plain = sanitise_counted(html)
    named: dict[str, str] = {}
    safe = plain
    if plain.removed_images:  # what is too wild for a parser comes back without a single one
        marked, named = _marked(html[:MAX_HTML])
        safe = sanitise_counted(marked)
    shown = redacted(safe.html.replace("<wbr>", ""))
    if is_private(bare := _INLINE.sub("", shown)):  # tags stand within a token: they go
        shown = redacted(bare)
    images = _Images(files, named, remote=remote)
    links = sum(1 for tag in _LINK.finditer(shown) if _HREF.search(tag[0]))
    shown = _IMAGE.sub(images.put, _LINK.sub(_as_text, shown))
    return Letter(
        html=shown,
        remote=tuple(sorted({_host(url) for url in images.met})),
        remote_count=len(images.met),
        others=safe.removed_images + images.lost,
        links=links,
    )


def _marked(html: str) -> tuple[str, dict[str, str]]:
    """Give each remote image a name of its own; return the HTML and the addresses by name."""
    tree, mark = LexborHTMLParser(html), secrets.token_hex(16)
    named: dict[str, str] = {}
    for image in tree.css("img"):
        url = remote_address(image.attributes.get("src") or "")
        if url and len(named) < MOST_REMOTE:
            name = f"{mark}-{len(named)}"
            named[name] = url
            image.attrs["src"] = f"cid:{name}"
    return tree.html or "", named


def remote_address(source: str) -> str:
    """Return the address of an image that may be fetched on a person's wish, or nothing: never one
    of this site, or of a host that is no public name."""
    found = _REMOTE.fullmatch(re.sub(r"[\t\r\n]", "", source).strip())
    if found is None or not _is_public(found[1].lower()):
        return ""
    url = found[0]
    return f"https:{url}" if url.startswith("//") else url


def _is_public(host: str) -> bool:
    own = {urlsplit(settings.BASE_URL).hostname, *settings.ALLOWED_HOSTS}
    if host in own or host.endswith((".localhost", ".local", ".internal")):
        return False
    last = host.rpartition(".")[2]
    if not last[0].isdigit():
        return True
    try:  # numbers in any other form mean an address to a browser: 127.1, 0x7f.1
        return ipaddress.IPv4Address(host).is_global
    except ValueError:
        return False


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _as_text(tag: re.Match[str]) -> str:
    """A link that cannot be followed by mistake: where it leads stands in its title."""
    found = _HREF.search(tag[0])
    if found is None:
        return tag[0]
    bare = _TITLE_OR_REL.sub("", tag[0][: found.start()] + tag[0][found.end() :])
    return f'{bare[:-1]} title="{found[1]}">'


class _Images:
    """Puts images in their places: the message's own as data, remote ones by their address or as a
    hole with their host."""

    def __init__(
        self, files: Sequence[ParsedAttachment], named: dict[str, str], *, remote: bool
    ) -> None:
        self.met: list[str] = []
        self.lost = 0
        self._named, self._remote, self._room = named, remote, SHOWN_BYTES
        self._own = {
            file.content_id: file
            for file in reversed(files)
            if file.content_id and file.content_type in IMAGES
        }

    def put(self, tag: re.Match[str]) -> str:
        source = _SOURCE.search(tag[0])
        if source is None:
            return ""
        cid = unescape(source[1])[len("cid:") :]
        if url := self._named.get(cid):
            self.met.append(url)
            if self._remote:
                return _with_source(tag[0], source, escape(url))
            hole = _("Remote image, not loaded · %(host)s") % {"host": _host(url)}
            return f'<span class="hole">{escape(hole)}</span>'
        return self._own_image(tag[0], source, unquote(cid).strip("<>"))

    def _own_image(self, tag: str, source: re.Match[str], cid: str) -> str:
        file = self._own.get(cid)
        if file is None or len(file.content) > self._room:
            self.lost += 1
            return ""
        self._room -= len(file.content)
        data = base64.b64encode(file.content).decode("ascii")
        return _with_source(tag, source, f"data:{file.content_type};base64,{data}")


def _with_source(tag: str, source: re.Match[str], url: str) -> str:
    return f'{tag[: source.start()]} src="{url}"{tag[source.end() :]}'
