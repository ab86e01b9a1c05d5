"""An export that was cancelled at its very end offers no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from deskpost.jobs import ask, export
from deskpost.logs import export_files
from deskpost.models import Job, Log
from tests.desk import Desk
from tests.jobs.office import admin, failed, fresh, refused, work

pytestmark = pytest.mark.django_db


def test_an_export_that_is_cancelled_while_it_ends_leaves_no_file(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(desk, 2)
    boss = admin(desk)
    job = ask.ask(
        Job.Act.EXPORT_MBOX, desk.project, boss, log=Log.INCOMING, queries=(failed(desk),)
    )

    def finish(one: Job) -> Mapping[str, Any]:
        fields = export._finish(one)
        assert ask.cancel(one, boss)  # while its file is being checked
        return fields

    monkeypatch.setattr(export, "MBOX", replace(export.MBOX, finish=finish))
    work()
    job = fresh(job)
    assert job.state == Job.State.CANCELLED
    assert job.file_key == ""
    assert job.pk not in set(export_files.there())
