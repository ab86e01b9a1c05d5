"""The link in a notification that turns off one request's notifications, without sign-in."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core import signing
from django.test import Client

from deskpost.models import Muted, Request
from deskpost.outbound import links
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


def link(request: Request, scene: Scene) -> str:
    return links.mute_url(request.pk, scene.customer.pk).removeprefix(settings.BASE_URL)


def test_a_get_says_what_the_button_does_and_changes_nothing(scene: Scene) -> None:
    path = link(scene.request(), scene)
    for answer in (Client().get(path), Client().head(path)):
        assert answer.status_code == 200
        assert "no-cache" in answer["Cache-Control"]
    page = Client().get(path).text
    assert "Mute IT-1?" in page
    assert "Then nothing more of this request is sent to customer@desk.test" in page
    assert not Muted.objects.exists()


def test_a_post_mutes_that_request_for_that_person_and_does_nothing_else(scene: Scene) -> None:
    request, other = scene.request(), scene.request()
    strict = Client(enforce_csrf_checks=True)  # a mail program has no token of the page's
    page = strict.post(link(request, scene)).text
    assert "IT-1 is muted" in page
    row = Muted.objects.get()
    assert (row.request, row.person) == (request, scene.customer)
    assert not other.muted.exists()
    scene.customer.refresh_from_db()
    assert scene.customer.unsubscribed_at is None
    assert settings.SESSION_COOKIE_NAME not in strict.cookies


def test_twice_is_as_once_and_keeps_the_first_date(scene: Scene) -> None:
    path = link(scene.request(), scene)
    Client().post(path, {"act": "mute"})
    first = Muted.objects.get().at
    Client().post(path, {"act": "mute"})
    assert Muted.objects.get().at == first


def test_the_same_link_turns_them_on_again(scene: Scene) -> None:
    path = link(scene.request(), scene)
    Client().post(path)
    assert 'value="unmute"' in Client().get(path).text
    page = Client().post(path, {"act": "unmute"}).text
    assert "IT-1 is no longer muted" in page
    assert not Muted.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_that_was_not_made_here_is_not_known(scene: Scene, method: str) -> None:
    request = scene.request()
    good = link(request, scene)
    pair = [request.pk, scene.customer.pk]
    tokens = [
        good.split("/")[-2][:-1],
        signing.dumps(pair, salt="another"),
        links.unsubscribe_url(scene.customer).split("/")[-2],
        signing.dumps([request.pk, 10**9], salt=links.MUTE_SALT),
        signing.dumps([10**9, scene.customer.pk], salt=links.MUTE_SALT),
        "x" * 5_000,
        "%00",
    ]
    for token in tokens:
        assert getattr(Client(), method)(f"/mute/{token}/").status_code == 404
    assert not Muted.objects.exists()


def test_hostile_words_are_only_text(scene: Scene) -> None:
    page = Client().get(link(scene.request(summary=HOSTILE), scene)).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
