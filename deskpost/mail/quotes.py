"""The new text of a reply apart from quoted history and signature.

Nothing is lost: what is not new is in `rest`. In doubt the text is kept: an answer that
shows too much is read all the same, one that shows too little is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from deskpost.mail import html as markup
from deskpost.mail import quotes_history, quotes_html, quotes_labels, quotes_words
from deskpost.mail.htmltext import Mark
from deskpost.mail.quotes_history import has_marker

DEFAULT_MARKERS: Final = quotes_words.MARKERS


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitText:
    """`new` is what the sender wrote now; `rest` the history and signature around it."""

    new: str
    rest: str


def split(
    text: str, *, marker_lines: Sequence[str] = DEFAULT_MARKERS, subject: str = ""
) -> SplitText:
    """Split a plain text body; line ends come out as "\\n".

    `marker_lines` are the wordings of our "reply above this line", without decoration. A
    forwarded message is text, not history. An answer below what it quotes is new, an answer
    between quoted lines is kept with them. Where nothing new would be left, all is kept; so it
    is where the subject says "Fwd:" (Outlook passes on as it quotes) and there is no marker.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return _split(lines, marker_lines, (), subject)


def split_html(
    html: str, *, marker_lines: Sequence[str] = DEFAULT_MARKERS, subject: str = ""
) -> SplitText:
    """Split an HTML body into plain texts: where its mail program says, or like plain text.

    At most 1 Mi characters are read. Never raises.
    """
    found = markup.to_marked_text(html, quotes_html.kind)
    return _split(found.lines, marker_lines, found.marks, subject)


def _split(
    lines: list[str], markers: Sequence[str], marks: Sequence[Mark], subject: str
) -> SplitText:
    page = quotes_history.page(lines, markers, marks)
    if quotes_labels.FORWARD_SUBJECT.match(subject.strip()) and not has_marker(page):
        return SplitText(new="\n".join(lines).strip(), rest="")
    begin, cut = quotes_history.new_lines(page)
    new = "\n".join(lines[begin:cut]).strip()
    if not new or not any(
        line.strip() and not quoted
        for line, quoted in zip(lines[begin:cut], page.quoted[begin:cut], strict=True)
    ):
        return SplitText(new="\n".join(lines).strip(), rest="")
    return SplitText(new=new, rest="\n".join(lines[:begin] + lines[cut:]).strip())
