"""The raw message of a log entry, read again to be shown: bounded, parsed, and without the tokens
of this site."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from django.core.files.storage import storages

from deskpost.logs.original_private import redacted
from deskpost.mail import html as mail_html
from deskpost.mail import mime
from deskpost.mail.attachments import ParsedAttachment

READ: Final = 32 * 1024 * 1024  # octets of a raw message that are read
SHOWN: Final = 200_000  # characters of a text that are shown


class State(Enum):
    """Whether there is a raw message to show."""

    KEPT = auto()
    NEVER = auto()  # nothing was kept: refused before it came, or never composed
    GONE = auto()  # its days are over
    UNREADABLE = auto()  # the store does not give it out now


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text to show. `of_html`: the message has none, this was made of its HTML."""

    text: str
    of_html: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """What could be read of a raw message. `cut`: only its first READ octets were."""

    state: State
    raw: bytes = field(default=b"", repr=False)
    email: mime.ParsedEmail | None = field(default=None, repr=False)
    cut: bool = False

    @property
    def html(self) -> str:
        """The HTML as it was sent: not safe to show. Empty where there is none."""
        return (self.email.html or "") if self.email else ""

    @property
    def attachments(self) -> tuple[ParsedAttachment, ...]:
        return self.email.attachments if self.email else ()

    @property
    def text(self) -> Text:
        """The text to show, redacted; of the HTML where the message has no other."""
        if self.email is None:
            return Text(text="")
        said = self.email.text
        of_html = said is None and bool(self.email.html)
        whole = redacted(mail_html.to_text(self.html) if of_html else said or "")
        return Text(text=whole[:SHOWN], of_html=of_html, cut=len(whole) > SHOWN)


def read(key: str) -> Original:
    """Read the raw message that the storage keeps under the key (empty: none was kept).

    Never raises, whatever the message holds. About as much memory as three times the message.
    """
    if not key:
        return Original(state=State.NEVER)
    try:
        with storages["raw"].open(key) as file:
            raw = file.read(READ + 1)
    except FileNotFoundError:
        return Original(state=State.GONE)
    except OSError:
        return Original(state=State.UNREADABLE)
    kept = raw[:READ]
    return Original(state=State.KEPT, raw=kept, email=mime.parse(kept), cut=len(raw) > READ)
