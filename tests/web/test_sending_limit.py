"""The limit on the pages: how full the day is, who used it, and one act for what it has stopped."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from deskpost.logs import words
from deskpost.models import (
    Notification,
    Person,
    Project,
    QuotaPeriod,
    QuotaUse,
    Request,
    Role,
    SentAgain,
)
from deskpost.models.permission import role_in
from deskpost.outbound import again_limit, quota
from deskpost.web import limit_strip
from deskpost.web.sending_limit import meter
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

pytestmark = pytest.mark.django_db
SITE, AGAIN = "/sending/", "/sending/limit/again/"
LOGS = "/projects/IT/email-logs/"
TODAY = timezone.now().date()
DAY = TODAY - timedelta(days=1)
CONFIRM = f"{LOGS}limit/{DAY.isoformat()}/"


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setitem(settings.DESKPOST, "LIMIT_ZONE", "UTC")
    monkeypatch.setitem(settings.DESKPOST, "LIMIT_RESET", time())
    monkeypatch.setitem(settings.DESKPOST, "DAILY_LIMIT", 1_000)
    return scenes.make()


def used(project: Project, sent: int, day: date = TODAY) -> None:
    period, _ = QuotaPeriod.objects.get_or_create(day=day)
    period.sent += sent
    period.save()
    QuotaUse.objects.create(day=day, project=project, sent=sent)


def stopped(
    project: Project, person: Person, number: int = 1, *, hour: int = 12, **fields: Any
) -> list[Notification]:
    """Notifications that the limit stopped yesterday."""
    at = datetime.combine(DAY, time(hour), UTC)
    use, _ = QuotaUse.objects.get_or_create(day=DAY, project=project)
    use.stopped += number
    use.save()
    return [
        rows.note(project, person, "limit_reached", at=at + timedelta(seconds=n), **fields)
        for n in range(number)
    ]


def text(page: str) -> str:
    """The words of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def said(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return text(response.content.decode())


def of_day(day: date) -> str:
    return words.day(day)


# --- The site's page ---


def test_the_page_shows_how_full_the_day_is_and_when_it_resets(scene: Scene) -> None:
    used(scene.project, 123)
    page = scene.browser("site_admin").get(SITE).content.decode()
    assert "123 of 1,000 used" in text(page)
    assert "877 places left" in text(page)
    assert "Within the limit" in text(page)
    assert "each day at 00:00 (UTC)" in text(page)
    tomorrow = TODAY + timedelta(days=1)
    assert f'datetime="{tomorrow.isoformat()}T00:00:00+00:00"' in page
    assert 'aria-label="123 of 1,000 used"' in page


@pytest.mark.parametrize(
    ("sent", "state"),
    [(799, "good"), (800, "wait"), (999, "wait"), (1_000, "fail"), (1_001, "fail")],
)
def test_the_badge_says_whether_it_is_near_or_reached(scene: Scene, sent: int, state: str) -> None:
    used(scene.project, sent)
    drawn = meter(quota.standing())
    assert drawn.tone == state
    assert float(drawn.width) <= 290


def test_who_used_it_stands_there_the_most_first(scene: Scene) -> None:
    used(scene.project, 3)
    used(Project.objects.create(key="HR", name=HOSTILE), 40)
    page = scene.browser("site_admin").get(SITE).content.decode()
    lines = [text(line) for line in re.findall(r"<tr data-use>.*?</tr>", page, re.DOTALL)]
    assert [line.split()[-2] for line in lines] == ["40", "3"]
    assert "<script>alert" not in page


def test_what_other_days_had_stopped_goes_out_in_one_act(scene: Scene) -> None:
    notes = stopped(scene.project, scene.customer, 3)
    root = scene.browser("site_admin")
    assert "Send again the 3 that the limit stopped" in said(root, SITE)
    response = root.post(AGAIN, {"day": DAY.isoformat()}, follow=True)
    assert "3 notifications are sent again." in text(response.content.decode())
    assert SentAgain.objects.filter(original__in=[note.pk for note in notes]).count() == 3
    assert "that the limit stopped" not in said(root, SITE)


def test_what_is_stale_goes_out_of_all_projects_only_where_it_is_ticked(scene: Scene) -> None:
    request = resolved(scene)
    stopped(scene.project, scene.customer, request=request, request_key=request.key)
    root = scene.browser("site_admin")
    page = text(root.post(AGAIN, {"day": DAY.isoformat()}, follow=True).content.decode())
    assert "Nothing was sent again. 1 was left out. The request was resolved since." in page
    root.post(AGAIN, {"day": DAY.isoformat(), "stale": "1"})
    assert SentAgain.objects.count() == 1


def test_an_act_that_has_more_before_it_goes_on_where_it_was(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again_limit, "LOOKED_AT", 1)
    monkeypatch.setattr(again_limit, "CHUNK", 1)
    away = scenes.add_customer(scene.project, "away@x.test", unsubscribed_at=timezone.now())
    stopped(scene.project, away)
    stopped(scene.project, scene.customer, hour=13)
    root = scene.browser("site_admin")
    page = root.post(AGAIN, {"day": DAY.isoformat()}, follow=True).content.decode()
    assert "1 was left out. The customer has unsubscribed." in text(page)
    (after,) = re.findall(r'name="after" value="([^"]+)"', page)
    root.post(AGAIN, {"day": DAY.isoformat(), "after": after})
    assert SentAgain.objects.count() == 1


def test_nothing_goes_before_the_reset_or_for_a_day_that_is_none(scene: Scene) -> None:
    root = scene.browser("site_admin")
    response = root.post(AGAIN, {"day": TODAY.isoformat()}, follow=True)
    assert "That day is not over" in text(response.content.decode())
    assert root.post(AGAIN, {"day": "soon"}).status_code == 404
    assert root.get(AGAIN).status_code == 405


@pytest.mark.parametrize("name", ["admin", "agent", "customer", "stranger", "nobody"])
def test_only_site_admins_send_everything_again(scene: Scene, name: str) -> None:
    stopped(scene.project, scene.customer)
    answer = scene.browser(name).post(AGAIN, {"day": DAY.isoformat()})
    assert answer.status_code == (302 if name == "nobody" else 403)
    assert not SentAgain.objects.exists()


# --- The project's strip and page ---


def strips(scene: Scene) -> list[str]:
    return [strip.said for strip in limit_strip.values(scene.project)["limit_strips"]]


def test_the_strip_says_how_many_and_when_until_they_are_sent(scene: Scene) -> None:
    assert strips(scene) == []
    stopped(scene.project, scene.customer, 2)
    assert strips(scene) == [
        f"2 notifications were stopped by the site’s limit on {words.short_day(DAY)}."
    ]
    scene.browser("admin").post(CONFIRM)
    assert strips(scene) == []


def test_the_strip_stands_above_the_log_of_notifications(scene: Scene) -> None:
    stopped(scene.project, scene.customer, 2)
    for path in (LOGS, f"{LOGS}invitations/"):
        page = scene.browser("admin").get(path).content.decode()
        assert f'href="{CONFIRM}"' in page
        assert "2 notifications were stopped by the site’s limit" in text(page)


def test_the_page_says_what_would_go_and_sends_it(scene: Scene) -> None:
    stopped(scene.project, scene.customer, 2, kind="comment_added")
    stopped(scene.project, scene.customer, 1, kind="status_changed")
    admin = scene.browser("admin")
    page = said(admin, CONFIRM)
    assert f"Stopped by the limit on {of_day(DAY)}" in page
    assert "Comment added 2 Status changed 1" in page
    assert "Send 3 notifications again" in page
    assert not SentAgain.objects.exists()
    response = admin.post(CONFIRM, follow=True)
    assert response.redirect_chain == [(LOGS, 302)]
    assert "3 notifications are sent again." in text(response.content.decode())
    assert "Nothing is left that the limit stopped on that day." in said(admin, CONFIRM)


def resolved(scene: Scene) -> Request:
    request = scene.request()
    Request.objects.filter(pk=request.pk).update(resolved_at=timezone.now())
    return request


def test_what_is_stale_is_left_out_unless_it_is_ticked(scene: Scene) -> None:
    request = resolved(scene)
    stopped(scene.project, scene.customer, request=request, request_key=request.key)
    stopped(scene.project, scene.customer)
    admin = scene.browser("admin")
    page = said(admin, CONFIRM)
    assert "Also the 1 that may be of no use any more 1 – The request was resolved since." in page
    admin.post(CONFIRM)
    assert SentAgain.objects.count() == 1
    admin.post(CONFIRM, {"stale": "1"})
    assert SentAgain.objects.count() == 2


def test_where_none_can_go_it_says_why_and_can_be_put_away(scene: Scene) -> None:
    Person.objects.filter(pk=scene.customer.pk).update(unsubscribed_at=timezone.now())
    stopped(scene.project, scene.customer)
    admin = scene.browser("admin")
    page = said(admin, CONFIRM)
    assert "None of them would go as things stand." in page
    assert "1 – The customer has unsubscribed." in page
    assert "Show this no more" in page
    assert "Nothing was sent again." in text(admin.post(CONFIRM, follow=True).content.decode())
    assert strips(scene) == []


def test_a_day_without_places_says_so(scene: Scene) -> None:
    stopped(scene.project, scene.customer)
    used(scene.project, 1_000)
    assert "Today’s limit has no places left." in said(scene.browser("admin"), CONFIRM)


def test_days_that_are_none_or_not_over_have_no_such_page(scene: Scene) -> None:
    admin = scene.browser("admin")
    assert admin.get(f"{LOGS}limit/soon/").status_code == 404
    for ask in (admin.get, admin.post):
        response = ask(f"{LOGS}limit/{TODAY.isoformat()}/", follow=True)
        assert response.redirect_chain == [(LOGS, 302)]


@pytest.mark.parametrize(
    ("name", "status"),
    [("agent", 403), ("customer", 403), ("stranger", 404), ("nobody", 302), ("site_admin", 200)],
)
def test_only_admins_see_and_send_it(scene: Scene, name: str, status: int) -> None:
    stopped(scene.project, scene.customer)
    browser = scene.browser(name)
    assert browser.get(CONFIRM).status_code == status
    if status != 200:
        assert browser.post(CONFIRM).status_code == status
        assert not SentAgain.objects.exists()


def test_an_admin_sends_nothing_of_another_project(scene: Scene) -> None:
    other = Project.objects.create(key="HR", name="HR")
    stopped(other, scene.customer)
    assert role_in(scene.admin, other) is None
    scene.browser("admin").post(CONFIRM)
    assert scene.browser("admin").get(CONFIRM.replace("IT", "HR")).status_code == 404
    assert not SentAgain.objects.exists()
    other.memberships.create(person=scene.admin, role=Role.ADMIN)
    scene.browser("admin").post(CONFIRM.replace("IT", "HR"))
    assert SentAgain.objects.count() == 1


def test_a_post_without_its_token_sends_nothing(scene: Scene) -> None:
    stopped(scene.project, scene.customer)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(scene.site_admin)
    for path in (CONFIRM, AGAIN):
        assert strict.post(path, {"day": DAY.isoformat()}).status_code == 403
    assert not SentAgain.objects.exists()
