"""What IMAP servers do to whoever is in already: each failure is a Fault and closes."""

import threading
import time
from collections.abc import Callable

import pytest

from deskpost.inbound.channels.imap import inlet as imap_inlet
from deskpost.inbound.channels.source import Item
from deskpost.net import Fault
from deskpost.problems import Problem
from tests.inbound.channels.imap_accounts import (
    account,
    let_in,
    mailbox,
    opened,
)
from tests.parts.imap_server import CLOSE, SELECTED, SILENCE, ImapServer, imap_server

ONE = Item(uid="5", size=100)
MOVING = {"afterwards": "move", "move_to": "Taken"}


@pytest.fixture(autouse=True)
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    let_in(monkeypatch)


def test_a_server_that_drips_is_not_waited_for_longer_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with mailbox({"IDLE": SILENCE}) as (server, source):
        begin = source._wire.begin  # type: ignore[attr-defined]
        monkeypatch.setattr(source._wire, "begin", lambda *_: begin(1000, 0.5))  # type: ignore[attr-defined]
        monkeypatch.setattr(imap_inlet, "SILENCE", 0.4)
        ticks = _every(0.1, lambda: server.say(b"x"))
        begun = time.monotonic()
        with pytest.raises(Fault) as caught:
            source.rest()
        ticks.set()
    assert caught.value.problem == Problem.TIMED_OUT
    assert time.monotonic() - begun < 3


def fetching(server: ImapServer, limit: int = 1000) -> Fault:
    """Fetch a message that fails; return the fault."""
    with opened(account(server.port)) as source:
        with pytest.raises(Fault) as caught:
            source.fetch([ONE], limit)
        assert source.fileno() == -1
    return caught.value


def test_a_message_much_larger_than_declared_is_not_read() -> None:
    with imap_server({"UID FETCH": b"* 1 FETCH (UID 5 BODY[] {5000000000}\r\n"}) as server:
        fault = fetching(server)
    assert (fault.problem, fault.facts["uid"]) == (Problem.STRANGE_ANSWER, "5")


def test_of_headers_without_end_only_the_beginning_is_kept() -> None:
    most = 256 * 1024
    answer = b"* 1 FETCH (UID 5 BODY[HEADER]<0> {%d}\r\n%b)\r\n%%T OK done\r\n"
    with mailbox({"UID FETCH": answer % (most + 9, b"x" * (most + 9))}) as (_, source):
        (fetched,) = source.fetch([ONE], 10)
    assert (fetched.raw, fetched.whole) == (b"x" * most, False)


@pytest.mark.parametrize(
    "answer",
    [
        b"* 1 FETCH (UID 5 BODY[] {3}\r\nabc\r\n%T OK done\r\n",  # no end
        b"* 1 FETCH (UID x BODY[] {3}\r\nabc)\r\n%T OK done\r\n",
        b"* 1 FETCH " + b"(" * 5000 + b"\r\n%T OK done\r\n",
        b"* 1 FETCH\r\n%T OK done\r\n",
        b"%T YES\r\n",
        b"x999 OK done\r\n",
    ],
)
def test_an_answer_that_cannot_be_read_is_strange(answer: bytes) -> None:
    with imap_server({"UID FETCH": answer}) as server:
        assert fetching(server).problem == Problem.STRANGE_ANSWER


def test_a_message_that_is_there_but_not_given_is_not_taken_for_a_deleted_one() -> None:
    answers = {"UID FETCH": b"%T OK done\r\n", "UID SEARCH": b"* SEARCH 5\r\n%T OK done\r\n"}
    with imap_server(answers) as server:
        fault = fetching(server)
    assert (fault.problem, fault.facts["uid"]) == (Problem.STRANGE_ANSWER, "5")


def test_a_message_that_others_delete_at_this_moment_is_there_no_more() -> None:
    answers = {
        "UID FETCH": b"%T NO [EXPUNGEISSUED] Gone\r\n",
        "UID SEARCH": b"* SEARCH\r\n%T OK done\r\n",
    }
    with mailbox(answers) as (_, source):
        (fetched,) = source.fetch([ONE], 1000)
    assert fetched.raw is None


def test_one_message_that_the_server_refuses_is_named() -> None:
    with (
        mailbox({"UID FETCH": b"%T NO [UNAVAILABLE] Broken\r\n"}) as (_, source),
        pytest.raises(Fault) as caught,
    ):
        source.fetch([Item(uid="4", size=1), ONE], 1000)
    assert (caught.value.problem, caught.value.facts["uid"]) == (Problem.SERVER_BUSY, "4")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"%T NO [OVERQUOTA] Mailbox is full\r\n", Problem.QUOTA_FULL),
        (b"%T NO [NOPERM] Not allowed\r\n", Problem.READ_ONLY),
        (b"* BYE Session expired, please login again.\r\n" + CLOSE, Problem.DROPPED),
    ],
)
def test_messages_that_cannot_be_moved_are_told_with_the_reason(
    answer: bytes, problem: Problem
) -> None:
    with mailbox({"UID MOVE": answer}, **MOVING) as (_, source), pytest.raises(Fault) as caught:
        source.finish([ONE])
    assert caught.value.problem == problem


