"""The page that says how much of the log is kept, and what fewer days would remove; and the same
in a terminal."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from deskpost.logs import retention, retention_days
from deskpost.models import InboundEmail
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import Scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


def prune(*how: str) -> str:
    out = io.StringIO()
    call_command("prune", *how, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "status"),
    [("site_admin", 200), ("admin", 403), ("agent", 403), ("customer", 403), ("nobody", 302)],
)
def test_only_site_admins_see_it(scene: Scene, name: str, status: int) -> None:
    assert scene.browser(name).get(reverse("retention")).status_code == status


def test_it_shows_each_day_with_its_messages_and_octets(scene: Scene) -> None:
    two = timezone.now() - timedelta(days=2)
    for _ in range(3):
        rows.mail(scene.channel, at=two, raw=b"x" * 2048)
    rows.note(scene.project, scene.customer)
    page = scene.browser("site_admin").get(reverse("retention"))
    lines = [(line.day.day, line.day.messages, line.day.octets) for line in page.context["lines"]]
    today = timezone.now().date()
    assert lines == [(today, 1, 0), (today - timedelta(days=2), 3, 3 * 2048)]
    assert b"21 days" in page.content
    assert b"about 4 messages" in page.content


def test_it_says_what_another_number_of_days_would_remove_and_removes_nothing(
    scene: Scene,
) -> None:
    for days in (1, 10, 15):
        rows.mail(scene.channel, at=rows.ago(days=days), raw=b"x" * 1024)
    page = scene.browser("site_admin").get(reverse("retention") + "?days=7")
    assert [line.goes for line in page.context["lines"]] == [False, True, True]
    assert page.context["going"].messages == 2
    assert b"About 2 messages" in page.content
    page = scene.browser("site_admin").get(reverse("retention") + "?days=30")
    assert b"Nothing more would be removed" in page.content
    assert InboundEmail.objects.count() == 3


@pytest.mark.parametrize("days", ["0", "-1", "x", "99999", "²", "3651"])
def test_what_is_no_number_of_days_is_said(scene: Scene, days: str) -> None:
    page = scene.browser("site_admin").get(reverse("retention"), {"days": days})
    assert page.status_code == 422
    assert b'aria-invalid="true"' in page.content


def test_site_admins_are_told_everywhere_that_fewer_days_will_be_kept(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    retention.prune()
    home = reverse("requests", args=["IT"])
    monkeypatch.setitem(settings.DESKPOST, "RETENTION_DAYS", 7)
    retention.prune()
    assert b"is now 7, no longer 21" in scene.browser("site_admin").get(home).content
    assert b"no longer 21" not in scene.browser("admin").get(home).content
    page = scene.browser("site_admin").get(reverse("retention")).content
    assert b'id="fewer"' in page
    monkeypatch.setitem(settings.DESKPOST, "RETENTION_DAYS", 21)
    retention.prune()
    assert b"no longer 21" not in scene.browser("site_admin").get(home).content


# --- In a terminal ---


def test_a_dry_run_counts_rows_by_table_and_octets_and_drops_nothing(scene: Scene) -> None:
    at = timezone.now() - timedelta(days=10)
    rows.mail(scene.channel, at=at, raw=b"x" * 1536)
    rows.mail(scene.channel, None, at=at, due_at=at)  # it waits, so it stays
    rows.note(scene.project, scene.customer, at=at)
    assert "Nothing is." in prune("--dry-run")
    said = prune("--dry-run", "--days", "7")
    assert f"{at:%Y-%m-%d}" in said
    assert "2 logline, 1 notification, 1 inboundemail; 1.5 KiB of raw messages" in said
    assert InboundEmail.objects.count() == 2


def test_the_days_of_a_dry_run_change_nothing_and_are_for_it_only(scene: Scene) -> None:
    with pytest.raises(CommandError, match="--dry-run"):
        prune("--days", "7")
    with pytest.raises(CommandError, match="1 to 3650"):
        prune("--dry-run", "--days", "0")


def test_prune_now_does_not_wait_for_the_hour(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows.mail(scene.channel, at=rows.ago(days=10))
    prune()
    monkeypatch.setitem(settings.DESKPOST, "RETENTION_DAYS", 7)
    assert "21 days are kept until" in prune()
    assert InboundEmail.objects.exists()
    prune("--now")
    assert not InboundEmail.objects.exists()
    assert retention_days.in_force() == 7
