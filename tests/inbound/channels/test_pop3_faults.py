"""POP3 servers that refuse, lie, garble or say nothing, each by script."""

import base64
import logging
import socket
import time
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from pytest_django import Settings

from deskpost import net
from deskpost.inbound.channels import pop3
from deskpost.inbound.channels.pop3 import wire as pop3_wire
from deskpost.inbound.channels.source import Account, Source, finish_opening
from deskpost.net import Fault
from deskpost.problems import Problem, Step
from tests.parts.pop3_server import HANG_UP, SILENCE, Pop3Server, Reply
from tests.parts.process import wait_until

MAIL = b"From: ann@x.test\r\nSubject: Hello\r\n\r\nGood morning.\r\n"
LIMIT = 1024 * 1024


@pytest.fixture(autouse=True)
def near(settings: Settings) -> None:
    allowed = (ip_network("127.0.0.0/8"),)
    settings.DESKPOST = {**settings.DESKPOST, "ALLOW_PRIVATE_HOSTS": allowed}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pop3_wire, "SILENCE", 0.4)
    monkeypatch.setattr(pop3_wire, "BLOCK_SECONDS", 1.0)


def enter(server: Pop3Server, **changed: Any) -> Source:
    usual: dict[str, Any] = {
        "protocol": "pop3",
        "host": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "username": "ann@desk.test",
        "password": "pass w0rd",
        "afterwards": "delete",
    }
    return finish_opening(pop3.opening(Account(**(usual | changed))))


def refused(answers: Mapping[str, Reply], *messages: bytes, **changed: Any) -> Fault:
    """Return how getting in fails with a server that answers so."""
    with Pop3Server(*messages, answers=answers) as server, pytest.raises(Fault) as caught:
        enter(server, **changed)
    return caught.value


def broken(work: Callable[[], object]) -> Fault:
    with pytest.raises(Fault) as caught:
        work()
    return caught.value


# --- Getting in -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (b"-ERR [AUTH] wrong\r\n", Problem.SIGN_IN_REFUSED),
        (b"-ERR no such thing\r\n", Problem.SIGN_IN_REFUSED),
        (b"-ERR [SYS/PERM] not enabled for POP\r\n", Problem.SIGN_IN_REFUSED),
        (b"-ERR [SYS/TEMP] disk is ill\r\n", Problem.SERVER_BUSY),
        (b"-ERR [in-use] someone else\r\n", Problem.SERVER_BUSY),
        (b"-ERR maildrop already locked\r\n", Problem.SERVER_BUSY),
        (b"-ERR [LOGIN-DELAY] wait\r\n", Problem.RATE_LIMITED),
        (b"-ERR Too many connections\r\n", Problem.RATE_LIMITED),
        (b"-ERR [AUTH] Plaintext authentication disallowed\r\n", Problem.NO_TLS),
        (b"* OK IMAP\r\n", Problem.STRANGE_ANSWER),
        (HANG_UP, Problem.DROPPED),
    ],
)
def test_what_a_server_says_at_sign_in_is_understood(said: bytes, problem: Problem) -> None:
    fault = refused({"PASS": said})
    assert (fault.problem, fault.step) == (problem, Step.SIGN_IN)
    assert fault.said in said.decode()
    assert fault.said or said == HANG_UP


def test_a_server_that_wants_a_pause_says_how_long() -> None:
    capa = b"+OK\r\nUSER\r\nLOGIN-DELAY 900 USER\r\n.\r\n"
    fault = refused({"CAPA": capa, "PASS": b"-ERR [LOGIN-DELAY] wait\r\n"})
    assert fault.facts["seconds"] == 900


def test_a_password_that_the_server_repeats_is_not_shown() -> None:
    fault = refused({"PASS": b"-ERR unknown command PASS pass w0rd\r\n"})
    assert fault.said == "unknown command PASS ***"
    fault = refused({"PASS": b"what is PASS pass w0rd\r\n"})
    assert "w0rd" not in fault.said + str(fault)


@pytest.mark.parametrize(
    "changed",
    [{"username": "a\r\nDELE 1"}, {"password": "b\nDELE 1"}, {"token": "c\0"}],
    ids=["name", "password", "token"],
)
def test_what_holds_a_line_end_is_never_sent(changed: dict[str, str]) -> None:
    with Pop3Server(MAIL) as server:
        assert broken(lambda: enter(server, **changed)).problem == Problem.SIGN_IN_REFUSED
        assert server.said == ["CAPA"]


