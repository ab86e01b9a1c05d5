"""Where a new site offers the demo: its greeting and its empty pages, to those who can run it."""

from __future__ import annotations

from io import StringIO

import pytest
from pytest_django.fixtures import Settings

from deskpost.config_relay import Relay
from deskpost.management.commands import run
from tests.web import scene as scenes
from tests.web.scene import Scene

pytestmark = pytest.mark.django_db
RELAY = Relay(host="127.0.0.1", port=9, tls="none", username="", password="")
PAGES = (
    "/projects/IT/requests/",
    "/projects/IT/email-logs/incoming/",
    "/projects/IT/settings/email/channels/{channel}/logs/",
)


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


@pytest.mark.parametrize("path", PAGES)
def test_empty_pages_offer_it_to_site_admins(scene: Scene, path: str) -> None:
    path = path.format(channel=scene.channel.pk)
    page = scene.browser("site_admin").get(path).content.decode()
    assert "Fill every page with a demo" in page
    assert run.DEMO in page
    assert run.DEMO not in scene.browser("admin").get(path).content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_with_a_relay_it_would_refuse_and_is_not_offered(
    scene: Scene, settings: Settings, path: str
) -> None:
    settings.DESKPOST = settings.DESKPOST | {"RELAY": RELAY}
    page = scene.browser("site_admin").get(path.format(channel=scene.channel.pk))
    assert page.status_code == 200
    assert run.DEMO not in page.content.decode()


def greeting(scene: Scene) -> str:
    out = StringIO()
    run.Command(stdout=out).greet(scene.site_admin)
    return out.getvalue()


def test_the_greeting_offers_it_until_there_is_a_request(scene: Scene, settings: Settings) -> None:
    assert run.DEMO in greeting(scene)
    with_relay = settings.DESKPOST | {"RELAY": RELAY}
    settings.DESKPOST = with_relay
    assert run.DEMO not in greeting(scene)
    settings.DESKPOST = with_relay | {"RELAY": None}
    scene.request()
    assert run.DEMO not in greeting(scene)
