"""A project admin before the browser, who reads the pages in one language, with or without
scripts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext
from playwright.sync_api import Locator, Page, expect

from tests.parts.chromium import Chromium

LOGS = "/projects/IT/email-logs/"
CHANNELS = "/projects/IT/settings/email/channels/"
# Beside other tests a page may take its time; nothing here is about how long.
expect.set_options(timeout=15_000)


@dataclass(frozen=True, slots=True)
class Words:
    """The product's words in a language: what a page is to say follows the translation."""

    language: str

    def __call__(self, text: str | Promise, context: str = "", **values: Any) -> str:
        """Return a text of the product in the language, with its values."""
        with translation.override(self.language):
            said = pgettext(context, str(text)) if context else _said(text)
        return said % values if values else said

    def number(self, one: str, many: str, number: int, **values: Any) -> str:
        """Return a text with a number in it."""
        with translation.override(self.language):
            return ngettext(one, many, number) % ({"number": number, "said": number} | values)


def _said(text: str | Promise) -> str:
    """Evaluate what is lazy in the language that holds now."""
    return str(text) if isinstance(text, Promise) else gettext(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who looks: `page` is their browser, `say` what their language has for the product's words."""

    page: Page
    say: Words
    scripts: bool

    def who(self, name: str) -> str:
        """Return the address of this journey's Ann, Bob or Carol: no other journey has it."""
        return f"{name}.{self.say.language}{'' if self.scripts else '.plain'}@x.test"

    def open_logs(self, tab: str = "Customer notifications") -> None:
        """Go from the project's pane to a tab of the Email logs page."""
        self.page.goto("/projects/IT/requests/")
        self.page.locator(".pane").get_by_role("link", name=self.say("Email logs")).first.click()
        expect(self.page.locator("h1")).to_have_text(self.say("Email logs"))
        self.page.locator(".tabs").get_by_role("link", name=self.say(tab)).click()
        current = self.page.locator(".tabs [aria-current=page]")
        expect(current.first).to_have_text(self.say(tab))

    def search(self, text: str, found: int) -> None:
        """Search in the box of the list that is open, and wait until so many rows stand there."""
        box = self.page.locator("input[name=q]")
        box.fill(text)
        box.press("Enter")
        self.page.wait_for_url("**q=*")
        expect(self.rows).to_have_count(found)

    @property
    def rows(self) -> Locator:
        """The rows of the list."""
        return self.page.locator("tr[data-row]")

    def row(self, text: str) -> Locator:
        """The rows in which this stands."""
        return self.rows.filter(has_text=text)

    def open(self, row: Locator) -> Locator:
        """Open a row's drawer."""
        row.locator("a.row-link").click()
        drawer = self.page.locator(".drawer")
        expect(drawer.locator("h2")).to_be_visible()
        return drawer

    def press(self, name: str, inside: Locator | None = None, **values: Any) -> None:
        """Press the button of this name."""
        place: Page | Locator = inside or self.page
        place.get_by_role("button", name=self.say(name, **values), exact=True).click()

    def follow(self, name: str, inside: Locator | None = None, **values: Any) -> None:
        """Follow the link of this name."""
        place: Page | Locator = inside or self.page
        place.get_by_role("link", name=self.say(name, **values), exact=True).click()

    def sees(self, *texts: str) -> None:
        """Fail unless all of this stands in the main part of the page."""
        for text in texts:
            expect(self.page.locator("main")).to_contain_text(text)

    def let_strangers_write(self, allowed: bool) -> None:
        """Set on the Senders page whether strangers may write to the project."""
        self.page.goto("/projects/IT/settings/email/senders/")
        box = self.page.get_by_label(self.say("Strangers may write"), exact=True)
        box.set_checked(allowed)
        self.press("Save")
        expect(self.page.locator(".toast").first).to_be_visible()
        expect(box).to_be_checked(checked=allowed)


@contextmanager
def reading(
    chromium: Chromium, url: str, cookies: Any, *, language: str, scripts: bool = True
) -> Iterator[Reader]:
    """A signed-in admin who reads this language; the browser must have complained of nothing."""
    with chromium.page(base_url=url, java_script_enabled=scripts, accept_downloads=True) as page:
        page.context.add_cookies(cookies)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        page.goto(LOGS)
        name = {"en": "English", "ja": "日本語"}[language]
        page.locator(".pane").get_by_role("button", name=name).click()
        expect(page.locator("html")).to_have_attribute("lang", language)
        yield Reader(page=page, say=Words(language), scripts=scripts)
        assert not errors, errors


def sign_in(chromium: Chromium, link: str) -> Any:
    """Sign in by a link; return the cookies."""
    with chromium.page() as page:
        page.goto(link)
        page.click("main form button.btn-main")
        expect(page.locator(".pane")).to_contain_text("Admin")
        return page.context.cookies()
