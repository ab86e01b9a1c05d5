"""Old mail from a file or folder: left out if the project has it, else stored as if it arrived.

A run may be cut off at any moment and be repeated: what is a double is asked of the database, so
that there is no state of a run that could be lost.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from deskpost.inbound import intake
from deskpost.inbound.channels import known
from deskpost.inbound.channels.known import Candidate, Known
from deskpost.inbound.channels.smtp import KEPT_OF_OVERSIZE
from deskpost.mail import address, mbox, mime
from deskpost.models import Channel, InboundEmail

# A header line, after what mime.parse passes over too.
_LIKE_MAIL = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*[!-9;-~]{1,200}[ \t]*:")


class NotMail(Exception):
    """There is no mail at that path; the message says what is there instead."""


class Kind(StrEnum):
    """What a path can hold."""

    MBOX = "mbox"
    MAILDIR = "Maildir"
    FOLDER = "folder"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message as it lies there. `raw` is its beginning only if `size` is over the limit."""

    raw: bytes
    size: int
    done: int  # how far its source is read with it: bytes of an mbox, else messages
    hint: str = ""  # the sender that an mbox names


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where old mail is. `total` is in bytes for an mbox, else in messages."""

    kind: Kind
    path: Path
    total: int
    files: Sequence[Path] = ()

    def letters(self) -> Iterator[Letter]:
        """Yield its messages in their order. Raises OSError."""
        return _from_mbox(self.path) if self.kind == Kind.MBOX else _from_files(self.files)


def find(path: Path) -> Source:
    """Say what kind of mail is at the path. Raises NotMail, or OSError if it cannot be read."""
    if path.is_dir():
        return _find_in_folder(path)
    if not path.is_file():
        problem = "is neither a file nor a folder" if path.exists() else "does not exist"
        raise NotMail(f"{path} {problem}.")
    with path.open("rb") as file:
        beginning = file.read(1024)
    if beginning.startswith(mbox.BEGINNING):
        return Source(kind=Kind.MBOX, path=path, total=path.stat().st_size)
    if _LIKE_MAIL.match(beginning):
        return Source(kind=Kind.MESSAGE, path=path, total=1, files=[path])
    problem = "is not mail: neither an mbox nor a message" if beginning else "is empty"
    raise NotMail(f"{path} {problem}.")


def _find_in_folder(path: Path) -> Source:
    kind, files = Kind.FOLDER, []
    if (path / "cur").is_dir() and (path / "new").is_dir():
        kind, files = Kind.MAILDIR, _maildir_files(path)
    else:
        files = _message_files(path)
        if not files:
            raise NotMail(f"{path} is not mail: neither a Maildir nor a folder of .eml files.")
    return Source(kind=kind, path=path, total=len(files), files=files)


def _maildir_files(path: Path) -> list[Path]:
    """The messages of a Maildir by the time of their delivery, with which their names begin."""
    found = [file for name in ("cur", "new") for file in (path / name).iterdir()]
    files = [file for file in found if not file.name.startswith(".") and file.is_file()]
    return sorted(files, key=lambda file: (_delivered(file.name), file.name))


def _delivered(name: str) -> int:
    digits = re.match(r"[0-9]{1,18}", name)
    return int(digits[0]) if digits else 0


def _message_files(path: Path) -> list[Path]:
    def stop(error: OSError) -> None:
        raise error

    found = [
        Path(folder) / name
        for folder, _, names in os.walk(path, onerror=stop)
        for name in names
        if name.lower().endswith(".eml")
    ]
    return sorted(file for file in found if file.is_file())


def _from_mbox(path: Path) -> Iterator[Letter]:
    with path.open("rb") as file:
        for entry in mbox.read(file, limit=_limit(), keep=KEPT_OF_OVERSIZE):
            yield Letter(raw=entry.raw, size=entry.size, done=entry.end, hint=entry.envelope_from)


def _from_files(files: Sequence[Path]) -> Iterator[Letter]:
    for done, path in enumerate(files, 1):
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            raw = file.read(KEPT_OF_OVERSIZE if size > _limit() else size)
        yield Letter(raw=raw, size=size, done=done)


def _limit() -> int:
    return int(settings.DESKPOST["INBOUND_LIMIT"])


# --- Into the project ----------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the messages that were read. It counts only what is on the disk."""

    taken: int = 0
    already: int = 0
    too_large: int = 0

    @property
    def read(self) -> int:
        return self.taken + self.already + self.too_large

    def __str__(self) -> str:
        return (
            f"{self.read:,} read: {self.taken:,} taken, {self.already:,} there already, "
            f"{self.too_large:,} too large"
        )


