"""HTML of mail: made safe to show, and made plain text.

Parsers of HTML follow the standard's tree building, whose time is quadratic in nesting, in
the attributes of one tag and in options; to make it safe is also quadratic in what stands between
the cells of a table and in what must be escaped. `_too_wild` and `_is_too_much` count them first;
what is beyond any real message is shown as plain text.
"""

import html as entities
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import nh3
from selectolax.lexbor import LexborNode

from deskpost.mail.htmltext import MarkedText, render_marked
from deskpost.mail.words import clean

MAX_HTML: Final = 1024 * 1024  # characters that are read
MAX_NESTING: Final = 400
MAX_ATTRIBUTES: Final = 500  # of one tag
MAX_OPTIONS: Final = 2_000  # each is compared with those before it
MAX_TAGS: Final = 30_000  # what stands in a table outside its cells is moved, each past all others
# Characters that may have to be escaped, times all: for each the writer looks through the rest.
MAX_ESCAPING: Final = 20_000_000_000
CHECKED_FROM: Final = 8_000  # characters; a shorter text cannot be too wild


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TAGS: Final = _names(
    "a abbr address b blockquote br caption center cite code col colgroup dd del details div dl "
    "dt em figcaption figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt "
    "ruby s samp small span strike strong sub summary sup table tbody td tfoot th thead time tr "
    "tt u ul var wbr"
)
# What these hold is not text for people.
_DROPPED: Final = _names(
    "script style title svg math template iframe object noembed noframes noscript applet audio "
    "video canvas"
)
_CELL: Final = frozenset({"align", "bgcolor", "colspan", "rowspan", "valign"})
_ATTRIBUTES: Final = {
    "*": frozenset({"dir", "lang", "style"}),
    "a": frozenset({"href", "title"}),
    "col": frozenset({"span"}),
    "font": frozenset({"color", "size"}),
    "img": frozenset({"src", "alt", "height", "width"}),
    "ol": frozenset({"start"}),
    "table": frozenset({"align", "bgcolor", "border", "cellpadding", "cellspacing"}),
    "td": _CELL,
    "th": _CELL,
    "time": frozenset({"datetime"}),
}
# None of these can fetch anything or leave its place.
_STYLES: Final = _names(
    "background-color color font-size font-style font-weight text-align text-decoration "
    "vertical-align white-space"
)
_SCHEMES: Final = frozenset({"http", "https", "mailto", "tel", "cid"})

_CLEANER: Final = nh3.Cleaner(
    tags=set(_TAGS),
    clean_content_tags=set(_DROPPED),
    attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
    filter_style_properties=set(_STYLES),
    url_schemes=set(_SCHEMES),
    link_rel="noopener noreferrer nofollow",
    strip_comments=True,
)

