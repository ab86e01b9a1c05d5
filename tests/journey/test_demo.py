"""`deskpost demo` beside a running site: every page has something to show, by its doors alone."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from deskpost.outcomes import Reason
from tests.parts import ports
from tests.parts.process import wait_until
from tests.parts.site import ROOT, Site, letter

pytestmark = [pytest.mark.database, pytest.mark.slow]


def demo(**environment: str) -> subprocess.CompletedProcess[str]:
    """Run `deskpost demo` to its end; a minute is what it may take."""
    return subprocess.run(
        [sys.executable, "-m", "deskpost", "demo"],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


class First(NamedTuple):
    """The first demo: what it printed, and what was so right after it: the facts of those that
    waited for a retry (in some minutes they go to the outbox), and how its link was answered (the
    next sign-in by link spends it)."""

    said: str
    retries: list[dict[str, Any]]
    link_status: int


@pytest.fixture(scope="module")
def first(site: Site) -> First:
    done = demo(**site.environment)
    assert done.returncode == 0, done.stdout + done.stderr + site.log_text()
    query = "SELECT facts FROM deskpost_notification WHERE status = 'queued' AND tries = 1"
    retries = [as_facts(facts) for (facts,) in site.sql(query)]
    link = re.findall(r"http://\S+/sign-in/\S+", done.stdout)[-1]
    return First(done.stdout, retries, site.get(link.removeprefix(site.url))[0])


OUTCOMES = {
    ("success", "request_created"),
    ("success", "comment_added"),
    ("skipped", "duplicate"),
    ("skipped", "sent_by_this_site"),
    ("skipped", "delivery_status"),
    ("skipped", "complaint"),
    ("skipped", "auto_reply"),
    ("skipped", "bulk"),
    ("skipped", "too_many"),
    ("failed", "too_large"),
    ("failed", "not_fetched"),
    ("failed", "no_sender"),
    ("failed", "no_permission"),
}
# Each of the nine, and what only its real cause leaves in the row.
CAUSES: Mapping[str, Callable[[dict[str, Any]], bool]] = {
    "internal_error": lambda facts: facts["error"] == "LookupError",
    "validation_error": lambda facts: facts["character"] == ",",
    "template_too_large": lambda facts: facts.get("bytes", 0) > facts.get("limit", math.inf),
    "limit_reached": lambda facts: facts["sent"] >= facts["limit"],
    "suppression_list": lambda facts: facts["cause"] == "hard_bounce",
    "private_address": lambda facts: facts == {},
    "service_provider_error": lambda facts: facts["enhanced"] == "5.7.1",
    "unknown_error": lambda facts: facts["code"] == 554,
    "unsubscribed": lambda facts: bool(facts["since"]),
}


def as_facts(value: Any) -> dict[str, Any]:
    """SQLite gives JSON as it is stored, PostgreSQL's driver gives what it says."""
    found: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
    return found


def test_every_page_has_something_to_show(site: Site, first: First) -> None:
    rows = site.sql("SELECT DISTINCT status, outcome FROM deskpost_inboundemail")
    assert set(rows) == OUTCOMES
    statuses = {row[0] for row in site.sql("SELECT DISTINCT status FROM deskpost_notification")}
    assert statuses >= {"delivered", "failed", "withheld"}
    late = "SELECT count(*) FROM deskpost_suppression WHERE cause = ?"
    assert site.sql(late, ["complaint"])[0][0] == 1
    assert site.sql(late, ["hard_bounce"])[0][0] == 2


def test_each_of_the_nine_reasons_has_its_real_cause(site: Site, first: First) -> None:
    assert set(CAUSES) == set(Reason)
    failed = site.sql("SELECT reason, facts FROM deskpost_notification WHERE status = 'failed'")
    rows = [(reason, as_facts(facts)) for reason, facts in failed]
    assert {reason for reason, _ in rows} == set(CAUSES)
    for reason, is_real in CAUSES.items():
        assert any(is_real(facts) for said, facts in rows if said == reason), reason
    assert "Reasons why a notification failed: 9 of 9 are on the pages." in first.said


def test_a_server_that_asks_for_300_seconds_is_tried_again_then(first: First) -> None:
    assert [facts["again_after"] for facts in first.retries] == [300, 300]


def test_what_it_took_and_changed_for_a_moment_is_given_back(site: Site, first: First) -> None:
    taken = site.sql("SELECT sum(sent) FROM deskpost_quotaperiod")[0][0]
    placed = "SELECT count(*) FROM deskpost_notification WHERE quota_day IS NOT NULL"
    assert taken == site.sql(placed)[0][0]
    assert site.sql("SELECT count(*) FROM deskpost_messagetemplate")[0][0] == 0
    opened = site.sql("SELECT kind, key FROM deskpost_sitenotice WHERE closed_at IS NULL")
    assert {("own_fault", ""), ("policy", "sperrwerk.example")} <= set(opened)
    assert not [kind for kind, _ in opened if kind.startswith("limit")]


def test_its_one_internal_error_is_the_only_one(site: Site, first: First) -> None:
    assert unexpected(site) == ""


def unexpected(site: Site) -> str:
    """The site's log, unless each trace in it is of the project that has no address."""
    log = site.log_text()
    traces = log.count("Traceback (most recent call last)")
    return "" if traces == len(re.findall(r"LookupError: project \d+ has no channel", log)) else log


