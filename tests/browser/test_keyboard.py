"""The Email logs page by keyboard: in the order of reading, and the focus is never lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Locator, Page, expect

from deskpost.models import LogLine, logline
from deskpost.outcomes import Outcome
from tests.browser import pages
from tests.browser.pages import opened
from tests.logs import rows
from tests.parts.chromium import Chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# What is asked of the element that has the focus: its place in the page, the first that fits.
PLACES = {
    "skip": ".skip",
    "pane": ".pane",
    "crumbs": ".crumbs",
    "tabs": ".tabs-log",
    "overview": ".overview",
    "toggle": ".seg",
    "tally": ".tally",
    "jobs": ".jobs-line",
    "filters": ".filters",
    "tools": ".list-tools",
    "acts": ".bulk",
    "table": ".ledger",
    "more": "#more",
    "drawer": ".drawer",
}
PLACE = """places => {
  const here = document.activeElement;
  return Object.keys(places).find(name => here.closest(places[name])) ?? here.localName;
}"""
# Whether a person sees what has the focus: nothing lies over it, neither the sticky head nor a bar.
SEEN = """() => {
  const here = document.activeElement, box = here.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return top !== null && (here.contains(top) || top.contains(here));
}"""
RING = "getComputedStyle(document.activeElement, '::after').outlineStyle"

Opens = Callable[[str], Page]


@pytest.fixture
def walk(transactional_db: None) -> Iterator[pages.Walk]:
    made = pages.walk()
    for n in range(50):
        rows.mail(made.things.mail.channel, at=rows.ago(hours=1, minutes=n), subject=f"Ink {n}")
    rows.mail(made.things.mail.channel, Outcome.DMARC, at=rows.ago(days=2), subject="Older")
    yield made
    # SQLite's index is no table of Django's: emptying the tables would leave it.
    logline.forget(list(LogLine.objects.values_list("pk", flat=True)))


@pytest.fixture
def opens(walk: pages.Walk, chromium: Chromium, live_server: Any) -> Iterator[Opens]:
    """Open a page of the log, by its name and query, for the project's admin."""
    size = {"width": 1440, "height": 900}
    with opened(walk, "admin", chromium, live_server, viewport=size) as page:

        def to(name: str) -> Page:
            name, mark, query = name.partition("?")
            page.goto(reverse(name, args=["IT"]) + mark + query)
            return page

        yield to


def links(page: Page) -> Locator:
    return page.locator("tr[data-row] .row-link")


def places(page: Page, key: str = "Tab", most: int = 400) -> list[str]:
    """Press the key until the page is left; return the places that the focus went through."""
    found: list[str] = []
    for _ in range(most):
        page.keyboard.press(key)
        here = page.evaluate(PLACE, PLACES)
        if here == "body":
            return [place for place, _ in groupby(found)]
        assert page.evaluate(SEEN), f"out of sight in: {here}"
        found.append(here)
    raise AssertionError(f"no end: {found}")


def test_the_focus_goes_in_the_order_of_reading_and_is_always_in_sight(opens: Opens) -> None:
    page = opens("email-logs?status=failed")
    links(page).nth(2).click()
    expect(page.locator(".drawer h2")).to_be_focused()
    page.locator("input.tick-row").nth(0).check()
    page.reload()
    order = places(page)
    assert order == [place for place in PLACES if place in order]
    assert set(PLACES) - set(order) <= {"more"}


def test_nor_is_it_hidden_by_the_sticky_head_on_the_way_up(opens: Opens) -> None:
    page = opens("email-logs-incoming")
    page.locator("input.tick-row").nth(0).check()
    links(page).last.focus()
    for _ in range(120):
        page.keyboard.press("Shift+Tab")
        assert page.evaluate(SEEN)


def test_the_first_stop_skips_to_the_content(opens: Opens) -> None:
    page = opens("email-logs")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate(PLACE, PLACES) == "crumbs"


def test_enter_opens_a_row_and_close_comes_back_to_it(opens: Opens) -> None:
    page = opens("email-logs-incoming")
    row = links(page).nth(5)
    row.focus()
    assert page.evaluate(RING) == "solid"
    page.keyboard.press("Enter")
    title = page.locator(".drawer h2")
    expect(title).to_be_focused()
    assert page.url.rpartition("/incoming/")[2] != ""
    page.locator("[data-close]").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".drawer")).to_have_count(0)
    expect(row).to_be_focused()


def test_single_keys_go_through_the_rows_and_to_the_search(opens: Opens) -> None:
    page = opens("email-logs-incoming")
    for key, row in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        expect(links(page).nth(row)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".drawer h2")).to_be_focused()
    page.keyboard.press("Escape")
    expect(links(page).nth(1)).to_be_focused()
    page.keyboard.press("/")
    box = page.get_by_label("Search incoming emails")
    expect(box).to_be_focused()
    page.keyboard.type("j/k")
    expect(box).to_have_value("j/k")


