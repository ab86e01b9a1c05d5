"""The site of the journeys, started once, and a project admin who reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import town as towns
from tests.browser.reader import Reader, reading, sign_in
from tests.browser.town import Town
from tests.parts.chromium import Chromium


@pytest.fixture(scope="session")
def town() -> Iterator[Town]:
    with towns.town() as town:
        yield town


@pytest.fixture(scope="session")
def cookies(town: Town, chromium: Chromium) -> Any:
    return sign_in(chromium, town.site.sign_in_link())


@pytest.fixture
def scripts() -> bool:
    return True


@pytest.fixture(params=["en", "ja"])
def reader(
    request: pytest.FixtureRequest, town: Town, chromium: Chromium, cookies: Any, scripts: bool
) -> Iterator[Reader]:
    with reading(
        chromium, town.site.url, cookies, language=request.param, scripts=scripts
    ) as reader:
        yield reader
