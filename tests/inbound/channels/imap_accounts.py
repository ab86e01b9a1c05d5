"""Accounts and open mailboxes for the tests of IMAP."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import settings

from deskpost.inbound.channels import imap
from deskpost.inbound.channels.source import Account, Done, Source, finish_opening
from deskpost.net import Fault
from tests.parts.dovecot import PASSWORD, Dovecot
from tests.parts.imap_server import ImapServer, imap_server

USER = "imap@desk.test"


def let_in(monkeypatch: pytest.MonkeyPatch, dovecot: Dovecot | None = None) -> None:
    """Allow connections to this machine, and trust Dovecot's certificate."""
    monkeypatch.setitem(settings.DESKPOST, "ALLOW_PRIVATE_HOSTS", [ip_network("127.0.0.0/8")])
    if dovecot:
        monkeypatch.setitem(settings.DESKPOST, "CA_FILE", dovecot.ca_file)


def at_dovecot(dovecot: Dovecot, **changes: Any) -> Account:
    """Return the account of USER, by TLS."""
    if USER not in dovecot.users:
        dovecot.add_user(USER)
        dovecot.fill(USER, 0)
    usual = {"port": dovecot.imaps_port, "security": "tls", "host": "localhost"}
    return account(**{**usual, **changes})


def account(port: int, **changes: Any) -> Account:
    """Return an account without encryption at this port."""
    fields = {
        "protocol": "imap",
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "username": USER,
        "password": PASSWORD,
    }
    return Account(**{**fields, **changes})


@contextmanager
def opened(at: Account) -> Iterator[Source]:
    """Open a mailbox and close it."""
    source = finish_opening(imap.opening(at))
    try:
        yield source
    finally:
        source.close()


@contextmanager
def mailbox(answers: Mapping[str, bytes], **changes: Any) -> Iterator[tuple[ImapServer, Source]]:
    """Open a mailbox at a server with these answers."""
    with imap_server(answers) as server, opened(account(server.port, **changes)) as source:
        yield server, source


def refused(answers: Mapping[str, bytes], **changes: Any) -> Fault:
    """Try to open a mailbox at a server with these answers; return the fault."""
    with imap_server(answers) as server:
        return fault_of_opening(account(server.port, **changes))[1]


def fault_of_opening(at: Account) -> tuple[list[Done], Fault]:
    """Open a mailbox that does not let us in; return what went well, and the fault."""
    steps = []
    with pytest.raises(Fault) as caught:
        for done in imap.opening(at):
            steps.append(done)
    return steps, caught.value
