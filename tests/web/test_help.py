"""The help pages: for everyone, with this site's own numbers."""

from __future__ import annotations

from datetime import time

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from deskpost.logs import words
from deskpost.models import Person, QuotaPeriod
from deskpost.outbound import quota

pytestmark = pytest.mark.django_db


def test_the_limits_are_this_sites_own(client: Client, settings: Settings) -> None:
    settings.DESKPOST = {
        **settings.DESKPOST,
        "DAILY_LIMIT": 12_345,
        "LIMIT_ZONE": "Asia/Tokyo",
        "LIMIT_RESET": time(6),
        "MESSAGE_LIMIT": 7 * 1024**2,
        "INBOUND_LIMIT": 33 * 1024**2,
    }
    QuotaPeriod.objects.create(day=quota.day_of(timezone.now()), sent=1_234)
    page = client.get("/help/notification-limits/").content.decode()
    for said in (
        words.size(7 * 1024**2),
        words.size(33 * 1024**2),
        "1,234 of 12,345",
        "Each day at 06:00 (Asia/Tokyo)",
        f'datetime="{timezone.localtime(quota.standing().resets).isoformat()}"',
    ):
        assert said in page
    assert "The limit is reached" not in page


def test_a_limit_that_is_used_up_says_so(client: Client, settings: Settings) -> None:
    settings.DESKPOST = {**settings.DESKPOST, "DAILY_LIMIT": 5}
    QuotaPeriod.objects.create(day=quota.day_of(timezone.now()), sent=5)
    assert "The limit is reached" in client.get("/help/notification-limits/").content.decode()


@pytest.mark.parametrize("path", ["notification-limits", "notification-preferences"])
def test_everyone_may_read_them(client: Client, path: str) -> None:
    assert client.get(f"/help/{path}/").status_code == 200
    client.force_login(Person.objects.create_person("ann@desk.test"))
    assert client.get(f"/help/{path}/").status_code == 200
    assert client.post(f"/help/{path}/").status_code == 405
