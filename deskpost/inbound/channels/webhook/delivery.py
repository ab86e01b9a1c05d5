"""What a provider's call brings, whoever the provider is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from django.conf import settings

from deskpost.hooks.refusal import Refusal
from deskpost.inbound.channels.smtp import KEPT_OF_OVERSIZE

# What stands in a text for bytes that were not text.
REPLACED = "\N{REPLACEMENT CHARACTER}"
MOST_COUNTED = 4  # times the limit: so much of a message too large is read to know its size


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A message. `raw` is its beginning only where `size` (bytes) is over the limit."""

    raw: bytes
    size: int
    reconstructed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One call with one message.

    `key` is the same when the provider repeats the call, and differs for every other one.
    `content` is asked for once it is known that the message is wanted: it may have to be fetched.
    It raises Refusal.
    """

    key: str
    sender: str
    recipients: Sequence[str]
    content: Callable[[], Content]


def limit() -> int:
    """The largest message that is taken whole, in bytes."""
    return int(settings.DESKPOST["INBOUND_LIMIT"])


def original(raw: bytes) -> Content:
    """The message's own bytes."""
    if not raw.strip():
        raise Refusal(400, "The message is empty.")
    return Content(raw=raw, size=len(raw))


def from_text(raw: str | bytes) -> Content:
    """A message that the provider carries as text: its own bytes, as long as all were text.

    Bytes that are not UTF-8 do not survive that. What stands in their place gives it away; the
    rare message that held that character itself is labelled too.
    """
    data = raw if isinstance(raw, bytes) else raw.encode("utf-8", "replace")
    exact = REPLACED.encode() not in data and (
        isinstance(raw, bytes) or data == raw.encode("utf-8", "surrogatepass")
    )
    return replace(original(data), reconstructed=not exact)


def gathered(chunks: Iterable[bytes]) -> Content:
    """A message that arrives piece by piece, of which no more is held than can be kept."""
    kept, size = bytearray(), 0
    for chunk in chunks:
        size += len(chunk)
        kept += chunk
        if size > limit():
            del kept[KEPT_OF_OVERSIZE:]
        if size > MOST_COUNTED * limit():
            break
    if not size:
        raise Refusal(400, "The message is empty.")
    return Content(raw=bytes(kept), size=size)
