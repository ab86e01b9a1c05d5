"""DMARC where it decides: the rule, its channel's settings, and the trail."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from deskpost.logs import explain_incoming, trails
from deskpost.models import InboundEmail
from deskpost.outcomes import Outcome, Rule
from tests.desk import Desk
from tests.parts.dns import NameServer
from tests.parts.site import letter

OUTSIDE = "192.0.2.25 mail.bank.test"


@pytest.fixture
def policy(names: NameServer, settings: Settings) -> NameServer:
    """bank.test refuses what it does not vouch for; only 192.0.2.7 may send for it."""
    names.txt("_dmarc.bank.test", "v=DMARC1; p=reject")
    names.txt("bank.test", "v=spf1 ip4:192.0.2.7 -all")
    settings.DESKPOST = settings.DESKPOST | {"RESOLVERS": (names.address,), "DMARC_SECONDS": 1}
    return names


def take(desk: Desk, client: str = OUTSIDE, **headers: str) -> InboundEmail:
    message = letter("Your account", sender="Bank <info@bank.test>", **headers)
    return desk.take(message, sender="info@bank.test", client=client)


def step(row: InboundEmail) -> dict[str, object]:
    found: dict[str, object] = next(one for one in row.trail if one["rule"] == Rule.DMARC)
    return found


def test_a_forged_sender_is_failed_and_the_row_says_what_was_checked(
    desk: Desk, policy: NameServer
) -> None:
    row = take(desk)
    assert (row.status, row.outcome) == ("failed", "dmarc")
    assert row.trail[-1]["rule"] == Rule.DMARC
    told = explain_incoming.incoming(row, row.received_at)
    assert "bank.test asks that such mail be refused" in " ".join(told.why.sentences)
    assert "spf: fail (bank.test" in told.why.evidence[0].text


def test_mail_that_its_domain_vouches_for_is_taken(desk: Desk, policy: NameServer) -> None:
    row = take(desk, client="192.0.2.7 mail.bank.test")
    assert row.outcome == "request_created"
    assert "bank.test vouches for it" in str(trails.of_incoming(row, Outcome(row.outcome)))


def test_a_domain_that_asks_for_nothing_is_let_pass(desk: Desk, policy: NameServer) -> None:
    policy.forget("_dmarc.bank.test")
    policy.txt("_dmarc.bank.test", "v=DMARC1; p=none")
    row = take(desk)
    assert row.outcome == "request_created"
    assert step(row)["answer"] == "passed"


def test_no_answer_from_dns_decides_nothing_and_is_said(desk: Desk, policy: NameServer) -> None:
    policy.be_silent("_dmarc.bank.test")
    row = take(desk)
    assert row.outcome == "request_created"
    assert step(row)["answer"] == "unknown"
    assert "_dmarc.bank.test" in str(step(row)["facts"])


def test_a_channel_that_does_not_check_asks_nobody(desk: Desk, policy: NameServer) -> None:
    desk.channel.checks_dmarc = False
    desk.channel.save()
    assert take(desk).outcome == "request_created"
    assert policy.asked == []


def test_an_allowed_domain_does_not_pass(desk: Desk, policy: NameServer) -> None:
    desk.project.allow_list = "bank.test"
    desk.project.save()
    assert take(desk, Auto_Submitted="auto-generated").outcome == "dmarc"


def test_behind_our_own_server_spf_is_not_judged(desk: Desk, policy: NameServer) -> None:
    row = take(desk, client="10.0.0.3 relay.desk.test")
    assert row.outcome == "request_created"
    assert step(row)["answer"] == "unknown"


@pytest.mark.parametrize(("result", "outcome"), [("fail", "dmarc"), ("pass", "request_created")])
def test_the_findings_of_the_trusted_upstream_are_believed(
    desk: Desk, policy: NameServer, result: str, outcome: str
) -> None:
    desk.channel.trusted_upstream = "mx.desk.test"
    desk.channel.save()
    found = f"mx.desk.test; dmarc={result} (p=reject) header.from=bank.test"
    row = take(desk, client="10.0.0.3 mx.desk.test", Authentication_Results=found)
    assert row.outcome == outcome
    assert policy.asked == []


def test_findings_of_anybody_else_are_not(desk: Desk, policy: NameServer) -> None:
    desk.channel.trusted_upstream = "mx.desk.test"
    desk.channel.save()
    row = take(desk, Authentication_Results="mx.evil.test; dmarc=pass header.from=bank.test")
    assert row.outcome == "request_created"
    assert step(row)["answer"] == "unknown"


def test_imported_mail_is_not_asked_about(desk: Desk, policy: NameServer) -> None:
    message = letter(sender="info@bank.test")
    row = desk.take(message, transport=InboundEmail.Transport.IMPORT)
    assert row.outcome == "request_created"
    assert step(row)["answer"] == "n/a"
    assert policy.asked == []
