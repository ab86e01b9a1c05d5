"""What a batch's messages ask of the desk and of the past, fetched at once: a handful of statements
for a whole batch instead of a dozen for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from deskpost.desk.book import Book
from deskpost.inbound.history import History
from deskpost.inbound.parse import Parsed
from deskpost.inbound.rules import LONG_SPAN, Case, thresholds
from deskpost.inbound.thread import Clue, clues
from deskpost.mail import address
from deskpost.models import Channel, InboundEmail, Project

Batch = Sequence[tuple[InboundEmail, Parsed]]


def cases(batch: Batch, book: Book, history: History) -> Iterator[Case]:
    """Load what the messages may ask for, then give one case after the other. A case sees what the
    earlier ones of its batch have changed."""
    named = [clues(row, parsed.email, book.project) for row, parsed in batch]
    _load(batch, [clue for some in named for clue in some], book, history)
    ours = _channels(batch)
    for (row, parsed), some in zip(batch, named, strict=True):
        yield Case(row, parsed, some, book, history, ours)


def _load(batch: Batch, named: list[Clue], book: Book, history: History) -> None:
    book.load_people({email for _, parsed in batch for email in _people(parsed, book.project)})
    book.load_requests(
        [clue.request_id for clue in named if clue.request_id is not None],
        [clue.number for clue in named if clue.number is not None],
        {one for clue in named if (one := clue.message_id)}
        | {parsed.email.message_id for _, parsed in batch if parsed.email.message_id},
    )
    most = max(count for row, _ in batch for count, _ in thresholds(row.channel))
    history.load(
        [(row, parsed.fingerprint, sender_key(parsed)) for row, parsed in batch], most, LONG_SPAN
    )


def sender_key(parsed: Parsed) -> str:
    """Return the normalised address of From, or empty."""
    return address.normalise(parsed.email.from_.address) if parsed.email.from_ else ""


def _people(parsed: Parsed, project: Project) -> list[str]:
    email = parsed.email
    sender = [email.from_.address] if email.from_ else []
    return sender + (_copied(parsed) if project.copies_become_participants else [])


def _copied(parsed: Parsed) -> list[str]:
    return [address.base_address(box.address) for box in (*parsed.email.to, *parsed.email.cc)]


def _channels(batch: Batch) -> frozenset[str]:
    """The addresses in To and Cc that are channels of this site."""
    keys = {address.normalise(email) for _, parsed in batch for email in _copied(parsed)}
    found = Channel.objects.filter(address_key__in=keys)
    return frozenset(found.values_list("address_key", flat=True))
