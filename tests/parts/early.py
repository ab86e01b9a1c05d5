"""What must be settled before Django reads its settings: Deskpost's folder and its database.

A pytest plugin. Loaded early (`-p tests.parts.early`) it serves a run in one process; the workers
of pytest-xdist get theirs through the environment that they start with.
PYTEST_DONT_REWRITE: tests/conftest.py imports it too, perhaps first.
"""

import atexit
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.parts.postgres import Postgres
from tests.parts.process import PartMissing

WANTED = "DESKPOST_TEST_DATABASE"
# Set instead of a database when PostgreSQL was wanted and is not installed: the sentence for it.
MISSING = "TESTS_MISS_THEIR_DATABASE"


class _Run:
    """What this run has started; there is one, in the process that started the tests."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.postgres: Postgres | None = None

    def environment(self, name: str) -> dict[str, str]:
        """Return the variables of one process: a fresh folder, and the database of the run."""
        if self.folder is None:
            self.folder = Path(tempfile.mkdtemp(prefix="dp-data-"))
            atexit.register(self.end)
            self._start_database()
        data = self.folder / name
        data.mkdir()
        database = self.postgres.url if self.postgres else str(data / "deskpost.sqlite3")
        return {"DESKPOST_DATA": str(data), "DESKPOST_DATABASE": database}

    def _start_database(self) -> None:
        if on_postgresql():
            server = Postgres()
            try:
                self.postgres = server.__enter__()
            except PartMissing as missing:
                os.environ[MISSING] = str(missing)

    def end(self) -> None:
        """Stop the database and remove the folders; a second call does nothing."""
        if self.postgres is not None:
            self.postgres.stop()
            self.postgres = None
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None


RUN = _Run()


def on_postgresql() -> bool:
    """Say whether this run is the one on PostgreSQL."""
    return os.environ.get(WANTED, "") == "postgresql"


def is_worker() -> bool:
    """Say whether this process is one of pytest-xdist's workers."""
    return "PYTEST_XDIST_WORKER" in os.environ


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Choose for the process that runs pytest."""
    if is_worker():
        return
    # A run that is told to end (by a time limit, say) ends as with Ctrl-C: it clears up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # What the developer's shell says about their own Deskpost is not for the tests.
    for name in [one for one in os.environ if one.startswith("DESKPOST_") and one != WANTED]:
        del os.environ[name]
    os.environ.update(RUN.environment("main"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[Any]) -> None:
    """Choose for each worker, before it starts."""
    for spec in specs:
        spec.env.update(RUN.environment(spec.id))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """End what was started here."""
    RUN.end()
