"""No message is missing in the log, not even one that an older version settled."""

from __future__ import annotations

import pytest

from deskpost.logs import lines, search
from deskpost.models import LogLine, Project, logline
from tests.carriers import Accepting
from tests.desk import Desk
from tests.parts.site import letter


@pytest.fixture
def unlined(desk: Desk) -> Project:
    """A project whose message and notification have no lines."""
    desk.take(letter())
    desk.deliver(Accepting())
    logline.forget(list(LogLine.objects.values_list("pk", flat=True)))
    return desk.project


def test_what_was_settled_without_a_line_gets_one(unlined: Project) -> None:
    assert lines.catch_up() >= 2
    for log in ("in", "req"):
        assert search.page(search.Query(project_id=unlined.pk, log=logline.Log(log))).ids
    assert lines.catch_up() == 0
