"""Take the documentation's screenshots of a running site that the demo has filled.

    python scripts/screenshots.py [FOLDER] [--all]

Without --all, only the pictures that README and docs show are taken, into docs/screenshots. With
it, the main pages in both languages and themes, wide and narrow.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page  # noqa: E402

from tests.parts.chromium import Chromium  # noqa: E402
from tests.parts.site import Site  # noqa: E402


class Shot(NamedTuple):
    """A page to take: its name, its address, and what to click on once it is there."""

    name: str
    path: str
    click: str = ""


FIRST = "a.row-link >> nth=0"
SHOTS = (
    Shot("requests", "/projects/IT/requests/"),
    Shot("request", "/projects/IT/requests/IT-13/"),
    Shot("customers", "/projects/IT/customers/"),
    Shot("email-logs", "/projects/IT/email-logs/", FIRST),
    Shot("email-logs-list", "/projects/IT/email-logs/?status=all"),
    Shot("invitations", "/projects/IT/email-logs/invitations/", FIRST),
    Shot(
        "incoming",
        "/projects/IT/email-logs/incoming/?status=skipped",
        FIRST,
    ),
    Shot("incoming-list", "/projects/IT/email-logs/incoming/"),
    Shot("channels", "/projects/IT/settings/email/channels/"),
    Shot("channel", "/projects/IT/settings/email/channels/1/"),
    Shot("senders", "/projects/IT/settings/email/senders/"),
)
SHOWN = {"email-logs", "incoming", "request"}


def fill(site: Site) -> str:
    """Play the demo; return the sign-in link that it prints at its end."""
    played = subprocess.run(
        [sys.executable, "-m", "deskpost", "demo"],
        cwd=ROOT,
        env=os.environ | site.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return str(re.findall(r"http://\S+/sign-in/\S+", played.stdout)[-1])


@contextmanager
def signed_in(link: str, chromium: Chromium) -> Iterator[Page]:
    """A page of the site admin."""
    with chromium.page() as page:
        page.goto(link)
        page.click("main form button.btn-main")
        yield page


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
    with Site() as site:
        link = fill(site)
        with Chromium() as chromium, signed_in(link, chromium) as page:
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
