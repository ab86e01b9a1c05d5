"""Sign-in by IMAP: what is sent, and what the server's refusal means."""

import base64
import json
import logging

import pytest

from deskpost.problems import Problem, Step
from tests.inbound.channels.imap_accounts import (
    USER,
    account,
    fault_of_opening,
    let_in,
    opened,
    refused,
)
from tests.parts.imap_server import CAPABLE, imap_server

PASSWORD = "s3cret-päss"


@pytest.fixture(autouse=True)
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    let_in(monkeypatch)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", Problem.SIGN_IN_REFUSED),
        ("NO [AUTHORIZATIONFAILED] No such mailbox", Problem.SIGN_IN_REFUSED),
        ("NO [EXPIRED] Your password has run out", Problem.SIGN_IN_REFUSED),
        ("NO [CONTACTADMIN] Locked", Problem.SIGN_IN_REFUSED),
        ("NO [ALERT] Application-specific password required", Problem.SIGN_IN_REFUSED),
        ("NO AUTHENTICATE failed.", Problem.SIGN_IN_REFUSED),
        ("NO [PRIVACYREQUIRED] Not in the clear", Problem.NO_TLS),
        ("NO [LIMIT] Too many", Problem.RATE_LIMITED),
        ("NO [ALERT] Too many simultaneous connections. (Failure)", Problem.RATE_LIMITED),
        ("NO [OVERQUOTA] Account exceeded command or bandwidth limits.", Problem.RATE_LIMITED),
        ("NO [UNAVAILABLE] Temporary authentication failure.", Problem.SERVER_BUSY),
        ("NO [INUSE] Locked by another", Problem.SERVER_BUSY),
        ("BAD User is authenticated but not connected.", Problem.SERVER_BUSY),
        ("BAD whatever", Problem.STRANGE_ANSWER),
    ],
)
def test_a_refused_sign_in_is_told_by_what_the_server_means(said: str, problem: Problem) -> None:
    fault = refused({"AUTHENTICATE": f"%T {said}\r\n".encode()})
    assert (fault.problem, fault.step) == (problem, Step.SIGN_IN)
    assert fault.said == said.partition(" ")[2]


def test_the_time_for_which_microsoft_wants_us_away_is_kept() -> None:
    said = b"%T BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds\r\n"
    fault = refused({"AUTHENTICATE": said})
    assert (fault.problem, fault.facts["seconds"]) == (Problem.RATE_LIMITED, 300)


def test_where_login_is_disabled_no_password_is_sent() -> None:
    with imap_server({"CAPABILITY": CAPABLE % b"LOGINDISABLED"}) as server:
        _, fault = fault_of_opening(account(server.port))
        assert (fault.problem, fault.step) == (Problem.NO_TLS, Step.SIGN_IN)
        assert server.heard[1:] == []


def test_an_old_server_gets_the_password_by_login() -> None:
    with imap_server({"CAPABILITY": CAPABLE % b""}) as server:
        with opened(account(server.port, password='a"b\\c é')):
            pass
        login = next(line for line in server.heard if b"LOGIN" in line)
        assert login.endswith(b'LOGIN "imap@desk.test" "a\\"b\\\\c \xc3\xa9"')


def test_a_server_without_sasl_ir_is_told_the_password_when_it_asks() -> None:
    answers = {"CAPABILITY": CAPABLE % b"AUTH=PLAIN", "AUTHENTICATE": b"+ \r\n"}
    with imap_server(answers) as server, opened(account(server.port, password=PASSWORD)):
        said = server.heard[2]
    assert base64.b64decode(said) == f"\0{USER}\0{PASSWORD}".encode()


@pytest.mark.parametrize("secret", ["a\r\nb", "a\nb", "a\0b"])
def test_a_password_that_would_be_a_command_is_not_sent(secret: str) -> None:
    with imap_server({"CAPABILITY": CAPABLE % b""}) as server:
        _, fault = fault_of_opening(account(server.port, password=secret))
        assert fault.problem == Problem.SIGN_IN_REFUSED
        assert server.heard[1:] == []


@pytest.mark.parametrize(
    ("way", "first", "closing"),
    [
        ("XOAUTH2", b"user=imap@desk.test\1auth=Bearer tok\1\1", b""),
        ("OAUTHBEARER", b"n,a=imap@desk.test,\1auth=Bearer tok\1\1", b"AQ=="),
    ],
)
def test_a_refused_token_is_told_with_the_servers_status(
    way: str, first: bytes, closing: bytes
) -> None:
    told = base64.b64encode(json.dumps({"status": "400", "schemes": "Bearer"}).encode())
    answers = {
        "CAPABILITY": CAPABLE % f"SASL-IR AUTH={way} AUTH=PLAIN".encode(),
        "AUTHENTICATE": b"+ " + told + b"\r\n",
        "+": b"%T NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)\r\n",
    }
    with imap_server(answers) as server:
        _, fault = fault_of_opening(account(server.port, password="", token="tok"))
        heard = server.heard[1:]
    assert (fault.problem, fault.facts["token"]) == (Problem.SIGN_IN_REFUSED, True)
    assert fault.said == "[AUTHENTICATIONFAILED] Invalid credentials (Failure) (status 400)"
    assert heard[0].split()[1:] == [b"AUTHENTICATE", way.encode(), base64.b64encode(first)]
    assert heard[1] == closing


@pytest.mark.parametrize("challenge", [b"+ \r\n", b"+ !!!\r\n", b"+ W1tbWw==\r\n", b"+ NQ==\r\n"])
def test_a_challenge_that_says_nothing_is_answered_all_the_same(challenge: bytes) -> None:
    answers = {
        "CAPABILITY": CAPABLE % b"SASL-IR AUTH=XOAUTH2",
        "AUTHENTICATE": challenge,
        "+": b"%T NO no\r\n",
    }
    fault = refused(answers, token="tok")
    assert (fault.problem, fault.said) == (Problem.SIGN_IN_REFUSED, "no")


def test_secrets_are_neither_logged_nor_shown_even_if_the_server_repeats_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    encoded = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode())
    said = b"%T BAD unknown: AUTHENTICATE PLAIN " + encoded + b" " + PASSWORD.encode() + b"\r\n"
    fault = refused({"AUTHENTICATE": said}, password=PASSWORD)
    shown = f"{fault!r} {fault} {fault.facts} {fault.__cause__!r} {caplog.text}"
    assert PASSWORD not in shown
    assert encoded.decode() not in shown
    assert fault.said == "unknown: AUTHENTICATE PLAIN *** ***"
