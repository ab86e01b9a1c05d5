"""How a channel stands: two quiet retries, then the ladder; and what the connectivity log keeps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from deskpost.inbound.channels import connection, lease
from deskpost.inbound.channels.lease import LostLease
from deskpost.models import ConnectionEvent, Mailbox, Person
from deskpost.net import Fault
from deskpost.problems import ConnectionState, Problem
from tests.desk import Desk
from tests.inbound.channels.mailboxes import custom, owned, rows

NO_TIME = timedelta()
MINUTE = 60.0


def even() -> float:
    """The middle of the jitter."""
    return 0.5


def waits(problem: Problem, failures: int, down: timedelta = NO_TIME) -> tuple[str, float | None]:
    found = connection.plan(problem, failures, down)
    return ("quiet" if found.quiet else str(found.state)), found.seconds


def test_network_failures_are_quiet_twice_then_1_5_15_and_60_minutes() -> None:
    assert [waits(Problem.TIMED_OUT, n) for n in range(1, 9)] == [
        ("quiet", 5),
        ("quiet", 15),
        ("retrying", 1 * MINUTE),
        ("retrying", 5 * MINUTE),
        ("retrying", 15 * MINUTE),
        ("retrying", 60 * MINUTE),
        ("retrying", 60 * MINUTE),
        ("retrying", 60 * MINUTE),
    ]


def test_a_network_that_is_down_for_an_hour_needs_attention() -> None:
    assert waits(Problem.REFUSED, 6, timedelta(minutes=59))[0] == "retrying"
    assert waits(Problem.REFUSED, 6, timedelta(hours=1))[0] == "attention"


def test_a_refused_sign_in_needs_attention_and_is_tried_seldom() -> None:
    assert [waits(Problem.SIGN_IN_REFUSED, n) for n in range(1, 6)] == [
        ("quiet", 5),
        ("quiet", 15),
        ("attention", 15 * MINUTE),
        ("attention", 60 * MINUTE),
        ("attention", 60 * MINUTE),
    ]


def test_a_withdrawn_permission_is_not_tried_again_before_a_person_acts() -> None:
    assert waits(Problem.GRANT_REVOKED, 1) == ("attention", None)


def test_what_only_a_person_can_mend_needs_attention_at_once() -> None:
    for problem in (Problem.CERTIFICATE_EXPIRED, Problem.FOLDER_MISSING, Problem.PRIVATE_ADDRESS):
        assert waits(problem, 1) == ("attention", 15 * MINUTE)


def test_a_server_that_names_a_time_is_left_alone_for_so_long() -> None:
    assert connection.plan(Problem.RATE_LIMITED, 1, NO_TIME, hint=300).seconds == 300
    assert connection.plan(Problem.RATE_LIMITED, 1, NO_TIME, hint=1e9).seconds == 60 * MINUTE
    assert connection.plan(Problem.RATE_LIMITED, 1, NO_TIME).seconds == 15 * MINUTE


def test_a_channel_that_was_never_connected_says_its_first_failure_at_once() -> None:
    found = connection.plan(Problem.TIMED_OUT, 1, NO_TIME, new=True)
    assert (found.quiet, found.seconds) == (False, MINUTE)


# --- The log -----------------------------------------------------------------------------------


def connected(desk: Desk) -> Mailbox:
    mailbox = owned(custom(desk))
    connection.works(mailbox, taken=0)
    return mailbox


def fail(mailbox: Mailbox, problem: Problem, said: str = "") -> float | None:
    return connection.failed(mailbox, Fault(problem, said), chance=even)


def test_failures_that_pass_in_two_tries_leave_no_row(desk: Desk) -> None:
    mailbox = connected(desk)
    fail(mailbox, Problem.DROPPED)
    fail(mailbox, Problem.DROPPED)
    assert mailbox.state == ConnectionState.CONNECTED
    connection.works(mailbox, taken=1)
    assert rows(mailbox) == [("connected", "connected", 1)]
    assert mailbox.failures == {}


def test_a_failure_that_repeats_is_counted_on_one_row(desk: Desk) -> None:
    mailbox = connected(desk)
    for n in range(20):
        fail(mailbox, Problem.REFUSED, f"session {n} refused")
    assert rows(mailbox) == [("connected", "connected", 1), ("retrying", "refused", 18)]
    last = ConnectionEvent.objects.get(code="refused")
    assert last.facts["said"] == "session 19 refused"
    assert last.facts["minutes"] == 60
    assert last.last_at > last.at


def test_a_failure_of_another_kind_has_a_row_of_its_own(desk: Desk) -> None:
    mailbox = connected(desk)
    for problem in (Problem.REFUSED, Problem.REFUSED, Problem.REFUSED, Problem.TIMED_OUT):
        fail(mailbox, problem)
    assert rows(mailbox)[1:] == [("retrying", "refused", 1), ("retrying", "timed_out", 1)]


def test_sign_in_and_network_are_counted_apart(desk: Desk) -> None:
    mailbox = connected(desk)
    for problem in (Problem.REFUSED, Problem.SIGN_IN_REFUSED) * 2:
        fail(mailbox, problem)
    assert mailbox.failures == {"network": 2, "sign_in": 2}
    assert mailbox.state == ConnectionState.CONNECTED
    assert fail(mailbox, Problem.REFUSED) == MINUTE
    assert fail(mailbox, Problem.SIGN_IN_REFUSED) == 15 * MINUTE


def test_after_recovery_a_row_says_how_long_it_was_down_and_what_was_taken_up(desk: Desk) -> None:
    mailbox = connected(desk)
    for _ in range(3):
        fail(mailbox, Problem.TIMED_OUT)
    down_since = timezone.now() - timedelta(hours=2, minutes=10)
    lease.write(mailbox, down_since=down_since)
    connection.works(mailbox, taken=143)
    row = ConnectionEvent.objects.filter(channel=mailbox.channel_id).latest("id")
    assert (row.status, row.code) == ("connected", "connected_again")
    assert row.facts["taken"] == 143
    assert 7800 <= row.facts["down_seconds"] < 7810
    assert (mailbox.failures, mailbox.down_since, mailbox.problem) == ({}, None, "")


def test_the_pause_has_a_jitter_of_a_fifth(desk: Desk) -> None:
    mailbox = connected(desk)
    lease.write(mailbox, failures={"network": 2})
    fault = Fault(Problem.REFUSED)
    assert connection.failed(mailbox, fault, chance=lambda: 0.0) == pytest.approx(48)
    assert connection.failed(mailbox, fault, chance=lambda: 1.0) == pytest.approx(360)


# --- People ------------------------------------------------------------------------------------


@pytest.fixture
def admin(desk: Desk) -> Person:
    return desk.member("mara@desk.test", "admin")


def test_paused_it_is_nobodys_and_resumed_it_is_tried_at_once(desk: Desk, admin: Person) -> None:
    mailbox = connected(desk)
    connection.pause(Mailbox.objects.get(pk=mailbox.pk), admin)
    assert lease.renew("poller-one", [mailbox.pk]) == {}
    with pytest.raises(LostLease):
        connection.works(mailbox, taken=1)
    lease.release("poller-one", [mailbox.pk])
    assert lease.claim("poller-two", 10) == []
    connection.resume(Mailbox.objects.get(pk=mailbox.pk), admin)
    (again,) = lease.claim("poller-two", 10)
    assert (again.state, again.next_try_at) == ("retrying", None)
    connection.works(again, taken=2)
    assert [code for _, code, _ in rows(mailbox)] == [
        "connected",
        "paused",
        "resumed",
        "connected_again",
    ]


def test_new_settings_are_tried_at_once_and_the_old_ones_write_nothing_more(
    desk: Desk, admin: Person
) -> None:
    mailbox = connected(desk)
    for _ in range(3):
        fail(mailbox, Problem.SIGN_IN_REFUSED)
    connection.changed(Mailbox.objects.get(pk=mailbox.pk), admin)
    with pytest.raises(LostLease):
        fail(mailbox, Problem.SIGN_IN_REFUSED)
    now = Mailbox.objects.get(pk=mailbox.pk)
    assert (now.state, now.failures, now.next_try_at) == ("retrying", {}, None)


def test_try_now_forgets_the_time_that_was_planned(desk: Desk) -> None:
    mailbox = connected(desk)
    for _ in range(6):
        fail(mailbox, Problem.REFUSED)
    connection.try_now(mailbox)
    assert Mailbox.objects.get(pk=mailbox.pk).next_try_at is None
