"""Acts on many messages: the setting is mended, the forty that failed are processed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from deskpost.models import AuditEntry, Job, Notification, Person, Request, Suppression
from deskpost.outbound import suppress
from deskpost.outcomes import Reason
from tests.desk import Desk
from tests.jobs import office
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.mending import Mending, form, url, words


@pytest.fixture
def mending(desk: Desk) -> Mending:
    return Mending(desk, 3)


def test_we_mended_the_setting_now_process_the_forty_that_failed(desk: Desk) -> None:
    mending = Mending(desk, 40)
    admin = mending.browser()
    mending.mend()
    page = mending.ask(admin, "all:process_again", query=f"channel={desk.channel.pk}&status=failed")
    said = words(page)
    assert "The filters find 40 rows." in said
    assert "40 messages can be processed again." in said
    assert not Job.objects.exists()
    job = mending.say_yes(admin, page)
    assert "Waiting for a worker" in words(admin.get(url("job", job.pk)).text)
    office.work()
    assert Request.objects.count() == 40
    done = words(admin.get(url("job", job.pk)).text)
    assert "40 of 40 looked at" in done
    assert "40 messages were processed again." in done
    assert "Boss" in done  # who asked
    assert "Signup is not currently available → Request created" in done


def test_chosen_rows_go_by_the_same_way(mending: Mending) -> None:
    admin, chosen = mending.browser(), mending.rows[1]
    mending.mend()
    page = mending.ask(admin, "process_again", [chosen.pk])
    assert "1 row was ticked." in words(page)
    mending.say_yes(admin, page)
    office.work()
    assert Request.objects.count() == 1


def test_the_page_says_how_many_are_left_out_and_why(mending: Mending) -> None:
    admin = mending.browser()
    mending.mend()
    admin.post(url("incoming-again", mending.rows[0].pk))
    said = words(mending.ask(admin, "process_again", [row.pk for row in mending.rows]))
    assert "2 messages can be processed again." in said
    assert "1 – They have become a request or a comment: that happens once." in said
    assert "Process 2 messages again" in said


def test_two_clicks_on_the_same_yes_make_one_job(mending: Mending) -> None:
    admin = mending.browser()
    page = mending.ask(admin, "process_again", [mending.rows[0].pk])
    assert mending.say_yes(admin, page) == mending.say_yes(admin, page)
    assert Job.objects.count() == 1
    assert AuditEntry.objects.filter(act="reprocess").count() == 1


def test_without_a_tick_nothing_is_asked(mending: Mending) -> None:
    response = mending.browser().post(
        url("acts"), {"do": "process_again", "log": "in"}, follow=True
    )
    assert "No row was ticked." in response.text
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "sent",
    [
        {"do": "process_again", "log": "req"},
        {"do": "send_again", "log": "in"},
        {"do": "export_mbox", "log": "in"},
        {"do": "nonsense", "log": "in"},
        {"do": "process_again", "log": "nonsense"},
    ],
)
def test_an_act_that_a_list_does_not_have_is_not_found(
    mending: Mending, sent: dict[str, Any]
) -> None:
    more = {"id": str(mending.rows[0].pk), "ids": str(mending.rows[0].pk)}
    assert mending.browser().post(url("acts"), sent | more).status_code == 404
    assert mending.browser().post(url("acts-start"), sent | more).status_code == 404
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("who", "status"), [("agent", 403), ("customer", 403), ("stranger", 404), ("nobody", 302)]
)
@pytest.mark.django_db
def test_nobody_else_asks_begins_or_sees_jobs(who: str, status: int) -> None:
    scene = scenes.make()
    row = scene.email(outcome="signup_closed", status="failed")
    browser = scene.browser(who)
    sent = {"do": "process_again", "log": "in", "id": str(row.pk), "ids": str(row.pk)}
    for name in ("acts", "acts-start", "acts-unblock"):
        assert browser.post(url(name), sent).status_code == status
    assert browser.get(url("jobs")).status_code == status
    assert not Job.objects.exists()


def test_a_form_without_its_token_does_nothing(mending: Mending) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(mending.admin)
    sent = {"do": "process_again", "log": "in", "ids": str(mending.rows[0].pk)}
    assert strict.post(url("acts-start"), sent).status_code == 403
    assert strict.get(url("acts-start")).status_code == 405
    assert not Job.objects.exists()


# --- Notifications -------------------------------------------------------------------------------


def blocked(desk: Desk, number: int) -> list[Notification]:
    """Notifications that the suppression list stopped."""
    made = []
    for n in range(number):
        person = Person.objects.create_person(f"p{n}@x.test")
        suppress.block(person.email, Suppression.Cause.HARD_BOUNCE, {"enhanced": "5.1.1"})
        made.append(rows.note(desk.project, person, Reason.SUPPRESSION_LIST, at=rows.ago(hours=1)))
    return made


def test_unblock_and_send_again_are_two_acts(desk: Desk) -> None:
    boss = office.admin(desk)
    client = Client()
    client.force_login(boss)
    notes = blocked(desk, 3)
    ids = [str(note.pk) for note in notes]
    first = client.post(url("acts"), {"do": "unblock", "log": "req", "id": ids}).text
    assert "3 addresses would be unblocked:" in words(first)
    assert Suppression.objects.count() == 3
    second = client.post(url("acts-unblock"), {"log": "req", "ids": ",".join(ids)}).text
    assert "3 addresses can get mail again. Nothing was resent." in words(second)
    assert not Suppression.objects.exists()
    assert AuditEntry.objects.filter(act="unblock", person=boss).count() == 3
    assert Notification.objects.filter(again_of__isnull=False).count() == 0
    assert "3 notifications can be sent again." in words(second)
    assert client.post(url("acts-start"), form(second)).status_code == 302
    office.work()
    assert Notification.objects.filter(again_of__isnull=False).count() == 3


def test_what_is_stale_is_ticked_by_a_person_only(desk: Desk) -> None:
    client = Client()
    client.force_login(office.admin(desk))
    person = Person.objects.create_person("ann@x.test")
    old = rows.note(desk.project, person, Reason.UNKNOWN_ERROR, at=rows.ago(hours=2))
    rows.note(desk.project, person, status="delivered", at=rows.ago(hours=1))
    page = client.post(url("acts"), {"do": "send_again", "log": "req", "id": str(old.pk)}).text
    assert "None of them would go as things stand." in words(page)
    assert "Also the 1 that may be of no use any more" in words(page)
    client.post(url("acts-start"), form(page) | {"stale": "1"})
    office.work()
    assert Notification.objects.filter(again_of=old.pk).count() == 1


# --- Lists ---------------------------------------------------------------------------------------


def test_the_lists_offer_it_and_show_what_is_going_on(mending: Mending) -> None:
    admin = mending.browser()
    page = admin.get(url("email-logs-incoming")).text
    assert 'id="bulk"' in page
    assert f'value="{mending.rows[0].pk}"' in page
    assert "jobs-line" not in page
    asked = mending.ask(admin, "process_again", [mending.rows[0].pk])
    job = mending.say_yes(admin, asked)
    assert url("job", job.pk) in admin.get(url("email-logs-incoming")).text
    office.work()
    assert "jobs-line" not in admin.get(url("email-logs-incoming")).text
