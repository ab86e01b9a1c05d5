"""Late news that a real Postfix makes by itself: its bounce, its warning, its giving up."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.parts.postfix import Postfix
from tests.parts.process import wait_until
from tests.parts.refusing import Refusing
from tests.parts.site import Site, letter

pytestmark = [pytest.mark.database, pytest.mark.slow, pytest.mark.postfix]

# A message may stay in the queue for some seconds, and its sender is warned before.
IMPATIENT = "maximal_queue_lifetime = 12s\ndelay_warning_time = 3s"
ROW = "SELECT status, reason, facts FROM deskpost_notification"
REPORTS = (
    "SELECT envelope_to, facts, id FROM deskpost_inboundemail "
    "WHERE outcome = 'delivery_status' ORDER BY id"
)
# Run inside the site: its admin opens a page.
OPEN = """
import sys
from django.conf import settings
from django.test import Client
from deskpost.models import Person
browser = Client(HTTP_HOST="127.0.0.1")
browser.force_login(Person.objects.filter(is_site_admin=True).first())
response = browser.get({path!r})
assert response.status_code == 200, response.status_code
sys.stdout.write(response.getvalue().decode() if response.streaming else response.content.decode())
"""


@contextmanager
def site_behind(downstream: Refusing, settings: str = "") -> Iterator[tuple[Site, Postfix]]:
    """A site that sends through Postfix, which hands on to `downstream` and, what is for
    desk.test, back to the site."""
    site = Site()
    home = {"desk.test": f"127.0.0.1:{site.smtp_port}"}
    with Postfix(relay_to=downstream.port, transport=home, settings=settings) as postfix:
        site.relay_through(postfix.smtp_port)
        with site:
            yield site, postfix


def facts(stored: object) -> dict[str, object]:
    """The facts of a row: text on SQLite, read already on PostgreSQL."""
    found = json.loads(stored) if isinstance(stored, str) else stored
    assert isinstance(found, dict)
    return found


def row(site: Site) -> tuple[str, str, dict[str, object]]:
    """The one notification: status, reason and facts, all empty while there is none."""
    for status, reason, stored in site.sql(ROW):
        return status, reason, facts(stored)
    return "", "", {}


def wait_failed(site: Site, seconds: float) -> dict[str, object]:
    """Return the facts of the one notification once it has failed."""
    failed = wait_until(lambda: row(site)[0] == "failed", seconds=seconds)
    assert failed, f"{row(site)}\n{site.log_text()}"
    return row(site)[2]


def test_a_bounce_by_postfix_fails_the_row_is_openable_and_blocks_the_address() -> None:
    with Refusing() as downstream, site_behind(downstream) as (site, _):
        downstream.at("rcpt", "550 5.1.1 <ann@x.test>: no such user", of="ann@x.test")
        site.send(letter())
        said = wait_failed(site, 40)
        ((envelope_to, report, pk),) = site.sql(REPORTS)
        assert re.fullmatch(r"it\+b\.[a-z2-7]+@desk\.test", envelope_to)
        assert facts(report)["proof"] == "address"
        assert said["enhanced"] == "5.1.1"
        assert uuid.UUID(str(said["incoming"])) == uuid.UUID(str(pk))
        assert site.sql("SELECT status, reason FROM deskpost_notification") == [
            ("failed", "service_provider_error")
        ]
        assert site.sql("SELECT address, cause FROM deskpost_suppression") == [
            ("ann@x.test", "hard_bounce")
        ]
        ((note,),) = site.sql("SELECT id FROM deskpost_notification")
        drawer = site.shell(
            OPEN.format(path=f"/projects/IT/email-logs/notifications/{uuid.UUID(str(note))}/")
        )
        (raw,) = set(re.findall(r"/projects/IT/email-logs/incoming/[0-9a-f-]+/raw/", drawer))
        bounce = site.shell(OPEN.format(path=raw))
        assert "This is the mail system at host relay.test" in bounce
        assert "no such user" in bounce
        site.send(letter("again"))
        site.wait_notified(2)
        reasons = "SELECT reason FROM deskpost_notification ORDER BY id"
        assert site.sql(reasons) == [("service_provider_error",), ("suppression_list",)]


def test_a_queue_that_expires_is_told_as_delayed_and_then_counts_as_one_soft_bounce() -> None:
    with Refusing() as downstream, site_behind(downstream, IMPATIENT) as (site, postfix):
        downstream.at("rcpt", "450 4.2.1 <ann@x.test>: the mailbox rests", of="ann@x.test")
        site.send(letter())
        delayed = wait_until(lambda: "delayed" in row(site)[2], seconds=60)
        assert delayed, postfix.log_text()
        assert site.sql("SELECT status FROM deskpost_notification") == [("delivered",)]
        said = wait_failed(site, 60)
        assert "the mailbox rests" in str(said["answer"])
        assert site.sql("SELECT reason FROM deskpost_notification") == [("service_provider_error",)]
        assert site.sql("SELECT address_key FROM deskpost_softbounce") == [("ann@x.test",)]
        assert site.sql("SELECT address FROM deskpost_suppression") == []
        effects = [facts(report)["effect"] for _, report, _ in site.sql(REPORTS)]
        assert effects == ["delayed", "failed"]
        downstream.behave()
        site.send(letter("again"))
        (arrived,) = downstream.wait_for(1)
        assert arrived.recipients == ("ann@x.test",)
