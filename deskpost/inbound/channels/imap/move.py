"""What becomes of messages in an IMAP mailbox that are taken: marked, moved or deleted.

Only the messages named are touched. A plain EXPUNGE would take along what someone else has marked
as deleted: where the server cannot delete by UID (UIDPLUS, RFC 4315), ours stay marked as deleted
until some program of the mailbox's people expunges. UIDs that are there no more are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from deskpost.inbound.channels.imap import folder
from deskpost.inbound.channels.imap.wire import Answered, Client
from deskpost.inbound.channels.source import Account


def finish(client: Client, account: Account, uids: Sequence[int]) -> None:
    """Do with these messages what the account wants. Raises Fault and what a Wire raises."""
    if account.afterwards == "seen":
        _order(client, lambda: client.add_flags(uids, [rb"\Seen"], silent=True))
    elif account.afterwards == "delete":
        _delete(client, uids)
    elif account.afterwards == "move" and client.offers("MOVE"):
        _into(client, account.move_to, lambda: client.move(uids, account.move_to))
    elif account.afterwards == "move":
        # A death in between leaves a copy there; the next try makes another.
        _into(client, account.move_to, lambda: client.copy(uids, account.move_to))
        _delete(client, uids)


def _into(client: Client, target: str, act: Callable[[], object]) -> None:
    try:
        _order(client, act)
    except Answered as answer:
        words = answer.words.upper()
        if answer.kind != "NO" or not words.startswith((b"[TRYCREATE]", b"[NONEXISTENT]")):
            raise
        folder.make(client, target)
        _order(client, act)


def _delete(client: Client, uids: Sequence[int]) -> None:
    _order(client, lambda: client.add_flags(uids, [rb"\Deleted"], silent=True))
    if client.offers(folder.UIDPLUS):
        _order(client, lambda: client.uid_expunge(uids))


def _order(client: Client, act: Callable[[], object]) -> None:
    client.wire.begin()
    try:
        act()
    except Answered as answer:
        if not gone(answer):
            raise


def gone(answer: Answered) -> bool:
    """Whether it was refused only because others deleted one of the messages meanwhile."""
    return answer.kind == "NO" and answer.words.upper().startswith(b"[EXPUNGEISSUED]")  # RFC 5530
