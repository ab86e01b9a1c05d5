"""What IMAP servers do to whoever comes in, on bad days or with bad will: a Fault, and soon."""

import socket
import time
import tracemalloc

import pytest

from deskpost import net
from deskpost.inbound.channels import imap
from deskpost.inbound.channels.imap import inlet as imap_inlet
from deskpost.net import Endpoint
from deskpost.problems import Problem, Step
from tests.inbound.channels.imap_accounts import (
    account,
    fault_of_opening,
    let_in,
    mailbox,
    refused,
)
from tests.parts.imap_server import CAPABLE, CLOSE, SELECTED, SILENCE, imap_server
from tests.parts.process import wait_until


@pytest.fixture(autouse=True)
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    let_in(monkeypatch)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (b"%T NO [NONEXISTENT] Unknown Mailbox\r\n", Problem.FOLDER_MISSING),
        (b"%T NO [NOPERM] Not yours\r\n", Problem.READ_ONLY),
        (b"%T NO [UNAVAILABLE] Later\r\n", Problem.SERVER_BUSY),
        (b"* BYE [UNAVAILABLE] Temporary System Error\r\n" + CLOSE, Problem.SERVER_BUSY),
        (b"* BYE Connection is closed. 13\r\n" + CLOSE, Problem.DROPPED),
        (b"" + CLOSE, Problem.DROPPED),
        (b"%T OK Selected\r\n", Problem.STRANGE_ANSWER),
        (b"* 3 EXISTS\r\n* OK [UIDVALIDITY x]\r\n%T OK\r\n", Problem.STRANGE_ANSWER),
    ],
)
def test_a_folder_that_cannot_be_had_is_told_with_its_reason(said: bytes, problem: Problem) -> None:
    fault = refused({"SELECT": said})
    assert (fault.problem, fault.step) == (problem, Step.FOLDER)


@pytest.mark.parametrize(
    ("greeting", "problem", "said"),
    [
        (b"* BYE Too many connections from your host\r\n" + CLOSE, Problem.RATE_LIMITED, "Too "),
        (b"* BYE Under maintenance\r\n" + CLOSE, Problem.SERVER_BUSY, "Under maintenance"),
        (b"220 mail.x.test ESMTP\r\n", Problem.STRANGE_ANSWER, "220 mail.x.test ESMTP"),
        (b"+OK POP3 ready\r\n", Problem.STRANGE_ANSWER, "+OK POP3 ready"),
        (b"* PREAUTH welcome, somebody\r\n", Problem.STRANGE_ANSWER, ""),
        (b"\x00\xff\xfe\r\n", Problem.STRANGE_ANSWER, ""),
        (b"* OK {99999999999}\r\n", Problem.STRANGE_ANSWER, "* OK {99999999999}"),
        (b"* OK {" + b"9" * 5000 + b"}\r\n", Problem.STRANGE_ANSWER, "* OK {9999"),
        (b"* OK " + b"x" * 3_000_000, Problem.STRANGE_ANSWER, ""),
        (b"* OK \r\n* 1 EXISTS\r\n" + b"* OK hm\r\n" * 300_000, Problem.STRANGE_ANSWER, ""),
    ],
)
def test_a_strange_greeting_ends_it_soon_and_in_little_memory(
    greeting: bytes, problem: Problem, said: str
) -> None:
    with imap_server({"": greeting, "CAPABILITY": greeting}) as server:
        tracemalloc.start()
        begun = time.monotonic()
        fault = fault_of_opening(account(server.port))[1]
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (fault.problem, fault.step) == (problem, Step.SIGN_IN)
    assert said in fault.said
    assert time.monotonic() - begun < 10
    assert most < 40_000_000


def test_a_silent_server_is_not_waited_for_longer_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(imap_inlet, "SILENCE", 0.3)
    begun = time.monotonic()
    fault = refused({"": SILENCE})
    assert fault.problem == Problem.TIMED_OUT
    assert 0.2 < time.monotonic() - begun < 5


