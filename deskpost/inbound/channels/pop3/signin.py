"""Sign in to a POP3 server: with a password, or with an OAuth 2 access token."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from deskpost.inbound.channels.pop3 import answers
from deskpost.inbound.channels.pop3.wire import SILENCE, Answer, Wire
from deskpost.inbound.channels.sasl import status_of
from deskpost.inbound.channels.source import Account
from deskpost.net import Fault
from deskpost.problems import Problem

MOST_CAPABILITIES = 64 * 1024  # bytes
NEVER = ("\r", "\n", "\0")  # a command ends there


def capabilities(wire: Wire) -> Mapping[str, str]:
    """Return what the server can do (CAPA, RFC 2449), by name; {} if it does not tell."""
    if not wire.ask("CAPA").ok:
        return {}
    lines = wire.block(MOST_CAPABILITIES, SILENCE).content.decode("ascii", "replace").splitlines()
    parts = (line.strip().partition(" ") for line in lines)
    return {name.upper(): more for name, _, more in parts if name}


def sign_in(wire: Wire, account: Account, offered: Mapping[str, str]) -> str:
    """Sign in; return the way that was taken. `offered` are the server's capabilities.

    Raises Fault: SIGN_IN_REFUSED (with the fact `token` if it was one), NO_TLS, what the server
    says of itself, and what a Wire raises.
    """
    if any(sign in account.username + account.password + account.token for sign in NEVER):
        raise Fault(Problem.SIGN_IN_REFUSED)
    if account.token:
        _by_token(wire, account, offered)
        return "XOAUTH2"
    if offered and "USER" not in offered and not wire.is_encrypted:
        raise Fault(Problem.NO_TLS)
    wire.secrets = [account.password.encode()]
    for command in (f"USER {account.username}", f"PASS {account.password}"):
        answer = wire.ask(command)
        if not answer.ok:
            raise _refused(answer, offered)
    return "USER"


def _by_token(wire: Wire, account: Account, offered: Mapping[str, str]) -> None:
    """XOAUTH2 (developers.google.com/workspace/gmail/imap/xoauth2-protocol), in two lines, as
    Microsoft wants it and the others take it."""
    said = f"user={account.username}\1auth=Bearer {account.token}\1\1".encode()
    encoded = base64.b64encode(said)
    wire.secrets = [encoded, said, account.token.encode(), base64.b64encode(account.token.encode())]
    wire.send("AUTH XOAUTH2")
    _challenge(wire, offered)
    wire.send(encoded.decode())
    challenge = _challenge(wire, offered, may_end=True)
    if challenge is not None:
        # Here the server tells why it refuses the token; it says -ERR once that is answered.
        status = status_of(challenge)
        text = _last_words(wire) + (b" (status " + status + b")" if status else b"")
        raise _refused(Answer(False, text), offered, token=True)


def _last_words(wire: Wire) -> bytes:
    try:
        wire.send("")
        return wire.answer().text
    except Fault:
        return b""  # it has hung up, and has said what matters


def _challenge(wire: Wire, offered: Mapping[str, str], *, may_end: bool = False) -> bytes | None:
    """Return what the server asks for ("+", RFC 5034), or None if it says +OK where it may."""
    line = wire.line()
    if line == b"+" or line.startswith(b"+ "):
        return line[2:]
    status, _, text = line.partition(b" ")
    if status.upper() == b"-ERR":
        raise _refused(Answer(False, wire.masked(text)), offered, token=True)
    if status.upper() == b"+OK" and may_end:
        return None
    return wire.strange(line)


def _refused(answer: Answer, offered: Mapping[str, str], **facts: bool) -> Fault:
    fault = answers.fault_said(answer, Problem.SIGN_IN_REFUSED, **facts)
    if fault.problem == Problem.RATE_LIMITED:
        fault.facts = {**fault.facts, **answers.delay(offered)}
    if fault.problem != Problem.SIGN_IN_REFUSED:
        fault.facts = {key: value for key, value in fault.facts.items() if key != "token"}
    return fault
