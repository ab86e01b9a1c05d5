"""The whole way through a real Postfix: in by it, out by it, and its bounce back."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator

import pytest

from tests.parts.postfix import Postfix
from tests.parts.process import wait_until
from tests.parts.site import Site, letter
from tests.parts.world import OutsideWorld

pytestmark = [pytest.mark.database, pytest.mark.slow, pytest.mark.postfix]


@pytest.fixture
def relay(world: OutsideWorld) -> Iterator[tuple[Site, Postfix]]:
    """A site whose mail goes out by a Postfix, which hands mail for desk.test to the site."""
    site = Site()
    home = f"127.0.0.1:{site.smtp_port}"
    with Postfix(relay_to=world.port, transport={"desk.test": home}) as postfix:
        site.relay_through(postfix.smtp_port)
        with site:
            yield site, postfix


def test_in_by_postfix_out_by_postfix(relay: tuple[Site, Postfix], world: OutsideWorld) -> None:
    site, postfix = relay
    with smtplib.SMTP("127.0.0.1", postfix.smtp_port) as client:
        client.sendmail("ann@x.test", ["it@desk.test"], letter().as_bytes())
    (sent,) = world.wait_for(1)
    assert b"Subject: IT-1 The printer is out of ink" in sent.content
    site.wait_notified(1)
    assert site.sql("SELECT status, outcome FROM deskpost_inboundemail") == [
        ("success", "request_created")
    ]
    assert site.sql("SELECT status FROM deskpost_notification") == [("delivered",)]


def test_a_real_bounce_fails_the_notification_and_blocks_the_address(
    relay: tuple[Site, Postfix], world: OutsideWorld
) -> None:
    site, _ = relay
    world.refuse("ann@x.test", "550 5.1.1 <ann@x.test>: no such user")
    site.send(letter())
    site.wait_settled(2)  # the message, and the bounce of its receipt
    assert site.sql("SELECT outcome FROM deskpost_inboundemail ORDER BY id") == [
        ("request_created",),
        ("delivery_status",),
    ]
    failed = "SELECT status, reason FROM deskpost_notification"
    assert wait_until(
        lambda: site.sql(failed) == [("failed", "service_provider_error")], seconds=10
    )
    assert site.sql("SELECT address, cause FROM deskpost_suppression") == [
        ("ann@x.test", "hard_bounce")
    ]
