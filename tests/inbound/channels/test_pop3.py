"""POP3 with a real Dovecot: getting in, listing, fetching, deleting."""

import itertools
import time
from collections.abc import Iterator
from imaplib import IMAP4
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from deskpost.inbound.channels import pop3
from deskpost.inbound.channels.source import Account, Done, Source, finish_opening
from deskpost.net import Fault
from deskpost.problems import Problem, Step
from tests.parts.dovecot import PASSWORD, Dovecot
from tests.parts.process import wait_until

pytestmark = pytest.mark.dovecot

USERS = [f"user{number}@desk.test" for number in range(40)]
LIMIT = 1024 * 1024


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with Dovecot(*USERS, plaintext=False) as part:
        yield part


@pytest.fixture(scope="module")
def unused() -> Iterator[str]:
    return iter(USERS)


@pytest.fixture
def user(unused: Iterator[str]) -> str:
    """A user whose mailbox nobody has touched."""
    return next(unused)


@pytest.fixture(autouse=True)
def trusting(settings: Settings, server: Dovecot) -> None:
    trust(settings, server.ca_file)


def trust(settings: Settings, ca_file: Path | None) -> None:
    settings.DESKPOST = {
        **settings.DESKPOST,
        "ALLOW_PRIVATE_HOSTS": (ip_network("127.0.0.0/8"), ip_network("::1/128")),
        "CA_FILE": ca_file,
    }


def account(server: Dovecot, user: str, **changed: Any) -> Account:
    usual: dict[str, Any] = {
        "protocol": "pop3",
        "host": "localhost",
        "port": server.pop3s_port,
        "security": "tls",
        "username": user,
        "password": PASSWORD,
        "afterwards": "leave",
    }
    return Account(**(usual | changed))


def enter(server: Dovecot, user: str, **changed: Any) -> Source:
    return finish_opening(pop3.opening(account(server, user, **changed)))


def steps(server: Dovecot, user: str, **changed: Any) -> list[Done]:
    """Get in and out; return the steps that were told."""
    opening, told = pop3.opening(account(server, user, **changed)), []
    while True:
        try:
            told.append(next(opening))
        except StopIteration as end:
            end.value.close()
            return told


def refused(server: Dovecot, user: str, **changed: Any) -> Fault:
    with pytest.raises(Fault) as caught:
        enter(server, user, **changed)
    return caught.value


# --- Getting in -----------------------------------------------------------------------------------


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_each_step_of_getting_in_tells_what_it_found(
    server: Dovecot, user: str, security: str
) -> None:
    server.fill(user, 3)
    port = server.pop3s_port if security == "tls" else server.pop3_port
    told = steps(server, user, security=security, port=port)
    assert [done.step for done in told] == list(Step)
    facts = {done.step: done.facts for done in told}
    assert "127.0.0.1" in facts[Step.NAME]["addresses"]
    assert facts[Step.TCP] == {"address": "127.0.0.1", "port": port}
    assert facts[Step.TLS]["protocol"].startswith("TLSv1.")
    assert facts[Step.FOLDER] == {"messages": 3}
    assert "UIDL" in facts[Step.RIGHTS]["capabilities"]


def test_without_encryption_one_gets_in_only_where_the_server_takes_it(
    server: Dovecot, user: str
) -> None:
    plain = {"security": "none", "port": server.pop3_port}
    assert [done.step for done in steps(server, user, **plain)] == list(Step)
    # Dovecot takes 127.0.0.1 for secure, and 127.0.0.2 not.
    fault = refused(server, user, **plain, host="127.0.0.2")
    assert (fault.problem, fault.step) == (Problem.NO_TLS, Step.SIGN_IN)


def test_a_certificate_of_an_unknown_authority_is_not_trusted(
    server: Dovecot, user: str, settings: Settings
) -> None:
    trust(settings, None)
    for security, port in (("tls", server.pop3s_port), ("starttls", server.pop3_port)):
        fault = refused(server, user, security=security, port=port)
        assert (fault.problem, fault.step) == (Problem.CERTIFICATE_UNTRUSTED, Step.TLS)


def test_tls_on_a_port_without_it_is_told_as_such(server: Dovecot, user: str) -> None:
    fault = refused(server, user, port=server.pop3_port)
    assert (fault.problem, fault.step) == (Problem.TLS_FAILED, Step.TLS)


def test_a_wrong_password_is_refused_in_the_servers_own_words(server: Dovecot, user: str) -> None:
    fault = refused(server, user, password="wr0ng-pass")
    assert (fault.problem, fault.step) == (Problem.SIGN_IN_REFUSED, Step.SIGN_IN)
    assert fault.said == "[AUTH] Authentication failed."
    assert "token" not in fault.facts


def test_a_good_token_signs_in_without_a_password(server: Dovecot, user: str) -> None:
    told = steps(server, user, password="", token=server.token(user))
    assert told[3].facts == {"mechanism": "XOAUTH2"}


def test_an_expired_token_and_one_of_another_user_are_refused(server: Dovecot, user: str) -> None:
    for token in (server.token(user, seconds=-5), server.token("other@desk.test"), "x.y.z"):
        fault = refused(server, user, password="", token=token)
        assert (fault.problem, fault.step) == (Problem.SIGN_IN_REFUSED, Step.SIGN_IN)
        assert fault.facts["token"] is True
        assert fault.said.startswith("[AUTH] Authentication failed.")
        assert "status 40" in fault.said
        assert token not in fault.said


# --- Listing and fetching -------------------------------------------------------------------------


