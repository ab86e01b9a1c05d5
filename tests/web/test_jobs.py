"""The pages of jobs: what was asked for, how far it has come, cancelling."""

from __future__ import annotations

import pytest

from deskpost.jobs import doing, run
from deskpost.models import Job, Project
from tests.desk import Desk
from tests.jobs import office
from tests.web.mending import Mending, url, words


@pytest.fixture
def mending(desk: Desk) -> Mending:
    return Mending(desk, 4)


def test_the_page_of_a_job_follows_it_and_can_be_reloaded(
    mending: Mending, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = mending.browser()
    job = office.process_again(mending.desk, mending.admin)
    monkeypatch.setattr(doing, "SECONDS", -1.0)
    for _ in range(2):
        run.step(office.ME, lambda: False)
    page = admin.get(url("job", job.pk)).text
    assert "1 of 4 looked at" in words(page)
    assert '<progress max="100" value="25"' in page
    assert 'hx-trigger="every 2s"' in page
    assert "Show how far it is" in page
    office.work()
    page = admin.get(url("job", job.pk)).text
    assert "4 of 4 looked at" in words(page)
    assert "hx-trigger" not in page
    assert "<progress" not in page


def test_it_leads_back_to_the_list_it_was_asked_from_and_to_the_rows(mending: Mending) -> None:
    admin = mending.browser()
    page = mending.ask(admin, "all:process_again", query="status=failed")
    job = mending.say_yes(admin, page)
    office.work()
    page = admin.get(url("job", job.pk)).text
    assert f'href="{url("email-logs-incoming")}?status=failed"' in page
    assert all(url("incoming", row.pk) in page for row in mending.rows)


def test_cancel_says_that_what_was_done_stays(mending: Mending) -> None:
    admin = mending.browser()
    job = office.process_again(mending.desk, mending.admin)
    page = admin.post(url("job-cancel", job.pk), follow=True).text
    assert "It is cancelled. What it has done stays done." in page
    assert "Cancelled" in words(page)
    assert "It was over already." in admin.post(url("job-cancel", job.pk), follow=True).text
    office.work()
    assert Job.objects.get().made == 0


def test_the_list_of_jobs_shows_the_newest_first_and_who_asked(mending: Mending) -> None:
    admin = mending.browser()
    assert "No jobs yet." in admin.get(url("jobs")).text
    office.process_again(mending.desk, mending.admin)
    office.process_again(mending.desk, office.admin(mending.desk, "other@desk.test"))
    said = words(admin.get(url("jobs")).text.partition('<ul class="jobs">')[2])
    assert said.index("Other") < said.index("Boss")


def test_a_failed_job_says_why_and_what_to_quote(mending: Mending) -> None:
    job = office.process_again(mending.desk, mending.admin)
    admin = mending.browser()
    for error, said in (
        ("TooSlow 1", "Narrow the dates"),
        ("RuntimeError 1", "To quote: RuntimeError 1"),
        ("NotAllowed", "may not do this here any more"),
    ):
        Job.objects.update(state="failed", due_at=None, finished_at=job.created_at, error=error)
        assert said in words(admin.get(url("job", job.pk)).text)


def test_a_job_of_another_project_is_not_found(mending: Mending) -> None:
    other = Project.objects.create(key="HR", name="HR")
    job = office.process_again(mending.desk, mending.admin)
    Job.objects.update(project=other)
    admin = mending.browser()
    assert admin.get(url("job", job.pk)).status_code == 404
    assert admin.post(url("job-cancel", job.pk)).status_code == 404