def test_a_message_deleted_by_others_is_passed_over_when_it_is_marked() -> None:
    with mailbox({"UID STORE": b"%T NO [EXPUNGEISSUED] Gone\r\n"}) as (_, source):
        source.finish([ONE])
        assert source.look(10).validity > 0  # and the connection goes on


def test_a_folder_to_move_to_that_went_away_is_made_again() -> None:
    with mailbox({"UID MOVE": b"%T NO [TRYCREATE] None\r\n"}, **MOVING) as (server, source):
        with pytest.raises(Fault):
            source.finish([ONE])
        words = [line.split()[1] for line in server.heard]
    assert words[-4:] == [b"UID", b"CREATE", b"SUBSCRIBE", b"UID"]


def test_a_goodbye_to_whoever_rests_is_told_in_the_servers_words() -> None:
    with mailbox({}) as (server, source):
        source.rest()
        server.say(b"* BYE Disconnected for inactivity.\r\n")
        server.hang_up()
        time.sleep(0.1)
        with pytest.raises(Fault) as caught:
            source.stir()
    assert caught.value.problem == Problem.DROPPED
    assert caught.value.said == "Disconnected for inactivity."


def test_a_goodbye_is_read_even_if_nothing_can_be_sent_any_more() -> None:
    with mailbox({}) as (server, source):
        source.look(10)
        server.say(b"* BYE Request is throttled. Suggested Backoff Time: 5000 milliseconds\r\n")
        server.hang_up()
        time.sleep(0.1)
        source._wire.sock.sendall(b"x1 NOOP\r\n")  # type: ignore[attr-defined]
        time.sleep(0.1)
        with pytest.raises(Fault) as caught:
            source.look(10)
    assert (caught.value.problem, caught.value.facts) == (Problem.RATE_LIMITED, {"seconds": 5})


def test_a_sign_of_life_is_no_news() -> None:
    with mailbox({"+": b"%T OK done\r\n"}) as (server, source):
        source.rest()
        server.say(b"* OK Still here\r\n* 3 EXISTS\r\n* 2 RECENT\r\n")
        assert source.stir() is False
        source.rest()
        server.say(b"* 1 EXPUNGE\r\n* 3 EXISTS\r\n")
        assert source.stir() is True


def test_what_comes_along_with_the_beginning_of_the_wait_is_no_news_by_itself() -> None:
    answers = {"IDLE": b"+ idling\r\n* OK Still here\r\n* 3 EXISTS\r\n", "+": b"%T OK done\r\n"}
    with mailbox(answers) as (_, source):
        source.look(10)
        source.rest()
        assert source.pending() is False
        assert source.stir() is False


def test_half_a_line_that_has_come_is_pending() -> None:
    with mailbox({"IDLE": b"+ idling\r\n* 4 EX", "+": b"ISTS\r\n%T OK done\r\n"}) as (_, source):
        source.look(10)
        source.rest()
        assert source.pending() is True
        assert source.stir() is True


def test_news_between_the_order_to_wait_and_its_beginning_is_pending() -> None:
    with mailbox({"IDLE": b"* 9 EXISTS\r\n+ idling\r\n"}) as (_, source):
        source.look(10)
        assert source.pending() is False
        source.rest()
        assert source.pending() is True


def test_a_server_that_does_not_tell_the_next_uid_is_asked_for_the_last() -> None:
    answers = {
        "SELECT": SELECTED.replace(b"* OK [UIDNEXT 10] Predicted next UID\r\n", b""),
        "UID SEARCH": b"* SEARCH 41\r\n%T OK done\r\n",
    }
    with mailbox(answers) as (_, source):
        assert source.look(42).next_uid == 42


def test_a_uid_below_the_asked_ones_is_left_out() -> None:
    answers = {"UID SEARCH": b"* SEARCH 3 9 8\r\n* SEARCH 200\r\n%T OK done\r\n"}
    rows = b"".join(b"* %d FETCH (UID %d RFC822.SIZE 9)\r\n" % (n, n) for n in (8, 9, 3))
    answers["UID FETCH"] = rows + b"%T OK done\r\n"
    with mailbox(answers) as (_, source):
        assert [item.uid for item in source.look(8).items] == ["8", "9"]


def test_closing_never_raises() -> None:
    with mailbox({"LOGOUT": SILENCE}) as (server, source):
        server.hang_up()
        source.close()


def _every(seconds: float, act: Callable[[], None]) -> threading.Event:
    end = threading.Event()

    def tick() -> None:
        while not end.wait(seconds):
            act()

    threading.Thread(target=tick, daemon=True).start()
    return end
