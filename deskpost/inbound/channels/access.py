"""From a Mailbox row to an open mailbox."""

from __future__ import annotations

from deskpost.inbound.channels import imap, oauth, pop3
from deskpost.inbound.channels.source import Account, Opening
from deskpost.models import Mailbox


def account(mailbox: Mailbox) -> Account:
    """Return how to get into the mailbox. A token that has run out is refreshed first.

    Raises net.Fault if there is no token to be had.
    """
    return Account(
        protocol=mailbox.protocol,
        host=mailbox.host,
        port=mailbox.port,
        security=mailbox.security,
        username=mailbox.username,
        password=mailbox.password if not mailbox.provider else "",
        token=oauth.access_token(mailbox) if mailbox.provider else "",
        folder=mailbox.folder,
        afterwards=mailbox.afterwards,
        move_to=mailbox.move_to,
    )


def opening(found: Account) -> Opening:
    """Return the steps of opening it, in whichever protocol it speaks."""
    if found.protocol == Mailbox.Protocol.POP3:
        return pop3.opening(found)
    return imap.opening(found)
