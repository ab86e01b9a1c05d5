"""Send again: what was missed is repeated once, because somebody asked, and never by itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from deskpost.models import AuditEntry, Muted, Notification, Person, Request, SentAgain, Suppression
from deskpost.outbound import again, suppress
from deskpost.outbound.again import Obstacle, Stale
from deskpost.outcomes import Reason
from tests.carriers import Accepting
from tests.desk import Desk
from tests.logs import rows
from tests.parts.site import letter


def failed(
    desk: Desk, reason: str = Reason.SERVICE_PROVIDER_ERROR, **fields: object
) -> Notification:
    """A receipt to Ann that failed for this reason."""
    desk.take(letter())
    note = desk.announce()[-1]
    values = {"status": "failed", "reason": reason, "due_at": None, **fields}
    Notification.objects.filter(pk=note.pk).update(**values)
    note.refresh_from_db()
    Notification.note_settled([note])
    return note


def test_what_was_missed_is_sent_again_as_a_new_row(desk: Desk, outside: Accepting) -> None:
    original = failed(desk)
    (new,) = again.send([original], desk.agent)
    assert (new.again_of, new.status, new.kind) == (original.pk, "queued", original.kind)
    assert (new.person, new.request, new.comment_id, new.event) == (
        original.person,
        original.request,
        original.comment_id,
        original.event,
    )
    sent = desk.deliver(outside)[-1]
    assert (sent.pk, sent.status) == (new.pk, "delivered")
    assert [to for _, to, _ in outside.sent] == ["ann@x.test"]
    assert sent.trail, "its guards were asked"
    original.refresh_from_db()
    assert original.status == "failed"
    audit = AuditEntry.objects.get(act="send_again")
    assert (audit.person, audit.project, audit.subject) == (desk.agent, desk.project, "ann@x.test")
    assert audit.details["original"] == str(original.pk)


def test_it_is_never_sent_again_twice(desk: Desk) -> None:
    original = failed(desk)
    assert again.send([original, original], desk.agent)
    assert again.send([original], desk.agent) == []
    assert again.obstacle(original) == Obstacle.SENT_AGAIN
    assert Notification.objects.filter(again_of=original.pk).count() == 1


def test_who_asks_before_the_other_has_finished_sends_nothing_either(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = failed(desk)
    assert again.send([original], desk.agent)
    # It has not seen it yet.
    monkeypatch.setattr(again, "obstacles", lambda notes: {note.pk: None for note in notes})
    assert again.send([original], desk.agent) == []
    assert Notification.objects.filter(again_of=original.pk).count() == 1


def test_what_fails_again_can_be_sent_again_in_its_turn(desk: Desk) -> None:
    (second,) = again.send([failed(desk)], desk.agent)
    Notification.objects.filter(pk=second.pk).update(status="failed", reason="unknown_error")
    (third,) = again.send([second], desk.agent)
    assert third.again_of == second.pk


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_send_it_once(transactional_db: None) -> None:
    desk = Desk()
    originals = [failed(desk) for _ in range(3)]
    start = Barrier(4)

    def click(n: int) -> int:
        try:
            start.wait()
            notes = originals if n % 2 else originals[::-1]
            return len(again.send(notes, desk.agent))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(click, range(4))) == 3
    assert Notification.objects.filter(again_of__isnull=False).count() == 3
    assert SentAgain.objects.count() == 3
    assert AuditEntry.objects.filter(act="send_again").count() == 3


@pytest.mark.parametrize(
    "reason",
    [
        Reason.SERVICE_PROVIDER_ERROR,
        Reason.UNKNOWN_ERROR,
        Reason.INTERNAL_ERROR,
        Reason.LIMIT_REACHED,
        Reason.TEMPLATE_TOO_LARGE,
        Reason.SUPPRESSION_LIST,
    ],
)
def test_every_reason_that_can_be_cured_can_be_sent_again(desk: Desk, reason: str) -> None:
    assert again.obstacle(failed(desk, reason)) is None


@pytest.mark.parametrize("reason", [Reason.PRIVATE_ADDRESS, Reason.UNSUBSCRIBED])
def test_what_the_person_did_not_want_is_not_sent_again(desk: Desk, reason: str) -> None:
    assert again.obstacle(failed(desk, reason)) == Obstacle.CHOSEN


@pytest.mark.parametrize("status", ["withheld", "queued", "delivered"])
def test_only_what_failed_is_sent_again(desk: Desk, status: str) -> None:
    note = failed(desk, "own_action", status=status)
    assert again.obstacle(note) == Obstacle.NOT_FAILED
    assert again.send([note], desk.agent) == []


def test_nothing_is_sent_again_to_who_is_blocked_private_or_unsubscribed(desk: Desk) -> None:
    note = failed(desk)
    ann = Person.objects.filter(pk=note.person_id)
    for changed, restored, why in (
        ({"address_private": True}, {"address_private": False}, Obstacle.PRIVATE),
        ({"unsubscribed_at": timezone.now()}, {"unsubscribed_at": None}, Obstacle.UNSUBSCRIBED),
    ):
        ann.update(**changed)
        fresh = Notification.objects.get(pk=note.pk)
        assert again.obstacle(fresh) == why
        assert again.send([note], desk.agent) == []
        ann.update(**restored)
    suppress.block("ann@x.test", "complaint", {})
    assert again.obstacle(Notification.objects.get(pk=note.pk)) == Obstacle.BLOCKED
    assert again.send([note], desk.agent) == []
    suppress.unblock("ann@x.test", desk.agent, desk.project)
    assert len(again.send([note], desk.agent)) == 1


def test_nothing_is_sent_again_of_a_request_that_the_person_has_muted(desk: Desk) -> None:
    note = failed(desk)
    Muted.objects.create(request=desk.request(), person=note.person, at=timezone.now())
    assert again.obstacle(note) == Obstacle.MUTED
    assert again.send([note], desk.agent) == []
    assert [one.obstacle for one in again.missed(desk.project, "ann@x.test")] == [Obstacle.MUTED]


def test_unblocking_itself_resends_nothing(desk: Desk, outside: Accepting) -> None:
    failed(desk, Reason.SUPPRESSION_LIST)
    suppress.block("ann@x.test", "hard_bounce", {})
    suppress.unblock("ann@x.test", desk.agent, desk.project)
    assert len(desk.deliver(outside)) == 1
    assert outside.sent == []


def test_a_malformed_address_must_be_corrected_first_and_the_new_one_is_used(
    desk: Desk, outside: Accepting
) -> None:
    wrong = {"address": "ann@x..test", "address_key": "ann@x..test"}
    note = failed(desk, Reason.VALIDATION_ERROR, **wrong)
    ann = note.person
    ann.email = "ann@x..test"
    ann.save()
    assert again.obstacle(Notification.objects.get(pk=note.pk)) == Obstacle.MALFORMED
    ann.email = "ann.osei@x.test"
    ann.save()
    (new,) = again.send([note], desk.agent)
    assert (new.address, new.address_key) == ("ann.osei@x.test", "ann.osei@x.test")


# --- What was missed ---


def test_what_was_missed_is_listed_newest_first_without_what_was_sent_again(desk: Desk) -> None:
    notes = [failed(desk) for _ in range(3)]
    again.send([notes[1]], desk.agent)
    found = again.missed(desk.project, "ANN@x.test")
    assert [one.note.pk for one in found] == [notes[2].pk, notes[0].pk]
    assert all(one.obstacle is None and one.stale is None for one in found)
    assert again.missed(desk.project, "bea@x.test") == []


def test_what_is_of_no_use_any_more_is_marked(desk: Desk) -> None:
    resolved, overtaken, of_use = (failed(desk) for _ in range(3))
    Request.objects.filter(key=resolved.request_key).update(
        status="resolved", resolved_at=timezone.now()
    )
    rows.note(
        desk.project,
        overtaken.person,
        status="delivered",
        request=overtaken.request,
        request_key=overtaken.request_key,
    )
    stale = {one.note.pk: one.stale for one in again.missed(desk.project, "ann@x.test")}
    assert stale == {resolved.pk: Stale.RESOLVED, overtaken.pk: Stale.LATER, of_use.pk: None}


def test_what_was_delivered_before_makes_nothing_stale(desk: Desk) -> None:
    note = failed(desk)
    two_hours_ago = timezone.now() - timedelta(hours=2)
    rows.note(desk.project, note.person, at=two_hours_ago, request_key="IT-9")
    rows.note(
        desk.project,
        note.person,
        status="delivered",
        at=timezone.now() - timedelta(hours=1),
        request_key=note.request_key,
    )
    assert [one.stale for one in again.missed(desk.project, "ann@x.test")] == [None, None]


def test_the_list_says_what_keeps_each_from_being_sent(desk: Desk) -> None:
    failed(desk), failed(desk, Reason.UNSUBSCRIBED)
    suppress.block("ann@x.test", "by_hand", {})
    found = again.missed(desk.project, "ann@x.test")
    assert [one.obstacle for one in found] == [Obstacle.CHOSEN, Obstacle.BLOCKED]
    assert Suppression.objects.exists()