def test_a_token_goes_in_the_second_of_two_lines() -> None:
    with Pop3Server(answers={"AUTH XOAUTH2": b"+ \r\n"}) as server:
        enter(server, token="t0ken", password="").close()
    said = base64.b64encode(b"user=ann@desk.test\1auth=Bearer t0ken\1\1").decode()
    assert server.said[1:3] == ["AUTH XOAUTH2", said]


@pytest.mark.parametrize("last", [b"-ERR [AUTH] no\r\n", HANG_UP])
def test_a_refused_token_is_told_as_one(last: bytes) -> None:
    challenge = b"+ " + base64.b64encode(b'{"status":"401"}') + b"\r\n"
    said = base64.b64encode(b"user=ann@desk.test\1auth=Bearer t0ken\1\1").decode()
    fault = refused({said: challenge, "": last}, token="t0ken", password="")
    assert (fault.problem, fault.facts["token"]) == (Problem.SIGN_IN_REFUSED, True)
    assert "401" in fault.said


def test_a_busy_server_is_not_taken_for_a_refused_token() -> None:
    fault = refused({"AUTH": b"-ERR [SYS/TEMP] later\r\n"}, token="t0ken", password="")
    assert fault.problem == Problem.SERVER_BUSY
    assert "token" not in fault.facts


@pytest.mark.parametrize(
    ("greeting", "problem"),
    [
        (b"-ERR [SYS/TEMP] come back\r\n", Problem.SERVER_BUSY),
        (b"-ERR go away\r\n", Problem.SERVER_BUSY),
        (b"220 mail.test ESMTP\r\n", Problem.STRANGE_ANSWER),
        (b"+OK lines end otherwise here\n", Problem.STRANGE_ANSWER),
        (b"+OK " + b"x" * 100_000, Problem.STRANGE_ANSWER),
        (b"\0" * 50 + b"\r\n", Problem.STRANGE_ANSWER),
        (HANG_UP, Problem.DROPPED),
    ],
)
def test_a_greeting_that_is_none_ends_the_try(greeting: bytes, problem: Problem) -> None:
    assert refused({"GREETING": greeting}).problem == problem


def test_without_starttls_nobody_signs_in() -> None:
    with Pop3Server() as server:
        fault = broken(lambda: enter(server, security="starttls"))
    assert (fault.problem, fault.step, fault.said) == (Problem.NO_TLS, Step.TLS, "what?")
    assert server.said == ["STLS"]


def test_words_slipped_in_before_the_encryption_are_noticed() -> None:
    fault = refused({"STLS": b"+OK begin\r\n+OK signed in\r\n"}, security="starttls")
    assert (fault.problem, fault.step) == (Problem.STRANGE_ANSWER, Step.TLS)


def test_in_the_clear_nothing_is_said_to_a_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    found = net.resolve("127.0.0.1", 110)[0]
    with Pop3Server() as server:
        address = ("127.0.0.1", server.port)
        public = [replace(found, address=address), replace(found, is_private=False)]
        monkeypatch.setattr(net, "resolve", lambda host, port: public)
        fault = broken(lambda: enter(server))
    assert (fault.problem, fault.step) == (Problem.NO_TLS, Step.TLS)
    assert server.said == []


def test_a_password_is_not_sent_where_the_server_wants_none_in_the_clear() -> None:
    with Pop3Server(answers={"CAPA": b"+OK\r\nSTLS\r\n.\r\n"}) as server:
        assert broken(lambda: enter(server)).problem == Problem.NO_TLS
    assert server.said == ["CAPA"]


def test_a_server_without_lasting_names_is_of_no_use() -> None:
    fault = refused({"UIDL": b"-ERR unknown\r\n"}, MAIL)
    assert (fault.problem, fault.step) == (Problem.STRANGE_ANSWER, Step.RIGHTS)
    assert fault.said == "UIDL, which is needed here: unknown"


def test_a_server_that_knows_no_capabilities_is_still_of_use() -> None:
    with Pop3Server(MAIL, answers={"CAPA": b"-ERR what?\r\n"}) as server:
        source = enter(server)
        assert [one.raw for one in source.fetch(source.look().items, LIMIT)] == [MAIL]
        source.close()