def test_single_keys_can_be_switched_off(opens: Opens) -> None:
    page = opens("email-logs-incoming")
    keys = page.locator(".pane").get_by_role("group", name="Single keys")
    keys.get_by_role("button", name="Off").click()
    for _ in ("here", "after a reload"):
        expect(keys.get_by_role("button", name="Off")).to_have_attribute("aria-pressed", "true")
        page.keyboard.press("j")
        expect(links(page).first).not_to_be_focused()
        page.keyboard.press("/")
        expect(page.get_by_label("Search incoming emails")).not_to_be_focused()
        page.reload()
    keys.get_by_role("button", name="On").click()
    page.keyboard.press("j")
    expect(links(page).first).to_be_focused()


def test_a_removed_filter_leaves_the_focus_at_the_next(opens: Opens) -> None:
    page = opens("email-logs-incoming?subject=ink&sender=ann")
    chips = page.locator(".chips a")
    expect(chips).to_have_count(2)
    chips.nth(0).focus()
    page.keyboard.press("Enter")
    expect(chips).to_have_count(1)
    expect(chips.nth(0)).to_be_focused()
    page.keyboard.press("Enter")
    expect(chips).to_have_count(0)
    expect(page.locator(".filters summary")).to_be_focused()


def test_tally_toggle_and_search_keep_the_focus(opens: Opens) -> None:
    page = opens("email-logs?status=all")
    tally = page.locator(".tally a", has_text="Failed")
    tally.focus()
    page.keyboard.press("Enter")
    expect(tally).to_have_attribute("aria-current", "true")
    expect(tally).to_be_focused()
    toggle = page.locator(".seg a", has_text="Customer invitations")
    toggle.focus()
    page.keyboard.press("Enter")
    expect(toggle).to_have_attribute("aria-current", "page")
    expect(toggle).to_be_focused()
    page.goto(reverse("email-logs-incoming", args=["IT"]))
    page.keyboard.press("/")
    page.keyboard.type("older")
    page.keyboard.press("Enter")
    expect(links(page)).to_have_count(1)
    expect(page.get_by_label("Search incoming emails")).to_be_focused()


def test_load_more_goes_on_at_the_first_new_row(opens: Opens) -> None:
    page = opens("email-logs-incoming")
    shown = links(page).count()
    page.get_by_role("link", name="Load more").focus()
    page.keyboard.press("Enter")
    expect(links(page).nth(shown)).to_be_focused()


def test_new_rows_are_gone_to_when_asked_for(opens: Opens, walk: pages.Walk) -> None:
    page = opens("email-logs-incoming")
    page.clock.install()
    page.reload()
    rows.mail(walk.things.mail.channel, subject="Just now")
    page.clock.run_for(21_000)
    page.locator(".news a").focus()
    page.keyboard.press("Enter")
    expect(links(page).first).to_be_focused()
    expect(page.locator("tr[data-row]").first).to_contain_text("Just now")


def test_the_views_of_an_entry_and_the_next_entry_keep_it_too(opens: Opens) -> None:
    page = opens("email-logs-incoming")
    links(page).nth(1).click()
    expect(page.locator(".drawer h2")).to_be_focused()
    view = page.locator(".drawer-tabs a", has_text="Headers")
    view.focus()
    page.keyboard.press("Enter")
    expect(view).to_have_attribute("aria-current", "page")
    expect(view).to_be_focused()
    first = page.locator(".drawer-tabs a").first
    first.focus()
    page.keyboard.press("Enter")
    expect(first).to_have_attribute("aria-current", "page")
    expect(first).to_be_focused()
    page.get_by_role("link", name="Next entry").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".drawer h2")).to_be_focused()
    page.keyboard.press("Escape")
    expect(links(page).nth(2)).to_be_focused()


def test_ticked_rows_stay_ticked_while_an_entry_is_looked_at(opens: Opens) -> None:
    page = opens("email-logs?status=failed")
    boxes = page.locator("input.tick-row")
    for n in (0, 3):
        boxes.nth(n).focus()
        page.keyboard.press("Space")
        expect(boxes.nth(n)).to_be_focused()
    expect(page.locator("#bulk [data-ticked]")).to_have_text("2")
    links(page).nth(1).press("Enter")
    expect(page.locator(".drawer h2")).to_be_focused()
    assert [box.is_checked() for box in boxes.all()].count(True) == 2
    expect(page.locator("#bulk [data-ticked]")).to_have_text("2")
    page.keyboard.press("Escape")
    expect(links(page).nth(1)).to_be_focused()
    expect(boxes.nth(3)).to_be_checked()
