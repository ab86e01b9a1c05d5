"""Hostile messages in the preview: nothing runs, nothing is fetched, nothing leaves the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from django.conf import settings as active
from django.urls import reverse
from playwright.sync_api import ConsoleMessage, Dialog, Frame, Page, Request, Route, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer
from selectolax.lexbor import LexborHTMLParser

from deskpost.models import InboundEmail
from deskpost.web import preview
from tests.logs import rows
from tests.parts.chromium import Chromium
from tests.web import hostile_letters
from tests.web import scene as scenes
from tests.web.letters import PIXEL, letter
from tests.web.scene import Scene

pytestmark = pytest.mark.one_database

LETTERS = hostile_letters.letters("http://desk.test")
VIEWS = ("preview", "formatted", "headers", "attachments")
FRAME = "iframe.letter-frame"
NEWS = "/projects/IT/email-logs/new/"  # which the list asks for by itself
ELEMENTS = (
    "script, iframe, object, embed, link, base, form, input, button, svg, math, video, audio, "
    "source, template, frame, frameset, dialog, textarea, select"
)
# In which views, besides the formatted one, a kind of letter could do something.
OTHER_VIEWS = {
    "html": (),
    "header": ("preview", "headers"),
    "received": ("headers",),
    "attachment": ("attachments",),
    "nested": ("attachments",),
    "cid": ("attachments",),
    "svg": ("attachments",),
}


def url(row: InboundEmail, name: str) -> str:
    return reverse(f"incoming-{name}", args=["IT", row.pk])


# --- Without a browser: what the answers say ------------------------------------------------------


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


def test_there_are_many_of_them() -> None:
    assert len(LETTERS) >= 100


@pytest.mark.parametrize("name", LETTERS)
def test_a_hostile_message_becomes_a_page_that_only_draws(scene: Scene, name: str) -> None:
    row = rows.mail(scene.channel, raw=LETTERS[name])
    admin = scene.browser("admin")
    frame = admin.get(url(row, "frame"))
    assert frame["Content-Security-Policy"] == preview.POLICY
    assert_only_draws(frame.text, {"data"})
    opened = admin.post(url(row, "frame"))
    assert opened["Content-Security-Policy"] == preview.WITH_IMAGES
    assert_only_draws(opened.text, {"data", "http", "https"})


def assert_only_draws(page: str, schemes: set[str]) -> None:
    """Nothing that a browser would run, follow or fetch stands in the page, save images by an
    address of these schemes."""
    tree = LexborHTMLParser(page)
    assert not tree.css(ELEMENTS)
    assert len(tree.css("style")) == 1  # ours
    assert len(tree.css("meta")) == 3  # ours
    for node in tree.css("*"):
        names = set(node.attributes)
        assert not [name for name in names if name.startswith("on")]
        assert not names & {"href", "srcset", "background", "action", "ping", "id", "name"} - (
            {"name"} if node.tag == "meta" else set()
        )
        assert "url" not in (node.attributes.get("style") or "")
        if "src" in names:
            assert urlsplit(node.attributes["src"] or "").scheme in schemes


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in LETTERS if not name.startswith("html-")])
def test_each_view_of_a_hostile_message_is_a_page_of_ours(scene: Scene, name: str) -> None:
    row = rows.mail(scene.channel, raw=LETTERS[name])
    admin = scene.browser("admin")
    for shown in VIEWS:
        response = admin.get(url(row, shown))
        assert response.status_code == 200
        assert "script-src 'self';" in response["Content-Security-Policy"] + ";"
        assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
        assert "no-store" in response["Cache-Control"]
        assert "<script>alert" not in response.text
        assert len(response.content) < 2_000_000


# --- In Chromium ---------------------------------------------------------------------------------


@dataclass
class Watched:
    """A page that an admin has open, and what it did that no preview may do."""

    page: Page
    home: str
    allowed: set[str] = field(default_factory=set)
    met: list[str] = field(default_factory=list)
    fetched: list[Request] = field(default_factory=list)

    def watch(self) -> None:
        self.page.context.route("**/*", self._route)
        self.page.on("dialog", self._dialog)
        self.page.on("download", lambda one: self.met.append(f"download {one.url}"))
        self.page.on("popup", lambda one: self.met.append(f"popup {one.url}"))
        self.page.on("pageerror", lambda error: self.met.append(f"error {error}"))
        self.page.on("console", self._console)
        self.page.on("framenavigated", self._navigated)

    def _route(self, route: Route) -> None:
        asked = route.request.url
        path = urlsplit(asked).path
        ours = path in self.allowed or path.startswith(("/static/", NEWS))
        if asked.startswith("data:") or (asked.startswith(self.home) and ours):
            route.continue_()
        else:
            self.fetched.append(route.request)
            route.fulfill(status=200, content_type="image/png", body=PIXEL)

    def _dialog(self, dialog: Dialog) -> None:
        self.met.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _console(self, line: ConsoleMessage) -> None:
        """What the policies had to stop should not have been there in the first place."""
        if "Content Security Policy" in line.text or "Blocked script" in line.text:
            self.met.append(line.text)

    def _navigated(self, frame: Frame) -> None:
        path = urlsplit(frame.url).path
        if frame.url != "about:blank" and path not in self.allowed:
            self.met.append(f"navigation {frame.url}")

    def open(self, row: InboundEmail, name: str) -> None:
        self.allowed = {url(row, name), url(row, "frame")}
        self.page.goto(self.home + url(row, name))

    def show(self, row: InboundEmail) -> None:
        """Show another message in the frame of the page that is open."""
        self.allowed |= {url(row, "frame")}
        with self.page.expect_event("framenavigated"):
            self.page.locator(FRAME).evaluate(
                "(frame, to) => { frame.src = to }", url(row, "frame")
            )
        self.handle()

    def handle(self) -> None:
        """Do what a reader does: point at the message, click into it."""
        frame = self.page.locator(FRAME)
        self.page.frame_locator(FRAME).locator("body").wait_for(state="attached")
        frame.hover(position={"x": 60, "y": 40})
        frame.click(position={"x": 40, "y": 30})

    def assert_quiet(self) -> None:
        assert not self.met
        assert not [request.url for request in self.fetched]


@pytest.fixture
def shown(transactional_db: None, live_server: LiveServer, settings: Settings) -> tuple[Scene, str]:
    settings.BASE_URL = live_server.url
    settings.ALLOWED_HOSTS = ["*"]
    return scenes.make(), live_server.url


@contextmanager
def watched(chromium: Chromium, scene: Scene, home: str) -> Iterator[Watched]:
    session = scene.browser("admin").session.session_key
    assert session
    with chromium.page() as page:
        cookie = {"name": active.SESSION_COOKIE_NAME, "value": session, "url": home}
        page.context.add_cookies([cookie])  # type: ignore[list-item]
        one = Watched(page, home)
        one.watch()
        yield one


@pytest.mark.browser
@pytest.mark.slow
def test_no_hostile_message_does_anything_when_it_is_formatted(
    shown: tuple[Scene, str], chromium: Chromium
) -> None:
    scene, home = shown
    with watched(chromium, scene, home) as one:
        one.open(rows.mail(scene.channel, raw=letter("<p>Hello</p>").as_bytes()), "formatted")
        for name, raw in hostile_letters.letters(home).items():
            one.show(rows.mail(scene.channel, raw=raw))
            assert not one.met, name
            assert not [request.url for request in one.fetched], name
    one.assert_quiet()


@pytest.mark.browser
@pytest.mark.slow
def test_no_hostile_message_does_anything_in_the_other_views(
    shown: tuple[Scene, str], chromium: Chromium
) -> None:
    scene, home = shown
    with watched(chromium, scene, home) as one:
        for name, raw in hostile_letters.letters(home).items():
            views = OTHER_VIEWS.get(name.partition("-")[0], ("preview",))
            for view in views:
                one.open(rows.mail(scene.channel, raw=raw), view)
                assert not one.met, (name, view)
                assert not [request.url for request in one.fetched], (name, view)


@pytest.mark.browser
@pytest.mark.slow
def test_the_watch_sees_what_a_page_without_protection_does(chromium: Chromium) -> None:
    """The test above would prove nothing if it could not see."""
    with chromium.page() as page:
        one = Watched(page, "http://desk.test", {"/"})
        one.watch()
        page.set_content("<img src='http://evil.test/x'><script>alert(1)</script>")
        page.wait_for_timeout(300)
        assert one.met == ["dialog 1"]
        assert [request.url for request in one.fetched] == ["http://evil.test/x"]


@pytest.mark.browser
@pytest.mark.slow
def test_remote_images_come_by_a_click_and_not_the_next_time(
    shown: tuple[Scene, str], chromium: Chromium
) -> None:
    scene, home = shown
    sources = ["http://cdn.shop.test/one.png?a=1&b=2", "http://track.test/two.gif"]
    html = "".join(f"<p>x</p><img src='{source}'>" for source in sources)
    row = rows.mail(scene.channel, raw=letter(html + f"<img src='{home}/projects/'>").as_bytes())
    with watched(chromium, scene, home) as one:
        one.open(row, "formatted")
        one.handle()
        one.assert_quiet()
        one.page.get_by_role("button", name="Load remote images this once").click()
        inside = one.page.frame_locator(FRAME)
        expect(inside.locator("img")).to_have_count(2)
        one.page.wait_for_timeout(300)
        assert sorted(request.url for request in one.fetched) == sources
        for request in one.fetched:
            assert not {"referer", "cookie", "origin"} & set(request.all_headers())
        assert not one.met
        one.fetched.clear()
        one.open(row, "formatted")
        one.handle()
        expect(inside.locator("img")).to_have_count(0)
        one.assert_quiet()
