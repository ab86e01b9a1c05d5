"""A whole Deskpost, as `deskpost run` starts it, with a folder, ports and a database of its own."""

from __future__ import annotations

import email.policy
import http.client
import os
import re
import secrets
import smtplib
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psycopg

from tests.parts import ports
from tests.parts.early import on_postgresql
from tests.parts.process import Part, Process, wait_until

ROOT = Path(__file__).parents[2]


class Site(Part):
    """`deskpost run`. Its database is SQLite, or a new one on the run's PostgreSQL."""

    def __init__(self, *, relay: str = "", env: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.web_port, self.smtp_port, self.lmtp_port = ports.free(), ports.free(), ports.free()
        self._more = {"DESKPOST_RELAY": relay, **(env or {})}
        self._database = self._more.get("DESKPOST_DATABASE", "")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that commands of this site run with."""
        return {
            "DESKPOST_DATA": str(self.data),
            "DESKPOST_DATABASE": self._database,
            "DESKPOST_WEB_PORT": str(self.web_port),
            "DESKPOST_SMTP_PORT": str(self.smtp_port),
            "DESKPOST_LMTP_PORT": str(self.lmtp_port),
            **self._more,
        }

    def start(self) -> None:
        if not self._database:
            self._database = new_database(self.data)
        self.process = Process(
            [sys.executable, "-m", "deskpost", "run"],
            log=self.folder / "run.log",
            cwd=ROOT,
            env=self.environment,
        )
        self.process.wait_ready(self._ready)

    def relay_through(self, port: int) -> None:
        """Send outgoing mail to this port from the next start on."""
        self._more["DESKPOST_RELAY"] = f"smtp://127.0.0.1:{port}"

    def _ready(self) -> bool:
        return all(ports.answers(port) for port in (self.web_port, self.smtp_port, self.lmtp_port))

    def log_text(self) -> str:
        return (self.folder / "run.log").read_text(errors="replace")

    def sign_in_link(self) -> str:
        """The link that the last start printed."""
        return str(re.findall(r"http://\S+/sign-in/\S+", self.log_text())[-1])

    def get(self, path: str) -> tuple[int, bytes]:
        """Fetch an address without signing in."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.web_port, timeout=20)) as web:
            web.request("GET", path)
            response = web.getresponse()
            return response.status, response.read()

    def send(
        self, message: bytes | EmailMessage, to: str = "it@desk.test", sender: str = "ann@x.test"
    ) -> None:
        """Send a message over SMTP as any client would; raises what smtplib raises."""
        data = message if isinstance(message, bytes) else wire(message)
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=30) as client:
            client.sendmail(sender, [to], data)

    def sql(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Ask the site's database; `?` stands for a parameter on both kinds."""
        if self._database.startswith("postgresql"):
            with psycopg.connect(self._database) as connection:
                return connection.execute(query.replace("?", "%s"), parameters).fetchall()
        with closing(sqlite3.connect(self._database, timeout=30)) as connection:
            return connection.execute(query, parameters).fetchall()

    def shell(self, code: str) -> str:
        """Run Python inside the site, with its models; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "deskpost", "shell", "-c", code],
            cwd=ROOT,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def wait_settled(self, count: int, *, seconds: float = 60.0) -> None:
        """Return once `count` messages have an outcome; fail with the site's log if not."""

        def settled() -> bool:
            query = "SELECT count(*) FROM deskpost_inboundemail WHERE settled_at IS NOT NULL"
            return bool(self.sql(query)[0][0] >= count)

        assert wait_until(settled, seconds=seconds), self.log_text()

    def wait_notified(self, count: int, *, seconds: float = 60.0) -> None:
        """Return once `count` notifications were delivered, failed or withheld."""

        def settled() -> bool:
            query = "SELECT count(*) FROM deskpost_notification WHERE settled_at IS NOT NULL"
            return bool(self.sql(query)[0][0] >= count)

        assert wait_until(settled, seconds=seconds), self.log_text()


def new_database(data: Path) -> str:
    """Make an empty database of the run's kind; return what DESKPOST_DATABASE says."""
    if not on_postgresql():
        data.mkdir(exist_ok=True)
        return str(data / "deskpost.sqlite3")
    server, name = os.environ["DESKPOST_DATABASE"], f"site_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server.rpartition('/')[0]}/{name}"


def wire(message: EmailMessage) -> bytes:
    """The message as it travels, with CRLF."""
    return message.as_bytes(policy=email.policy.SMTP)


def letter(
    subject: str = "The printer is out of ink",
    body: str = "It happened on Monday.",
    sender: str = "Ann Osei <ann@x.test>",
    to: str = "it@desk.test",
    **headers: str,
) -> EmailMessage:
    """A message as a person writes it; `headers` have `_` for `-`."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = f"<{secrets.token_hex(8)}@x.test>"
    message["Date"] = "Mon, 23 Nov 2026 09:00:00 +0000"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(body)
    return message