class Importer:
    """Brings one source into one channel. `run` it once."""

    def __init__(self, source: Source, channel: Channel) -> None:
        self._source, self._channel = source, channel
        self._known = Known(channel)
        self._first: uuid.UUID | None = None
        self.tally = Tally()

    def run(self, pool: ThreadPoolExecutor) -> Iterator[int]:
        """Store the messages batch by batch; yield after each how far the source is read.

        Raises OSError or DatabaseError; what was yielded before is stored and stays.
        """
        self._known.load()
        batch: list[Letter] = []
        for letter in self._source.letters():
            batch.append(letter)
            if _is_full(batch):
                self._store(batch, pool)
                batch = []
                yield letter.done
        if batch:
            self._store(batch, pool)
            yield self._source.total

    def is_worked_on(self) -> bool:
        """Whether a worker has taken up anything of the project since the first was stored."""
        if self._first is None:
            return False
        ours = InboundEmail.objects.filter(channel=self._channel, id__gte=self._first)
        claimed = InboundEmail.objects.filter(
            project_id=self._channel.project_id,
            due_at__isnull=False,
            lease_until__gte=timezone.now(),
        )
        return ours.filter(settled_at__isnull=False).exists() or claimed.exists()

    def _store(self, letters: Sequence[Letter], pool: ThreadPoolExecutor) -> None:
        new = self._known.without_doubles([self._candidate(letter) for letter in letters])
        if new:
            rows = intake.store([candidate.arrival for candidate in new], pool)
            self._first = self._first or rows[0].id
        too_large = sum(candidate.oversize_bytes > 0 for candidate in new)
        self.tally.already += len(letters) - len(new)
        self.tally.too_large += too_large
        self.tally.taken += len(new) - too_large

    def _candidate(self, letter: Letter) -> Candidate:
        # For headers and fingerprint the beginning is enough, and spares decoding attachments.
        parsed = mime.parse(letter.raw[:KEPT_OF_OVERSIZE])
        target = intake.Target(
            recipient=self._channel.address,
            channel_id=self._channel.pk,
            project_id=self._channel.project_id,
        )
        arrival = intake.Arrival(
            raw=letter.raw,
            targets=[target],
            transport=InboundEmail.Transport.IMPORT,
            envelope_from=envelope_from(letter.hint, parsed),
            client=os.fsencode(self._source.path.name).decode("utf-8", "replace"),
            oversize_bytes=letter.size if letter.size > _limit() else None,
        )
        return known.candidate(arrival, parsed)


def _is_full(batch: Sequence[Letter]) -> bool:
    return (
        len(batch) >= intake.GATHER_MESSAGES
        or sum(len(letter.raw) for letter in batch) >= intake.GATHER_BYTES
    )


def envelope_from(hint: str, parsed: mime.ParsedEmail) -> str:
    """The envelope sender, as far as it is still known: Return-Path, then what the mbox says if it
    is an address (many write MAILER-DAEMON for everyone), then From. Empty is the null sender."""
    path = (parsed.header("Return-Path") or "").strip()
    if path == "<>":
        return ""
    if path and (mailbox := address.first_mailbox(path)):
        return mailbox.address
    if hint and address.problem(hint) is None:
        return hint
    return parsed.from_.address if parsed.from_ else ""
