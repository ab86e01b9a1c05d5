"""The lists of the log in Chromium: filters, what is new, more rows; with and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, expect

from deskpost.models import LogLine, logline
from deskpost.outcomes import Outcome
from tests.logs import rows
from tests.parts.chromium import Chromium
from tests.web import scene as scenes
from tests.web.scene import Scene

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def scene(transactional_db: None) -> Iterator[Scene]:
    yield scenes.make()
    # SQLite's index is no table of Django's: emptying the tables would leave it.
    logline.forget(list(LogLine.objects.values_list("pk", flat=True)))


@contextmanager
def opened(scene: Scene, chromium: Chromium, live: Any, **options: Any) -> Iterator[Page]:
    session = scene.browser("admin").cookies["deskpost_session"].value
    with chromium.page(base_url=live.url, **options) as page:
        page.context.add_cookies([{"name": "deskpost_session", "value": session, "url": live.url}])
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        yield page
        assert errors == []


def path(name: str, *args: Any) -> str:
    return reverse(name, args=["IT", *args])


def fill_log(scene: Scene) -> None:
    for n in range(60):
        rows.mail(scene.channel, at=rows.ago(minutes=n))
    rows.mail(scene.channel, Outcome.BULK, sender="bob@x.test", subject="Our prices")


def test_filters_are_added_and_taken_away(
    scene: Scene, chromium: Chromium, live_server: Any
) -> None:
    fill_log(scene)
    with opened(scene, chromium, live_server) as page:
        page.goto(path("email-logs-incoming"))
        page.get_by_text("Add filter").click()
        page.get_by_label("Sender", exact=True).fill("bob")
        page.get_by_role("button", name="Apply filters").click()
        expect(page.locator("tr[data-row]")).to_have_count(1)
        # What was left empty is no part of the address.
        assert page.url.endswith("?sender=bob")
        page.get_by_label("Dates", exact=True).select_option("7")
        expect(page.locator(".chip")).to_have_count(2)
        assert page.url.endswith("?when=7&sender=bob")
        page.get_by_role("link", name="Remove filter: Sender bob").click()
        expect(page.locator("tr[data-row]")).to_have_count(50)
        assert page.url.endswith("?when=7")
        page.keyboard.press("/")
        page.keyboard.type("subject:prices")
        page.keyboard.press("Enter")
        expect(page.locator("tr[data-row]")).to_have_count(1)


def test_what_is_new_is_announced_and_shown_when_wanted(
    scene: Scene, chromium: Chromium, live_server: Any
) -> None:
    fill_log(scene)
    with opened(scene, chromium, live_server) as page:
        page.clock.install()
        page.goto(path("email-logs-incoming"))
        expect(page.locator("tr[data-row]")).to_have_count(50)
        row = page.locator("tr[data-row] .row-link").nth(2)
        row.click()
        expect(page.locator(".drawer h2")).to_be_focused()
        page.get_by_label("Search incoming emails").focus()
        for n in range(3):
            rows.mail(scene.channel, sender=f"new{n}@x.test")
        page.clock.run_for(21_000)
        expect(page.locator(".news")).to_have_text("3 new")
        # Nothing has moved, nor taken the focus away.
        expect(page.get_by_label("Search incoming emails")).to_be_focused()
        assert page.get_by_text("new0@x.test").count() == 0
        page.locator(".news a").click()
        expect(page.locator("tr[data-row]").first).to_contain_text("new2@x.test")
        expect(page.locator(".drawer")).to_be_visible()


def test_more_rows_are_loaded_below(scene: Scene, chromium: Chromium, live_server: Any) -> None:
    fill_log(scene)
    with opened(scene, chromium, live_server) as page:
        page.goto(path("email-logs-incoming"))
        page.get_by_role("link", name="Load more").click()
        expect(page.locator("tr[data-row]")).to_have_count(61)
        assert page.locator("tr.day").count() == len(
            {day.get_attribute("data-day") for day in page.locator("tr.day").all()}
        )
        page.get_by_role("link", name="Back to the newest").click()
        expect(page.locator("tr[data-row]")).to_have_count(50)


def test_all_of_it_works_without_scripts(
    scene: Scene, chromium: Chromium, live_server: Any
) -> None:
    fill_log(scene)
    with opened(scene, chromium, live_server, java_script_enabled=False) as page:
        page.goto(path("email-logs-incoming"))
        page.get_by_text("Add filter").click()
        page.get_by_label("Outcome", exact=True).select_option("bulk")
        page.get_by_role("button", name="Apply filters").click()
        expect(page.locator("tr[data-row]")).to_have_count(1)
        page.get_by_role("link", name="Search everything").click()
        expect(page.get_by_role("heading", name="Search over both directions")).to_be_visible()
        page.get_by_role("link", name="Load more").click()
        expect(page.locator("tr[data-row]")).to_have_count(11)


@pytest.mark.parametrize(
    "name", ["email-logs", "email-logs-invitations", "email-logs-incoming", "email-logs-search"]
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barrier_and_no_width_too_small(
    scene: Scene, chromium: Chromium, live_server: Any, name: str, scheme: Any
) -> None:
    rows.mail(scene.channel, Outcome.BULK, subject="x" * 200, sender=f"{'y' * 60}@x.test")
    rows.note(scene.project, scene.customer)
    with opened(scene, chromium, live_server, color_scheme=scheme) as page:
        for width in (320, 800, 1440):
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(path(name) + "?q=e&when=7&from=2026-01-01")
            found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag22aa"]})
            assert not found.response["violations"], found.generate_report()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
