"""Liquid for words that a project's admin writes: little of it, and none without end.

A template can read texts that it is given and nothing else: no files, no other templates, no
objects. Its loops, its time, its depth and everything that it makes have limits
(templates_limits.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext_noop
from liquid import BoundTemplate, Environment
from liquid.exceptions import LiquidError, UnknownFilterError
from liquid.token import TOKEN_TAG, Token

from deskpost.outbound.templates_limits import (
    MOST_BYTES,
    MOST_CHARACTERS,
    Template,
    bounded,
)

MOST_IN_TAG = 2_000  # characters between {{ and }}, or {% and %}

# fmt: off
TAGS = frozenset({
    "if", "unless", "case", "for", "break", "continue", "assign", "capture", "comment", "#",
    "content", "output", "illegal",  # liquid's names for what stands outside of tags
})
FILTERS = frozenset({
    "append", "prepend", "capitalize", "downcase", "upcase", "escape", "strip", "lstrip", "rstrip",
    "truncate", "truncatewords", "newline_to_br", "strip_newlines", "replace", "replace_first",
    "remove", "remove_first", "default", "size", "url_encode",
})
# fmt: on


class TemplateError(Exception):
    """A template that is not to be used: what is wrong (`unknown`: there is no such tag or filter),
    and the line and column of it, counted from one."""

    def __init__(self, said: str, line: int, column: int, *, unknown: str = "") -> None:
        super().__init__(f"{line}:{column} {said}")
        self.said, self.line, self.column, self.unknown = said, line, column, unknown


def run(source: str, values: Mapping[str, Any], *, html: bool) -> str:
    """Return what the template makes of the values; in HTML each is escaped. Raises TemplateError
    for one that is wrong or goes beyond a limit."""
    try:
        return compiled(source, html).render(**values)
    except _FAILURES as error:
        raise _explained(error, source) from error


@lru_cache(maxsize=256)
def compiled(source: str, html: bool) -> BoundTemplate:
    """Parse a template, once: thousands of mails use the same. Raises TemplateError."""
    _look_over(source)
    try:
        return (_HTML if html else _PLAIN).from_string(source)
    except _FAILURES as error:
        raise _explained(error, source) from error


_FAILURES = (LiquidError, RecursionError, ArithmeticError, ValueError, TypeError)
_OPENER = re.compile(r"\{[{%]")
_RAW = re.compile(r"-?\s{0,64}(raw|doc)\b")
_SPACES = re.compile(r"\s{65}")


def _look_over(source: str) -> None:
    """Refuse what liquid's own reader would take hours for: what is opened and never closed, and
    long runs of space inside of a tag. What is between raw and endraw it would read the same way.
    """
    opener = _OPENER.search(source)
    while opener:
        start = opener.end()
        end = source.find("}}" if opener[0] == "{{" else "%}", start)
        following = _OPENER.search(source, start)
        if end < 0 or (following and following.start() < end):
            raise TemplateError(f"{opener[0]} is not closed", *place(source, opener.start()))
        raw = _RAW.match(source, start, end)
        if raw:
            where = place(source, raw.start(1))
            raise TemplateError(f"there is no {raw[1]}", *where, unknown=raw[1])
        if end - start > MOST_IN_TAG or _SPACES.search(source, start, end):
            raise TemplateError(gettext_noop("the tag is too long"), *place(source, opener.start()))
        opener = following


def _explained(error: Exception, source: str) -> TemplateError:
    """Return what liquid said, as far as it can be shown, and where in the source."""
    token: Token | None = getattr(error, "token", None)
    line, column = place(source, token.start_index if token else 0)
    unknown = ""
    if token and (isinstance(error, UnknownFilterError) or _is_no_tag(token)):
        unknown = token.value[:60]
    said = str(error.args[0])[:200] if error.args else type(error).__name__
    return TemplateError(said, line, column, unknown=unknown)


def _is_no_tag(token: Token) -> bool:
    ends = token.value.startswith("end") or token.value in ("else", "elsif", "when")
    return token.kind == TOKEN_TAG and token.value not in TAGS and not ends


def place(source: str, index: int) -> tuple[int, int]:
    """Return the line and column of a character, both counted from one."""
    before = source[: max(index, 0)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


class _Limited(Environment):
    """Liquid with TAGS and FILTERS only."""

    template_class = Template
    output_stream_limit = MOST_BYTES
    local_namespace_limit = 4 * MOST_CHARACTERS
    context_depth_limit = 20
    block_nesting_limit = 20

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=False)
        self.tags = {name: tag for name, tag in self.tags.items() if name in TAGS}
        self.filters = {name: bounded(name, self.filters[name]) for name in FILTERS}


_PLAIN = _Limited(autoescape=False)
_HTML = _Limited(autoescape=True)
