"""Which messages of a list are new since a reader was given its first page.

The highest id cannot tell: a message gets its id when it arrives, and is seen once its transaction
has ended, which on two hosts, or in two workers, is another order; under a filter of status an old
message becomes part of the list when it is settled. So the page says what it has shown, by the last
bytes of each id, and what the newest page of now has besides is new: exactly what the button would
bring.

What can be missed: what becomes visible below the oldest message of the first page (it would stand
on a later one); that a message has left the list, or changed within it; and beyond a page of new
ones how many they are ("50+").
"""

from __future__ import annotations

import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence
from dataclasses import dataclass

from deskpost.logs.search import PAGE, Page

ID, TAIL = 16, 4  # bytes: random ones stand at the end of an id
NOWHERE = bytes(ID)
LONGEST = 4 * ((ID + PAGE * TAIL) // 3 + 1)


@dataclass(frozen=True, slots=True)
class Given:
    """What a reader was given: the last bytes of each id, and the oldest id where the list went on
    below it."""

    tails: frozenset[bytes]
    oldest: bytes

    def new(self, page: Page) -> int:
        """Return how many messages of the newest page the reader has not got."""
        return sum(
            one.bytes[-TAIL:] not in self.tails for one in page.ids if one.bytes > self.oldest
        )


def written(ids: Sequence[uuid.UUID], before: uuid.UUID | None) -> str:
    """Return what a page has given to its reader, as it stands in an address."""
    oldest = before.bytes if before else NOWHERE
    return urlsafe_b64encode(oldest + b"".join(one.bytes[-TAIL:] for one in ids[:PAGE])).decode()


def read(text: str) -> Given | None:
    """Read what a page has given to its reader; None if it is nothing of the kind."""
    if len(text) > LONGEST or not text.isascii():
        return None
    try:
        data = urlsafe_b64decode(text)
    except (Error, ValueError):
        return None
    if len(data) < ID or (len(data) - ID) % TAIL:
        return None
    tails = (data[n : n + TAIL] for n in range(ID, len(data), TAIL))
    return Given(tails=frozenset(tails), oldest=data[:ID])
