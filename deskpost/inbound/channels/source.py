"""What a mailbox is to a poller, whichever protocol it speaks."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from deskpost import net
from deskpost.net import Fault
from deskpost.problems import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How to get into a mailbox. Made from a Mailbox row; holds the secrets in the clear.

    `token` is an OAuth 2 access token; where it is set, `password` is not used.
    """

    protocol: str  # Mailbox.Protocol
    host: str
    port: int
    security: str  # Mailbox.Security
    username: str
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    folder: str = "INBOX"
    afterwards: str = "seen"  # Mailbox.Afterwards
    move_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A step of getting in that went well, with what was found (address, certificate, …)."""

    step: Step
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A message that lies in the mailbox: `uid` is IMAP's UID in digits, or POP3's UIDL.

    `size` is in bytes, as the server declares it. `arrived` is when the mailbox server got it
    (IMAP's INTERNALDATE), or None where the protocol does not say.
    """

    uid: str
    size: int
    arrived: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What lies in the mailbox.

    `validity` is IMAP's UIDVALIDITY, 0 for POP3. `next_uid` is IMAP's UIDNEXT, 0 for POP3.
    `total` counts all messages there. `items` are those that were asked for, the oldest first.
    """

    validity: int
    next_uid: int
    total: int
    items: Sequence[Item]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A fetched message. `raw` is its beginning only (the headers) if `whole` is false.

    `raw` is None if the server has it no more: someone deleted it in the meantime.
    """

    item: Item
    raw: bytes | None
    whole: bool = True


class Source(Protocol):
    """An open mailbox. Every method raises `net.Fault` when the other side fails; it is closed
    then, and a new one must be opened. No method takes longer than its time limit."""

    can_idle: bool

    def look(self, since: int = 0, until: int = 0) -> Look:
        """Return what lies there. IMAP lists the UIDs from `since` to below `until` (0: no end);
        POP3 lists all."""
        ...

    def fetch(self, items: Sequence[Item], limit: int) -> list[Fetched]:
        """Return the messages in the same order, unmarked. Of one that is declared larger than
        `limit` bytes only the headers are fetched."""
        ...

    def finish(self, items: Sequence[Item]) -> None:
        """Mark, move or delete messages that are durably stored, as the account has it. One that
        is there no more is passed over. POP3 deletes when it is closed well."""
        ...

    def rest(self) -> None:
        """Begin to wait for news (IDLE, RFC 2177), where `can_idle`."""
        ...

    def stir(self) -> bool:
        """End the waiting; return whether the server told of anything."""
        ...

    def fileno(self) -> int:
        """The socket to watch while it rests."""
        ...

    def pending(self) -> bool:
        """Whether bytes were read from the socket that nobody has looked at yet (TLS)."""
        ...

    def close(self) -> None:
        """Say goodbye and close. Never raises."""
        ...


@contextmanager
def at(step: Step) -> Iterator[None]:
    """Say in which step something failed, and make a Fault of an OSError."""
    try:
        yield
    except Fault as fault:
        fault.step = fault.step or step
        raise
    except OSError as error:
        raise net.fault_of(error, step=step) from error


# A generator that yields each step done and returns the open source; it raises net.Fault with the
# step that failed. `imap.opening(account)` and `pop3.opening(account)` are such.
Opening = Generator[Done, None, Source]


def finish_opening(opening: Opening) -> Source:
    """Run all steps; return the open source. Raises net.Fault."""
    while True:
        try:
            next(opening)
        except StopIteration as end:
            source: Source = end.value
            return source
