"""Sign in to an IMAP server: by password, or with an OAuth 2 access token."""

from __future__ import annotations

import base64

from deskpost import net
from deskpost.inbound.channels.imap.wire import Answered, Client, Strange, Wire
from deskpost.inbound.channels.sasl import status_of
from deskpost.inbound.channels.source import Account
from deskpost.net import Fault
from deskpost.problems import Problem

MOST_MECHANISMS = 20
NEVER = ("\r", "\n", "\0")  # RFC 4616 and the grammar of IMAP have no place for them


def sign_in(client: Client, account: Account, *, encrypted: bool) -> str:
    """Sign in; return the way that was taken: a SASL mechanism, or LOGIN.

    Raises Fault where there is none, and what a Wire raises. A refused token is told by the
    caller, who knows which of the two it was.
    """
    wire = client.wire
    secret = account.token or account.password
    if any(sign in account.username + secret for sign in NEVER):
        raise Fault(Problem.SIGN_IN_REFUSED)
    way = _way(wire, account, encrypted=encrypted)
    wire.begin()
    if way == "LOGIN":
        wire.secrets = [_quoted(account.password), account.password.encode()]
        wire.order("LOGIN", _quoted(account.username), _quoted(account.password))
    else:
        _authenticate(wire, way, _first_words(way, account), secret.encode())
    wire.state = "AUTH"
    client.capabilities()
    return way


def _way(wire: Wire, account: Account, *, encrypted: bool) -> str:
    offered = {name[5:] for name in wire.capabilities if name.startswith("AUTH=")}
    ways = ("XOAUTH2", "OAUTHBEARER") if account.token else ("PLAIN",)
    for way in ways:
        if way in offered:
            return way
    if not account.token and "LOGINDISABLED" not in wire.capabilities:
        return "LOGIN"
    if not encrypted:
        raise Fault(Problem.NO_TLS)
    raise Fault(
        Problem.SIGN_IN_REFUSED,
        mechanisms=[net.one_line(name) for name in sorted(offered)[:MOST_MECHANISMS]],
    )


def _first_words(way: str, account: Account) -> bytes:
    if way == "XOAUTH2":
        said = f"user={account.username}\1auth=Bearer {account.token}\1\1"
    elif way == "OAUTHBEARER":  # RFC 7628, section 3.1; the name as in RFC 5801, section 4
        name = account.username.replace("=", "=3D").replace(",", "=2C")
        said = f"n,a={name},\1auth=Bearer {account.token}\1\1"
    else:  # RFC 4616
        said = f"\0{account.username}\0{account.password}"
    return said.encode()


def _authenticate(wire: Wire, way: str, first: bytes, secret: bytes) -> None:
    """RFC 3501, section 6.2.2; what we have to say goes along where RFC 4959 (SASL-IR) allows."""
    encoded = base64.b64encode(first)
    wire.secrets = [encoded, first, secret, base64.b64encode(secret)]
    if "SASL-IR" in wire.capabilities:
        tag = wire.ask("AUTHENTICATE", way, encoded)
    else:
        tag = wire.ask("AUTHENTICATE", way)
        if wire.challenge(tag) is None:
            raise Strange
        wire.send(encoded + b"\r\n")
    asked = wire.challenge(tag)
    if asked is None:
        return
    if way == "PLAIN":
        raise Strange  # it has nothing more to ask
    # The server tells why it refuses the token, and says NO once that is answered: with an empty
    # line in XOAUTH2, with the byte 1 in OAUTHBEARER (RFC 7628, section 3.2.3).
    wire.send(b"\r\n" if way == "XOAUTH2" else base64.b64encode(b"\1") + b"\r\n")
    try:
        wire.end(tag)
    except Answered as answer:
        status = status_of(asked)
        words = answer.words + (b" (status " + status + b")" if status else b"")
        raise Answered(answer.kind, words) from None


def _quoted(said: str) -> bytes:
    return b'"' + said.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'
