"""A relay that cannot be used fails nobody: all waits, one notice says so, then all goes out."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from django.conf import settings

from deskpost.models import Attempt, Notification
from tests.outbound.sending import Sending, row, told
from tests.parts import certificates, misdeeds, ports
from tests.parts.misdeeds import NONSENSE
from tests.parts.refusing import Refusing

PEOPLE = ["ann@x.test", "bob@y.test", "cy@z.test"]


def check_that_all_wait(sending: Sending) -> None:
    """Nothing has failed or counts as a try, and exactly one notice is open."""
    rows = Notification.objects.all()
    assert [one.status for one in rows] == ["queued"] * len(PEOPLE)
    assert [(one.tries, one.owner, one.first_try_at) for one in rows] == [(0, "", None)] * 3
    assert not Attempt.objects.exists()
    assert [one["is_open"] for one in told()] == [True]


def check_that_all_go_out(sending: Sending, server: Refusing) -> None:
    """Each goes once, at the first try, and the notice is closed."""
    sending.work_until_sent(len(PEOPLE))
    assert sorted(one.recipients[0] for one in server.messages) == PEOPLE
    assert [one.tries for one in Notification.objects.all()] == [0, 0, 0]
    assert Attempt.objects.count() == len(PEOPLE)
    assert [one["is_open"] for one in told()] == [False]


def wait_down_then_up(sending: Sending, server: Refusing) -> None:
    sending.invite(*PEOPLE)
    sending.work(rounds=4)
    check_that_all_wait(sending)
    server.behave()
    check_that_all_go_out(sending, server)


def test_nobody_listens_and_then_somebody_does(sending: Sending) -> None:
    port = ports.free()
    sending.through(port)
    sending.invite(*PEOPLE)
    sending.work(rounds=4)
    check_that_all_wait(sending)
    with Refusing(port) as server:
        check_that_all_go_out(sending, server)
        sending.close()


@pytest.mark.parametrize("answer", ["421 4.3.2 full up", "554 5.7.1 no service for you"])
def test_the_greeting_refuses_us(sending: Sending, server: Refusing, answer: str) -> None:
    server.at("greeting", misdeeds.answer_and_hang_up(answer))
    sending.through(server.port)
    wait_down_then_up(sending, server)
    assert told()[0]["answer"] == answer[4:]


@pytest.mark.parametrize("point", ["greeting", "ehlo"])
@pytest.mark.parametrize("act", [misdeeds.hang_up(), misdeeds.silence(), *NONSENSE.values()])
def test_the_beginning_of_the_dialogue_goes_wrong(
    sending: Sending, server: Refusing, point: str, act: misdeeds.Act
) -> None:
    server.at(point, act)
    server.at("helo", "502 5.5.1 not that either")
    sending.through(server.port)
    wait_down_then_up(sending, server)


def test_neither_ehlo_nor_helo_is_taken(sending: Sending, server: Refusing) -> None:
    server.at("ehlo", "550 5.7.1 not with that name")
    server.at("helo", "550 5.7.1 not with that name")
    sending.through(server.port)
    wait_down_then_up(sending, server)


# --- TLS ---


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate that the site believes."""
    ca_file = certificates.make(tmp_path)
    monkeypatch.setitem(settings.DESKPOST, "CA_FILE", ca_file)
    return context_of(tmp_path)


