"""In Chromium, on the whole site: rows are ticked, the job is done by `deskpost run`, and its page
follows it by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.parts.chromium import Chromium
from tests.parts.site import Site, letter

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CLOSE = "from deskpost.models import Project; Project.objects.update(signup_open={})"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A site whose project IT took none of three strangers' messages, and takes them now."""
    with Site() as site:
        site.shell(CLOSE.format(False))
        for n in range(3):
            site.send(letter(f"Printer {n}", sender=f"p{n}@x.test"), sender=f"p{n}@x.test")
        site.wait_settled(3)
        site.shell(CLOSE.format(True))
        yield site


@pytest.fixture
def page(site: Site, chromium: Chromium) -> Iterator[Page]:
    link = site.shell(
        "from deskpost.models import Person; from deskpost.web import signin;"
        "print(signin.make_link(Person.objects.filter(is_site_admin=True).first()))"
    )
    with chromium.page(base_url=site.url) as page:
        page.goto(link.split()[-1])
        page.click("main form button.btn-main")
        yield page


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [one["id"] for one in found if one["impact"] in {"serious", "critical"}]


def test_ticked_rows_are_processed_while_the_page_of_the_job_looks_on(page: Page) -> None:
    page.goto("/projects/IT/email-logs/incoming/?status=failed")
    boxes = page.locator("input.tick-row")
    expect(boxes).to_have_count(3)
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.locator("#bulk").get_by_role("button", name="Process again", exact=True).click()
    expect(page.locator("main")).to_contain_text("2 messages can be processed again.")
    assert serious(page) == []
    page.get_by_role("button", name="Process 2 messages again").click()
    expect(page.locator("#job")).to_contain_text("2 messages were processed again.", timeout=20_000)
    expect(page.locator("#job")).to_contain_text("2 of 2 looked at")
    assert serious(page) == []
    page.get_by_role("link", name="Back to the list").click()
    expect(page.locator("tr[data-row]")).to_have_count(1)


def test_what_would_happen_now_leads_to_processing_it(page: Page) -> None:
    page.goto("/projects/IT/email-logs/incoming/?status=failed")
    row = page.locator("tr[data-row]").last.get_attribute("id") or ""
    page.goto(f"/projects/IT/email-logs/incoming/{row.removeprefix('e-')}/now/?status=failed")
    expect(page.locator("main")).to_contain_text("it would end otherwise")
    assert serious(page) == []
    page.get_by_role("button", name="Process again").click()
    expect(page.locator(".toast")).to_contain_text("It was processed again: Request created")


@pytest.mark.parametrize("width", [320, 1440])
def test_the_pages_fit_and_have_no_serious_fault(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/projects/IT/email-logs/incoming/?status=all")
    row = page.locator("tr[data-row]").first.get_attribute("id") or ""
    entry = f"/projects/IT/email-logs/incoming/{row.removeprefix('e-')}"
    for path in (f"{entry}/now/", f"{entry}/sender/", "/projects/IT/email-logs/jobs/"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert serious(page) == [], path
