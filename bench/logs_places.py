"""Where a large log lies: a folder for each database, which may be kept for the next run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.parts import ports
from tests.parts.postgres import Postgres

SERVER = "server"
# Filling writes much; what is measured afterwards only reads, but for the dropping of a day.
SETTINGS = "max_wal_size = 4GB\ncheckpoint_timeout = 15min\n"


class Kept(Postgres):
    """A PostgreSQL whose folder stays when it stops, and which goes on from there."""

    def __init__(self, folder: Path, *, fsync: bool) -> None:
        # What is filled is vacuumed once, at the end.
        super().__init__(
            fsync=fsync, settings=f"{SETTINGS}autovacuum = {'on' if fsync else 'off'}\n"
        )
        self._kept = folder

    def start(self) -> None:
        self.folder.rmdir()  # the one that was made for a server that is not kept
        self.folder = self._kept
        if not (self._data / "PG_VERSION").exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            super().start()
            return
        self.port = ports.free()
        durable = "on" if self.fsync else "off"
        with (self._data / "postgresql.conf").open("a") as conf:
            conf.write(f"{self.settings}port = {self.port}\nfsync = {durable}\n")
        self.resume()

    def stop(self) -> None:
        """End the server; its folder stays."""
        if self.process is not None:
            self.process.stop()
            self.process = None


@contextmanager
def opened(kind: str, folder: Path, *, fsync: bool) -> Iterator[dict[str, str]]:
    """Give the variables under which Deskpost finds its data in the folder, while the server of
    the database runs."""
    folder.mkdir(parents=True, exist_ok=True)
    env = {"DESKPOST_DATA": str(folder), "DESKPOST_DATABASE": "", "DESKPOST_LOG_LEVEL": "error"}
    if kind == "sqlite":
        yield env
        return
    with Kept(folder / SERVER, fsync=fsync) as server:
        yield env | {"DESKPOST_DATABASE": server.url}