# --- Listing --------------------------------------------------------------------------------------


def uids(uidl: bytes, sizes: bytes, *messages: bytes) -> list[str]:
    answers = {"UIDL": b"+OK\r\n" + uidl + b".\r\n", "LIST": b"+OK\r\n" + sizes + b".\r\n"}
    with Pop3Server(*messages, answers=answers) as server:
        source = enter(server)
        try:
            return [item.uid for item in source.look().items]
        finally:
            source.close()


def test_odd_names_of_messages_are_made_short_and_stay_the_same() -> None:
    long, odd = b"x" * 5000, "été 1".encode()
    listed = b"1 " + long + b"\r\n2 " + odd + b"\r\n3 " + b"~" * 70 + b"\r\n4 x\r\n"
    sizes = b"1 1\r\n2 2 octets\r\n3 3\r\n4 4\r\n"
    found = uids(listed, sizes, *[MAIL] * 4)
    assert found == uids(listed, sizes, *[MAIL] * 4)
    assert found[2:] == ["~" * 70, "x"]
    assert all(len(uid) <= 80 and uid.isascii() for uid in found)
    assert len(set(found)) == 4


def test_copies_with_one_name_are_one_message_and_go_together() -> None:
    answers = {"UIDL": b"+OK\r\n1 a\r\n2 a\r\n3 b\r\n.\r\n"}
    with Pop3Server(MAIL, MAIL, MAIL, answers=answers) as server:
        source = enter(server)
        items = source.look().items
        assert [item.uid for item in items] == ["a", "b"]
        source.finish(items[:1])
        source.close()
    assert server.said[-3:] == ["DELE 1", "DELE 2", "QUIT"]


def test_different_messages_with_one_name_are_two() -> None:
    assert len(uids(b"1 a\r\n2 a\r\n", b"1 10\r\n2 11\r\n", MAIL, MAIL)) == 2


@pytest.mark.parametrize(
    ("uidl", "sizes"),
    [
        (b"1 a\r\n", b"1 5\r\n2 5\r\n"),  # one is left out: it would count as gone
        (b"1 a\r\n", b"1 5\r\n"),
        (b"1 a\r\n2 b\r\n", b"1 5\r\n"),
        (b"1 a\r\n2 b\r\n", b"1 5\r\n3 5\r\n"),
        (b"1 a\r\n1 b\r\n", b"1 5\r\n2 5\r\n"),
        (b"1 a\r\n2\r\n", b"1 5\r\n2 5\r\n"),
        (b"1 a\r\n-2 b\r\n", b"1 5\r\n2 5\r\n"),
        (b"1 a\r\n2 b\r\n", b"1 5\r\n2 many\r\n"),
        (b"1 a\r\n2 b\r\n", b"1 5\r\n2 " + b"9" * 5000 + b"\r\n"),
        (b"1 a\r\n2 b\r\n", b"1 5\r\n2\r\n"),
    ],
)
def test_lists_that_contradict_themselves_are_not_believed(uidl: bytes, sizes: bytes) -> None:
    fault = broken(lambda: uids(uidl, sizes, MAIL, MAIL))
    assert fault.problem == Problem.STRANGE_ANSWER
    assert fault.said.startswith(("UIDL", "LIST", "STAT"))


# --- Fetching -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "listed", "problem"),
    [
        (b"-ERR [SYS/TEMP] disk\r\n", b"-ERR what?\r\n", Problem.SERVER_BUSY),
        (b"-ERR no\r\n", b"-ERR [SYS/TEMP] disk\r\n", Problem.SERVER_BUSY),
        (b"-ERR no\r\n", b"+OK 2 50\r\n", Problem.STRANGE_ANSWER),
    ],
)
def test_a_message_that_cannot_be_given_now_does_not_count_as_gone(
    said: bytes, listed: bytes, problem: Problem
) -> None:
    with Pop3Server(MAIL, MAIL, answers={"RETR 2": said, "LIST 2": listed}) as server:
        source = enter(server)
        items = source.look().items
        source.finish(items[:1])
        assert broken(lambda: source.fetch(items[1:], LIMIT)).problem == problem
    assert server.said[-1] == "QUIT"  # what was taken before is deleted all the same


