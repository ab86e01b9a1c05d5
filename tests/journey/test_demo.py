"""`deskpost demo` beside a running site: every page has something to show, by its doors alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

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
    """The first demo: what it printed, and what was so right after it: how many notifications
    waited for a retry (in a minute they go to the outbox), and how its link was answered (the
    next sign-in by link spends it)."""

    said: str
    retries: int
    link_status: int


@pytest.fixture(scope="module")
def first(site: Site) -> First:
    done = demo(**site.environment)
    assert done.returncode == 0, done.stdout + done.stderr + site.log_text()
    query = "SELECT count(*) FROM deskpost_notification WHERE status = 'queued' AND tries = 1"
    link = re.findall(r"http://\S+/sign-in/\S+", done.stdout)[-1]
    return First(done.stdout, site.sql(query)[0][0], site.get(link.removeprefix(site.url))[0])


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
REASONS = {
    "suppression_list",
    "service_provider_error",
    "unknown_error",
    "validation_error",
    "template_too_large",
    "unsubscribed",
}


def test_every_page_has_something_to_show(site: Site, first: First) -> None:
    assert first.retries >= 1
    rows = site.sql("SELECT DISTINCT status, outcome FROM deskpost_inboundemail")
    assert set(rows) == OUTCOMES
    failed = site.sql("SELECT DISTINCT reason FROM deskpost_notification WHERE status = 'failed'")
    assert {reason for (reason,) in failed} == REASONS
    statuses = {row[0] for row in site.sql("SELECT DISTINCT status FROM deskpost_notification")}
    assert statuses >= {"delivered", "failed", "withheld"}
    late = "SELECT count(*) FROM deskpost_suppression WHERE cause = ?"
    assert site.sql(late, ["complaint"])[0][0] == 1
    assert site.sql(late, ["hard_bounce"])[0][0] == 2
    assert "Traceback" not in site.log_text()


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
    assert "Traceback" not in site.log_text()


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