def context_of(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context


@pytest.mark.parametrize("is_tls", [False, True])
def test_over_tls_all_is_well(sending: Sending, trusted: ssl.SSLContext, is_tls: bool) -> None:
    with Refusing(context=trusted, is_tls=is_tls) as server:
        sending.through(server.port, tls="tls" if is_tls else "starttls")
        sending.invite(*PEOPLE)
        sending.work_until_sent(3)
        assert told() == []
        assert ("STARTTLS" in server.dialogues[0].verbs) is not is_tls
        sending.close()


@pytest.mark.parametrize(
    "act",
    [
        misdeeds.answer("454 4.7.0 no TLS just now"),
        misdeeds.answer("502 5.5.1 no such command"),
        misdeeds.raw(b"220 go on\r\nthis is no TLS at all\r\n"),
        misdeeds.answer_and_hang_up("220 go on"),
        misdeeds.hang_up(),
        misdeeds.silence(),
    ],
)
def test_starttls_fails(sending: Sending, trusted: ssl.SSLContext, act: misdeeds.Act) -> None:
    with Refusing(context=trusted) as server:
        server.at("starttls", act)
        sending.through(server.port, tls="starttls")
        wait_down_then_up(sending, server)
        assert not any(
            "MAIL" in one.verbs for one in server.dialogues if "STARTTLS" not in one.verbs
        )
        sending.close()


def test_a_relay_that_does_not_offer_tls_gets_nothing_in_the_clear(sending: Sending) -> None:
    with Refusing() as server:
        sending.through(server.port, tls="starttls", user="it")
        sending.invite(*PEOPLE)
        sending.work(rounds=3)
        check_that_all_wait(sending)
        assert {verb for one in server.dialogues for verb in one.verbs} <= {"EHLO", "QUIT"}
        sending.close()


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_certificate_that_nobody_vouches_for(
    sending: Sending, trusted: ssl.SSLContext, tmp_path: Path, is_tls: bool
) -> None:
    folder = tmp_path / "stranger"
    folder.mkdir()
    certificates.make(folder)
    with Refusing(context=context_of(folder), is_tls=is_tls) as server:
        sending.through(server.port, tls="tls" if is_tls else "starttls", user="it")
        sending.invite(*PEOPLE)
        sending.work(rounds=3)
        check_that_all_wait(sending)
        assert "AUTH" not in [verb for one in server.dialogues for verb in one.verbs]
        server.context = trusted
        server.offers.append("AUTH PLAIN")
        check_that_all_go_out(sending, server)
        sending.close()


# --- Signing in ---


@pytest.mark.parametrize(
    "answer",
    ["535 5.7.8 the password is wrong", "454 4.7.0 cannot look it up now", "534 5.7.9 too weak"],
)
def test_the_sign_in_is_refused(sending: Sending, server: Refusing, answer: str) -> None:
    server.offers.append("AUTH PLAIN LOGIN")
    server.at("auth", answer)
    sending.through(server.port, user="it")
    wait_down_then_up(sending, server)
    assert "secret" not in str(told())


def test_a_relay_that_offers_no_sign_in(sending: Sending, server: Refusing) -> None:
    sending.through(server.port, user="it")
    sending.invite(*PEOPLE)
    sending.work(rounds=3)
    check_that_all_wait(sending)
    server.offers.append("AUTH PLAIN")
    check_that_all_go_out(sending, server)


def test_a_relay_that_wants_a_sign_in_which_we_do_not_have(
    sending: Sending, server: Refusing
) -> None:
    server.at("mail", "530 5.7.0 authentication required")
    sending.through(server.port)
    wait_down_then_up(sending, server)


def test_a_relay_that_goes_away_at_each_mail(sending: Sending, server: Refusing) -> None:
    server.at("mail", misdeeds.answer_and_hang_up("421 4.3.2 going down"))
    sending.through(server.port)
    sending.invite(*PEOPLE)
    sending.work(rounds=2)
    assert {one.status for one in Notification.objects.all()} == {"queued"}
    server.behave()
    sending.make_due()
    sending.work_until_sent(3)


# --- The notice ---


def test_one_notice_however_many_wait_and_however_long(sending: Sending, server: Refusing) -> None:
    server.at("greeting", "421 4.3.2 full up")
    sending.through(server.port)
    sending.invite(*[f"p{n}@x.test" for n in range(100)])
    sending.work(rounds=10)
    (notice,) = told()
    assert (notice["code"], notice["answer"]) == (421, "4.3.2 full up")
    assert notice["server"] == f"127.0.0.1:{server.port}"


def test_the_next_time_that_it_is_down_is_another_notice(
    sending: Sending, server: Refusing
) -> None:
    sending.through(server.port)
    for address in PEOPLE[:2]:
        server.at("greeting", "421 4.3.2 full up")
        sending.through(server.port)
        sending.invite(address)
        sending.work(rounds=2)
        assert row(address).status == "queued"
        server.behave()
        sending.work_until_sent(PEOPLE.index(address) + 1)
    assert [one["is_open"] for one in told()] == [False, False]


def test_while_it_is_down_it_is_not_asked_all_the_time(
    sending: Sending, server: Refusing, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deskpost.outbound import lanes

    monkeypatch.setattr(lanes, "PAUSES", (60.0,))
    server.at("greeting", misdeeds.answer_and_hang_up("421 4.3.2 full up"))
    sending.through(server.port)
    sending.invite(*PEOPLE)
    sending.work(rounds=20)
    assert len(server.dialogues) == 1
