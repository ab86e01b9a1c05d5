"""A date that no reader's zone can hold takes no page away."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.logs import rows
from tests.web import scene as scenes


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize(
    "date", ["Fri, 31 Dec 9999 23:59:59 +0000", "Mon, 01 Jan 0001 00:00:00 +0000"]
)
def test_the_headers_are_shown_whatever_moment_a_server_claims(zone: str, date: str) -> None:
    scene = scenes.make()
    scene.admin.time_zone = zone
    scene.admin.save()
    raw = f"Received: from a.test by b.test; {date}\r\nSubject: x\r\n\r\nx".encode()
    row = rows.mail(scene.channel, raw=raw)
    response = scene.browser("admin").get(reverse("incoming-headers", args=["IT", row.pk]))
    assert response.status_code == 200
    assert "b.test" in response.text
