"""A private PostgreSQL."""

import re
import signal
from pathlib import Path

import psycopg
from psycopg import sql

from tests.parts import ports
from tests.parts.process import Part, PartMissing, Process, ordinary, run

USER = "deskpost"

# TCP only: the path of a socket could be too long, and the loopback address is what is tested.
# Without fsync a crash of the machine loses data, which no test is about; a killed server keeps it.
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
max_prepared_transactions = 20
shared_buffers = 128MB
"""


def programs() -> Path:
    """Return the folder with the newest installed PostgreSQL's programs, or raise PartMissing."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found:
        raise PartMissing("postgresql is not installed: apt-get install postgresql")
    return max(found, key=lambda path: int(re.sub(r"\D", "", path.parent.name) or 0))


class Postgres(Part):
    """PostgreSQL with the superuser `deskpost` and the database `deskpost`, both without password.

    `fsync=True` for tests and benches about durability and its price; `settings` are lines of
    postgresql.conf.
    """

    def __init__(self, *, fsync: bool = False, settings: str = "") -> None:
        super().__init__()
        self.fsync = fsync
        self.settings = settings
        self.port = 0

    @property
    def url(self) -> str:
        """Return the address of the first database, as DESKPOST_DATABASE takes it."""
        return self.url_of("deskpost")

    def url_of(self, name: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"

    def create(self, name: str) -> str:
        """Make an empty database and return its address."""
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url_of(name)

    def start(self) -> None:
        account = ordinary("postgres")
        account.own(self.folder)
        # C.UTF-8: with the locale C, trigrams of Japanese words would be empty.
        locale = ["-E", "UTF8", "--locale=C.UTF-8"]
        initdb = [str(programs() / "initdb"), "-D", str(self._data), "-U", USER]
        run([*initdb, "--auth=trust", "-N", *locale], account=account, cwd=self.folder)
        self.port = ports.free()
        with (self._data / "postgresql.conf").open("a") as conf:
            durable = "on" if self.fsync else "off"
            conf.write(f"{SETTINGS}port = {self.port}\nfsync = {durable}\n{self.settings}\n")
        self.resume()
        self.create("deskpost")

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def pause(self) -> None:
        """Stop the server and keep its data: sessions end, connections are refused."""
        if self.process is not None:
            self.process.stop()

    def resume(self) -> None:
        """Start the server on its data."""
        self.process = Process(
            [str(programs() / "postgres"), "-D", str(self._data)],
            log=self.folder / "log",
            cwd=self.folder,
            account=ordinary("postgres"),
            stop_signal=signal.SIGINT,  # "fast": sessions are ended, not waited for
        )
        self.process.wait_ready(self._answers)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url_of("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True
