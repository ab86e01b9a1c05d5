"""One connection after another message: what is cut off, what goes on, and who is not touched."""

from __future__ import annotations

import email
import time

import pytest
from django.utils import timezone

from deskpost.desk import requests
from deskpost.desk.entry import Entry
from deskpost.models import Attempt
from tests.outbound.sending import Sending, attempts, row, told
from tests.parts import misdeeds
from tests.parts.misdeeds import Act, Line
from tests.parts.refusing import Refusing
from tests.parts.site import letter

pytestmark = pytest.mark.one_database

ANN, BOB, CY = "ann@x.test", "bob@y.test", "cy@z.test"
ENDS = [misdeeds.hang_up(), misdeeds.silence()]


def ids_of(server: Refusing, recipient: str) -> list[str]:
    """The Message-IDs of what came for that recipient."""
    return [
        str(email.message_from_bytes(one.content)["Message-ID"]) for one in server.to(recipient)
    ]


# --- Cut off ---


@pytest.mark.parametrize("act", ENDS)
def test_cut_off_after_the_final_dot_it_is_tried_again_under_the_same_message_id(
    sending: Sending, server: Refusing, act: Act
) -> None:
    server.at("dot", act, times=1)
    sending.through(server.port)
    sending.invite(ANN)
    sending.work()
    assert (row(ANN).status, row(ANN).tries) == ("queued", 1)
    assert attempts(ANN) == [("temporary", None)]  # no server's answer
    sending.make_due()
    sending.work()
    assert row(ANN).status == "delivered"
    assert [one.code for one in server.to(ANN)] == [0, 250]
    first, second = ids_of(server, ANN)
    assert first == second == row(ANN).message_id


@pytest.mark.parametrize("point", ["rcpt", "data", "content", "dot"])
@pytest.mark.parametrize("act", ENDS)
def test_whatever_is_cut_off_fails_nobody_and_touches_no_other(
    sending: Sending, server: Refusing, point: str, act: Act
) -> None:
    server.at(point, act, of=BOB)
    sending.connections(1)
    sending.through(server.port)
    sending.invite(ANN, BOB, CY)
    sending.work()
    assert attempts(ANN) == attempts(CY) == [("accepted", 250)]
    assert row(BOB).status == "queued"
    assert attempts(BOB) == [("temporary", None)]
    server.behave()
    sending.make_due()
    sending.work()
    assert row(BOB).status == "delivered"


def test_a_server_that_closes_after_each_message_costs_no_try(
    sending: Sending, server: Refusing
) -> None:
    server.at("dot", misdeeds.answer_and_hang_up("250 2.0.0 OK"))
    sending.connections(1)
    sending.through(server.port)
    sending.invite(*[f"p{n}@x.test" for n in range(8)])
    sending.work_until_sent(8)
    assert Attempt.objects.filter(result="accepted").count() == 8
    assert Attempt.objects.count() == 8
    assert told() == []


def test_a_server_that_closed_meanwhile_costs_no_try(sending: Sending, server: Refusing) -> None:
    server.at("dot", misdeeds.answer_and_hang_up("250 2.0.0 OK"), times=1)
    sending.connections(1)
    sending.through(server.port)
    for address in (ANN, BOB):
        sending.invite(address)
        sending.work_until_sent(1 + (address == BOB))
    assert attempts(BOB) == [("accepted", 250)]


# --- Going on after a refusal ---


@pytest.mark.parametrize("offers", [["PIPELINING"], []])
@pytest.mark.parametrize("point", ["rcpt", "data", "dot"])
@pytest.mark.parametrize("answer", ["550 5.7.1 not for him", "451 4.7.1 not now"])
def test_the_refusal_of_one_does_not_touch_the_others(
    sending: Sending, server: Refusing, offers: list[str], point: str, answer: str
) -> None:
    server.offers = offers
    server.at(point, answer, of=BOB)
    sending.connections(1)
    sending.through(server.port)
    sending.invite(ANN, BOB, CY)
    sending.work()
    assert [one.recipients for one in server.messages] == [(ANN,), (CY,)]
    assert attempts(ANN) == attempts(CY) == [("accepted", 250)]
    assert [code for _, code in attempts(BOB)] == [int(answer[:3])]


@pytest.mark.parametrize("point", ["mail", "rcpt", "data", "dot"])
def test_a_server_that_refuses_and_goes_does_not_touch_the_others(
    sending: Sending, server: Refusing, point: str
) -> None:
    server.at(point, misdeeds.answer_and_hang_up("554 5.7.1 go away"), times=1)
    sending.connections(1)
    sending.through(server.port)
    sending.invite(ANN, BOB, CY)
    sending.work_until_sent(2)
    results = sorted(Attempt.objects.values_list("result", "code"))
    assert results == [("accepted", 250), ("accepted", 250), ("permanent", 554)]


@pytest.mark.parametrize("act", [misdeeds.answer("554 5.5.1 no recipients"), *ENDS])
def test_a_server_that_wants_data_though_it_refused_the_recipient_gets_none(
    sending: Sending, act: Act
) -> None:
    with Refusing(takes_data=True) as server:
        server.at("dot", act, of=BOB)
        server.at("rcpt", "550 5.1.1 no such user", of=BOB)
        sending.connections(1)
        sending.through(server.port)
        sending.invite(ANN, BOB, CY)
        sending.work()
        assert attempts(BOB) == [("permanent", 550)]
        assert attempts(ANN) == attempts(CY) == [("accepted", 250)]
        assert [one.content for one in server.received if one.code != 250] == [b""]
        sending.close()


