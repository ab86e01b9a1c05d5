"""The standard templates: Liquid, one folder a language, with limits on what a template may use.

Subject and text are plain text; in the HTML every value is escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from liquid import Environment

STANDARD = Path(__file__).parent / "standard"
LANGUAGES = ("en", "ja")


class Limited(Environment):
    """Liquid that stops a template which would run or write without end."""

    loop_iteration_limit = 10_000
    output_stream_limit = 20 * 1024 * 1024  # bytes
    local_namespace_limit = 1024 * 1024
    context_depth_limit = 20


_plain = Limited(autoescape=False)
_html = Limited(autoescape=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A notification's words: subject (one line), text and HTML."""

    subject: str
    text: str
    html: str


def render(kind: str, language: str, values: dict[str, Any]) -> Rendered:
    """Render the standard template of the kind in the language (English where there is none)."""
    chosen = language if language in LANGUAGES else LANGUAGES[0]
    body = _source(chosen, f"{kind}.txt")
    subject, _, text = body.partition("\n\n")
    page = values | {
        "content": _html.from_string(_source(chosen, f"{kind}.html")).render(**values),
        "language": chosen,
    }
    return Rendered(
        subject=" ".join(_plain.from_string(subject).render(**values).split()),
        text=_plain.from_string(text + "\n" + _source(chosen, "foot.txt")).render(**values),
        html=_frame(chosen, page),
    )


def _frame(language: str, page: dict[str, Any]) -> str:
    foot = _html.from_string(_source(language, "foot.html")).render(**page)
    frame = _plain.from_string(_source("", "frame.html"))  # its values are HTML already
    return frame.render(
        content=page["content"], foot=foot, language=language, marker=page["marker"]
    )


@cache
def _source(language: str, name: str) -> str:
    return (STANDARD / language / name).read_text("utf-8")
