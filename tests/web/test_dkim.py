"""The page of the keys that sign: who sees it, the record, the check of DNS, on, off and away."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as site_settings
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from deskpost.models import Channel, DkimKey, RequestType
from deskpost.outbound import signing
from tests.parts.dns import NameServer
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

pytestmark = pytest.mark.django_db
PAGE = "/sending/dkim/"
SEEN = {"site_admin": 200, "admin": 403, "agent": 403, "customer": 403, "stranger": 403}


@pytest.fixture(autouse=True)
def fresh_keys() -> Iterator[None]:
    """No test sees the keys of another."""
    signing.forget()
    yield
    signing.forget()


@pytest.fixture
def names(settings: Settings) -> Iterator[NameServer]:
    with NameServer() as server:
        settings.DESKPOST = site_settings.DESKPOST | {"RESOLVERS": (server.address,)}
        yield server


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


@pytest.fixture
def root(scene: Scene) -> Client:
    return scene.browser("site_admin")


@pytest.fixture
def key(scene: Scene) -> DkimKey:
    return signing.make_key("desk.test", scene.site_admin)


def channel(scene: Scene, address: str) -> None:
    of = RequestType.objects.get(project=scene.project)
    Channel.objects.create(project=scene.project, address=address, request_type=of)


def cards(page: str) -> list[str]:
    """Return the words of each domain's card."""
    found = re.findall(r'<li class="channel.*?</li>', page, re.DOTALL)
    return [html.unescape(" ".join(re.sub(r"<[^>]+>", " ", card).split())) for card in found]


def press(client: Client, act: str, domain: str = "desk.test", status: int = 302) -> str:
    """Press a button as a browser without JavaScript does; return the page that follows."""
    answer = client.post(PAGE, {"domain": domain, "act": act})
    assert answer.status_code == status
    return (client.get(answer["Location"]) if status == 302 else answer).content.decode()


def buttons(page: str) -> set[str]:
    return set(re.findall(r'name="act" value="([\w-]+)"', page))


def is_on() -> bool:
    return DkimKey.objects.get().is_on


@pytest.mark.parametrize("name", [*SEEN, "nobody"])
def test_only_site_admins_see_and_change_it(scene: Scene, name: str) -> None:
    browser, status = scene.browser(name), SEEN.get(name, 302)
    assert browser.get(PAGE).status_code == status
    if status == 200:
        return
    assert browser.post(PAGE, {"domain": "desk.test", "act": "make"}).status_code == status
    assert not DkimKey.objects.exists()


def test_a_post_without_its_token_changes_nothing(scene: Scene) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(scene.site_admin)
    assert strict.post(PAGE, {"domain": "desk.test", "act": "make"}).status_code == 403
    assert not DkimKey.objects.exists()


@pytest.mark.parametrize(
    ("domain", "act"), [("other.test", "make"), ("desk.test", "x"), ("", ""), ("\x00", "remove")]
)
def test_no_act_on_a_domain_that_is_not_ours(root: Client, domain: str, act: str) -> None:
    assert root.post(PAGE, {"domain": domain, "act": act}).status_code == 404
    assert not DkimKey.objects.exists()


def test_it_lists_each_domain_that_channels_send_from_once(scene: Scene, root: Client) -> None:
    for address in ("hr@desk.test", "books@bücher.test", "old@gone.test"):
        channel(scene, address)
    Channel.objects.filter(address="old@gone.test").update(removed_at=timezone.now())
    desk, books = cards(root.get(PAGE).text)
    assert desk.startswith("desk.test No key hr@desk.test · it@desk.test Make a key")
    assert books.startswith("xn--bcher-kva.test No key books@bücher.test")


def test_a_key_of_a_domain_without_channels_can_still_be_removed(
    scene: Scene, root: Client
) -> None:
    signing.make_key("gone.test", scene.site_admin)
    assert "No channel sends from it any more." in cards(root.get(PAGE).text)[1]
    press(root, "remove", "gone.test")
    assert not DkimKey.objects.exists()


