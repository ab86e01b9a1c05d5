"""Open a mailbox by IMAP (RFC 3501, RFC 9051), step by step."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Generator, Sequence
from typing import Any

from deskpost import net
from deskpost.inbound.channels.imap import folder
from deskpost.inbound.channels.imap.answers import working
from deskpost.inbound.channels.imap.signin import sign_in
from deskpost.inbound.channels.imap.source import ImapSource
from deskpost.inbound.channels.imap.wire import Client
from deskpost.inbound.channels.source import Account, Done, Opening, at
from deskpost.net import Endpoint, Fault
from deskpost.problems import Problem, Step


def opening(account: Account) -> Opening:
    """Yield each step of getting in, with what it found; return the open mailbox.

    The facts, step by step: `addresses`; `address` and `port`; those of the certificate, or
    `plain`; `mechanism`; `folder`, `messages`, `validity`, `next_uid`; `rights` ("" if the server
    does not tell) and `expunge` (whether one message can be deleted without touching others that
    someone else has marked). Raises Fault.
    """
    with at(Step.NAME):
        endpoints = net.resolve(account.host, account.port)
    yield Done(step=Step.NAME, facts={"addresses": [endpoint.ip for endpoint in endpoints]})
    with at(Step.TCP):
        sock = net.dial(endpoints)
        address = sock.getpeername()[0]
    try:
        yield Done(step=Step.TCP, facts={"address": address, "port": account.port})
        client, encryption = _encrypted(account, endpoints, sock)
    except BaseException:  # a Fault, or nobody wants the other steps
        sock.close()
        raise
    try:
        yield Done(step=Step.TLS, facts=encryption)
        yield from _let_in(client, account)
    except BaseException:
        client.wire.drop()
        raise
    return ImapSource(client, account)


def _encrypted(
    account: Account, endpoints: Sequence[Endpoint], sock: socket.socket
) -> tuple[Client, dict[str, Any]]:
    if account.security == "tls":
        with at(Step.TLS):
            secured: ssl.SSLSocket = net.secure(sock, account.host)
            facts = net.certificate(secured)
        client = Client(secured, account.host, account.port)
        _greet(client, Step.SIGN_IN)
        return client, facts
    client = Client(sock, account.host, account.port)
    if account.security == "starttls":
        _greet(client, Step.TLS)
        with working(client.wire, refused=Problem.NO_TLS, step=Step.TLS):
            if "STARTTLS" not in client.wire.capabilities:
                raise Fault(Problem.NO_TLS)
            return client, client.wire.secure()
    if not all(endpoint.is_private for endpoint in endpoints):
        raise Fault(Problem.NO_TLS, step=Step.TLS)
    _greet(client, Step.SIGN_IN)
    return client, {"plain": True}


def _greet(client: Client, step: Step) -> None:
    with working(client.wire, ended=Problem.SERVER_BUSY, step=step):
        client.wire.greet()


def _let_in(client: Client, account: Account) -> Generator[Done, None, None]:
    yield Done(step=Step.SIGN_IN, facts={"mechanism": _sign_in(client, account)})
    with working(client.wire, step=Step.FOLDER):
        selected = folder.select(client, account.folder)
    facts = {
        "folder": account.folder,
        "messages": selected.total,
        "validity": selected.validity,
        "next_uid": selected.next_uid,
    }
    yield Done(step=Step.FOLDER, facts=facts)
    with working(client.wire, refused=Problem.READ_ONLY, step=Step.RIGHTS):
        rights = folder.check_rights(client, account, selected)
    yield Done(step=Step.RIGHTS, facts={"rights": rights, "expunge": client.offers(folder.UIDPLUS)})


def _sign_in(client: Client, account: Account) -> str:
    encrypted = isinstance(client.wire.sock, ssl.SSLSocket)
    try:
        with working(client.wire, refused=Problem.SIGN_IN_REFUSED, step=Step.SIGN_IN):
            return sign_in(client, account, encrypted=encrypted)
    except Fault as fault:
        if fault.problem == Problem.SIGN_IN_REFUSED and account.token:
            fault.facts = {**fault.facts, "token": True}
        raise
