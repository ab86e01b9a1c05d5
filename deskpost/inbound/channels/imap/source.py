"""A mailbox that is open by IMAP: look, fetch, finish, and wait for news.

Messages are named by UID only, so that it does not matter what others do there meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from deskpost.inbound.channels.imap import folder, move
from deskpost.inbound.channels.imap.answers import working
from deskpost.inbound.channels.imap.inlet import MOST_LINE, Lost
from deskpost.inbound.channels.imap.wire import SECONDS, SMALL, Answered, Client, Strange
from deskpost.inbound.channels.source import Account, Fetched, Item, Look
from deskpost.net import Fault
from deskpost.problems import Problem

AT_ONCE = 500  # messages in a command: of 8,192 bytes at most (RFC 7162, section 4)
CHUNK_BYTES = 8 * 1024 * 1024
MOST_HEADERS = 256 * 1024
HEADERS_AT_ONCE = 16
SLACK = 1024 * 1024  # declared sizes are not always exact
SLOWEST = 32 * 1024  # bytes in a second
MOST_SIZE = 2**62  # that a database can hold

T = TypeVar("T")
Bodies = dict[int, bytes]  # by UID


class ImapSource:
    """An open mailbox: a `source.Source`."""

    def __init__(self, client: Client, account: Account) -> None:
        self._client, self._wire, self._account = client, client.wire, account
        self._resting: bytes | None = None  # the tag of IDLE
        self.can_idle = client.offers("IDLE")

    def look(self, since: int = 0, until: int = 0) -> Look:
        """Return what lies there; see Source. All of it is as it was at one moment.

        The folder is selected again: in one answer that tells the number of messages, the next
        UID, and whether the UIDs still hold. STATUS must not be asked about a selected folder
        (RFC 3501, section 6.3.10), and NOOP tells no UIDs.
        """
        with self._working():
            now = folder.select(self._client, self._account.folder)
        # Up to the next UID only: "since:*" would always have the last message, whatever its UID.
        end = min(until or now.next_uid, now.next_uid)
        items: list[Item] = []
        if now.total and max(since, 1) < end:
            items = self._items(max(since, 1), end)
        return Look(validity=now.validity, next_uid=now.next_uid, total=now.total, items=items)

    def _items(self, start: int, end: int) -> list[Item]:
        with self._working():
            self._wire.begin(MOST_LINE)
            there = folder.uids(self._wire, f"{start}:{end - 1}")
        items: list[Item] = []
        for chunk in _chunks([uid for uid in there if start <= uid < end], AT_ONCE):
            with self._working():
                self._wire.begin()
                rows = self._client.fetch(chunk, ["RFC822.SIZE", "INTERNALDATE"])
                items += [_item(uid, rows[uid]) for uid in chunk if uid in rows]
        return items

    def fetch(self, items: Sequence[Item], limit: int) -> list[Fetched]:
        """Return the messages; see Source. They are not marked (BODY.PEEK)."""
        whole = [item for item in items if item.size <= limit]
        large = [item for item in items if item.size > limit]
        bodies: Bodies = {}
        for some in _by_bytes(whole):
            most = 2 * sum(item.size for item in some) + limit + SLACK
            bodies |= self._bodies(some, "BODY.PEEK[]", most, limit + SLACK)
        for few in _chunks(large, HEADERS_AT_ONCE):
            headers = f"BODY.PEEK[HEADER]<0.{MOST_HEADERS}>"
            most = len(few) * MOST_HEADERS + SLACK
            bodies |= self._bodies(few, headers, most, MOST_HEADERS + SLACK)
        return [
            Fetched(
                item=item,
                raw=_cut(bodies.get(int(item.uid)), whole=item.size <= limit),
                whole=item.size <= limit,
            )
            for item in items
        ]

    def _bodies(self, items: Sequence[Item], part: str, most: int, largest: int) -> Bodies:
        """Fetch this part of some messages; one that is not in the answer is there no more."""
        uids = [int(item.uid) for item in items]
        alone = {"uid": items[0].uid} if len(items) == 1 else {}
        with self._working(**alone):
            self._wire.begin(most, SECONDS + most / SLOWEST, largest)
            try:
                rows = self._client.fetch(uids, [part])
            except Answered as answer:
                if answer.kind != "NO":
                    raise
                if alone and not move.gone(answer):
                    raise
                rows = {} if alone else None
        if rows is None:
            # One of them is refused. The others shall not suffer for it.
            found: Bodies = {}
            for item in items:
                found |= self._bodies([item], part, largest + SLACK, largest)
            return found
        bodies = {uid: body for uid in rows if (body := _body(rows[uid])) is not None}
        self._must_be_gone([uid for uid in uids if uid not in bodies])
        return bodies

    def _must_be_gone(self, uids: Sequence[int]) -> None:
        if not uids:
            return
        with self._working():
            self._wire.begin()
            there = set(folder.uids(self._wire, ",".join(map(str, uids)))) & set(uids)
            if there:
                raise Fault(Problem.STRANGE_ANSWER, uid=str(min(there)))

    def finish(self, items: Sequence[Item]) -> None:
        """Mark, move or delete them; see Source and move."""
        for chunk in _chunks([int(item.uid) for item in items], AT_ONCE):
            with self._working():
                move.finish(self._client, self._account, chunk)

    def rest(self) -> None:
        """Begin to wait (IDLE)."""
        if self._resting is None:
            with self._working():
                self._wire.begin()
                tag = self._wire.ask("IDLE")
                if self._wire.challenge(tag) is None:
                    raise Strange
                self._wire.catch_up()
                self._resting = tag

    def stir(self) -> bool:
        """End the waiting; return whether there are new messages, or were since the last look."""
        with self._working():
            pass
        return self._wire.news

    def fileno(self) -> int:
        """The socket."""
        return self._wire.sock.fileno()

    def pending(self) -> bool:
        """Whether something is read and not looked at, be it in TLS, be it news that came along
        with another answer."""
        in_tls: Callable[[], int] = getattr(self._wire.sock, "pending", lambda: 0)
        return self._wire.news or bool(self._wire.inlet.held) or bool(in_tls())

    def close(self) -> None:
        """Say goodbye and close."""
        if self._resting is not None:
            self._resting = None
            with suppress(Lost):
                self._wire.send(b"DONE\r\n")
        self._wire.goodbye()

    @contextmanager
    def _working(self, **facts: Any) -> Iterator[None]:
        with working(self._wire, **facts):
            tag, self._resting = self._resting, None
            if tag is not None:
                self._wire.inlet.allow(SMALL, SECONDS)
                self._wire.send(b"DONE\r\n")
                self._wire.end(tag)
            yield


def _item(uid: int, row: dict[bytes, Any]) -> Item:
    size = row.get(b"RFC822.SIZE")
    if not isinstance(size, int):
        raise Strange
    return Item(uid=str(uid), size=min(size, MOST_SIZE), arrived=_moment(row.get(b"INTERNALDATE")))


def _moment(told: object) -> datetime | None:
    if not isinstance(told, datetime):
        return None
    try:
        return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _body(row: dict[bytes, Any]) -> bytes | None:
    for name, value in row.items():
        if name.startswith(b"BODY[") and isinstance(value, bytes):
            return value
    return None


def _cut(raw: bytes | None, *, whole: bool) -> bytes | None:
    return raw if raw is None or whole else raw[:MOST_HEADERS]


def _chunks(of: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(of), most):
        yield of[start : start + most]


def _by_bytes(items: Sequence[Item]) -> Iterator[list[Item]]:
    some: list[Item] = []
    size = 0
    for item in items:
        if some and (size + item.size > CHUNK_BYTES or len(some) == AT_ONCE):
            yield some
            some, size = [], 0
        some.append(item)
        size += item.size
    if some:
        yield some