def test_a_server_that_cannot_rset_gets_a_new_connection(
    sending: Sending, server: Refusing
) -> None:
    server.at("rset", "502 5.5.1 no such command")
    server.at("rcpt", "550 5.7.1 not for him", of=ANN)
    sending.connections(1)
    sending.through(server.port)
    sending.invite(ANN, BOB)
    sending.work()
    assert attempts(BOB) == [("accepted", 250)]
    assert len(server.dialogues) == 2


# --- Pipelining and connections ---


def test_pipelining_is_used_where_it_is_offered(sending: Sending) -> None:
    with Refusing(patience=0.05) as server:
        sending.connections(1)
        sending.through(server.port)
        sending.invite(ANN, BOB)
        sending.work()
        (dialogue,) = server.dialogues
        assert [(said.verb, said.ahead) for said in dialogue.commands[:7]] == [
            ("EHLO", False),
            *[("MAIL", False), ("RCPT", True), ("DATA", True)] * 2,
        ]
        sending.close()


def test_pipelining_is_never_used_where_it_is_not_offered(sending: Sending) -> None:
    with Refusing(offers=["SIZE 20971520", "8BITMIME"], patience=0.05) as server:
        server.at("rcpt", "550 5.7.1 not for him", of=BOB)
        sending.through(server.port)
        sending.invite(ANN, BOB, CY)
        sending.work()
        sending.close()
        assert sum("MAIL" in one.verbs for one in server.dialogues) >= 1
        assert not any(one.is_pipelined for one in server.dialogues)
        assert len(server.messages) == 2


def test_a_server_of_the_old_kind_that_knows_no_ehlo(sending: Sending, server: Refusing) -> None:
    server.at("ehlo", "502 5.5.1 no such command")
    sending.through(server.port)
    sending.invite(ANN)
    sending.work()
    assert row(ANN).status == "delivered"
    assert not server.dialogues[0].is_pipelined


def test_so_many_connections_as_are_set_and_no_more(sending: Sending, server: Refusing) -> None:
    server.at("dot", misdeeds.late(0.1, "250 2.0.0 OK"))
    sending.connections(3)
    sending.through(server.port)
    sending.invite(*[f"p{n}@x.test" for n in range(12)])
    sending.work_until_sent(12)
    assert server.most_open == 3


def test_a_relay_that_allows_fewer_connections_is_not_down(
    sending: Sending, server: Refusing
) -> None:
    def greet(line: Line) -> None:
        if len(server.clients) > 2:
            misdeeds.answer_and_hang_up("421 4.7.0 too many connections").do(line)
        else:
            line.say(b"220 hello\r\n")

    server.at("greeting", Act(220, greet))
    server.at("dot", misdeeds.late(0.05, "250 2.0.0 OK"))
    sending.connections(6)
    sending.through(server.port)
    sending.invite(*[f"p{n}@x.test" for n in range(20)])
    sending.work_until_sent(20)
    assert Attempt.objects.count() == 20
    assert told() == []


def test_a_slow_recipient_holds_up_nobody_else(sending: Sending, server: Refusing) -> None:
    server.at("rcpt", misdeeds.late(0.4, "250 2.1.5 OK"), of=ANN)
    sending.connections(2)
    sending.through(server.port)
    sending.invite(ANN, *[f"p{n}@x.test" for n in range(10)])
    sending.work()
    assert [one.recipients[0] for one in server.messages][-1] == ANN


def test_a_server_that_drips_its_answers_is_waited_for(sending: Sending, server: Refusing) -> None:
    for point in ("greeting", "mail", "rcpt", "dot"):
        server.at(point, misdeeds.dripping("250 2.0.0 OK" if point != "greeting" else "220 hi"))
    sending.through(server.port)
    sending.invite(ANN)
    sending.work()
    assert row(ANN).status == "delivered"


def test_a_server_that_drips_for_ever_is_left_in_time(sending: Sending, server: Refusing) -> None:
    server.at("rcpt", misdeeds.dripping("250 " + "x" * 10_000))
    sending.through(server.port)
    sending.invite(ANN)
    began = time.monotonic()
    sending.work()
    assert time.monotonic() - began < 5
    assert attempts(ANN) == [("temporary", None)]


# --- The message ---


def test_the_message_comes_whole_whatever_its_lines_begin_with(
    sending: Sending, server: Refusing
) -> None:
    sending.through(server.port)
    desk = sending.desk
    desk.take(letter())
    entry = Entry(text="one\n.\n..two\n. three\nQUIT\nlast line")
    requests.add_comment(desk.request(), desk.agent, entry, now=timezone.now())
    desk.announce()
    sending.work()
    content = server.messages[-1].content
    text = email.message_from_bytes(content).get_payload(0)
    assert "last line" in str(text)
    assert content.count(b"\r\n") == content.count(b"\n")
    assert server.dialogues[0].verbs.count("QUIT") <= 1