def test_without_starttls_no_password_is_sent() -> None:
    with imap_server({}) as server:
        _, fault = fault_of_opening(account(server.port, security="starttls"))
        assert (fault.problem, fault.step) == (Problem.NO_TLS, Step.TLS)
        assert not [line for line in server.heard if b"AUTH" in line or b"LOGIN" in line]


def test_answers_put_before_the_encryption_are_not_believed() -> None:
    answers = {
        "CAPABILITY": CAPABLE % b"STARTTLS",
        "STARTTLS": b"%T OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n",
    }
    fault = refused(answers, security="starttls")
    assert (fault.problem, fault.step) == (Problem.STRANGE_ANSWER, Step.TLS)
    assert fault.said.startswith("* CAPABILITY")


def test_signed_in_before_the_encryption_is_not_believed() -> None:
    fault = refused({"": b"* PREAUTH hello\r\n"}, security="starttls")
    assert (fault.problem, fault.step) == (Problem.STRANGE_ANSWER, Step.TLS)


def test_nothing_goes_in_the_clear_to_an_address_that_is_not_private(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with imap_server({}) as server:
        public = Endpoint(socket.AF_INET, ("127.0.0.1", server.port), "192.0.2.1", is_private=False)
        monkeypatch.setattr(net, "resolve", lambda host, port: [public])
        _, fault = fault_of_opening(account(server.port))
        assert (fault.problem, fault.step) == (Problem.NO_TLS, Step.TLS)
        assert server.heard == []


def test_a_folder_that_can_only_be_read_is_told() -> None:
    fault = refused({"SELECT": SELECTED.replace(b"[READ-WRITE]", b"[READ-ONLY]")})
    assert (fault.problem, fault.step) == (Problem.READ_ONLY, Step.RIGHTS)


@pytest.mark.parametrize(
    ("afterwards", "rights", "enough"),
    [
        ("seen", b"lrs", True),
        ("seen", b"lr", False),
        ("delete", b"lrte", True),
        ("delete", b"lrd", True),
        ("delete", b"lrst", False),
        ("move", b"lrstei", True),
        ("move", b"lrste", False),
    ],
)
def test_the_rights_must_be_enough_for_what_becomes_of_a_message(
    afterwards: str, rights: bytes, enough: bool
) -> None:
    answers = {
        "CAPABILITY": CAPABLE % b"AUTH=PLAIN SASL-IR ACL UIDPLUS",
        "MYRIGHTS": b"* MYRIGHTS x " + rights + b"\r\n%T OK done\r\n",
    }
    if enough:
        with mailbox(answers, afterwards=afterwards, move_to="Taken"):
            return
    fault = refused(answers, afterwards=afterwards, move_to="Taken")
    assert (fault.problem, fault.step) == (Problem.READ_ONLY, Step.RIGHTS)


def test_flags_that_do_not_last_are_not_enough() -> None:
    fault = refused({"SELECT": SELECTED.replace(rb"(\Seen \Deleted)", b"()")})
    assert (fault.problem, fault.step) == (Problem.READ_ONLY, Step.RIGHTS)


def test_a_folder_to_move_to_that_cannot_be_made_is_told() -> None:
    answers = {"STATUS": b"%T NO none\r\n", "CREATE": b"%T NO Cannot be made here\r\n"}
    fault = refused(answers, afterwards="move", move_to="Taken")
    assert (fault.problem, fault.step) == (Problem.FOLDER_MISSING, Step.RIGHTS)
    assert (fault.facts["folder"], fault.said) == ("Taken", "Cannot be made here")


def test_whoever_wants_no_further_step_leaves_nothing_open() -> None:
    with imap_server({}) as server:
        opening = imap.opening(account(server.port))
        next(opening), next(opening), next(opening)
        opening.close()
        assert wait_until(lambda: server._open[0].fileno() == -1, seconds=5)
