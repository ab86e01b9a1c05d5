"""A message and its line are settled together or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone

from deskpost import journey, worker
from deskpost.models import InboundEmail, LogLine, logline, queue
from tests.desk import Desk
from tests.parts.site import letter

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_message_that_is_set_aside_is_not_settled_without_its_line(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = desk.arrive(letter("Poison"))
    InboundEmail.objects.filter(pk=row.pk).update(deaths=queue.DEATHS_ALLOWED, suspect=True)

    def dies(lines: Any) -> None:
        raise DatabaseError("the server is gone")

    with monkeypatch.context() as patch:
        patch.setattr(logline, "_put", dies)
        (claimed,) = worker.claim_inbound("one")
        with pytest.raises(DatabaseError):
            journey.set_aside(claimed)
    now = InboundEmail.objects.get(pk=row.pk)
    assert LogLine.objects.filter(pk=row.pk).exists() or now.due_at is not None
    # Another worker takes it up: then it has its line.
    queue.bury(InboundEmail, ["one"])
    (claimed,) = worker.claim_inbound("two")
    journey.set_aside(claimed)
    assert LogLine.objects.get(pk=row.pk).code == "internal_error"
    assert timezone.now() >= InboundEmail.objects.get(pk=row.pk).settled_at  # type: ignore[operator]
