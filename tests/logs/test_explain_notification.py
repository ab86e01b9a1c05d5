"""Each row says where it stands: sent or delivered, waiting for what, tried how, heard what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from deskpost.logs import explain_notification
from deskpost.logs.explain import Told
from deskpost.models import Attempt, Notification, SiteNotice
from deskpost.outcomes import NotificationStatus, Reason
from tests.logs.rows import ago
from tests.logs.test_explain import NOW, a_note

QUEUED, SENT = NotificationStatus.QUEUED, NotificationStatus.DELIVERED
REFUSED = {"server": "mx.x.test", "code": 451, "enhanced": "4.7.1", "answer": "4.7.1 greylisted"}


def a_try(result: str = "accepted", **fields: Any) -> Attempt:
    """One try; without a result it was cut off."""
    ended = NOW if result else None
    return Attempt(started_at=NOW, ended_at=ended, result=result, **fields)


def tell(note: Notification, *tries: Attempt, down: SiteNotice | None = None) -> Told:
    return explain_notification.notification(note, list(tries), None, down)


def happened(told: Told) -> str:
    return " ".join(told.happened)


def why(told: Told) -> str:
    return " ".join(told.why.sentences)


def said(told: Told) -> list[tuple[str, str]]:
    return [(one.source, one.text) for one in told.why.evidence]


# --- Sent, or delivered --------------------------------------------------------------------------


def test_what_a_server_took_is_sent_and_no_more_than_that() -> None:
    told = tell(a_note(status=SENT), a_try())
    assert told.reason == "Sent"
    assert told.title == "Bob was sent this comment."
    assert "The server took it. No bounce has come back." in told.happened


def test_what_was_confirmed_is_delivered_and_says_when() -> None:
    told = tell(a_note(status=SENT, arrived_at=ago(days=2)), a_try())
    assert told.reason == "Delivered"
    assert told.title == "Bob was sent this comment. The server of the address has confirmed it."
    assert "Its server confirmed the delivery on " in happened(told)
    assert "No bounce" not in happened(told)


@pytest.mark.parametrize("status", [status for status in NotificationStatus if status != SENT])
def test_only_what_was_sent_can_be_delivered(status: NotificationStatus) -> None:
    reason = {"failed": Reason.UNKNOWN_ERROR, "withheld": "muted"}.get(status, "")
    note = a_note(reason, status=status, arrived_at=NOW)
    assert explain_notification.status_words(note) != "Delivered"


# --- Heard later ---------------------------------------------------------------------------------


def test_a_complaint_is_told_with_who_said_it() -> None:
    at = ago(days=1)
    complaint = {"server": "fbl.x.test", "answer": "abuse", "at": at.isoformat()}
    told = tell(a_note(status=SENT, facts={"complained": complaint}), a_try())
    assert told.title.endswith("They called it spam.")
    assert "They called it spam on " in happened(told)
    assert said(told) == [("The complaint", "abuse")]
    assert (told.why.evidence[0].server, told.why.evidence[0].at) == ("fbl.x.test", at)


def test_a_complaint_without_words_still_leads_to_its_message() -> None:
    entry = "01930000-0000-7000-8000-000000000001"
    told = tell(a_note(status=SENT, facts={"complained": {"incoming": entry}}), a_try())
    assert str(told.why.evidence[0].incoming) == entry


@pytest.mark.parametrize(
    "raw", [{"Email": "bob@x.test", "Type": "Bounce"}, '{"Email": "bob@x.test"}']
)
def test_a_providers_own_event_stands_beside_the_server_s_words(raw: Any) -> None:
    event = {"provider": "postmark", "event": "bounced", "at": NOW.isoformat(), "raw": raw}
    facts = {"code": 550, "enhanced": "5.1.1", "answer": "5.1.1 no user", "event": event}
    told = tell(a_note(Reason.SERVICE_PROVIDER_ERROR, facts=facts), a_try())
    (_, answer), (source, text) = said(told)
    assert answer == "550 5.1.1 no user"
    assert source == "The event of Postmark"
    assert '"Email": "bob@x.test"' in text
    assert told.why.evidence[1].server == "bounced"
    assert told.why.evidence[1].at == NOW


def test_a_wish_to_unsubscribe_and_a_delay_that_is_over_are_told() -> None:
    at = {"at": ago(days=1).isoformat()}
    facts = {"unsubscribed": {"answer": "by link", **at}, "was_delayed": {"answer": "4.4.1 busy"}}
    told = tell(a_note(status=SENT, arrived_at=NOW, facts=facts), a_try())
    assert "They unsubscribed at the provider on " in happened(told)
    assert "had reported a delay before it arrived" in why(told)
    assert said(told) == [
        ("The report", "4.4.1 busy"),
        ("Their wish to unsubscribe", "by link"),
    ]


def test_a_bounce_after_an_arrival_and_a_complaint_says_all_of_it() -> None:
    complaint = {"answer": "abuse", "at": ago(days=1).isoformat()}
    facts = {"answer": "5.1.1 no", "incoming": "x", "complained": complaint}
    note = a_note(Reason.SERVICE_PROVIDER_ERROR, facts=facts, arrived_at=ago(days=2))
    told = tell(note, a_try())
    assert "a bounce came back later. Its server confirmed the delivery on " in happened(told)
    assert "They called it spam on " in happened(told)
    assert [source for source, _ in said(told)] == ["The bounce", "The complaint"]


def test_a_blocked_address_shows_the_event_that_blocked_it() -> None:
    event = {"provider": "amazon_ses", "event": "bounced", "raw": {"bounceType": "Permanent"}}
    facts = {"cause": "hard_bounce", "since": ago(days=1).isoformat(), "event": event}
    told = tell(a_note(Reason.SUPPRESSION_LIST, facts=facts))
    assert said(told)[0][0] == "The event of Amazon SES"


def test_an_event_without_end_is_cut() -> None:
    event = {"provider": "resend", "event": "delivered", "raw": {"x": "y" * 100_000}}
    told = tell(a_note(status=SENT, arrived_at=NOW, facts={"event": event}), a_try())
    assert len(said(told)[0][1]) < 10_000


@pytest.mark.parametrize("odd", ["x", 5, [], {"raw": [], "at": 3}, {"provider": {}, "event": None}])
def test_odd_news_does_no_harm(odd: Any) -> None:
    facts = {"event": odd, "complained": odd, "delayed": odd, "again_after": odd}
    for status, reason in ((SENT, ""), (QUEUED, ""), ("failed", Reason.SERVICE_PROVIDER_ERROR)):
        assert tell(a_note(reason, status=status, facts=facts), a_try()).title


# --- Waiting -------------------------------------------------------------------------------------


def test_one_that_was_never_tried_says_so() -> None:
    told = tell(a_note(status=QUEUED, due_at=NOW))
    assert "It was never tried yet: nothing has left this site." in told.happened
    assert why(told) == "It waits for its turn."


def test_while_the_relay_cannot_be_used_it_waits_for_that_and_nothing_counts() -> None:
    down = SiteNotice(opened_at=ago(days=1), facts={"answer": "Connection refused", "code": None})
    told = tell(a_note(status=QUEUED, due_at=NOW, facts=REFUSED), a_try("temporary"), down=down)
    assert "It waits for the relay, which cannot be used since " in why(told)
    assert "Nothing counts as a try meanwhile, and nothing is lost." in why(told)
    assert said(told) == [
        ("The relay", "Connection refused"),
        ("The last answer", "451 4.7.1 greylisted"),
    ]


def test_where_the_server_said_when_the_row_waits_for_that() -> None:
    due = timezone.now() + timedelta(minutes=10)
    facts = REFUSED | {"again_after": 600}
    told = tell(a_note(status=QUEUED, due_at=due, facts=facts), a_try("temporary"))
    assert "because the server asked to be tried again in 10 min." in why(told)
    assert why(told).startswith("It waits until ")


def test_how_often_it_was_tried_and_when_next() -> None:
    due = timezone.now() + timedelta(days=1)
    note = a_note(status=QUEUED, due_at=due, facts=REFUSED)
    told = tell(note, a_try("temporary"), a_try("temporary"))
    assert "It was handed to a server 2 times." in told.happened
    assert "It was refused for now, and is tried again on " in happened(told)


def test_one_in_a_worker_s_hands_is_being_sent() -> None:
    lease = timezone.now() + timedelta(minutes=1)
    assert why(tell(a_note(status=QUEUED, due_at=NOW, owner="w", lease_until=lease))) == (
        "It is being sent just now."
    )


# --- Cut off -------------------------------------------------------------------------------------


def test_a_try_that_was_cut_off_before_another_may_have_arrived_twice() -> None:
    told = tell(a_note(status=SENT), a_try(""), a_try())
    assert "may have received it twice, under the same Message-ID." in happened(told)


def test_where_the_later_try_was_refused_the_first_may_have_arrived() -> None:
    told = tell(a_note(Reason.SERVICE_PROVIDER_ERROR), a_try(""), a_try("permanent"))
    assert "the person may have received it then, although it was refused" in happened(told)
    assert "twice" not in happened(told)


def test_without_another_try_nobody_received_it_twice() -> None:
    told = tell(a_note(status=QUEUED, due_at=NOW), a_try("temporary"), a_try(""))
    assert "twice" not in happened(told)
    assert "The last try has no end yet" in happened(told)


def test_only_the_last_try_can_be_under_way() -> None:
    lease = NOW + timedelta(hours=1)
    note = a_note(status=QUEUED, owner="worker-1", lease_until=lease)
    words = [
        explain_notification.attempt_words(a_try(""), note, NOW, is_last=last)
        for last in (False, True)
    ]
    assert words == ["Cut off: it is not known whether the server took it", "Under way"]


# --- The limit -----------------------------------------------------------------------------------


def test_the_limit_says_whose_day_it_was_and_that_it_can_be_sent_after_the_reset() -> None:
    resets = timezone.now() + timedelta(days=1)
    facts = {"sent": 10_000, "limit": 10_000, "zone": "Asia/Tokyo", "resets": resets.isoformat()}
    told = tell(a_note(Reason.LIMIT_REACHED, facts=facts))
    assert "10,000 of 10,000 notifications were sent that day (Asia/Tokyo)." in why(told)
    assert "The limit resets on " in why(told)
    assert "After the reset it can be sent again." in why(told)


def test_after_the_reset_it_can_be_sent_again() -> None:
    facts = {"sent": 5, "limit": 5, "resets": ago(days=1).isoformat()}
    told = tell(a_note(Reason.LIMIT_REACHED, facts=facts))
    assert "The limit was reset on " in why(told)
    assert why(told).endswith("It can be sent again.")
