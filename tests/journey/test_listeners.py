"""Several listener processes on one port."""

from __future__ import annotations

import os
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts import ports
from tests.parts.process import wait_until
from tests.parts.site import ROOT, Site, letter

pytestmark = [pytest.mark.database, pytest.mark.slow]


@pytest.fixture
def site() -> Iterator[Site]:
    settings = {"DESKPOST_LISTENERS": "2", "DESKPOST_SMTP_CONNECTIONS": "80"}
    with Site(env=settings) as running:
        assert wait_until(lambda: len(listeners(running)) == 2, seconds=30)
        yield running


def listeners(site: Site) -> set[int]:
    """The site's listener processes that have opened their ports: SMTP and LMTP each."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if b"receive" in words and parent == site.pid and listens(int(folder.name), site.smtp_port):
            found.add(int(folder.name))
    return found


def listens(pid: int, port: int) -> bool:
    """Whether that process has a listening socket on the port of 127.0.0.1."""
    wanted = f"0100007F:{port:04X} 00000000:0000 0A"
    table = Path("/proc/net/tcp").read_text().splitlines()
    sockets = {f"socket:[{line.split()[9]}]" for line in table if wanted in line}
    try:
        return any(str(one.readlink()) in sockets for one in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def talk(site: Site) -> smtplib.SMTP:
    connection = smtplib.SMTP("127.0.0.1", site.smtp_port, timeout=20)
    connection.ehlo("x.test")
    return connection


def lives(connection: smtplib.SMTP) -> bool:
    try:
        return connection.noop()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False


def test_two_listeners_take_mail_on_one_port_and_one_goes_on_when_the_other_dies(
    site: Site,
) -> None:
    first, second = listeners(site)
    held = [talk(site) for _ in range(24)]
    assert all(lives(one) for one in held)
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: first not in listeners(site), seconds=10)
    left = [one for one in held if lives(one)]
    assert 0 < len(left) < len(held)  # each had some of them
    for one in left:
        one.sendmail("ann@x.test", ["it@desk.test"], letter().as_bytes())
    site.send(letter("to whoever is there"))
    assert second in listeners(site)
    assert wait_until(lambda: len(listeners(site)) == 2, seconds=30)  # it was started again
    site.send(letter("and again"))
    assert site.sql("SELECT count(*) FROM deskpost_inboundemail") == [(len(left) + 2,)]
    for one in held:
        one.close()


def test_the_limit_of_connections_holds_for_all_of_them_together(site: Site) -> None:
    held: list[smtplib.SMTP] = []
    refused = 0
    try:
        for _ in range(120):
            try:
                held.append(talk(site))
            except smtplib.SMTPConnectError as error:
                assert error.smtp_code == 421
                refused += 1
        assert len(held) <= 80
        assert refused >= 40
    finally:
        for one in held:
            one.close()


def test_a_port_that_another_program_has_is_refused_though_listeners_share_theirs(
    site: Site, tmp_path: Path
) -> None:
    """Of the same user, too, and though it would share the port."""
    other = {
        "DESKPOST_DATA": str(tmp_path),
        "DESKPOST_DATABASE": "",
        "DESKPOST_WEB_PORT": str(ports.free()),
    }
    said = subprocess.run(
        [sys.executable, "-m", "deskpost", "run"],
        cwd=ROOT,
        env=os.environ | site.environment | other,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said.returncode == 1
    assert f"Port {site.smtp_port} on 127.0.0.1 cannot be used for SMTP" in said.stderr
