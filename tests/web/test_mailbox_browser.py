"""Test connection in Chromium: what is done stands there while the server lets us wait."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.parts.chromium import Chromium
from tests.parts.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]


class Mute:
    """A server that lets anybody connect, and says nothing until it is told to."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])

    def turn_away(self) -> None:
        """End every connection that waits, with IMAP's words for it."""
        self._listener.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    connection.sendall(b"* BYE too many <b>sessions</b>\r\n")

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def mute() -> Iterator[Mute]:
    server = Mute()
    yield server
    server.close()


@pytest.fixture
def page(chromium: Chromium) -> Iterator[Page]:
    env = {"DESKPOST_ALLOW_PRIVATE_HOSTS": "127.0.0.0/8", "DESKPOST_POLLERS": "0"}
    with Site(env=env) as site, chromium.page(base_url=site.url) as page:
        page.goto(site.sign_in_link())
        page.click("main form button.btn-main")
        yield page


def test_the_steps_stand_there_while_the_next_one_is_tried(page: Page, mute: Mute) -> None:
    page.goto("/projects/IT/settings/email/channels/add/")
    page.get_by_role("link", name="In a mailbox, with a password").click()
    page.get_by_label("Email address").fill("help@shop.test")
    page.get_by_label("IMAP server").fill("127.0.0.1")
    page.get_by_label("Port").fill(str(mute.port))
    page.get_by_label("Encryption").select_option("none")
    page.get_by_label("Password").fill("hush")
    assert _serious(page) == []
    page.get_by_role("button", name="Test and connect").click(no_wait_after=True)

    steps = page.locator(".checks li:visible")
    expect(steps.nth(1)).to_contain_text("127.0.0.1")
    expect(steps.last).to_contain_text("Trying…")
    assert page.locator("li.trying:visible").count() == 1
    mute.turn_away()
    expect(page.locator(".evidence pre")).to_contain_text("too many <b>sessions</b>")
    expect(steps).to_have_count(6)
    assert page.locator("li.trying:visible").count() == 0
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert _serious(page) == []
    page.get_by_role("link", name="Change settings").click()
    expect(page.get_by_label("IMAP server")).to_have_value("127.0.0.1")
    assert page.get_by_label("Password").input_value() == ""


def _serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [one["id"] for one in found if one["impact"] in {"serious", "critical"}]
