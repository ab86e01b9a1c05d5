"""Take the documentation's screenshots of a running site that the demo has filled.

    python scripts/screenshots.py [FOLDER] [--all] [--only NAME …]

Without --all, only the pictures that README and docs show are taken, into docs/screenshots. With
it, the main pages in both languages and themes, wide and narrow. With --only, only those pages.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page  # noqa: E402

from tests.parts import ports  # noqa: E402
from tests.parts.chromium import Chromium  # noqa: E402
from tests.parts.site import Site  # noqa: E402


class Shot(NamedTuple):
    """A page to take: its name, its address, and what to do once it is there. In the address
    `{custom}` is the demo's custom channel, `{deaf}` one whose server does not answer, `{job}` a
    job that is done."""

    name: str
    path: str
    act: Callable[[Page], None] = lambda page: None
    whole: bool = False  # down to its end, and not as much as a screen shows


def open_first(page: Page) -> None:
    """Open the drawer of the first row."""
    page.click("a.row-link >> nth=0")
    page.wait_for_selector(".drawer h2")


def submit_with_errors(page: Page) -> None:
    """Make two of the mistakes that people make with a mailbox."""
    page.fill("#id_address", "dispatch@harbour.example")
    page.fill("#id_host", "https://imap.harbour.example/")
    page.fill("#id_port", "995")
    page.fill("#id_password", "not sent anywhere")
    page.click("form.settings button.btn-main")
    page.wait_for_selector("p.err")


def test_connection(page: Page) -> None:
    """Have the connection tested, which fails at its second step."""
    page.click("main form button.btn-main")
    page.wait_for_selector(".checks .failed")


def open_overview(page: Page) -> None:
    """Open the overview."""
    page.click("#overview > summary")
    page.wait_for_selector("#overview[open] .overview-in svg")


def open_export(page: Page) -> None:
    """Open the menu of files that the list can be had as."""
    page.click(".export-menu > summary")
    page.wait_for_selector(".export-forms")


def try_now(page: Page) -> None:
    """Ask what would become of the first message now."""
    open_first(page)
    page.click(".drawer a[href*='/now/']")
    page.wait_for_selector(".then-now")


def show_formatted(page: Page) -> None:
    """Show the first message as its sender formatted it."""
    open_first(page)
    page.click(".drawer-tabs a[href*='/formatted/']")
    page.wait_for_selector("iframe.letter-frame")
    page.frame_locator("iframe.letter-frame").locator("body").wait_for()


def choose_all(page: Page) -> None:
    """Ask for all rows of the filter to be processed again, up to the page that asks for a yes."""
    page.click("#bulk .bulk-all > summary")
    page.click("#bulk button[value='all:process_again']")
    page.wait_for_selector("form[action$='/acts/start/']")


CHANNELS = "/projects/IT/settings/email/channels/"
LOGS = "/projects/IT/email-logs/"
SHOTS = (
    Shot("requests", "/projects/IT/requests/"),
    Shot("request", "/projects/IT/requests/IT-13/"),
    Shot("customers", "/projects/IT/customers/"),
    Shot("email-logs", "/projects/IT/email-logs/", open_first),
    Shot("email-logs-list", "/projects/IT/email-logs/?status=all"),
    Shot("invitations", "/projects/IT/email-logs/invitations/", open_first),
    Shot("incoming", "/projects/IT/email-logs/incoming/?status=skipped", open_first),
    Shot("incoming-list", "/projects/IT/email-logs/incoming/"),
    Shot("overview", LOGS, open_overview, whole=True),
    Shot("search", LOGS + "search/?q=bob", open_first),
    Shot("search-list", LOGS + "search/?q=from:quayside"),
    Shot("preview", LOGS + "incoming/?q=from:claire subject:VPN", show_formatted),
    Shot("now", LOGS + "incoming/?status=failed", try_now, whole=True),
    Shot("confirm", LOGS + "incoming/?status=failed", choose_all),
    Shot("export", LOGS + "incoming/", open_export),
    Shot("jobs", LOGS + "jobs/"),
    Shot("job", LOGS + "jobs/{job}/"),
    Shot("person", "/people/ann.osei@quayside.example/", whole=True),
    Shot("person-blocked", "/people/bob.keller@north-mill.example/"),
    Shot("people", "/people/?q=quayside"),
    Shot("request-email", "/projects/IT/requests/IT-1/email/", whole=True),
    Shot("audit", "/audit/"),
    Shot("retention", "/retention/", whole=True),
    Shot("connectivity", "/projects/IT/email-logs/connectivity/?channel={custom}"),
    Shot("channels", CHANNELS, whole=True),
    Shot("channel", CHANNELS + "1/"),
    Shot("channel-mailbox", CHANNELS + "{custom}/mailbox/"),
    Shot("channel-logs", CHANNELS + "{custom}/logs/", open_first),
    Shot("channel-connectivity", CHANNELS + "{custom}/connectivity/", whole=True),
    Shot("add-channel", CHANNELS + "add/", whole=True),
    Shot("add-mailbox", CHANNELS + "add/?kind=mailbox", submit_with_errors, whole=True),
    Shot("senders", "/projects/IT/settings/email/senders/"),
)
# Taken last, for it wants a channel of its own.
LAST = (Shot("test-connection", CHANNELS + "{deaf}/test/", test_connection, whole=True),)
SHOWN = {
    *("email-logs", "incoming", "request", "channels", "connectivity"),
    *("search", "overview", "preview", "now", "person"),
}
# The folder of a passing site is nobody's business.
PLACE = """folder => document.querySelectorAll("code").forEach(one => {
    one.textContent = one.textContent.replaceAll(folder, "/var/lib/deskpost");
})"""
SITE = {"DESKPOST_ALLOW_PRIVATE_HOSTS": "127.0.0.1/32", "DESKPOST_POLLERS": "0"}


class Played(NamedTuple):
    """What the demo printed at its end: a sign-in link, and the number of its custom channel."""

    link: str
    custom: str


def fill(site: Site) -> Played:
    """Play the demo."""
    played = subprocess.run(
        [sys.executable, "-m", "deskpost", "demo"],
        cwd=ROOT,
        env=os.environ | site.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    link = re.findall(r"http://\S+/sign-in/\S+", played.stdout)[-1]
    custom = re.findall(r"channels/(\d+)/connectivity/", played.stdout)[-1]
    return Played(link=str(link), custom=str(custom))


@contextmanager
def signed_in(link: str, chromium: Chromium) -> Iterator[Page]:
    """A page of the site admin."""
    with chromium.page() as page:
        page.goto(link)
        page.click("main form button.btn-main")
        yield page


def add_deaf(page: Page, site: Site) -> str:
    """Add a mailbox at a port of this machine where nothing listens; return its number."""
    page.goto(f"{site.url}{CHANNELS}add/?kind=mailbox")
    page.fill("#id_address", "dispatch@harbour.example")
    page.fill("#id_host", "127.0.0.1")
    page.fill("#id_port", str(ports.free()))
    page.select_option("#id_security", "none")
    page.fill("#id_password", "never sent")
    page.click("form.settings button.btn-main")
    page.wait_for_url("**/test/")
    return str(re.findall(r"channels/(\d+)/test/", page.url)[0])


def export_raw(page: Page, site: Site) -> str:
    """Have the raw messages put together in a file; return the number of the job that did it."""
    page.goto(f"{site.url}{LOGS}incoming/")
    open_export(page)
    page.click(".export-forms form button[formaction]")
    page.wait_for_url("**/jobs/*/")
    page.wait_for_selector("#job a[href$='/file/']")
    return str(re.findall(r"jobs/(\d+)/", page.url)[0])


def variants(everything: bool) -> Iterator[tuple[str, str, int]]:
    if not everything:
        yield from (("en", "light", 1440), ("ja", "light", 1440))
        return
    yield from product(("en", "ja"), ("light", "dark"), (1440, 900, 380))


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """Takes pages of a site, in every variant. `numbers` go into the addresses."""

    page: Page
    site: Site
    folder: Path
    everything: bool

    def take(self, shots: Sequence[Shot], **numbers: str) -> None:
        for language, theme, width in variants(self.everything):
            self._turn(language, theme, width)
            size = f"-{width}" if self.everything else ""
            for shot in shots:
                self.page.context.clear_cookies(name="deskpost_overview")  # what was opened before
                self.page.goto(f"{self.site.url}{shot.path.format(**numbers)}")
                shot.act(self.page)
                file = self.folder / f"{shot.name}-{language}-{theme}{size}.png"
                self.page.evaluate(PLACE, str(self.site.data))
                self.page.screenshot(path=str(file), full_page=shot.whole)

    def _turn(self, language: str, theme: str, width: int) -> None:
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        self.page.goto(self.site.url)
        button = self.page.locator(f"form button[name=language][value={language}]").first
        button.evaluate("button => button.click()")
        self.page.wait_for_selector(f"html[lang={language}]")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these pages alone")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    wanted = set(chosen.only) or (set() if chosen.all else SHOWN)
    shots, last = ([s for s in some if not wanted or s.name in wanted] for some in (SHOTS, LAST))
    with Site(env=SITE) as site:
        played = fill(site)
        with Chromium() as chromium, signed_in(played.link, chromium) as page:
            camera = Camera(page=page, site=site, folder=chosen.folder, everything=chosen.all)
            job = export_raw(page, site) if any("{job}" in shot.path for shot in shots) else ""
            camera.take(shots, custom=played.custom, job=job)
            if last:
                camera.take(last, deaf=add_deaf(page, site))


if __name__ == "__main__":
    main()
