"""A notification that a provider has taken, and a site that is told of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from deskpost.models import Notification, Person
from tests.desk import Desk
from tests.logs import rows
from tests.outbound.tracking import calls


@pytest.fixture(autouse=True)
def site(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    calls.switch_on(settings, monkeypatch)


@pytest.fixture
def ann(desk: Desk) -> Person:
    return Person.objects.create_person("ann@x.test", name="Ann")


@pytest.fixture
def note(desk: Desk, ann: Person) -> Notification:
    """Taken by a provider an hour ago."""
    at = timezone.now() - timedelta(hours=1)
    return rows.note(desk.project, ann, status="delivered", at=at)
