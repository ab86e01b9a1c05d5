"""Every page of the site, wide and narrow, light and dark: nothing for axe to say, nothing that has
to be scrolled sideways, and no error in the console."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import ConsoleMessage, Page

from deskpost.models import LogLine, logline
from tests.browser import pages
from tests.browser.pages import Shown, opened
from tests.parts.chromium import Chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PARTS = 4
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": LEVELS}}
WIDE, PHONE = (1440, 900), (320, 640)
# A window of 1280 px at 200 % zoom has 640 px of the style sheet.
ZOOMED = (640, 400)
FIRST_ROW = 560  # px from the top, at most, where no banner stands
RUN = """async options => (await axe.run(document, options)).violations.flatMap(
    it => it.nodes.map(node => `${it.id}: ${node.target.join(' ')} ${node.failureSummary}`))"""
ASIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
OPEN = "document.querySelectorAll('details').forEach(one => one.open = true)"
FACTS = """({headings: document.querySelectorAll('h1').length, lang: document.documentElement.lang,
    title: document.title})"""


@pytest.fixture
def walk(transactional_db: None) -> Iterator[pages.Walk]:
    yield pages.walk()
    # SQLite's index is no table of Django's: emptying the tables would leave it.
    logline.forget(list(LogLine.objects.values_list("pk", flat=True)))


class Reader:
    """A person of one role at Chromium, who notes what is wrong with a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.script = Axe().axe_script
        self.said: list[str] = []
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("console", self.hear)

    def hear(self, line: ConsoleMessage) -> None:
        if line.type == "error":
            self.said.append(line.text)

    def look(self, shown: Shown) -> list[str]:
        """Look at the page in each way; return what is wrong, each with its address."""
        self.begin()
        self.page.goto(shown.path)
        return [f"{shown.role} {shown.path} {one}" for one in self.examine(shown.status)]

    def begin(self) -> None:
        self.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        self.page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        self.said.clear()

    def examine(self, status: int = 200) -> list[str]:
        """Say what is wrong with the page that is open."""
        self.page.evaluate(self.script)
        wrong = self.facts() + [f"light: {one}" for one in self.axe()]
        self.page.emulate_media(color_scheme="dark")
        wrong += self.scrolls(*ZOOMED) + self.scrolls(*PHONE)
        self.page.evaluate(OPEN)
        wrong += self.scrolls(*PHONE) + [f"dark, narrow: {one}" for one in self.axe()]
        expected = f"status of {status}" if status >= 400 else "no error"
        return wrong + [f"console: {one}" for one in self.said if expected not in one]

    def facts(self) -> list[str]:
        found: dict[str, Any] = self.page.evaluate(FACTS)
        expected = {"headings": 1, "lang": "en"}
        wrong = [
            f"{name}: {found[name]}" for name, value in expected.items() if found[name] != value
        ]
        return wrong + ([] if found["title"] else ["no title"])

    def axe(self) -> list[str]:
        return list(self.page.evaluate(RUN, OPTIONS))

    def scrolls(self, width: int, height: int) -> list[str]:
        self.page.set_viewport_size({"width": width, "height": height})
        over = self.page.evaluate(ASIDE)
        return [f"{over} px too wide at {width} px"] if over > 0 else []


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_can_be_read_by_everyone(
    part: int, walk: pages.Walk, chromium: Chromium, live_server: Any
) -> None:
    wrong: list[str] = []
    mine = list(walk.pages())[part::PARTS]
    for role in sorted({shown.role for shown in mine}):
        with opened(walk, role, chromium, live_server) as page:
            reader = Reader(page)
            for shown in mine:
                if shown.role == role:
                    wrong += reader.look(shown)
    assert not wrong, "\n".join(wrong)


def test_so_can_the_page_of_an_error_of_ours(
    walk: pages.Walk, chromium: Chromium, live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("deskpost.web.home._projects", fails)
    with opened(walk, "agent", chromium, live_server) as page:
        wrong = Reader(page).look(Shown(role="agent", path="/", status=500))
    assert not wrong, "\n".join(wrong)


def test_so_can_the_pages_to_which_ticked_rows_lead(
    walk: pages.Walk, chromium: Chromium, live_server: Any
) -> None:
    wrong: list[str] = []
    with opened(walk, "admin", chromium, live_server) as page:
        reader = Reader(page)
        for name, act in (
            ("email-logs-incoming", "Process again"),
            ("email-logs", "Send again"),
            ("email-logs", "Unblock and send again"),
        ):
            reader.begin()
            page.goto(reverse(name, args=["IT"]))
            for box in page.locator("input.tick-row").all()[:9]:
                box.check()
            page.locator("#bulk").get_by_role("button", name=act, exact=True).click()
            page.wait_for_url("**/acts/")
            wrong += [f"{act}: {one}" for one in reader.examine()]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["email-logs", "email-logs-incoming", "email-logs-search"])
def test_the_first_row_of_a_list_stands_in_the_upper_part_of_the_screen(
    name: str, walk: pages.Walk, chromium: Chromium, live_server: Any
) -> None:
    size = {"width": WIDE[0], "height": WIDE[1]}
    with opened(walk, "admin", chromium, live_server, viewport=size) as page:
        page.goto(reverse(name, args=["IT"]))
        page.evaluate("document.querySelectorAll('.banner').forEach(one => one.remove())")
        box = page.locator("tr[data-row]").first.bounding_box()
        assert box is not None
        assert box["y"] <= FIRST_ROW
