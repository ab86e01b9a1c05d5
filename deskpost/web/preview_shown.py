"""What a preview shows of a message: its text, its page, its headers or its files."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deskpost.logs import original_headers, words
from deskpost.logs.original import Original, State, Text
from deskpost.logs.original_headers import Headers
from deskpost.web import preview_html
from deskpost.web.preview_tabs import ATTACHMENTS, FORMATTED, HEADERS, TEXT

MOST_FILES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One attachment; `url` is empty where it may not be downloaded."""

    name: str
    content_type: str
    size: int
    inline: bool
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The HTML of a message: what was taken out of it, and how many remote images it asks for."""

    removed: tuple[str, ...]
    remote_count: int = 0
    remote_hosts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One view of a message. `frame` is the address of its page, `raw` of its download. `missing`
    says why there is nothing to show, `notes` what was left out."""

    view: str
    missing: str = ""
    notes: tuple[str, ...] = ()
    text: Text | None = None
    page: Page | None = None
    headers: Headers | None = None
    files: tuple[File, ...] = ()
    frame: str = ""
    raw: str = ""

    @property
    def has_files(self) -> bool:
        return self.view == ATTACHMENTS and not self.missing


def shown(view: str, original: Original, *, frame: str, raw: str, part: str) -> Shown:
    """Return one view of a message. `part` is the address of its first file, which ends in 1/."""
    if original.state != State.KEPT:
        return Shown(view=view, missing=missing(original.state))
    made = Shown(view=view, notes=_notes(original), raw=raw)
    if view == TEXT:
        return replace(made, text=original.text)
    if view == FORMATTED:
        return replace(made, page=_page(original), frame=frame) if original.html else made
    if view == HEADERS:
        return replace(made, headers=original_headers.headers(original))
    return replace(made, files=_files(original, part))


def missing(state: State) -> str:
    """Say why a raw message cannot be shown."""
    if state == State.NEVER:
        return _("No raw message was kept of this entry.")
    if state == State.GONE:
        return _("The raw message is gone: its days in the log are over.")
    return _("The store does not give the raw message out at the moment. Try again later.")


def _notes(original: Original) -> tuple[str, ...]:
    if not original.cut:
        return ()
    read = {"size": words.size(len(original.raw))}
    return (_("Only the first %(size)s of the message were read.") % read,)


def _page(original: Original) -> Page:
    letter = preview_html.letter(original.html, original.attachments)
    removed: list[str] = []
    if letter.links:
        text = ngettext(
            "%(count)s link is shown as text.",
            "%(count)s links are shown as text.",
            letter.links,
        )
        removed.append(text % {"count": words.count(letter.links)})
    if letter.others:
        text = ngettext(
            "%(count)s image was left out.", "%(count)s images were left out.", letter.others
        )
        removed.append(text % {"count": words.count(letter.others)})
    return Page(
        removed=tuple(removed),
        remote_count=letter.remote_count,
        remote_hosts=words.listed(letter.remote[:10]) + (" …" if len(letter.remote) > 10 else ""),
    )


def _files(original: Original, part: str) -> tuple[File, ...]:
    return tuple(
        File(
            name=file.name,
            content_type=file.content_type,
            size=len(file.content),
            inline=file.inline,
            url=f"{part.removesuffix('1/')}{number}/" if part else "",
        )
        for number, file in enumerate(original.attachments[:MOST_FILES], 1)
    )
