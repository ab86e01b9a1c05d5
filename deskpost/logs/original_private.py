"""What lets its holder act as somebody else, taken out of a message before people read it: the
signed addresses of this site, and the links that work without sign-in.

A copy that is kept of a notification has a placeholder in their place already; an incoming message
quotes them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import pgettext

# A link may stand in another link, once or twice escaped: rewritten by a guard against phishing.
_SLASH = r"(?:/|%(?:25){0,2}2F)"
_COLON = r"(?::|%(?:25){0,2}3A)"
# +r.TOKEN@ and +b.TOKEN@ (mail/signed.py). A relay that rewrites senders puts "=" for "@".
_ADDRESS = re.compile(
    r"((?:\+|%(?:25){0,2}2B)[rb]\.)(?:[a-z2-7]{16,60}|TOKEN)(?=@|=|%(?:25){0,2}40)",
    re.IGNORECASE | re.ASCII,
)
_PAGES = "unsubscribe|mute|sign-in"  # of deskpost/urls.py
# What Django signs, at whatever site: value, moment and signature.
_SIGNED = re.compile(
    rf"({_SLASH}(?:{_PAGES}){_SLASH})"
    rf"[\w.-]{{1,400}}{_COLON}[\w-]{{1,20}}{_COLON}[\w-]{{20,100}}",
    re.IGNORECASE | re.ASCII,
)
_KEYS = rf"accounts{_SLASH}(?:password{_SLASH}reset{_SLASH}key|confirm-email)"
# Where a line was broken in a link, the rest follows behind the marks of a quotation.
_REST = r"(?:=?\r?\n(?:[>|][ \t]?){0,10}[\w:.%-]{1,300}(?=/))?"


def redacted(text: str) -> str:
    """Return the text with words in place of each token of this site: at any host where the form
    tells it, at our own wherever a page takes one. Linear in the text; never raises."""
    address = pgettext("in place of the secret part of an address", "(private)")
    link = pgettext("in place of the secret part of a link", "(private link)")
    text = _ADDRESS.sub(lambda found: found[1] + address, text)
    text = _own_links(settings.BASE_URL).sub(lambda found: found[1] + link, text)
    return _SIGNED.sub(lambda found: found[1] + link, text)


def is_private(text: str) -> bool:
    """Return whether the text holds anything that `redacted` would take out."""
    patterns = (_ADDRESS, _own_links(settings.BASE_URL), _SIGNED)
    return any(pattern.search(text) for pattern in patterns)


@lru_cache(maxsize=8)
def _own_links(base: str) -> re.Pattern[str]:
    host = re.escape(urlsplit(base).netloc).replace(":", _COLON)
    return re.compile(
        rf"({host}{_SLASH}(?:{_PAGES}|{_KEYS}){_SLASH})[^\s/<>\"'()\[\]]{{1,500}}{_REST}",
        re.IGNORECASE | re.ASCII,
    )
