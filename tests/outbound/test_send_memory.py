"""A worker's memory is flat: what it composes from is there a chunk at a time, not a batch."""

from __future__ import annotations

import tracemalloc

import pytest

from deskpost import worker
from deskpost.mail.answers import Answer
from deskpost.models import Comment, Notification
from deskpost.outbound.carrier import Outgoing
from tests.carriers import Accepting
from tests.desk import Desk
from tests.outbound.scripted import TAKEN, Working, statuses, waiting

CHARACTERS = 1_000_000  # of each comment's page; two bytes each in memory
MIB = 1 << 20
MOST = 60 * MIB  # all the batch's comments at one time are more than twice as much


class Forgetful(Accepting):
    """Takes every message and keeps none."""

    lanes = 4

    def send(self, outgoing: Outgoing) -> Answer:
        return TAKEN


@pytest.mark.slow
def test_a_batch_of_large_comments_is_never_in_memory_at_one_time(desk: Desk) -> None:
    waiting(desk, worker.NOTIFICATIONS)
    Comment.objects.update(text="あ\n" * 10_000, html="<p>" + "あ" * CHARACTERS)
    notes, comments = Notification.objects.order_by("id"), Comment.objects.order_by("id")
    for note, comment in zip(notes.only("pk"), comments.only("pk"), strict=True):
        Notification.objects.filter(pk=note.pk).update(comment=comment.pk, kind="comment_added")
    with Working(Forgetful()) as working:
        tracemalloc.start()
        try:
            working.worker.outbound()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert set(statuses()) == {"delivered"}
    assert peak < MOST, peak // MIB
