"""Debian's Chromium, driven by Playwright."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.parts.process import program

# Tests need no network beyond the loopback address: Chromium is kept from asking for it.
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class _Driver:
    """Playwright, shared: a thread can have it only once, however many browsers it starts."""

    def __init__(self) -> None:
        self._users = 0
        self._playwright: Playwright | None = None

    def take(self) -> Playwright:
        if self._playwright is None:
            self._playwright = sync_playwright().start()
        self._users += 1
        return self._playwright

    def give_back(self) -> None:
        self._users -= 1
        if not self._users and self._playwright is not None:
            self._playwright.stop()
            self._playwright = None


_DRIVER = _Driver()


class Chromium:
    """A headless Chromium: a context manager; `browser` is Playwright's."""

    def __init__(self) -> None:
        self._browser: Browser | None = None

    @property
    def browser(self) -> Browser:
        if self._browser is None:
            raise RuntimeError("not started")
        return self._browser

    @property
    def pid(self) -> int:
        """Return the id of Chromium's first process."""
        session = self.browser.new_browser_cdp_session()
        found: list[dict[str, Any]] = session.send("SystemInfo.getProcessInfo")["processInfo"]
        session.detach()
        return int(next(one["id"] for one in found if one["type"] == "browser"))

    @contextmanager
    def page(self, **options: Any) -> Iterator[Page]:
        """Open a page with cookies of its own; `options` are Playwright's for a new context."""
        context = self.browser.new_context(**options)
        try:
            yield context.new_page()
        finally:
            context.close()

    def __enter__(self) -> Self:
        path = program("chromium", "chromium")
        # Root has no sandbox to drop into; everyone else keeps it.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        playwright = _DRIVER.take()
        try:
            self._browser = playwright.chromium.launch(
                executable_path=Path(path), headless=True, args=[*ARGUMENTS, *sandbox]
            )
        except BaseException:
            _DRIVER.give_back()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.browser.close()
        finally:
            self._browser = None
            _DRIVER.give_back()
