"""An open POP3 mailbox. What it holds is fixed until it is closed: POP3 knows no news."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from deskpost.inbound.channels.pop3 import answers as pop3_answers
from deskpost.inbound.channels.pop3 import listing
from deskpost.inbound.channels.pop3.listing import Listing
from deskpost.inbound.channels.pop3.wire import Answer, Wire
from deskpost.inbound.channels.source import Account, Fetched, Item, Look
from deskpost.net import Fault
from deskpost.problems import Problem

log = logging.getLogger(__name__)

SLACK = 1024 * 1024  # listed sizes are not always exact
HEADERS_MOST = 1024 * 1024  # bytes kept of the headers of a message that is too large
# Commands sent before the first is answered, where the server has PIPELINING (RFC 2449, 6.6).
AT_ONCE = 50
# A server works on QUIT for as long as there are messages to delete.
QUIT_SECONDS = 60.0
GOODBYE_SECONDS = 5.0  # where there is nothing to delete


class Pop3Source:
    """See source.Source. `uids` are the messages by number, as UIDL gave them."""

    can_idle = False

    def __init__(
        self, wire: Wire, account: Account, uids: Mapping[int, bytes], *, pipelines: bool
    ) -> None:
        self._wire = wire
        self._deletes = account.afterwards == "delete"
        self._at_once = AT_ONCE if pipelines else 1
        self._uids = uids
        self._listing: Listing | None = None
        self._gone: set[str] = set()  # deleted in this session

    def look(self, since: int = 0, until: int = 0) -> Look:
        """Return all messages, without those deleted in this session. POP3 has no numbers that
        last: `since` and `until` mean nothing here."""
        items = [item for item in self._listed().items if item.uid not in self._gone]
        return Look(validity=0, next_uid=0, total=len(items), items=items)

    def fetch(self, items: Sequence[Item], limit: int) -> list[Fetched]:
        """Return the messages as the server sends them, byte for byte, one after the other."""
        most = 2 * sum(min(item.size, limit) for item in items) + limit + SLACK
        found: list[Fetched] = []
        for item in items:
            found.append(self._fetch(item, limit))
            most -= len(found[-1].raw or b"")
            if most < 0:  # they were listed as small; taken alone, each is bounded by itself
                self._wire.strange(b"messages that are much larger than listed")
        return found

    def finish(self, items: Sequence[Item]) -> None:
        """Have the messages deleted at the end of the session, where the account wants that."""
        if not self._deletes:
            return
        listed = self._listed()
        wanted = {item.uid for item in items if item.uid in listed.numbers} - self._gone
        numbers = sorted(number for uid in wanted for number in listed.numbers[uid])
        for start in range(0, len(numbers), self._at_once):
            self._delete(numbers[start : start + self._at_once])
        self._gone |= wanted

    def rest(self) -> None:
        raise NotImplementedError

    def stir(self) -> bool:
        raise NotImplementedError

    def fileno(self) -> int:
        raise NotImplementedError

    def pending(self) -> bool:
        return False

    def close(self) -> None:
        """End the session: only now the server deletes. Should that not come about, the messages
        are still there the next time, and are asked to be deleted then. Never raises."""
        if not self._wire.is_open:
            return
        try:
            answer = self._wire.ask("QUIT", QUIT_SECONDS if self._gone else GOODBYE_SECONDS)
        except Fault as fault:
            self._note(fault)
        else:
            if not answer.ok:  # RFC 1939, section 6: some or none are deleted
                self._note(pop3_answers.fault_said(answer, Problem.STRANGE_ANSWER))
        self._wire.drop()

    def _note(self, fault: Fault) -> None:
        if self._gone:
            log.warning("%d messages may not be deleted at QUIT: %s", len(self._gone), fault)

    def _listed(self) -> Listing:
        if self._listing is None:
            self._listing = self._list()
        return self._listing

    def _list(self) -> Listing:
        answer = self._wire.ask("LIST", pop3_answers.LIST_SECONDS)
        if not answer.ok:
            raise self._ended(answer, Problem.STRANGE_ANSWER)
        listed = self._wire.block(listing.MOST_LISTING)
        if listed.size > listing.MOST_LISTING:
            self._wire.strange(b"LIST: more messages than can be listed")
        try:
            return listing.join(self._uids, listing.read_sizes(listed.content))
        except listing.Malformed as error:
            self._wire.strange(f"LIST: {error}".encode())

    def _fetch(self, item: Item, limit: int) -> Fetched:
        numbers = self._listed().numbers.get(item.uid)
        if not numbers or item.uid in self._gone:
            return Fetched(item=item, raw=None)
        if item.size > limit:
            return self._headers(item, numbers[0], limit)
        answer = self._wire.ask(f"RETR {numbers[0]}")
        if not answer.ok:
            self._must_be_gone(answer, numbers[0])
            return Fetched(item=item, raw=None)
        message = self._wire.block(limit)
        if message.size > limit:  # the list had it smaller
            true = replace(item, size=message.size)
            return Fetched(item=true, raw=_headers_of(message.content), whole=False)
        return Fetched(item=item, raw=message.content)

    def _headers(self, item: Item, number: int, limit: int) -> Fetched:
        answer = self._wire.ask(f"TOP {number} 0")
        if not answer.ok:
            if self._is_gone(answer, number):
                return Fetched(item=item, raw=None)
            # TOP is optional (RFC 1939, section 7); of such a message nothing is known then.
            return Fetched(item=item, raw=b"", whole=False)
        top = self._wire.block(min(limit, HEADERS_MOST))
        return Fetched(item=item, raw=_headers_of(top.content), whole=False)

    def _must_be_gone(self, answer: Answer, number: int) -> None:
        """Raise Fault unless the message was deleted meanwhile: one that the server only cannot
        give at the moment must not count as gone."""
        if not self._is_gone(answer, number):
            raise self._ended(answer, Problem.STRANGE_ANSWER)

    def _is_gone(self, answer: Answer, number: int) -> bool:
        if pop3_answers.known(answer):
            raise self._ended(answer, Problem.STRANGE_ANSWER)
        if b" expunged" in answer.text:  # Dovecot lists it for the rest of the session
            return True
        listed = self._wire.ask(f"LIST {number}")
        if not listed.ok and pop3_answers.known(listed):
            raise self._ended(listed, Problem.STRANGE_ANSWER)
        return not listed.ok

    def _delete(self, numbers: Sequence[int]) -> None:
        self._wire.send(*(f"DELE {number}" for number in numbers))
        answers = [self._wire.answer() for _ in numbers]
        for number, answer in zip(numbers, answers, strict=True):
            if not answer.ok and not self._is_gone(answer, number):
                raise self._ended(answer, Problem.READ_ONLY)

    def _ended(self, answer: Answer, otherwise: Problem) -> Fault:
        """Return the fault that an -ERR means, after the session was ended in good order."""
        self.close()
        return pop3_answers.fault_said(answer, otherwise)


def _headers_of(raw: bytes) -> bytes:
    end = raw.find(b"\r\n\r\n")
    return raw if end < 0 else raw[: end + 4]
