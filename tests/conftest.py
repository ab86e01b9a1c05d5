"""Fixtures of real servers, the choice of database, and what runs on it."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from django.conf import settings
from django.test import TransactionTestCase, override_settings
from pytest_django import DjangoDbBlocker

from tests import lines
from tests.parts import early, ports
from tests.parts.chromium import Chromium
from tests.parts.dovecot import Dovecot
from tests.parts.postfix import Postfix
from tests.parts.postgres import Postgres
from tests.parts.process import PartMissing
from tests.parts.world import OutsideWorld

pytest_plugins = ["tests.parts.early", "tests.desk", "tests.carriers"]

TOO_LATE = """The tests need a folder and a database of their own, chosen before Django starts: run
make check, or for some tests
.venv/bin/python -m pytest -p tests.parts.early tests/inbound"""

DATABASE_FIXTURES = {
    "db",
    "transactional_db",
    "live_server",
    "django_db_reset_sequences",
    "django_db_serialized_rollback",
    "django_db_setup",
}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "database: starts Deskpost on its own database through its doors"
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse to touch the developer's own Deskpost; pytest-xdist's workers start well anyway."""
    spread = getattr(session.config.option, "numprocesses", None)
    if not (early.is_worker() or spread or early.RUN.folder):
        raise pytest.UsageError(TOO_LATE)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, leave out what does not touch the database, or in no way of its own, and the
    browser."""
    if not early.on_postgresql():
        return
    chosen = [item for item in items if _touches_database(item) and not _is_browser(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
    items[:] = chosen


def _is_browser(item: pytest.Item) -> bool:
    return item.get_closest_marker("browser") is not None


def _touches_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("one_database"):
        return False
    if item.get_closest_marker("django_db") or item.get_closest_marker("database"):
        return True
    cls = getattr(item, "cls", None)
    if cls is not None and issubclass(cls, TransactionTestCase):
        return True
    return not DATABASE_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


def absent(missing: PartMissing | str) -> NoReturn:
    """End the test whose part is not installed: a failure in CI, elsewhere a skip that says it."""
    if os.environ.get("CI") == "true":
        pytest.fail(str(missing), pytrace=False)
    pytest.skip(str(missing))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Say which part a fixture lacks."""
    if early.MISSING in os.environ:
        absent(os.environ[early.MISSING])
    try:
        return (yield)
    except PartMissing as missing:
        absent(missing)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Say which part a test lacks."""
    try:
        return (yield)
    except PartMissing as missing:
        absent(missing)


@pytest.fixture(autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hash passwords in no time: none of the tests is about the price of guessing them."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Put the test database of SQLite into a file: one in memory locks and waits otherwise."""
    database = settings.DATABASES["default"]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database.setdefault("TEST", {})["NAME"] = str(Path(settings.DATA) / "test.sqlite3")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Make the days of the log tables once: each test would make and undo them all."""
    from deskpost.models import partitions  # Django is ready only now

    with django_db_blocker.unblock():
        partitions.ensure_ahead()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of its own, beside the one that the suite may be running on."""
    with Postgres() as part:
        yield part


@pytest.fixture(scope="session")
def world_port() -> int:
    """The port on which this process's outside world listens, while a test has one."""
    return ports.free()


@pytest.fixture
def world(world_port: int) -> Iterator[OutsideWorld]:
    """The mail server of everyone else, empty at the start of the test."""
    with OutsideWorld(world_port) as outside:
        yield outside


@pytest.fixture(scope="session")
def postfix(world_port: int) -> Iterator[Postfix]:
    """A Postfix that relays everything to `world`. Tests share it: name recipients of your own."""
    with Postfix(relay_to=world_port) as part:
        yield part


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """A Dovecot with the mailbox support@desk.test. Tests share it: leave the mailbox empty."""
    with Dovecot("support@desk.test") as part:
        yield part


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """A headless Chromium."""
    # Playwright runs an event loop in this thread, in which Django would refuse to use the ORM.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with Chromium() as part:
        yield part


@pytest.fixture(autouse=True)
def _every_settled_message_has_its_line(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test has done to messages: the log finds each of them by what it is now."""
    if request.node.get_closest_marker("django_db") is None:
        yield
        return
    request.getfixturevalue("_django_db_helper")  # ends after this
    lines.clear()
    yield
    lines.agree()
