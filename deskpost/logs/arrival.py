"""How an incoming message came: handed in, fetched from a mailbox, or told of by a provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from deskpost.logs import words
from deskpost.models import InboundEmail
from deskpost.outcomes import Outcome

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as Words

Transport = InboundEmail.Transport

# How a message came, and what `client` names then.
WAYS: Mapping[str, tuple[Words, Words]] = {
    Transport.SMTP: (gettext_lazy("by SMTP"), gettext_lazy("Handed in by")),
    Transport.LMTP: (gettext_lazy("by LMTP"), gettext_lazy("Handed in by")),
    Transport.IMAP: (gettext_lazy("fetched by IMAP"), gettext_lazy("Fetched from")),
    Transport.POP3: (gettext_lazy("fetched by POP3"), gettext_lazy("Fetched from")),
    Transport.WEBHOOK: (gettext_lazy("by a provider’s webhook"), gettext_lazy("Provider")),
    Transport.IMPORT: (gettext_lazy("imported"), gettext_lazy("Imported from")),
}


def way(row: InboundEmail) -> tuple[str, str]:
    """Say how a message came, and what its `client` is: a peer, a mailbox or a provider."""
    how, client = WAYS[row.transport]
    return str(how), str(client)


FETCHED = {Transport.IMAP, Transport.POP3}


def happened(row: InboundEmail, outcome: Outcome | None = None) -> str:
    """Say when the message came, and how much of it was stored."""
    if outcome == Outcome.NOT_FETCHED:
        said = _("The message was seen in the mailbox, and given up %(when)s.")
    elif outcome == Outcome.TOO_LARGE:
        said = _("The message arrived %(when)s and was not taken whole.")
    elif row.reconstructed:
        said = _(
            "The message arrived %(when)s. The provider gave no original: what is stored was put "
            "together from its words."
        )
    elif row.transport in FETCHED:
        said = _("The message was fetched from its mailbox %(when)s and was stored as it came.")
    else:
        said = _("The message arrived %(when)s and was stored as it came.")
    return said % {"when": words.said_at(row.received_at)}
