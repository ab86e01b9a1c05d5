"""What somebody says on the desk, before it is written down."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deskpost.models import Attachment, Comment, new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file to be kept with a comment."""

    name: str
    content_type: str
    content: bytes
    content_id: str = ""

    def attached(self, comment: Comment, now: datetime) -> Attachment:
        """Return its row; the content is stored under the row's key by whoever writes it."""
        return Attachment(
            comment=comment,
            name=self.name[:255],
            content_type=self.content_type[:120],
            size=len(self.content),
            sha256=hashlib.sha256(self.content).hexdigest(),
            storage_key=f"{now:%Y%m}/{new_id()}",
            content_id=self.content_id[:255],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """New text, what was cut from it, safe HTML, files, and the message that it came by."""

    text: str
    rest: str = ""
    html: str = ""
    files: Sequence[NewFile] = field(default=())
    incoming: uuid.UUID | None = None
    message_id: str | None = None
    # Said by a machine: its sender gets no acknowledgement.
    automatic: bool = False
    # Old mail brought in: no Event, so that nobody is notified; `now` is when it was written.
    silent: bool = False
    # What its reader must know besides: plain data, said by logs/notes.py.
    notes: Sequence[dict[str, Any]] = ()

    @property
    def source(self) -> Comment.Source:
        return Comment.Source.EMAIL if self.incoming else Comment.Source.WEB