def test_a_message_that_is_not_listed_any_more_is_gone() -> None:
    no = b"-ERR no such message\r\n"
    with Pop3Server(MAIL, answers={"RETR": no, "LIST 1": no, "DELE": no}) as server:
        source = enter(server)
        items = source.look().items
        assert source.fetch(items, LIMIT)[0].raw is None
        source.finish(items)
        source.close()


def test_a_message_larger_than_listed_keeps_its_headers_only() -> None:
    head = b"Subject: Big\r\n\r\n"
    sizes = b"+OK\r\n1 10\r\n2 10\r\n.\r\n"
    with Pop3Server(head + b"x" * 3000 + b"\r\n", MAIL, answers={"LIST": sizes}) as server:
        source = enter(server)
        large, small = source.fetch(source.look().items, 1000)
        assert (large.raw, large.whole, large.item.size) == (head, False, len(head) + 3002)
        assert (small.raw, small.whole) == (MAIL, True)
        source.close()


def test_a_message_without_an_end_takes_neither_all_memory_nor_all_time() -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"+OK\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with Pop3Server(MAIL, answers={"RETR": endless}) as server:
        source = enter(server)
        items = source.look().items
        tracemalloc.start()
        try:
            fault = broken(lambda: source.fetch(items, LIMIT))
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert fault.problem == Problem.STRANGE_ANSWER
    assert most < 3 * LIMIT


def test_headers_that_the_server_cannot_give_alone_are_left_out() -> None:
    with Pop3Server(MAIL, answers={"TOP": b"-ERR what?\r\n"}) as server:
        source = enter(server)
        [fetched] = source.fetch(source.look().items, 10)
        assert (fetched.raw, fetched.whole) == (b"", False)
        source.close()


@pytest.mark.usefixtures("impatient")
def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    for command in ("GREETING", "CAPA", "PASS", "STAT"):
        assert refused({command: SILENCE}).problem == Problem.TIMED_OUT


@pytest.mark.usefixtures("impatient")
def test_a_server_that_drips_is_not_waited_for() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"+OK\r\n")
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.05)

    begun = time.monotonic()
    with Pop3Server(MAIL, answers={"RETR": drip}) as server:
        source = enter(server)
        items = source.look().items
        assert broken(lambda: source.fetch(items, LIMIT)).problem == Problem.TIMED_OUT
        assert time.monotonic() - begun < 4
        source.close()


# --- Deleting and closing -------------------------------------------------------------------------


def test_a_mailbox_from_which_nothing_may_be_deleted_is_told_as_such() -> None:
    with Pop3Server(MAIL, answers={"DELE": b"-ERR read only\r\n"}) as server:
        source = enter(server)
        fault = broken(lambda: source.finish(source.look().items))
    assert (fault.problem, fault.said) == (Problem.READ_ONLY, "read only")


def test_many_are_deleted_at_once_where_the_server_allows_it() -> None:
    capa = {"CAPA": b"+OK\r\nUSER\r\nPIPELINING\r\n.\r\n", "DELE 70": b"-ERR gone\r\n"}
    with Pop3Server(*[MAIL] * 120, answers=capa | {"LIST 70": b"-ERR gone\r\n"}) as server:
        source = enter(server)
        source.finish(source.look().items)
        assert source.look().items == []
        source.close()
    assert [said for said in server.said if said.startswith("DELE")] == [
        f"DELE {number}" for number in range(1, 121)
    ]


@pytest.mark.parametrize("last", [b"-ERR some are left\r\n", b"Bye\r\n", HANG_UP])
def test_a_bad_end_raises_nothing_and_is_noted(
    last: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with Pop3Server(MAIL, answers={"QUIT": last}) as server:
        source = enter(server)
        source.finish(source.look().items)
        with caplog.at_level(logging.WARNING):
            source.close()
            source.close()
    assert len(caplog.records) == 1
    assert "1 messages may not be deleted" in caplog.text


def test_after_a_failure_the_connection_is_closed() -> None:
    with Pop3Server(MAIL, answers={"RETR": b"garbage\r\n"}) as server:
        source = enter(server)
        items = source.look().items
        broken(lambda: source.fetch(items, LIMIT))
        source.close()
        assert wait_until(lambda: server.sessions_ended == 1, seconds=10)
    assert "QUIT" not in server.said
