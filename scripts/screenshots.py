"""Take the documentation's screenshots of a running site that was sent real mail.

    python scripts/screenshots.py [FOLDER] [--all]

Without --all, only the pictures that README and docs show are taken, into docs/screenshots. With
it, the main pages in both languages and themes, wide and narrow.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from itertools import product
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page  # noqa: E402

from tests.parts.chromium import Chromium  # noqa: E402
from tests.parts.site import Site, letter  # noqa: E402
from tests.parts.world import OutsideWorld  # noqa: E402

PEOPLE = {
    "ann": "Ann Osei <ann.osei@quayside.example>",
    "bob": "Bob Keller <bob.keller@north-mill.example>",
    "priya": "Priya Nair <priya.n@lindenhof.example>",
    "tanaka": "田中 宏 <h.tanaka@asahi-boeki.example>",
    "lee": "Lee Park <lee.park@harbour.example>",
    "shop": "Parcel News <noreply@parcelnews.example>",
    "ops": "Tidewater Operations <ops@tidewater.example>",
}


class Shot(NamedTuple):
    """A page to take: its name, its address, and what to click on once it is there."""

    name: str
    path: str
    click: str = ""


SHOTS = (
    Shot("requests", "/projects/IT/requests/"),
    Shot("request", "/projects/IT/requests/IT-2/"),
    Shot("customers", "/projects/IT/customers/"),
    Shot("email-logs", "/projects/IT/email-logs/", "a.row-link >> nth=0"),
    Shot("email-logs-list", "/projects/IT/email-logs/?status=all"),
    Shot("invitations", "/projects/IT/email-logs/invitations/", "a.row-link >> nth=0"),
    Shot("incoming", "/projects/IT/email-logs/incoming/", "tr:has-text('Automatic') a.row-link"),
    Shot("incoming-list", "/projects/IT/email-logs/incoming/"),
    Shot("channels", "/projects/IT/settings/email/channels/"),
)
SHOWN = {"email-logs", "incoming", "request"}


def letters() -> Iterator[EmailMessage]:
    """What the people of the pictures write."""
    yield letter("New starter on Monday", "She needs a laptop and a badge.", PEOPLE["ann"])
    yield letter(
        "Label printer drops every third job",
        "Since the move to dock 3 the printer by the scales swallows every third label.\n\n"
        "It matters before Friday’s shipment.\n\n-- \nBob Keller, Dispatch, North Mill\n",
        PEOPLE["bob"],
        Cc=PEOPLE["priya"],
    )
    yield letter("プリンターの件", "3 枚目のラベルだけ印刷されません。", PEOPLE["tanaka"])
    yield letter("Shared calendar", "I cannot see the team’s calendar.", PEOPLE["lee"])
    yield letter(
        "November offers for your warehouse",
        "Everything must go.",
        PEOPLE["shop"],
        List_Unsubscribe="<https://parcelnews.example/u>",
    )
    yield letter("Re: IT-2 Label printer", "We see it here as well.", PEOPLE["priya"])
    yield letter(
        "Automatic reply: IT-3", "I am away.", PEOPLE["tanaka"], Auto_Submitted="auto-replied"
    )
    yield letter("Re: IT-2 Label printer", "May I join in?", PEOPLE["ops"])


def fill(site: Site, world: OutsideWorld) -> None:
    """Send the mail; Bob's server refuses him, Lee's is busy."""
    world.refuse(
        "bob.keller@north-mill.example", "550 5.1.1 <bob.keller@north-mill.example>: User unknown"
    )
    world.delay("lee.park@harbour.example", "451 4.7.1 Greylisted, try again in a minute")
    written = list(letters())
    for count, message in enumerate([*written, written[0]], 1):
        sender = str(message["From"].addresses[0].addr_spec)
        site.send(message, sender=sender)
        site.wait_settled(count)


@contextmanager
def signed_in(site: Site, chromium: Chromium, **options: object) -> Iterator[Page]:
    """A page of the site admin."""
    with chromium.page(**options) as page:
        page.goto(site.sign_in_link())
        page.click("main form button.btn-main")
        yield page


def act(page: Page, site: Site) -> None:
    """Answer a request and invite two people, as an agent does."""
    page.goto(f"{site.url}/projects/IT/requests/IT-2/")
    page.fill("textarea", "New firmware is on the printer. Please send ten labels.")
    page.click("form.reply button.btn-main")
    page.goto(f"{site.url}/projects/IT/customers/")
    for address in ("dana,ruiz@quayside.example", "cy@x.example"):
        page.fill("input[name=email]", address)
        page.click("form:has(input[name=email]) button.btn-main")
    site.wait_notified(8)


def take(page: Page, site: Site, shot: Shot, file: Path) -> None:
    page.goto(f"{site.url}{shot.path}")
    if shot.click:
        page.click(shot.click)
        page.wait_for_selector(".drawer h2")
    page.screenshot(path=str(file))


def variants(everything: bool) -> Iterator[tuple[str, str, int]]:
    if not everything:
        yield from (("en", "light", 1440), ("ja", "light", 1440))
        return
    yield from product(("en", "ja"), ("light", "dark"), (1440, 900, 380))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument("--all", action="store_true")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    with OutsideWorld() as world, Site(relay=f"smtp://127.0.0.1:{world.port}") as site:
        fill(site, world)
        with Chromium() as chromium, signed_in(site, chromium) as page:
            act(page, site)
            for language, theme, width in variants(chosen.all):
                page.set_viewport_size({"width": width, "height": 900})
                page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
                page.goto(site.url)
                page.locator(f"form button[name=language][value={language}]").first.evaluate(
                    "button => button.click()"
                )
                page.wait_for_selector(f"html[lang={language}]")
                for shot in SHOTS:
                    if chosen.all or shot.name in SHOWN:
                        size = f"-{width}" if chosen.all else ""
                        name = f"{shot.name}-{language}-{theme}{size}.png"
                        take(page, site, shot, chosen.folder / name)


if __name__ == "__main__":
    main()