def test_one_press_makes_a_key_and_shows_its_record_and_never_its_secret(root: Client) -> None:
    page = press(root, "make")
    key = DkimKey.objects.get()
    record = signing.record(key)
    assert f'value="{record.name}" readonly' in page
    assert f"readonly>{record.value}</textarea>" in page
    assert html.escape(record.zone) in page
    assert "desk.test has a key." in page
    assert not key.is_on
    assert "PRIVATE KEY" not in page and key.secret[60:100] not in page
    assert buttons(page) == {"check", "start", "remove"}
    press(root, "make")
    assert DkimKey.objects.get().secret == key.secret


class TestCheck:
    def test_found(self, root: Client, key: DkimKey, names: NameServer) -> None:
        record = signing.record(key)
        names.txt(record.name, record.value)
        page = press(root, "check", status=200)
        assert "DNS has the record." in page
        assert not is_on()

    def test_another_value_is_shown_and_escaped(
        self, root: Client, key: DkimKey, names: NameServer
    ) -> None:
        names.txt(signing.record(key).name, f"v=DKIM1; p={HOSTILE}")
        page = press(root, "check", status=200)
        assert "DNS has another value there" in page
        assert html.escape("v=DKIM1; p=<script>") in page
        assert "<script>alert" not in page

    def test_not_found(self, root: Client, key: DkimKey, names: NameServer) -> None:
        assert "DNS does not have the record." in press(root, "check", status=200)
        assert names.questions(signing.record(key).name) == 1

    def test_no_answer(self, root: Client, key: DkimKey, names: NameServer) -> None:
        names.fail("desk.test")
        page = press(root, "check", status=200)
        assert "DNS did not answer." in page
        assert "the name servers failed" in page

    def test_only_the_domain_that_was_asked_about_is_marked(
        self, scene: Scene, root: Client, key: DkimKey, names: NameServer
    ) -> None:
        channel(scene, "it@other.test")
        signing.make_key("other.test", scene.site_admin)
        desk, other = cards(press(root, "check", status=200))
        assert "DNS does not" in desk
        assert "DNS does not" not in other

    def test_without_a_key_there_is_nothing_to_check(self, root: Client, names: NameServer) -> None:
        for act in ("check", "start", "start-anyway", "stop", "remove"):
            press(root, act)
        assert not names.asked


class TestSwitch:
    def test_signing_starts_once_dns_has_the_record(
        self, root: Client, key: DkimKey, names: NameServer
    ) -> None:
        record = signing.record(key)
        page = press(root, "start", status=422)
        assert not is_on()
        assert "Signing was not started" in page
        names.txt(record.name, record.value)
        page = press(root, "start")
        assert is_on()
        assert "Mail from desk.test is signed" in page
        assert buttons(page) == {"check", "stop", "remove"}

    def test_whoever_insists_signs_anyway(
        self, root: Client, key: DkimKey, names: NameServer
    ) -> None:
        assert "start-anyway" not in buttons(root.get(PAGE).text)
        assert "start-anyway" in buttons(press(root, "start", status=422))
        press(root, "start-anyway")
        assert is_on()

    def test_stop(self, scene: Scene, root: Client, key: DkimKey) -> None:
        signing.switch("desk.test", True, scene.site_admin)
        page = press(root, "stop")
        assert not is_on()
        assert "is not signed any more" in page
        assert "start" in buttons(page)

    def test_remove(self, scene: Scene, root: Client, key: DkimKey) -> None:
        signing.switch("desk.test", True, scene.site_admin)
        page = press(root, "remove")
        assert not DkimKey.objects.exists()
        assert "The key of desk.test was removed." in page
        assert buttons(page) == {"make"}

    def test_a_key_that_cannot_be_read_can_only_be_removed(
        self, root: Client, key: DkimKey, settings: Settings
    ) -> None:
        settings.CHANNEL_KEYS = [Fernet.generate_key()]
        page = root.get(PAGE).text
        assert "The key cannot be read" in page
        assert buttons(page) == {"remove"}
        for act in ("check", "start", "start-anyway"):
            assert "The key cannot be read. Remove it" in press(root, act)
        assert not is_on()
