"""Custom channels as processes: a real mailbox, pollers that die or hang, the whole site."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.faults import mailbox as faults
from tests.faults.mailbox import ROWS, USER, Pollers, connect, site_for, state
from tests.parts.dovecot import Dovecot
from tests.parts.process import wait_until
from tests.parts.site import Site, letter, wire

pytestmark = [pytest.mark.database, pytest.mark.dovecot, pytest.mark.slow]


@pytest.fixture
def server() -> Iterator[Dovecot]:
    with Dovecot(USER) as part:
        yield part


def until_connected(site: Site) -> None:
    assert wait_until(lambda: state(site) == "connected", seconds=60), site.log_text()


def count(site: Site) -> int:
    return int(site.sql(ROWS)[0][0])


def test_mail_to_a_mailbox_becomes_a_request_and_its_sender_is_told(server: Dovecot) -> None:
    with site_for(server, DESKPOST_POLLERS="1") as site:
        connect(site, server)
        until_connected(site)
        server.deliver(wire(letter("Out of ink")), USER)
        site.wait_settled(1)
        assert site.sql("SELECT key, summary FROM deskpost_request") == [("IT-1", "Out of ink")]
        site.wait_notified(1)
        (file,) = (site.data / "outbox").glob("*.eml")
        assert b"From: IT help <support@desk.test>" in file.read_bytes()
        assert b"support+r." in file.read_bytes()


def test_a_poller_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing() -> None:
    found = faults.run(messages=300, kills=4, protocol="imap", seed=int(time.time()))
    assert (found["rows"], found["doubles"], found["lost"]) == (300, 0, 0), found
    assert found["left_in_mailbox"] == 0


def test_when_an_owner_hangs_another_takes_over_within_a_minute(server: Dovecot) -> None:
    with site_for(server) as site:
        connect(site, server)
        pollers = Pollers(site)
        first = pollers.start()
        try:
            until_connected(site)
            os.kill(first.pid, signal.SIGSTOP)
            pollers.start()
            server.deliver(wire(letter("While it hangs")), USER)
            begun = time.monotonic()
            assert wait_until(lambda: count(site) == 1, seconds=90), pollers.log_text()
            assert time.monotonic() - begun < 60
            os.kill(first.pid, signal.SIGCONT)
            server.deliver(wire(letter("When it is back")), USER)
            assert wait_until(lambda: count(site) == 2, seconds=30), pollers.log_text()
            time.sleep(2)
            assert site.sql(ROWS) == [(2, 2)]
        finally:
            os.kill(first.pid, signal.SIGCONT)
            pollers.stop()
