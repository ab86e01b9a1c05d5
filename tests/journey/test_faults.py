"""Promises 1 and 2: nothing accepted is lost or applied twice, whatever dies or fails."""

from __future__ import annotations

import os
import resource
import signal
import smtplib
import subprocess
import sys
import threading
import time

import pytest

from tests.journey.test_site import child
from tests.parts.postgres import Postgres
from tests.parts.process import wait_until
from tests.parts.site import ROOT, Site, letter

pytestmark = [pytest.mark.database, pytest.mark.slow]
MESSAGES = 500


class Senders:
    """Threads that send numbered messages, each again until it was accepted."""

    def __init__(self, site: Site) -> None:
        self.site, self.accepted = site, 0
        self._lock = threading.Lock()
        self._numbers = iter(range(MESSAGES))
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(4)]
        self.until = time.monotonic() + 180

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(timeout=200)
        assert self.accepted == MESSAGES, self.site.log_text()

    def _send(self) -> None:
        while (number := self._next()) is not None:
            message = letter(f"message {number}", sender=f"p{number}@x.test")
            while time.monotonic() < self.until:
                try:
                    self.site.send(message, sender=f"p{number}@x.test")
                except (OSError, smtplib.SMTPException):
                    time.sleep(0.1)
                    continue
                with self._lock:
                    self.accepted += 1
                break

    def _next(self) -> int | None:
        with self._lock:
            return next(self._numbers, None)


def settled_once(site: Site) -> bool:
    """Whether every message of the 500 has become exactly one request."""
    waiting = site.sql("SELECT count(*) FROM deskpost_inboundemail WHERE settled_at IS NULL")
    distinct, requests = site.sql("SELECT count(DISTINCT summary), count(*) FROM deskpost_request")[
        0
    ]
    return waiting == [(0,)] and (distinct, requests) == (MESSAGES, MESSAGES)


def check_nothing_lost_or_doubled(site: Site) -> None:
    assert wait_until(lambda: settled_once(site), seconds=120), site.log_text()
    failed = site.sql(
        "SELECT outcome FROM deskpost_inboundemail WHERE outcome NOT IN "
        "('request_created', 'duplicate')"
    )
    assert failed == []
    site.wait_notified(MESSAGES, seconds=120)
    doubled = site.sql(
        "SELECT event, person_id FROM deskpost_notification GROUP BY 1, 2 HAVING count(*) > 1"
    )
    assert doubled == []
    for (key,) in site.sql("SELECT raw_key FROM deskpost_inboundemail"):
        assert (site.data / "raw" / key).is_file()


def test_killing_the_worker_in_the_middle_of_500_messages() -> None:
    with Site() as site:
        senders = Senders(site)
        senders.start()
        for _ in range(4):
            time.sleep(0.7)
            if worker := child(site, "inbound"):
                os.kill(worker, signal.SIGKILL)
        senders.join()
        check_nothing_lost_or_doubled(site)


def test_killing_the_whole_tree_in_the_middle_of_500_messages() -> None:
    with Site() as site:
        senders = Senders(site)
        senders.start()
        for _ in range(2):
            time.sleep(1.5)
            kill_tree(site)
            site.start()
        senders.join()
        check_nothing_lost_or_doubled(site)


def kill_tree(site: Site) -> None:
    """SIGKILL to the supervisor and, at the same moment, to all that it started."""
    assert site.process is not None
    names = ("web", "receive", "inbound", "outbound")
    pids = [pid for pid in (child(site, name) for name in names) if pid]
    for pid in [site.pid, *pids]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    site.process.kill()


def test_a_child_that_starts_after_its_supervisor_died_ends_at_once() -> None:
    """Between a child's start and its wish to die with the supervisor there is a moment."""
    with Site() as site:
        gone = subprocess.Popen(["true"])
        gone.wait()
        late = subprocess.run(
            [sys.executable, "-m", "deskpost", "work", "inbound"],
            cwd=ROOT,
            env=os.environ | site.environment | {"SUPERVISED_BY": str(gone.pid)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert "the supervisor is gone" in late.stderr


def test_killing_the_supervisor_alone_ends_its_children() -> None:
    with Site() as site:
        assert site.process is not None
        os.kill(site.pid, signal.SIGKILL)
        site.process.kill()
        assert wait_until(lambda: not site._ready() and can_start(site), seconds=30)


def can_start(site: Site) -> bool:
    from tests.parts import ports

    if any(ports.answers(port) for port in (site.web_port, site.smtp_port, site.lmtp_port)):
        return False
    site.start()
    return True


def test_a_full_disk_while_receiving_answers_4xx_and_then_goes_on() -> None:
    """A file that may not grow fails as on a full disk; the limit is the listener's alone."""
    with Site() as site:
        listener = child(site, "receive")
        resource.prlimit(listener, resource.RLIMIT_FSIZE, (64 * 1024, resource.RLIM_INFINITY))
        big = letter("big", body="x" * 70 + "\n" + "y" * 500_000)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            site.send(big)
        assert refused.value.smtp_code == 451
        assert site.sql("SELECT count(*) FROM deskpost_inboundemail") == [(0,)]
        assert not list((site.data / "raw").glob("*/*"))
        resource.prlimit(
            listener, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        )
        site.send(big)
        site.wait_settled(1)


def test_a_stopped_database_while_receiving_answers_4xx_and_then_goes_on() -> None:
    with Postgres() as database, Site(env={"DESKPOST_DATABASE": database.url}) as site:
        site.send(letter("before"))
        database.pause()
        with pytest.raises((smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError)) as refused:
            site.send(letter("meanwhile"))
        assert b"451" in str(refused.value).encode()
        database.resume()
        assert wait_until(lambda: sent(site), seconds=30), site.log_text()
        site.wait_settled(2)


def sent(site: Site) -> bool:
    try:
        site.send(letter("after"))
    except (OSError, smtplib.SMTPException):
        return False
    return True