def test_messages_come_byte_for_byte(server: Dovecot, user: str) -> None:
    head = b"From: ann@x.test\r\nSubject: Odd\r\n\r\n"
    odd = [
        head,
        head + b"long " + b"x" * 5000 + b"\r\n" + b"y" * 300_000 + b"\r\nend\r\n",
        head + b".\r\n..\r\n...\r\n.dot\r\n\r\n.\r\n\r\n",
        head + b".\r\n" * 50_000,
        head + bytes(range(14, 256)) + b"\r\n",
        b"\r\n",
    ]
    server.fill(user, len(odd), make=odd.__getitem__)
    source = enter(server, user)
    look = source.look()
    assert (look.total, look.validity, look.next_uid) == (len(odd), 0, 0)
    assert [item.size for item in look.items] == [len(message) for message in odd]
    fetched = source.fetch(look.items, LIMIT)
    assert [one.raw for one in fetched] == odd
    assert all(one.whole for one in fetched)
    source.close()
    assert server.raw_messages(user) == odd


def test_the_names_of_messages_last(server: Dovecot, user: str) -> None:
    server.fill(user, 3)
    first = enter(server, user, afterwards="delete")
    uids = [item.uid for item in first.look().items]
    first.finish(first.look().items[:1])
    first.close()
    server.deliver(b"Subject: x\r\n\r\nNew.\r\n", user)
    second = enter(server, user)
    assert [item.uid for item in second.look().items][:2] == uids[1:]
    second.close()


def test_of_a_message_that_is_too_large_only_the_headers_come(server: Dovecot, user: str) -> None:
    head = b"From: ann@x.test\r\nSubject: Big\r\n\r\n"
    server.fill(user, 2, make=[head + b"x" * 70 + b"\r\n", head].__getitem__)
    source = enter(server, user)
    large, small = source.fetch(source.look().items, 100)
    assert (large.raw, large.whole, large.item.size) == (head, False, len(head) + 72)
    assert (small.raw, small.whole) == (head, True)
    source.close()


def test_a_message_that_someone_deleted_meanwhile_is_passed_over(
    server: Dovecot, user: str
) -> None:
    server.fill(user, 3)
    source = enter(server, user, afterwards="delete")
    items = source.look().items
    with IMAP4("127.0.0.1", server.imap_port) as other:
        other.login(user, PASSWORD)
        other.select("INBOX")
        other.store("2", "+FLAGS", "\\Deleted")
        other.expunge()
    fetched = source.fetch(items, LIMIT)
    assert [one.raw is None for one in fetched] == [False, True, False]
    source.finish(items)
    source.close()
    assert server.raw_messages(user) == []


@pytest.mark.slow
def test_thirty_thousand_messages_are_listed_in_seconds(server: Dovecot, user: str) -> None:
    server.fill(user, 30_000)
    enter(server, user).close()  # Dovecot's own first reading of them is not what is measured
    begun = time.monotonic()
    source = enter(server, user)
    items = source.look().items
    assert time.monotonic() - begun < 10
    assert len({item.uid for item in items}) == 30_000
    assert b"Letter 29999" in (source.fetch(items[-1:], LIMIT)[0].raw or b"")
    source.close()


# --- What becomes of them -------------------------------------------------------------------------


def test_taken_messages_are_deleted_when_it_is_closed(server: Dovecot, user: str) -> None:
    server.fill(user, 120)
    source = enter(server, user, afterwards="delete")
    items = source.look().items
    source.finish(items[:119])
    assert [item.uid for item in source.look().items] == [items[119].uid]
    assert source.fetch(items[:1], LIMIT)[0].raw is None
    assert len(server.raw_messages(user)) == 120
    source.close()
    [left] = server.raw_messages(user)
    assert b"Letter 119" in left


@pytest.mark.parametrize("afterwards", ["leave", "seen"])
def test_taken_messages_stay_where_that_is_wanted(
    server: Dovecot, user: str, afterwards: str
) -> None:
    server.fill(user, 2)
    source = enter(server, user, afterwards=afterwards)
    source.finish(source.look().items)
    source.close()
    assert len(server.raw_messages(user)) == 2


def test_a_connection_that_dies_before_its_end_deletes_nothing(server: Dovecot, user: str) -> None:
    server.fill(user, 3)
    source = enter(server, user, afterwards="delete")
    items = source.look().items
    source.finish(items)
    source._wire.sock.close()  # type: ignore[attr-defined]
    source.close()
    again = enter(server, user, afterwards="delete")
    assert [item.uid for item in again.look().items] == [item.uid for item in items]
    again.finish(items)
    again.close()
    assert server.raw_messages(user) == []


@pytest.mark.slow
def test_a_server_that_goes_down_is_told_as_a_dropped_connection(
    server: Dovecot, user: str
) -> None:
    server.fill(user, 3)
    source = enter(server, user, afterwards="delete")
    items = source.look().items
    source.finish(items[:1])
    server.restart()
    with pytest.raises(Fault) as caught:
        source.fetch(items[1:], LIMIT)
    assert caught.value.problem in (Problem.DROPPED, Problem.SERVER_BUSY)
    source.close()
    again = enter(server, user)
    assert len(again.look().items) == 3
    again.close()


def test_steps_that_nobody_wants_any_more_end_the_connection(server: Dovecot, user: str) -> None:
    opening = pop3.opening(account(server, user))
    told = list(itertools.islice(opening, 4))
    assert told[-1].step == Step.SIGN_IN
    before = server.log_text().count(f"pop3({user})")
    opening.close()
    assert wait_until(lambda: server.log_text().count(f"pop3({user})") > before, seconds=10)
