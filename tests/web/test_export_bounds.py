"""Files of exports are bounded in number, are gone with their job, and are what was asked for."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.storage import storages
from django.urls import reverse

from deskpost.jobs import ask, run
from deskpost.logs import export_mail
from deskpost.models import Job
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import Scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> Scene:
    made = scenes.make()
    rows.mail(made.channel)
    return made


def url(form: str) -> str:
    return reverse("export", args=["IT", "in", form])


def work() -> None:
    while run.step("one", lambda: False):
        pass


def test_a_project_cannot_fill_the_disk_with_exports(scene: Scene) -> None:
    """Each may have 2 GiB, lives for a day, and stands beside the mail that is to come in."""
    admin = scene.browser("admin")
    statuses = [admin.post(url("zip")).status_code for _ in range(8)]
    assert statuses[0] == 302
    assert statuses[-1] == 422
    work()
    assert admin.post(url("mbox")).status_code == 422
    Job.objects.update(file_key="", file_until=None)
    assert admin.post(url("mbox")).status_code == 302


def test_a_job_that_is_cancelled_while_its_file_is_ended_leaves_none(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = scene.browser("admin")
    admin.post(url("zip"))
    ended = export_mail.end_zip

    def cancelled_meanwhile(*args: Any) -> None:
        ended(*args)
        assert ask.cancel(Job.objects.get(), scene.admin)

    monkeypatch.setattr(export_mail, "end_zip", cancelled_meanwhile)
    work()
    job = Job.objects.get()
    assert job.state == Job.State.CANCELLED
    assert admin.get(reverse("export-file", args=["IT", job.pk])).status_code == 404
    assert not job.file_key
    assert not storages["default"].exists(f"exports/{job.pk}")


def test_the_other_button_of_the_same_form_makes_the_other_file(scene: Scene) -> None:
    """The way back in the browser leads to the page with the same token."""
    admin = scene.browser("admin")
    for form in ("mbox", "zip", "zip"):
        admin.post(url(form), {"token": "once"})
    assert sorted(Job.objects.values_list("act", flat=True)) == ["export_mbox", "export_zip"]
