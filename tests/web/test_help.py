"""The help pages: for everyone, with this site's own numbers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from deskpost.logs import words
from deskpost.models import Person
from deskpost.web import help_pages

pytestmark = pytest.mark.django_db


def test_the_limits_are_this_sites_own(client: Client, settings: Settings) -> None:
    settings.DESKPOST = {
        **settings.DESKPOST,
        "DAILY_LIMIT": 12_345,
        "MESSAGE_LIMIT": 7 * 1024**2,
        "INBOUND_LIMIT": 33 * 1024**2,
    }
    page = client.get("/help/notification-limits/").content.decode()
    for said in ("12,345", words.size(7 * 1024**2), words.size(33 * 1024**2), "midnight UTC"):
        assert said in page


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-11-23T00:00:00+00:00", "2026-11-24"),
        ("2026-12-31T23:59:59+00:00", "2027-01-01"),
        ("2026-11-24T08:00:00+09:00", "2026-11-24"),
    ],
)
def test_the_day_of_the_limits_is_utcs(now: str, then: str) -> None:
    found = help_pages.next_day(datetime.fromisoformat(now))
    assert found == datetime.fromisoformat(then).replace(tzinfo=UTC)


@pytest.mark.parametrize("path", ["notification-limits", "notification-preferences"])
def test_everyone_may_read_them(client: Client, path: str) -> None:
    assert client.get(f"/help/{path}/").status_code == 200
    client.force_login(Person.objects.create_person("ann@desk.test"))
    assert client.get(f"/help/{path}/").status_code == 200
    assert client.post(f"/help/{path}/").status_code == 405
