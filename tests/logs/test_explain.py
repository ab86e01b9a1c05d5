"""Every code is explained: in words, with whatever facts, and without trusting them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from deskpost.logs import explain_incoming, explain_notification, trails, words
from deskpost.logs.explain import said
from deskpost.models import Attempt, InboundEmail, Notification, Person, Suppression
from deskpost.outcomes import (
    OUTCOMES,
    REASONS,
    RULE_WORDS,
    WITHHELD,
    Guard,
    IncomingStatus,
    Kind,
    NotificationStatus,
    Outcome,
    Reason,
    Rule,
    Withheld,
)
from tests.logs.rows import ago, trail_to

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def a_note(reason: str = "", **fields: Any) -> Notification:
    values: dict[str, Any] = {
        "status": NotificationStatus.FAILED,
        "kind": Kind.COMMENT_ADDED,
        "person": Person(email="bob@x.test", name="Bob"),
        "address": "bob@x.test",
        "created_at": NOW,
        "reason": reason,
    }
    return Notification(**(values | fields))


def a_mail(outcome: str = "", **fields: Any) -> InboundEmail:
    status = OUTCOMES[Outcome(outcome)].status if outcome else IncomingStatus.PROCESSING
    values: dict[str, Any] = {"received_at": NOW, "outcome": outcome, "status": status}
    return InboundEmail(**(values | fields))


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_explained(reason: Reason, kind: Kind) -> None:
    told = explain_notification.notification(a_note(reason, kind=kind), [], None)
    assert told.title.startswith("Bob ")
    assert told.reason == str(REASONS[reason].words)
    assert str(REASONS[reason].meaning) in told.why.sentences
    assert told.remedy == str(REASONS[reason].remedy)
    assert told.happened


@pytest.mark.parametrize("withheld", Withheld)
def test_everything_withheld_is_explained(withheld: Withheld) -> None:
    note = a_note(withheld, status=NotificationStatus.WITHHELD)
    told = explain_notification.notification(note, [], None)
    assert told.reason == str(WITHHELD[withheld].words)
    assert str(WITHHELD[withheld].meaning) in told.why.sentences


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_explained(outcome: Outcome) -> None:
    told = explain_incoming.incoming(a_mail(outcome, trail=trail_to(Rule.SIZE)), NOW)
    assert told.title
    assert told.reason == str(OUTCOMES[outcome].words)
    assert str(OUTCOMES[outcome].meaning) in told.why.sentences
    assert told.remedy == str(OUTCOMES[outcome].remedy)
    assert explain_incoming.details(a_mail(outcome), NOW) == str(OUTCOMES[outcome].words)


@pytest.mark.parametrize("rule", Rule)
@pytest.mark.parametrize("answer", ["no", "yes", "passed", "n/a"])
def test_every_rule_has_a_line_in_the_trail(rule: Rule, answer: str) -> None:
    facts = {"bytes": 5, "entries": 3, "key": "IT-1", "role": "agent", "entry": "x.test"}
    step = trails.rule_step(rule, {"rule": rule, "answer": answer, "facts": facts})
    assert step.words == str(RULE_WORDS[rule])
    assert step.answer


@pytest.mark.parametrize("guard", Guard)
@pytest.mark.parametrize("answer", ["passed", "stopped"])
def test_every_guard_has_a_line_in_the_trail(guard: Guard, answer: str) -> None:
    step = trails.guard_step(guard, {"guard": guard, "answer": answer})
    assert step.words
    assert step.decides == (answer == "stopped")


def test_the_rule_that_decided_is_marked_and_the_rest_were_not_asked() -> None:
    row = a_mail(Outcome.AUTO_REPLY, trail=trail_to(Rule.AUTO_REPLY))
    *before, decides, unasked = explain_incoming.incoming(row, NOW).trail
    assert [step.decides for step in before] == [False] * 5
    assert (decides.words, decides.answer) == ("Auto-reply", "Skipped")
    assert not unasked.asked
    assert unasked.answer == "not asked"
    assert "Required fields that mail cannot give" in unasked.words
    assert explain_incoming.incoming(row, NOW).asked == 6


def test_guards_that_were_not_asked_are_named() -> None:
    trail = [{"guard": Guard.VALIDATION, "answer": "stopped", "facts": {}}]
    told = explain_notification.notification(a_note(Reason.VALIDATION_ERROR, trail=trail), [], None)
    stopped, unasked = told.trail
    assert stopped.decides
    assert unasked.answer == "not asked"
    assert "Unsubscribed" in unasked.words


def test_a_malformed_address_names_its_character_and_proposes_another() -> None:
    facts = {"problem": "comma", "position": 4, "character": ",", "suggestion": "dana.r@x.test"}
    note = a_note(Reason.VALIDATION_ERROR, address="dana,r@x.test", facts=facts)
    why = explain_notification.notification(note, [], None).why
    (evidence,) = why.evidence
    assert (evidence.before, evidence.marked, evidence.after) == ("dana", ",", "r@x.test")
    assert any("dana.r@x.test" in sentence for sentence in why.sentences)


def test_a_server_s_words_are_not_rewritten_and_its_code_is_marked() -> None:
    (evidence,) = said({"code": 550, "enhanced": "5.1.1", "answer": "5.1.1 <b@x>: no user"}, "x")
    assert evidence.text == "550 5.1.1 <b@x>: no user"
    assert evidence.marked == "5.1.1"


def test_the_title_says_when_an_address_is_no_longer_blocked() -> None:
    note = a_note(Reason.SUPPRESSION_LIST)
    assert explain_notification.notification(note, [], Suppression()).title == (
        "Bob did not get this comment. The address is blocked."
    )
    assert "no longer" in explain_notification.notification(note, [], None).title


@pytest.mark.parametrize(
    ("attempt", "owner", "expected"),
    [
        ({"ended_at": NOW, "result": "accepted"}, "", "Taken"),
        ({"ended_at": NOW, "result": "temporary"}, "", "Refused for now"),
        ({"ended_at": NOW, "result": "permanent"}, "", "Refused for good"),
        ({}, "", "Cut off: it is not known whether the server took it"),
        ({}, "worker-1", "Under way"),
    ],
)
def test_an_attempt_without_an_end_is_under_way_or_was_cut_off(
    attempt: dict[str, Any], owner: str, expected: str
) -> None:
    lease = NOW.replace(hour=13) if owner else None
    note = a_note(status=NotificationStatus.QUEUED, owner=owner, lease_until=lease)
    said_words = explain_notification.attempt_words(Attempt(started_at=NOW, **attempt), note, NOW)
    assert said_words == expected


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize(
    "facts", [{}, {"bytes": "x", "sent": None, "since": "nonsense", "position": 99, "problem": []}]
)
def test_odd_facts_do_no_harm(reason: Reason, facts: dict[str, Any]) -> None:
    assert explain_notification.notification(a_note(reason, facts=facts), [], None).title


@pytest.mark.parametrize("outcome", Outcome)
def test_odd_facts_of_incoming_messages_do_no_harm(outcome: Outcome) -> None:
    facts: dict[str, Any] = {"count": "many", "bytes": [], "fields": None, "first": "x", "entry": 5}
    assert explain_incoming.incoming(a_mail(outcome, facts=facts), NOW).title


def test_what_cannot_be_seen_is_made_visible() -> None:
    assert words.visible("a\u202egnp.exe\x00") == "a[U+202E]gnp.exe[U+0000]"
    assert words.outside("שלום") == "\u2068שלום\u2069"
    assert words.outside("a\n b") == "a b"


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (11_673, "11.4 KB"),
        (26_214_400, "25 MiB"),
        (None, "–"),
    ],
)
def test_sizes_in_words(count: int | None, expected: str) -> None:
    assert words.size(count) == expected


def test_moments_in_words() -> None:
    assert words.said_at(datetime.now(UTC)).startswith("today at ")
    assert words.said_at(ago(days=3)).startswith("on ")
    assert words.span(ago(seconds=4), datetime.now(UTC)) == "4 s"
    assert words.span(ago(hours=3), datetime.now(UTC)) == "3 h"
