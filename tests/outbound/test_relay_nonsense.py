"""A server that answers nonsense: a failure for now, bounded in memory and in time."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from deskpost.models import Suppression
from tests.outbound.sending import Sending, attempts, row, told
from tests.parts import misdeeds
from tests.parts.misdeeds import MEGABYTE, NONSENSE, Act
from tests.parts.refusing import Refusing

pytestmark = pytest.mark.one_database

ANN, BOB = "ann@x.test", "bob@y.test"
POINTS = ["rcpt", "data", "dot"]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("act", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_fails_nobody_and_the_next_message_goes(
    sending: Sending, server: Refusing, point: str, act: Act
) -> None:
    server.at(point, act, of=ANN)
    sending.connections(1)
    sending.through(server.port)
    sending.invite(ANN, BOB)
    began = time.monotonic()
    sending.work()
    assert time.monotonic() - began < 5
    assert (row(ANN).status, row(ANN).tries) == ("queued", 1)
    assert [result for result, _ in attempts(ANN)] == ["temporary"]
    assert attempts(BOB) == [("accepted", 250)]
    answer = str(row(ANN).facts["answer"])
    assert answer.isprintable()
    assert len(answer) <= 2000
    assert not Suppression.objects.exists()
    server.behave()
    sending.make_due()
    sending.work()
    assert row(ANN).status == "delivered"


@pytest.mark.parametrize("act", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_at_mail_fails_nobody(sending: Sending, server: Refusing, act: Act) -> None:
    server.at("mail", act)
    sending.through(server.port)
    sending.invite(ANN, BOB)
    sending.work()
    assert {row(ANN).status, row(BOB).status} == {"queued"}
    server.behave()
    sending.make_due()
    sending.work_until_sent(2)


@pytest.mark.parametrize("code", [250, 550])
def test_a_reply_without_end_takes_little_memory(
    sending: Sending, server: Refusing, code: int
) -> None:
    server.at("rcpt", misdeeds.endless_reply(code))
    sending.through(server.port)
    sending.invite(ANN)
    tracemalloc.start()
    try:
        sending.work()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 16 * MEGABYTE
    assert row(ANN).status == "queued"


def test_a_refusal_of_a_thousand_lines_is_kept_short(sending: Sending, server: Refusing) -> None:
    lines = [f"550-5.1.1 no such user {n}" for n in range(1000)]
    server.at("rcpt", "\n".join([*lines, "550 5.1.1 that is all"]))
    sending.through(server.port)
    sending.invite(ANN)
    sending.work()
    note = row(ANN)
    assert (note.status, note.facts["enhanced"]) == ("failed", "5.1.1")
    assert len(note.facts["answer"]) <= 2000


def test_a_refusal_with_a_nul_and_other_controls_is_kept_without_them(
    sending: Sending, server: Refusing
) -> None:
    said = b"550 5.1.1 no\x00such\x1b[31m user \xff\xfe \xe2\x80\xae\r\n"
    server.at("rcpt", misdeeds.raw(said, 550))
    sending.through(server.port)
    sending.invite(ANN)
    sending.work()
    assert attempts(ANN) == [("permanent", 550)]
    assert "\x00" not in str(row(ANN).facts)
    assert "\x1b" not in str(row(ANN).facts)


def test_a_yes_where_only_go_on_makes_sense_is_no_delivery(
    sending: Sending, server: Refusing
) -> None:
    server.at("data", "250 2.0.0 delivered, surely")
    sending.through(server.port)
    sending.invite(ANN)
    sending.work()
    assert row(ANN).status == "queued"
    assert server.received == []


def test_go_on_after_the_final_dot_is_no_delivery(sending: Sending, server: Refusing) -> None:
    server.at("dot", "354 and then?")
    sending.through(server.port)
    sending.invite(ANN)
    sending.work()
    assert row(ANN).status == "queued"
    assert attempts(ANN) == [("temporary", 354)]


def test_what_a_server_says_cannot_forge_lines_of_the_log(
    sending: Sending, server: Refusing, caplog: pytest.LogCaptureFixture
) -> None:
    server.at("greeting", misdeeds.raw(b"554 no\x0bERROR forged\x1b[31m\xe2\x80\xa8forged\r\n"))
    sending.through(server.port)
    sending.invite(ANN)
    sending.work()
    (notice,) = told()
    assert str(notice["answer"]).isprintable()
    assert all(message.isprintable() for message in caplog.messages if f":{server.port}" in message)
