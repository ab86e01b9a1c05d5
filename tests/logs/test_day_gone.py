"""While a day leaves the log, late news of its messages still finds them."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from deskpost.models import Notification, Person, leaving, partitions
from deskpost.outbound import track
from deskpost.outcomes import NotificationStatus
from tests.desk import Desk
from tests.logs.rows import ago, note

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("how", ["dropped", "loose"])
def test_a_late_bounce_is_taken_although_the_lines_of_its_day_are_gone_already(
    desk: Desk, how: str
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL's own")
    at = ago(days=40)
    row = note(desk.project, Person.objects.get(pk=desk.agent.pk), at=at, status="delivered")
    name = partitions.name_of("deskpost_logline", at.date())
    # What prune does first; then its time is over, or somebody reads the notifications.
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE deskpost_logline DETACH PARTITION {name}")
        if how == "dropped":
            cursor.execute(f"DROP TABLE {name}")
    facts = {"at": timezone.now().isoformat(), "server": "mx.x.test", "enhanced": "5.1.1"}
    before = track.apply(row, track.Effect.FAILED, facts)
    assert before == NotificationStatus.DELIVERED
    assert Notification.objects.get(pk=row.pk).status == NotificationStatus.FAILED
    # The table is one that the next prune knows and takes away.
    assert name in {part.name for part in leaving.parts()}
