"""The Email logs page in Chromium, of a running site that was sent real mail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.parts.chromium import Chromium
from tests.parts.site import Site, letter, wire
from tests.parts.world import OutsideWorld

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RAW = letter("Grüße & <b>Drucker</b>", "Der Drucker druckt nicht.\n", "Ann <ann@x.test>")


class Scene:
    """A site with three messages: Bob's server refused him, then he is on the suppression list."""

    def __init__(self, site: Site, world: OutsideWorld) -> None:
        self.site, self.world = site, world
        world.refuse("bob@y.test", "550 5.1.1 <bob@y.test>: User unknown")
        for n, message in enumerate(
            [RAW, letter("first", sender="bob@y.test"), letter("second", sender="bob@y.test")], 1
        ):
            site.send(message, sender=str(message["From"].addresses[0].addr_spec))
            site.wait_notified(n)


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with OutsideWorld() as world, Site(relay=f"smtp://127.0.0.1:{world.port}") as site:
        yield Scene(site, world)


@pytest.fixture(scope="module")
def cookies(scene: Scene, chromium: Chromium) -> list[dict[str, object]]:
    """Sign in by the link that the start printed, once for all tests."""
    with chromium.page() as page:
        page.goto(scene.site.sign_in_link())
        page.click("main form button.btn-main")
        expect(page.locator(".pane")).to_contain_text("Admin")
        return list(page.context.cookies())  # type: ignore[arg-type]


@pytest.fixture
def page(scene: Scene, chromium: Chromium, cookies: list[dict[str, object]]) -> Iterator[Page]:
    with chromium.page(base_url=scene.site.url) as page:
        page.context.add_cookies(cookies)  # type: ignore[arg-type]
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        yield page
        assert errors == []


def test_from_the_side_pane_to_the_failed_notifications_and_why(page: Page) -> None:
    page.goto("/projects/IT/requests/")
    page.get_by_role("link", name="Email logs").first.click()
    expect(page.locator("h1")).to_have_text("Email logs")
    heads = page.locator("table thead th").all_inner_texts()
    assert [" ".join(head.split()) for head in heads] == [
        "Date",
        "Recipient",
        "Notification name",
        "Work item key",
        "Details",
    ]
    rows = page.locator("tr[data-row]")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("Suppression list")
    expect(rows.nth(1)).to_contain_text("Email service provider error")
    rows.nth(1).locator("a.row-link").click()
    drawer = page.locator(".drawer")
    expect(drawer).to_contain_text("550 5.1.1 <bob@y.test>: User unknown")
    page.reload()
    expect(drawer).to_contain_text("User unknown")


def test_incoming_emails_and_the_raw_message_byte_for_byte(
    page: Page, scene: Scene, tmp_path: Path
) -> None:
    page.goto("/projects/IT/email-logs/")
    page.get_by_role("link", name="Incoming emails").click()
    expect(page.get_by_role("columnheader", name="Key")).to_be_visible()
    heads = [" ".join(h.split()) for h in page.locator("table thead th").all_inner_texts()]
    assert heads[:6] == ["Date", "From", "Subject", "Status", "Key", "Details"]
    assert page.get_by_text("Connectivity log").count() == 0
    row = page.locator("tr[data-row]").filter(has_text="Grüße & <b>Drucker</b>")
    expect(row).to_contain_text("Request created")
    with page.expect_download() as download:
        row.locator(".act a").click()
    file = tmp_path / "raw.eml"
    download.value.save_as(file)
    assert download.value.suggested_filename.endswith(".eml")
    assert file.read_bytes() == wire(RAW)


def test_view_logs_of_the_channel_shows_the_same_log_and_the_same_file(page: Page) -> None:
    page.goto("/projects/IT/email-logs/incoming/")
    first = page.locator("tr[data-row] .act a").first.get_attribute("href")
    page.goto("/projects/IT/settings/email/channels/")
    page.get_by_role("link", name="View logs").click()
    expect(page.locator("tr[data-row]")).to_have_count(3)
    assert page.locator("tr[data-row] .act a").first.get_attribute("href") == first


def test_unblock_allows_future_mail_and_resends_nothing(page: Page, scene: Scene) -> None:
    before = len(scene.world.messages)
    page.goto("/projects/IT/email-logs/")
    page.locator("tr[data-row]").first.locator("a.row-link").click()
    page.get_by_role("button", name="Unblock email address").click()
    expect(page.locator("body")).to_contain_text("bob@y.test")
    expect(page.get_by_role("button", name="Unblock email address")).to_have_count(0)
    assert scene.site.sql("SELECT count(*) FROM deskpost_suppression") == [(0,)]
    assert len(scene.world.messages) == before


def test_the_old_address_leads_to_the_page(page: Page) -> None:
    page.goto("/projects/IT/customer-notification-logs/")
    assert page.url.endswith("/projects/IT/email-logs/")


def test_a_team_managed_project_has_no_email_logs(page: Page) -> None:
    page.goto("/projects/FAC/requests/")
    assert page.locator(".pane").get_by_role("link", name="Email logs").count() == 0


def test_an_answer_goes_out(page: Page, scene: Scene) -> None:
    before = len(scene.world.messages)
    page.goto("/projects/IT/requests/IT-1/")
    page.fill("textarea", "Bitte neu starten.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.locator("main")).to_contain_text("Bitte neu starten.")
    sent = scene.world.wait_for(before + 1)[-1]
    assert sent.rcpt_tos == ["ann@x.test"]


def test_it_speaks_japanese(page: Page) -> None:
    page.goto("/projects/IT/email-logs/incoming/")
    page.get_by_role("button", name="日本語").first.click()
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    expect(page.locator("table thead")).to_contain_text("日時")
    expect(page.locator(".tabs").first).to_contain_text("顧客通知")
    page.get_by_role("button", name="English").first.click()
    expect(page.locator("html")).to_have_attribute("lang", "en")


PAGES = (
    "/projects/IT/requests/",
    "/projects/IT/requests/IT-1/",
    "/projects/IT/customers/",
    "/projects/IT/email-logs/?status=all",
    "/projects/IT/email-logs/incoming/",
    "/projects/IT/settings/email/channels/",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_pages_are_accessible_and_fit_a_phone(page: Page, path: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(path)
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()
    page.set_viewport_size({"width": 380, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 380


def test_the_log_works_without_javascript(
    scene: Scene, chromium: Chromium, cookies: list[dict[str, object]]
) -> None:
    with chromium.page(base_url=scene.site.url, java_script_enabled=False) as page:
        page.context.add_cookies(cookies)  # type: ignore[arg-type]
        page.goto("/projects/IT/email-logs/incoming/")
        page.locator("tr[data-row] a.row-link").first.click()
        expect(page.locator(".drawer h2")).to_be_visible()
        page.get_by_role("link", name="Close").click()
        expect(page.locator(".drawer")).to_have_count(0)
