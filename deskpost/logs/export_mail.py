"""Raw messages as an mbox, or as a zip of .eml files, written in pieces (see export_files.py).

Both go message by message. A zip ends with its directory, which needs to know of each file where it
begins: that is put down beside the pieces (`Entry`), and read again when the last message is in.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any, Final

from deskpost import cells
from deskpost.logs.export_files import Pieces
from deskpost.logs.original_private import redacted
from deskpost.mail import mbox_write
from deskpost.models import InboundEmail, Log, Notification
from deskpost.outcomes import Kind

INDEX: Final = "index.csv"
INDEX_COLUMNS: Final = (
    "file",
    "log",
    "id",
    "time",
    "status",
    "code",
    "sender",
    "recipient",
    "subject",
    "size",
    "sha256",
    "message_id",
    "left_out",
)
_CHUNK: Final = 64 * 1024
_LEVEL: Final = 1  # mail is text, or has been compressed before: more work gains little


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What an export needs to know of a message beside its octets."""

    row: InboundEmail | Notification
    at: datetime

    @property
    def log(self) -> Log:
        if isinstance(self.row, InboundEmail):
            return Log.INCOMING
        return Log.INVITATIONS if self.row.kind == Kind.CUSTOMER_INVITED else Log.REQUESTS

    @property
    def name(self) -> str:
        """The name of its file: ours, whatever the message says."""
        kind = {Log.INCOMING: "incoming", Log.REQUESTS: "notification"}.get(self.log, "invitation")
        rebuilt = "-reconstructed" if getattr(self.row, "reconstructed", False) else ""
        return f"{kind}/{self.at.astimezone(UTC):%Y%m%d-%H%M%S}-{self.row.pk}{rebuilt}.eml"


def message(row: InboundEmail | Notification) -> Message:
    at = row.received_at if isinstance(row, InboundEmail) else row.created_at
    return Message(row=row, at=at)


def index_line(told: Message, file: str, left_out: str) -> bytes:
    """Return the line of the index about a message: where it is, or why it is not there."""
    row, incoming = told.row, isinstance(told.row, InboundEmail)
    values = (
        file,
        str(told.log),
        str(row.pk),
        told.at.astimezone(UTC).isoformat(timespec="seconds"),
        row.status,
        getattr(row, "outcome", "") or getattr(row, "reason", ""),
        (getattr(row, "sender", "") or getattr(row, "envelope_from", "")) if incoming else "",
        getattr(row, "envelope_to", "") or getattr(row, "address", ""),
        row.subject,
        str(row.raw_size),
        getattr(row, "raw_sha256", ""),
        row.message_id,
        left_out,
    )
    return octets(cells.written(cells.harmless(redacted(value)) for value in values))


def index_head() -> bytes:
    return octets(cells.BOM + cells.written(INDEX_COLUMNS))


def octets(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


# --- mbox ----------------------------------------------------------------------------------------


class Mbox:
    """Writes messages one after another."""

    def __init__(self, pieces: Pieces, begins: int, sender: str) -> None:
        """`sender` stands for the site's own where a message names none."""
        self._pieces, self._sender = pieces, sender

    def add(self, told: Message, raw: IO[bytes]) -> None:
        row = told.row
        sender = row.envelope_from if isinstance(row, InboundEmail) else self._sender
        for some in mbox_write.entry(raw, sender, told.at):
            self._pieces.write(some)

    def entries(self) -> bytes:
        """Return what the end of the file must know of these messages."""
        return b""


# --- zip -----------------------------------------------------------------------------------------


class _Sink:
    """What zipfile writes to: it can tell where it is in the whole file, and cannot go back."""

    def __init__(self, pieces: Pieces, begins: int) -> None:
        self._pieces: Pieces | None = pieces
        self._at = begins

    def write(self, octets: bytes) -> int:
        if self._pieces is not None:
            self._pieces.write(octets)
            self._at += len(octets)
        return len(octets)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        pass

    def seal(self) -> None:
        """Take nothing more: zipfile writes a directory when it is let go."""
        self._pieces = None


class Zip:
    """Writes messages as files of a zip that has no directory yet."""

    def __init__(self, pieces: Pieces, begins: int, sender: str) -> None:
        """`begins` is how long the file is already."""
        self._sink = _Sink(pieces, begins)
        self._zip = _open(self._sink)

    def add(self, told: Message, raw: IO[bytes]) -> None:
        utc = told.at.astimezone(UTC)
        info = zipfile.ZipInfo(told.name, (max(1980, utc.year), *utc.timetuple()[1:6]))
        info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
        info._compresslevel = _LEVEL  # type: ignore[attr-defined]
        with self._zip.open(info, "w") as file:
            while some := raw.read(_CHUNK):
                file.write(some)

    def entries(self) -> bytes:
        """Return what the directory must know of these files, and take no more of them."""
        self._sink.seal()
        return b"".join(
            json.dumps([getattr(info, name) for name in _OF_ENTRY]).encode() + b"\n"
            for info in self._zip.infolist()
        )


_OF_ENTRY: Final = (
    "filename",
    "date_time",
    "compress_type",
    "create_version",
    "extract_version",
    "flag_bits",
    "external_attr",
    "header_offset",
    "CRC",
    "compress_size",
    "file_size",
)


def _open(sink: Any) -> zipfile.ZipFile:
    return zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)


def end_zip(pieces: Pieces, begins: int, entries: Iterable[bytes], index: Iterator[bytes]) -> None:
    """Write the index and the directory of a zip, whose files `entries` are the lines of."""
    with _open(_Sink(pieces, begins)) as whole:
        with whole.open(INDEX, "w") as file:
            for some in index:
                file.write(some)
        whole.infolist()[:0] = [_entry(json.loads(line)) for line in entries]


def _entry(stored: list[Any]) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(stored[0], tuple(stored[1]))
    for name, value in list(zip(_OF_ENTRY, stored, strict=True))[2:]:
        setattr(info, name, value)
    return info