def test_both_projects_have_requests_that_are_answered_and_one_that_is_resolved(
    site: Site, first: First
) -> None:
    rows = site.sql(
        "SELECT DISTINCT p.key, r.status FROM deskpost_request r "
        "JOIN deskpost_project p ON p.id = r.project_id"
    )
    assert {("IT", "open"), ("IT", "pending"), ("IT", "resolved"), ("FAC", "pending")} <= set(rows)
    names = {name for (name,) in site.sql("SELECT name FROM deskpost_attachment")}
    assert {"display.png", "stock-export.csv", "見積書.pdf"} <= names


def test_words_of_four_languages_arrive_whole(site: Site, first: First) -> None:
    subjects = {subject for (subject,) in site.sql("SELECT subject FROM deskpost_inboundemail")}
    assert {
        "プリンターのトナーについて",
        "見積書の承認をお願いします",
        "Bildschirm flackert nach dem Update",
        "Accès au VPN impossible depuis l’hôtel",
    } <= subjects
    names = {name for (name,) in site.sql("SELECT name FROM deskpost_person")}
    assert {"田中 宏", "Lena Voß", "Claire Lefèvre"} <= names


def test_it_ends_with_the_addresses_and_a_link_that_works(site: Site, first: First) -> None:
    links = re.findall(r"http://\S+", first.said)
    assert f"{site.url}/projects/IT/email-logs/" in links
    assert first.link_status == 200
    assert site.get(site.sign_in_link().removeprefix(site.url))[0] == 410


CUSTOM = (
    "SELECT c.address, m.state, m.problem, m.next_try_at, m.revision FROM deskpost_channel c "
    "JOIN deskpost_mailbox m ON m.channel_id = c.id ORDER BY c.address"
)
CONNECTIONS = "SELECT count(*) FROM deskpost_connectionevent"


def test_two_custom_channels_have_a_past_and_are_not_connected_to(site: Site, first: First) -> None:
    channels = [
        ("bookings@harbour.example", "attention", "grant_revoked", None, 1),
        ("support@harbour.example", "paused", "", None, 1),
    ]
    assert site.sql(CUSTOM) == channels
    rows = site.sql(CONNECTIONS)[0][0]
    assert rows >= 15
    held = "SELECT count(*) FROM deskpost_mailbox WHERE owner <> ''"
    assert wait_until(lambda: site.sql(held)[0][0] == 1, seconds=20)  # its poller has seen it
    assert site.sql(CUSTOM) == channels
    assert site.sql(CONNECTIONS)[0][0] == rows
    fetched = "SELECT count(*) FROM deskpost_inboundemail WHERE transport = 'imap'"
    assert site.sql(fetched)[0][0] == 8
    assert re.search(r"channels/\d+/connectivity/", first.said)


def test_a_second_round_adds_to_the_first(site: Site, first: First) -> None:
    count = "SELECT count(*) FROM deskpost_request"
    before = site.sql(count)[0][0]
    channels, connections = site.sql(CUSTOM), site.sql(CONNECTIONS)
    done = demo(**site.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "adds another" in done.stdout
    assert site.sql(count)[0][0] >= before + 10
    assert "Mailboxes: there already" in done.stdout
    assert site.sql(CUSTOM) == channels
    assert site.sql(CONNECTIONS) == connections
    assert "9 of 9 are on the pages" in done.stdout
    assert unexpected(site) == ""


def test_after_it_mail_goes_to_the_outbox_again(site: Site, first: First) -> None:
    site.send(letter("Afterwards", sender="late@quayside.example"), sender="late@quayside.example")
    query = "SELECT count(*) FROM deskpost_notification WHERE address = 'late@quayside.example'"
    settled = f"{query} AND settled_at IS NOT NULL"
    assert wait_until(lambda: site.sql(settled)[0][0] == 1, seconds=20), site.log_text()
    kept = [file.read_bytes() for file in (site.data / "outbox").glob("*.eml")]
    assert any(b"late@quayside.example" in one for one in kept)


# --- Refusals ---


def test_it_refuses_where_a_relay_is_set(site: Site) -> None:
    relay = {"DESKPOST_RELAY": "smtp://127.0.0.1:9"}
    done = demo(**site.environment | relay)
    assert done.returncode == 1
    assert "DESKPOST_RELAY is set" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_refuses_where_the_site_does_not_run(site: Site) -> None:
    done = demo(**site.environment | {"DESKPOST_SMTP_PORT": str(ports.free())})
    assert done.returncode == 1
    assert "Start the site first: make run" in done.stderr


def test_it_refuses_where_the_site_has_other_data(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Site() as other:
        mixed = other.environment | {
            name: site.environment[name] for name in ("DESKPOST_WEB_PORT", "DESKPOST_SMTP_PORT")
        }
        done = demo(**mixed)
    assert done.returncode == 1
    assert "same DESKPOST_ variables" in done.stderr


def test_it_refuses_where_there_are_no_data(site: Site, tmp_path: Path) -> None:
    done = demo(**site.environment | {"DESKPOST_DATA": str(tmp_path), "DESKPOST_DATABASE": ""})
    assert done.returncode == 1
    assert "same DESKPOST_ variables" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_stops_where_the_site_itself_has_a_relay() -> None:
    with Site(relay="smtp://127.0.0.1:9") as site:
        done = demo(**site.environment | {"DESKPOST_RELAY": ""})
    assert done.returncode == 1
    assert "does not hand its mail to the demo" in done.stderr
