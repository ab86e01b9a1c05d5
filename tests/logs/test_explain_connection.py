"""Every row of the connectivity log is said in words, with whatever facts, and without trusting
them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from deskpost.logs import explain_connection, words
from deskpost.logs.explain_connection import Told
from deskpost.models import ConnectionEvent
from deskpost.problems import PROBLEMS, ConnectionState, Notice, Problem, Step

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CODES = [*Problem, *Notice]
# What the writers of the log give.
NAMES = [
    "host",
    "port",
    "address",
    "said",
    "step",
    "folder",
    "others",
    "names",
    "issuer",
    "valid_until",
    "minutes",
    "taken",
    "down_seconds",
    "old",
    "looked",
    "new",
    "by",
    "error_id",
    "error",
]
ODD: list[Any] = [
    None,
    True,
    "",
    "x" * 100_000,
    -1,
    10**400,
    float("nan"),
    float("inf"),
    [],
    [None, {}, 3],
    {"a": 1},
    "\x00\u202e\n<b>",
    ["<img>"] * 10_000,
]


def told(code: str, *, count: int = 1, last: datetime = NOW, **facts: Any) -> Told:
    row = ConnectionEvent(
        at=NOW, last_at=last, count=count, code=code, status=ConnectionState.RETRYING, facts=facts
    )
    return explain_connection.event(row)


def everything(said: Told) -> str:
    parts = (said.status, said.text, said.repeated, said.said, said.said_by, said.remedy)
    return " ".join(parts)


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_said_without_any_fact(code: str) -> None:
    said = told(code)
    assert said.status == "Retrying"
    assert said.text.endswith(".")
    assert "None" not in everything(said)
    assert "%(" not in everything(said)


@pytest.mark.parametrize("code", Problem)
def test_every_problem_says_what_to_do(code: Problem) -> None:
    assert told(code).remedy == str(PROBLEMS[code].remedy)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:20])
def test_no_fact_is_trusted(code: str, odd: Any) -> None:
    said = told(code, **dict.fromkeys(NAMES, odd))
    assert "None" not in everything(said)
    assert len(everything(said)) < 4_000
    assert "\x00" not in everything(said)
    assert "\u202e" not in everything(said)


SAID: list[tuple[str, dict[str, Any], str]] = [
    (
        Notice.CONNECTED_AGAIN,
        {"down_seconds": 7_830, "taken": 143},
        "Connected again after 2 h 10 min: 143 messages taken.",
    ),
    (
        Notice.CONNECTED_AGAIN,
        {"down_seconds": 40, "taken": 1},
        "Connected again after 40 s: 1 message taken.",
    ),
    (
        Notice.CONNECTED_AGAIN,
        {"down_seconds": 90_000, "taken": 0},
        "Connected again after 1 d 1 h: nothing had come meanwhile.",
    ),
    (Notice.CONNECTED_AGAIN, {"taken": 2}, "Connected again. 2 messages taken."),
    (Notice.CONNECTED, {"old": 0}, "Connected."),
    (
        Notice.CONNECTED,
        {"old": 2114},
        "Connected. 2,114 messages were there before and are left alone.",
    ),
    (
        Notice.RENUMBERED,
        {"looked": 143, "new": 2},
        "The server numbered the mailbox anew: 143 messages were looked at again, 2 of them were "
        "new.",
    ),
    (
        Notice.RENUMBERED,
        {"looked": 1, "new": 0},
        "The server numbered the mailbox anew: 1 message was looked at again, none of them was "
        "new.",
    ),
    (Notice.OLD_MAIL_TAKEN, {"taken": 7}, "7 messages that were there before were taken too."),
    (Notice.SETTINGS_CHANGED, {"by": "Ann"}, "Ann changed how to get into the mailbox."),
    (Notice.PAUSED, {"by": "Ann"}, "Ann paused the channel. What comes waits in the mailbox."),
    (Notice.RESUMED, {}, "The channel was resumed."),
    (Problem.DROPPED, {"taken": 12}, "Dropped after 12 messages."),
    (Problem.RATE_LIMITED, {"minutes": 15}, "Rate limited, retrying in 15 minutes."),
    (
        Problem.CERTIFICATE_OTHER_NAME,
        {"names": ["mail.x.test"], "host": "imap.x.test"},
        "Certificate for another name: it holds for mail.x.test, not for imap.x.test.",
    ),
    (
        Problem.CERTIFICATE_EXPIRED,
        {"valid_until": f"{timezone.now().year}-11-03T10:00:00+00:00"},
        "Certificate expired: it held until 3 Nov.",
    ),
    (
        Problem.CERTIFICATE_UNTRUSTED,
        {"issuer": "Acme CA"},
        "Certificate not trusted: it was made by Acme CA.",
    ),
    (
        Problem.REFUSED,
        {"host": "imap.x.test", "port": 993, "minutes": 1},
        "Connection refused: nothing answers at imap.x.test, port 993. Retrying in 1 minute.",
    ),
    (
        Problem.TIMED_OUT,
        {"host": "imap.x.test", "step": Step.SIGN_IN},
        "No answer in time from imap.x.test. It was at this step: Sign-in.",
    ),
    (
        Problem.PRIVATE_ADDRESS,
        {"host": "imap.x.test", "address": "10.0.0.5"},
        "Private address not allowed: imap.x.test leads to 10.0.0.5.",
    ),
    (
        Problem.FOLDER_MISSING,
        {"folder": "In", "others": ["INBOX", "Sent"]},
        "Folder missing: there is no “In”. There are: INBOX, Sent.",
    ),
]


@pytest.mark.parametrize(("code", "facts", "sentence"), SAID)
def test_the_facts_are_in_the_sentence(code: str, facts: dict[str, Any], sentence: str) -> None:
    with timezone.override(UTC):
        assert told(code, **facts).text == sentence


def test_the_servers_words_are_evidence_and_no_part_of_the_sentence() -> None:
    said = told(Problem.SIGN_IN_REFUSED, said="-ERR [AUTH] invalid\r\npassword\u202e")
    assert said.said == "-ERR [AUTH] invalid password[U+202E]"
    assert said.said_by == "The server says"
    assert "[AUTH]" not in said.text
    assert told(Problem.GRANT_REVOKED, said="invalid_grant").said_by == "The provider says"
    assert len(told(Problem.DROPPED, said="x" * 9_999).said) == 1_000


def test_an_internal_error_gives_its_id_to_quote() -> None:
    said = told(Problem.INTERNAL_ERROR, error="ValueError", error_id="7f3a")
    assert said.said == "ValueError\n7f3a"


def test_a_repeated_failure_says_how_often_and_when_last() -> None:
    with timezone.override(UTC):
        later = NOW + timedelta(hours=2, minutes=45)
        assert told(Problem.DROPPED, count=12, last=later).repeated == "12 times, last at 14:45"
        days = NOW + timedelta(days=2)
        assert told(Problem.DROPPED, count=2_000, last=days).repeated == (
            f"2,000 times, last {words.said_at(days)}"
        )
        assert told(Problem.DROPPED).repeated == ""


def test_last_is_in_the_readers_zone() -> None:
    with timezone.override("Asia/Tokyo"):
        later = NOW + timedelta(minutes=30)
        assert told(Problem.DROPPED, count=2, last=later).repeated == "2 times, last at 21:30"


def test_what_a_later_version_has_written_is_still_shown() -> None:
    row = ConnectionEvent(at=NOW, last_at=NOW, code="quantum", status="odd\n", facts=[])
    said = explain_connection.event(row)
    assert (said.status, said.lead) == ("odd", "odd")


@pytest.mark.parametrize(("code", "facts", "_sentence"), SAID)
def test_all_of_it_can_be_said_in_japanese(
    code: str, facts: dict[str, Any], _sentence: str
) -> None:
    with translation.override("ja"):
        said = everything(told(code, count=3, **facts))
    assert "%(" not in said


@pytest.mark.parametrize(
    ("seconds", "length"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (7_800, "2 h 10 min"),
        (86_400, "1 d"),
        (86_400 + 120, "1 d"),
        (3 * 86_400 + 4 * 3_600, "3 d 4 h"),
    ],
)
def test_a_length_of_time_has_its_two_largest_units(seconds: float, length: str) -> None:
    assert words.length(seconds) == length


@pytest.mark.parametrize(
    ("span", "lasted"),
    [
        (timedelta(seconds=3), "1 minute"),
        (timedelta(minutes=7), "7 minutes"),
        (timedelta(minutes=119), "119 minutes"),
        (timedelta(hours=47), "47 hours"),
        (timedelta(days=2, hours=3), "2 days"),
    ],
)
def test_how_long_it_lasts_is_said_in_full(span: timedelta, lasted: str) -> None:
    assert words.lasting(NOW - span, NOW) == lasted


@pytest.mark.parametrize(
    ("part", "share"), [(None, "–"), (1, "100%"), (0.99999, "99.9%"), (0.978, "97.8%"), (0, "0%")]
)
def test_only_all_of_it_is_a_hundred_percent(part: float | None, share: str) -> None:
    assert words.share(part) == share
