"""Google and Microsoft: where people authorise, where tokens are, and which servers take them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.conf import settings

from deskpost.models import Mailbox

Server = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider of mailboxes whose sign-in is OAuth 2, with the client that this site is to it.

    `scopes` gives what to ask for by protocol, and `more` the provider's own parameters of the
    authorisation request.
    """

    name: str  # Mailbox.Provider
    client_id: str
    client_secret: str = field(repr=False)
    authorise: str
    token: str
    imap: Server
    pop3: Server
    scopes: Callable[[str], str] = field(repr=False)
    more: Mapping[str, str]

    @property
    def words(self) -> str:
        """The provider's name as people know it."""
        return str(Mailbox.Provider(self.name).label)

    def server(self, protocol: str) -> Server:
        """Return host and port for Mailbox.Protocol; TLS from the beginning."""
        return self.pop3 if protocol == Mailbox.Protocol.POP3 else self.imap


def offered() -> list[Provider]:
    """Return the providers at which this site is known: those with a client id."""
    return [one for one in map(_provider, _KNOWN) if one.client_id]


def find(name: str) -> Provider | None:
    """Return the provider of this name, if it is offered."""
    return next((one for one in offered() if one.name == name), None)


def setting(name: str) -> str:
    """Return which variable of the environment makes the provider offered."""
    return f"DESKPOST_{name.upper()}_CLIENT_ID"


def _google(protocol: str) -> str:
    return "https://mail.google.com/"  # one scope for IMAP, POP3 and SMTP


def _microsoft(protocol: str) -> str:
    what = "POP" if protocol == Mailbox.Protocol.POP3 else "IMAP"
    return f"https://outlook.office.com/{what}.AccessAsUser.All offline_access"


# Google gives a refresh token only for offline access, and for a second consent only if it is
# asked for anew. Microsoft has a scope for it.
_KNOWN: Mapping[str, tuple[Callable[[str], str], Mapping[str, str]]] = {
    Mailbox.Provider.GOOGLE: (_google, {"access_type": "offline", "prompt": "consent"}),
    Mailbox.Provider.MICROSOFT: (_microsoft, {}),
}


def _provider(name: str) -> Provider:
    chosen, prefix = settings.DESKPOST, name.upper()
    scopes, more = _KNOWN[name]
    authorise, token = chosen[f"{prefix}_ENDPOINTS"]
    imap, pop3 = chosen[f"{prefix}_SERVERS"]
    return Provider(
        name=str(name),
        client_id=chosen[f"{prefix}_CLIENT_ID"],
        client_secret=chosen[f"{prefix}_CLIENT_SECRET"],
        authorise=authorise,
        token=token,
        imap=imap,
        pop3=pop3,
        scopes=scopes,
        more=more,
    )