_IMAGE = re.compile(r'<img(?: [a-z-]+="[^"]*")*>')
_LOCAL_IMAGE = re.compile(r' src="cid:', re.IGNORECASE)
_WHOLE_TAG = re.compile(r'<[a-z0-9]+(?: [a-z-]+="[^"]*")*>')
_STYLE = re.compile(r' style="[^"]*"')
# A value with a function other than a colour's, or with an escape, is no style of ours; nor is
# one by which nobody sees the text, or it covers the page.
_ODD_STYLE = re.compile(
    r"\\|(?<!rgb)(?<!rgba)(?<!hsl)(?<!hsla)\(|(?<!-)color:\s*transparent"
    r"|font-size:\s*(?:0+(?:\.0+)?[a-z%]*\s*[;\"]|1(?:\.\d+)?p[xt]"
    r"|\d{3,}(?:\.\d+)?p[xt]|\d{2,}(?:\.\d+)?r?em|[\d.]+v[a-z]|\d{4,}|[5-9]\d\d%)",
    re.IGNORECASE,
)
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
# "&", and what begins with the same octet in UTF-8 as the blank that does not break.
_ESCAPED = re.compile("[&\u0080-\u00bf]")
_ATTRIBUTE = re.compile(
    r"[\s/]*([^\s/>][^\s/>=]*)(?:\s*=\s*(?:\"[^\"]*(?:\"|\Z)|'[^']*(?:'|\Z)|[^\s>]*))?"
)
_TAG_END = re.compile(r"[\s/]*>?")
_ANY_TAG = re.compile(r"<[^<>]*>")
# These end by themselves or cannot hold anything, so that open ones do not nest.
_SELF_ENDING: Final = _names(
    "area base br col embed hr img input link meta param source track wbr p li td th tr dt dd "
    "option tbody thead tfoot html body head"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeHtml:
    """HTML that runs nothing and fetches nothing, and how many images were taken out."""

    html: str
    removed_images: int


def sanitise(html: str) -> str:
    """The HTML without scripts, forms, remote images and styles that could mislead.

    Images stay only where they are parts of the message (`cid:`). At most 1 Mi characters
    are read. Never raises.
    """
    return sanitise_counted(html).html


def sanitise_counted(html: str) -> SafeHtml:
    """Like `sanitise`, and count the images that were removed."""
    html = clean(html[:MAX_HTML])
    if _too_wild(html) or _is_too_much(html):
        text = entities.escape(_ANY_TAG.sub(" ", html))
        return SafeHtml(html=f"<pre>{text}</pre>", removed_images=0)
    safe = _CLEANER.clean(html)
    if ' style="' in safe and _ODD_STYLE.search(safe):
        safe = _WHOLE_TAG.sub(_without_odd_style, safe)
    removed = 0

    def keep_local(image: re.Match[str]) -> str:
        nonlocal removed
        if _LOCAL_IMAGE.search(image[0]):
            return image[0]
        removed += 1
        return ""

    # nh3 writes every attribute in double quotes, escaped: the pattern sees whole tags.
    return SafeHtml(html=_IMAGE.sub(keep_local, safe), removed_images=removed)


def _without_odd_style(tag: re.Match[str]) -> str:
    style = _STYLE.search(tag[0])
    return _STYLE.sub("", tag[0]) if style and _ODD_STYLE.search(style[0]) else tag[0]


def to_text(html: str) -> str:
    """Readable plain text: paragraphs, lists, `text (url)`, quotations behind "> ".

    At most 1 Mi characters are read. Never raises.
    """
    return "\n".join(to_marked_text(html, lambda _: "").lines)


def to_marked_text(html: str, kind: Callable[[LexborNode], str]) -> MarkedText:
    """Like `to_text`, as lines, with the elements that `kind` gives a name."""
    html = clean(html[:MAX_HTML])
    if _too_wild(html):
        text = clean(entities.unescape(_ANY_TAG.sub(" ", html))).strip()
        return MarkedText(lines=text.split("\n"), marks=[])
    found = render_marked(html, kind)
    return MarkedText(lines=[clean(line) for line in found.lines], marks=found.marks)


def _too_wild(html: str) -> bool:
    """Whether tags nest deeper, or one has more attributes, than any real message's."""
    if len(html) < CHECKED_FROM:
        return False
    opened: dict[str, int] = {}
    depth = position = options = 0
    while found := _TAG.search(html, position):
        name = found[2].lower()
        attributes, position = _attributes(html, found.end())
        if attributes > MAX_ATTRIBUTES:
            return True
        if name in _SELF_ENDING:
            options += name == "option"
            if options > MAX_OPTIONS:
                return True
            continue
        if not found[1]:
            opened[name] = opened.get(name, 0) + 1
            depth += 1
        elif opened.get(name):
            opened[name] -= 1
            depth -= 1
        if depth > MAX_NESTING:
            return True
    return False


def _is_too_much(html: str) -> bool:
    """Whether there are more tags, or for its length more to be escaped, than in any real message:
    wherever they stand, for where that is only the tree tells."""
    if len(html) * sum(1 for _ in _ESCAPED.finditer(html)) > MAX_ESCAPING:
        return True
    return sum(1 for _ in _TAG.finditer(html)) > MAX_TAGS


def _attributes(html: str, position: int) -> tuple[int, int]:
    """How many attributes a tag has (at most one over the limit) and where it ends."""
    count = 0
    while count <= MAX_ATTRIBUTES and (found := _ATTRIBUTE.match(html, position)):
        count, position = count + 1, found.end()
    end = _TAG_END.match(html, position)
    return count, end.end() if end else position
