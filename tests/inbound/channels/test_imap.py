"""Mailboxes by IMAP at a real Dovecot: getting in, reading, and what becomes of messages."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from deskpost.inbound.channels import imap
from deskpost.inbound.channels.source import Source
from deskpost.problems import Problem, Step
from tests.inbound.channels.imap_accounts import (
    USER,
    account,
    at_dovecot,
    fault_of_opening,
    let_in,
    opened,
)
from tests.parts.dovecot import Dovecot
from tests.parts.maildir import letter

pytestmark = pytest.mark.dovecot
LIMIT = 1024 * 1024


@pytest.fixture(autouse=True)
def allowed(monkeypatch: pytest.MonkeyPatch, dovecot: Dovecot) -> None:
    let_in(monkeypatch, dovecot)
    at_dovecot(dovecot)


@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
def test_opening_tells_step_by_step_what_it_found(dovecot: Dovecot, security: str) -> None:
    port = dovecot.imaps_port if security == "tls" else dovecot.imap_port
    dovecot.fill(USER, 2, folder=f"Steps {security}")
    at = at_dovecot(dovecot, security=security, port=port, folder=f"Steps {security}")
    opening = imap.opening(at)
    told = {}
    try:
        while True:
            done = next(opening)
            told[done.step] = done.facts
    except StopIteration as end:
        end.value.close()
    assert list(told) == list(Step)
    assert "127.0.0.1" in told[Step.NAME]["addresses"]
    assert told[Step.TCP] == {"address": "127.0.0.1", "port": port}
    if security == "none":
        assert told[Step.TLS] == {"plain": True}
    else:
        assert told[Step.TLS]["protocol"].startswith("TLSv1.")
    assert told[Step.SIGN_IN] == {"mechanism": "PLAIN"}
    assert told[Step.FOLDER]["folder"] == f"Steps {security}"
    assert (told[Step.FOLDER]["messages"], told[Step.FOLDER]["next_uid"]) == (2, 3)
    assert told[Step.FOLDER]["validity"] > 0
    assert told[Step.RIGHTS]["expunge"] is True


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_of_a_stranger_ends_it_before_the_password(
    dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    at = at_dovecot(
        dovecot,
        security=security,
        port=dovecot.imaps_port if security == "tls" else dovecot.imap_port,
    )
    monkeypatch.setitem(settings.DESKPOST, "CA_FILE", None)
    steps, fault = fault_of_opening(at)
    assert (fault.problem, fault.step) == (Problem.CERTIFICATE_UNTRUSTED, Step.TLS)
    assert [done.step for done in steps] == [Step.NAME, Step.TCP]


def test_a_wrong_password_is_told_in_the_servers_words(dovecot: Dovecot) -> None:
    at = at_dovecot(dovecot, password="wrong ünsäglich")
    steps, fault = fault_of_opening(at)
    assert (fault.problem, fault.step) == (Problem.SIGN_IN_REFUSED, Step.SIGN_IN)
    assert fault.said == "[AUTHENTICATIONFAILED] Authentication failed."
    assert "token" not in fault.facts
    assert steps[-1].step == Step.TLS


def test_a_token_opens_the_mailbox(dovecot: Dovecot) -> None:
    at = at_dovecot(dovecot, password="", token=dovecot.token(USER))
    told = {done.step: done.facts for done in imap.opening(at)}
    assert told[Step.SIGN_IN] == {"mechanism": "XOAUTH2"}


def test_a_token_that_has_run_out_is_told_as_a_refused_token(dovecot: Dovecot) -> None:
    at = at_dovecot(dovecot, password="", token=dovecot.token(USER, seconds=-60))
    _, fault = fault_of_opening(at)
    assert (fault.problem, fault.step) == (Problem.SIGN_IN_REFUSED, Step.SIGN_IN)
    assert fault.facts["token"] is True
    assert "(status " in fault.said
    assert at.token not in fault.said


def test_a_missing_folder_is_told_with_those_that_there_are(dovecot: Dovecot) -> None:
    dovecot.fill(USER, 1, folder="Rückfragen")
    at = at_dovecot(dovecot, folder="Rückfrage")
    _, fault = fault_of_opening(at)
    assert (fault.problem, fault.step) == (Problem.FOLDER_MISSING, Step.FOLDER)
    assert fault.facts["folder"] == "Rückfrage"
    assert fault.facts["others"][:2] == ["INBOX", "Rückfragen"]  # the likeliest first


def test_a_folder_with_a_name_beyond_ascii_is_read(dovecot: Dovecot) -> None:
    dovecot.fill(USER, 1, folder="受信 & Ä")
    with opened(at_dovecot(dovecot, folder="受信 & Ä")) as source:
        assert source.look().total == 1


def test_the_bytes_are_those_that_the_server_has(dovecot: Dovecot) -> None:
    bodies = [
        letter(0) + b"caf\xe9 \x80\xff and {12}\r\n\x01\r\n",
        letter(1) + b"long " * 20_000 + b"\r\n",
        letter(2) + b"* BYE of the text\r\n) OK\r\n.\r\n..\r\n",
        b"\r\n",
        letter(4).rstrip(b"\r\n"),
    ]
    dovecot.fill(USER, len(bodies), lambda number: bodies[number], "Bytes")
    with opened(at_dovecot(dovecot, folder="Bytes")) as source:
        fetched = source.fetch(source.look().items, LIMIT)
    assert [one.raw for one in fetched] == dovecot.raw_messages(USER, "Bytes")
    assert sorted(one.raw or b"" for one in fetched) == sorted(bodies)
    assert all(one.whole for one in fetched)


def test_a_message_delivered_to_the_inbox_is_found_with_its_time(dovecot: Dovecot) -> None:
    at = at_dovecot(dovecot)
    dovecot.deliver(letter(7), to=USER)
    with opened(at) as source:
        look = source.look()
        (fetched,) = source.fetch(look.items[-1:], LIMIT)
    assert fetched.raw == dovecot.raw_messages(USER)[-1]
    arrived = look.items[-1].arrived
    assert arrived is not None
    assert abs(arrived - datetime.now(UTC)) < timedelta(minutes=2)
    assert look.items[-1].size == len(fetched.raw or b"")


def test_looking_and_fetching_marks_nothing(dovecot: Dovecot) -> None:
    dovecot.fill(USER, 2, folder="Unmarked")
    with opened(at_dovecot(dovecot, folder="Unmarked")) as source:
        items = source.look().items
        source.fetch(items, LIMIT)
        source.fetch(items, 10)
    assert _marked(dovecot, "Unmarked") == 0


def test_a_look_has_the_uids_from_since_to_below_until(dovecot: Dovecot) -> None:
    dovecot.fill(USER, 5, folder="Window")
    with opened(at_dovecot(dovecot, folder="Window")) as source:
        assert _uids(source) == ["1", "2", "3", "4", "5"]
        assert _uids(source, 4) == ["4", "5"]
        assert _uids(source, 2, 4) == ["2", "3"]
        assert _uids(source, 6) == []  # "6:*" would have given the last one
        assert _uids(source, 60) == []
        assert _uids(source, 0, 1) == []
        look = source.look(6)
    assert (look.total, look.next_uid) == (5, 6)


def test_a_message_too_large_comes_with_its_headers_only(dovecot: Dovecot) -> None:
    many = b"X-Pad: " + b"x" * 900 + b"\r\n"
    bodies = [letter(0), b"Subject: large\r\n\r\n" + b"y" * 5000, many * 400 + b"\r\nend\r\n"]
    dovecot.fill(USER, 3, lambda number: bodies[number], "Large")
    with opened(at_dovecot(dovecot, folder="Large")) as source:
        small, large, padded = source.fetch(source.look().items, 1000)
    assert (small.raw, small.whole) == (bodies[0], True)
    assert (large.raw, large.whole) == (b"Subject: large\r\n\r\n", False)
    assert padded.raw == bodies[2][: 256 * 1024]
    assert padded.whole is False


def test_messages_deleted_by_others_meanwhile_confuse_nothing(dovecot: Dovecot) -> None:
    dovecot.fill(USER, 4, folder="Busy")
    delete = at_dovecot(dovecot, folder="Busy", afterwards="delete")
    with opened(at_dovecot(dovecot, folder="Busy")) as source, opened(delete) as other:
        items = source.look().items
        other.finish(items[1:2])
        dovecot.fill(USER, 1, lambda _: letter(99), "Busy")
        fetched = source.fetch(items, LIMIT)
        assert [one.item.uid for one in fetched] == ["1", "2", "3", "4"]
        assert [one.raw for one in fetched] == [letter(0), None, letter(2), letter(3)]
        source.finish(items)
        assert [item.uid for item in source.look(5).items] == ["5"]


def test_taken_messages_are_marked_as_read_and_no_others(dovecot: Dovecot) -> None:
    dovecot.fill(USER, 3, folder="Seen")
    with opened(at_dovecot(dovecot, folder="Seen")) as source:
        source.finish(source.look().items[:2])
    assert _marked(dovecot, "Seen") == 2
    assert len(dovecot.raw_messages(USER, "Seen")) == 3


def test_taken_messages_are_moved_to_a_folder_that_is_made(dovecot: Dovecot) -> None:
    dovecot.fill(USER, 3, folder="Move")
    at = at_dovecot(dovecot, folder="Move", afterwards="move", move_to="Erledigt/Fälle")
    with opened(at) as source:
        assert "Erledigt/Fälle" in dovecot.folder_names(USER)
        source.finish(source.look().items[:2])
    assert dovecot.raw_messages(USER, "Move") == [letter(2)]
    assert dovecot.raw_messages(USER, "Erledigt/Fälle") == [letter(0), letter(1)]


def test_moving_to_the_folder_itself_is_refused(dovecot: Dovecot) -> None:
    at = at_dovecot(dovecot, afterwards="move", move_to="inbox")
    _, fault = fault_of_opening(at)
    assert (fault.problem, fault.step) == (Problem.FOLDER_MISSING, Step.RIGHTS)


@pytest.mark.parametrize("missing", [(), ("MOVE",)])
def test_only_taken_messages_are_deleted(dovecot: Dovecot, missing: tuple[str, ...]) -> None:
    folder = f"Delete {len(missing)}"
    dovecot.fill(USER, 3, folder=folder)
    afterwards = "move" if missing else "delete"
    at = at_dovecot(dovecot, folder=folder, afterwards=afterwards, move_to="Taken")
    with opened(at) as source:
        items = source.look().items
        _forget(source, *missing)
        # Someone else has marked another one as deleted, and may think better of it.
        source._client.add_flags([3], [rb"\Deleted"], silent=True)  # type: ignore[attr-defined]
        source.finish(items[:1])
        source.finish(items[:1])
        assert [item.uid for item in source.look().items] == ["2", "3"]
    if missing:
        assert dovecot.raw_messages(USER, "Taken") == [letter(0)]


def test_without_uidplus_nothing_is_expunged(dovecot: Dovecot) -> None:
    dovecot.fill(USER, 2, folder="No UIDPLUS")
    at = at_dovecot(dovecot, folder="No UIDPLUS", afterwards="delete")
    with opened(at) as source:
        _forget(source, "UIDPLUS")
        source.finish(source.look().items[:1])
        assert source.look().total == 2


def test_a_password_is_refused_where_nothing_is_encrypted(dovecot: Dovecot) -> None:
    with Dovecot(USER, plaintext=False) as strict:
        at = account(strict.imap_port, host="127.0.0.2")
        _, fault = fault_of_opening(at)
    assert (fault.problem, fault.step) == (Problem.NO_TLS, Step.SIGN_IN)


def _uids(source: Source, since: int = 0, until: int = 0) -> list[str]:
    return [item.uid for item in source.look(since, until).items]


def _marked(dovecot: Dovecot, folder: str) -> int:
    return len(_flagged(dovecot, folder, rb"SEEN"))


def _flagged(dovecot: Dovecot, folder: str, flag: bytes) -> list[int]:
    with opened(at_dovecot(dovecot, folder=folder)) as source:
        found: list[int] = source._client.search([flag])  # type: ignore[attr-defined]
        return found


def _forget(source: Source, *capabilities: str) -> None:
    """Have it believe that the server lacks these."""
    client = source._client  # type: ignore[attr-defined]
    left = [name for name in client.capabilities() if name.decode() not in capabilities]
    client._cached_capabilities = tuple(left)
