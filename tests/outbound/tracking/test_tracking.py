"""What each provider's news does to the notification that it is about."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from deskpost.mail import address
from deskpost.models import (
    Notification,
    Person,
    ProviderMessage,
    SiteNotice,
    SoftBounce,
    Suppression,
    WebhookDelivery,
)
from deskpost.outbound import suppress_soft
from deskpost.outcomes import Reason, Trouble
from tests.outbound.tracking import calls
from tests.outbound.tracking.calls import post
from tests.outbound.tracking.payloads import (
    CARRYING,
    EVENTS,
    PROVIDERS,
    About,
    Event,
    each,
    provider_id,
)


def remember(provider: str, note: Notification, about: About) -> None:
    """As the sender does, once the provider has taken the message."""
    ProviderMessage.objects.create(
        provider=provider,
        message_id=provider_id(provider, about),
        notification=note.pk,
        at=timezone.now(),
    )


def told(provider: str, what: str, note: Notification) -> About:
    """The provider tells its news of the notification, by its own id of it; what it was about."""
    about = About()
    remember(provider, note, about)
    answer = post(provider, what, about)
    assert (answer.status_code, answer.content) == (200, b"1 of 1 events noted.\n")
    note.refresh_from_db()
    return about


@pytest.mark.parametrize(("provider", "what"), each("delivered"))
def test_delivered_is_kept_with_its_time_and_forgets_soft_bounces(
    provider: str, what: str, note: Notification
) -> None:
    SoftBounce.objects.create(address_key="ann@x.test", at=timezone.now())
    about = told(provider, what, note)
    assert note.status == "delivered"
    assert note.arrived_at is not None
    assert abs(note.arrived_at.timestamp() - about.at) < 2
    assert note.facts["event"]["provider"] == provider  # the evidence
    assert not SoftBounce.objects.exists()


@pytest.mark.parametrize(("provider", "what"), each("deferred"))
def test_deferred_is_noted_on_the_row_and_changes_nothing_else(
    provider: str, what: str, note: Notification
) -> None:
    told(provider, what, note)
    assert (note.status, note.arrived_at) == ("delivered", None)
    assert note.facts["delayed"]["event"]["provider"] == provider
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(("provider", "what"), each("hard"))
def test_a_hard_bounce_fails_the_row_with_evidence_and_blocks_the_address(
    provider: str, what: str, note: Notification
) -> None:
    about = told(provider, what, note)
    assert (note.status, note.reason) == ("failed", Reason.SERVICE_PROVIDER_ERROR)
    assert note.facts["enhanced"] == "5.1.1"
    assert "does not exist" in note.facts["answer"]
    assert note.facts["server"]
    event = note.facts["event"]
    assert event["provider"] == provider
    assert about.to in event["raw"]
    entry = Suppression.objects.get()
    assert (entry.address_key, entry.cause) == ("ann@x.test", "hard_bounce")
    assert entry.evidence["notification"] == str(note.pk)
    assert entry.evidence["event"] == event
    assert not SoftBounce.objects.exists()


@pytest.mark.parametrize(("provider", "what"), each("soft"))
def test_a_soft_bounce_fails_the_row_and_counts_but_blocks_nobody(
    provider: str, what: str, note: Notification
) -> None:
    told(provider, what, note)
    assert (note.status, note.reason) == ("failed", Reason.SERVICE_PROVIDER_ERROR)
    assert SoftBounce.objects.get().evidence["notification"] == str(note.pk)
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(("provider", "what"), each("complained"))
def test_a_complaint_blocks_the_address_and_the_row_keeps_its_status(
    provider: str, what: str, note: Notification
) -> None:
    told(provider, what, note)
    assert (note.status, note.reason) == ("delivered", "")
    assert note.facts["complained"]["event"]["provider"] == provider
    assert Suppression.objects.get().cause == "complaint"


@pytest.mark.parametrize(("provider", "what"), each("unsubscribed"))
def test_who_unsubscribes_at_the_provider_is_unsubscribed_here(
    provider: str, what: str, note: Notification, ann: Person
) -> None:
    told(provider, what, note)
    ann.refresh_from_db()
    assert ann.unsubscribed_at is not None
    assert note.status == "delivered"
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("provider", CARRYING)
def test_the_id_that_the_message_carries_names_the_notification(
    provider: str, note: Notification
) -> None:
    answer = post(provider, "hard", About(metadata={"deskpost": str(note.pk)}))
    assert answer.content == b"1 of 1 events noted.\n"
    note.refresh_from_db()
    assert note.status == "failed"


def test_a_provider_used_as_a_relay_names_our_own_message_id(note: Notification) -> None:
    own = address.own_message_id(
        address.OwnId(request=7, notification=note.pk), "desk.test", settings.MAIL_KEY
    )
    event = EVENTS["postal"]("hard", About())
    event["payload"]["message"]["message_id"] = own.strip("<>")
    assert calls.call("postal", event).post().content == b"1 of 1 events noted.\n"
    note.refresh_from_db()
    assert note.status == "failed"


# --- Nothing twice, nothing for others -----------------------------------------------------------


@pytest.mark.parametrize(("provider", "what"), each("delivered", "hard", "soft", "complained"))
def test_a_call_that_is_repeated_changes_nothing(
    provider: str, what: str, note: Notification, ann: Person
) -> None:
    about = About()
    remember(provider, note, about)
    call = calls.call(provider, EVENTS[provider](what, about))
    assert call.post().status_code == 200
    note.refresh_from_db()
    before = (note.status, note.facts, note.arrived_at, note.settled_at)
    soft = SoftBounce.objects.count()
    Suppression.objects.all().delete()  # a person has unblocked the address
    assert call.post().status_code == 200
    note.refresh_from_db()
    assert (note.status, note.facts, note.arrived_at, note.settled_at) == before
    assert SoftBounce.objects.count() == soft
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_news_of_somebody_elses_address_changes_nothing(provider: str, note: Notification) -> None:
    about = About(to="bea@x.test", metadata={"deskpost": str(note.pk)})
    remember(provider, note, about)
    for what in ("hard", "soft"):
        assert post(provider, what, about).content == b"0 of 1 events noted.\n"
    note.refresh_from_db()
    assert (note.status, note.facts) == ("delivered", {})
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_news_of_an_unknown_message_is_answered_and_changes_nothing(
    provider: str, note: Notification
) -> None:
    remember(provider, note, About(message_id="another"))
    answer = post(provider, "hard", About(metadata={"deskpost": "nonsense"}))
    assert (answer.status_code, answer.content) == (200, b"0 of 1 events noted.\n")
    note.refresh_from_db()
    assert note.status == "delivered"
    assert not Suppression.objects.exists()


def test_the_id_of_another_provider_is_none_of_this_ones(note: Notification) -> None:
    remember("brevo", note, About())
    assert post("postmark", "hard", About()).content == b"0 of 1 events noted.\n"


@pytest.mark.parametrize("provider", ["sendgrid", "mailjet", "sparkpost", "mailtrap", "mandrill"])
def test_one_call_tells_of_many_messages_and_what_cannot_be_read_stops_none(
    provider: str, note: Notification
) -> None:
    about = About(metadata={"deskpost": str(note.pk)})
    events = [EVENTS[provider](what, about) for what in ("deferred", "hard")]
    broken: Event = {"msys": {"message_event": {}}} if provider == "sparkpost" else {"event": []}
    answer = calls.call(provider, events[0], broken, events[1]).post()
    assert answer.status_code == 200
    note.refresh_from_db()
    assert note.status == "failed"


# --- In which order ------------------------------------------------------------------------------


def about_now(note: Notification, **ago: float) -> About:
    at = timezone.now() - timedelta(**ago)
    return About(metadata={"deskpost": str(note.pk)}, at=at.timestamp())


def test_success_that_comes_late_does_not_undo_a_failure(note: Notification) -> None:
    post("postmark", "hard", about_now(note, minutes=5))
    post("postmark", "delivered", about_now(note, minutes=9))
    note.refresh_from_db()
    assert (note.status, note.reason) == ("failed", Reason.SERVICE_PROVIDER_ERROR)
    assert note.facts["enhanced"] == "5.1.1"
    assert Suppression.objects.exists()


def test_success_that_comes_late_does_not_forget_the_soft_bounce(note: Notification) -> None:
    post("postmark", "soft", about_now(note, minutes=5))
    post("postmark", "delivered", about_now(note, minutes=9))
    assert SoftBounce.objects.count() == 1


def test_what_the_provider_takes_next_does_not_forget_the_soft_bounce(note: Notification) -> None:
    post("postmark", "soft", about_now(note, minutes=5))
    suppress_soft.accepted([note.address_key])
    assert SoftBounce.objects.count() == 1


def test_a_bounce_after_delivered_still_fails_the_row(note: Notification) -> None:
    post("postmark", "delivered", about_now(note, minutes=9))
    post("postmark", "hard", about_now(note, minutes=5))
    note.refresh_from_db()
    assert note.status == "failed"
    assert note.arrived_at is not None


def test_delivered_counts_the_first_time_only(note: Notification) -> None:
    first = about_now(note, minutes=9)
    post("postmark", "delivered", first)
    SoftBounce.objects.create(address_key="ann@x.test", at=timezone.now())
    post("postmark", "delivered", about_now(note, minutes=5))
    note.refresh_from_db()
    assert note.arrived_at is not None
    assert abs(note.arrived_at.timestamp() - first.at) < 2
    assert SoftBounce.objects.count() == 1


def test_what_was_delayed_and_has_arrived_is_delayed_no_more(note: Notification) -> None:
    post("postmark", "deferred", about_now(note, minutes=9))
    post("postmark", "delivered", about_now(note, minutes=5))
    post("postmark", "deferred", about_now(note, minutes=8))  # it came late
    note.refresh_from_db()
    assert "delayed" not in note.facts
    assert note.facts["was_delayed"]["enhanced"] == "4.3.0"


def test_a_complaint_before_the_bounce_stays_on_the_row(note: Notification) -> None:
    post("postmark", "complained", about_now(note, minutes=9))
    post("postmark", "hard", about_now(note, minutes=5))
    note.refresh_from_db()
    assert note.status == "failed"
    assert note.facts["complained"]["event"]["event"] == "complained"


def test_a_time_that_cannot_be_is_not_believed(note: Notification) -> None:
    post("postmark", "delivered", about_now(note, days=-300))
    note.refresh_from_db()
    assert note.arrived_at is not None
    assert note.arrived_at <= timezone.now()


@pytest.mark.parametrize("what", ["hard", "deferred", "complained"])
def test_news_that_is_faster_than_the_sender_is_to_be_told_again(
    what: str, note: Notification
) -> None:
    Notification.objects.filter(pk=note.pk).update(status="queued", settled_at=None)
    call = calls.call("postmark", EVENTS["postmark"](what, about_now(note, minutes=1)))
    answer = call.post()
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert not Suppression.objects.exists()
    assert not WebhookDelivery.objects.exists()
    Notification.objects.filter(pk=note.pk).update(status="delivered")
    assert call.post().content == b"1 of 1 events noted.\n"
    note.refresh_from_db()
    assert note.facts


def test_that_it_arrived_need_not_be_told_again(note: Notification) -> None:
    Notification.objects.filter(pk=note.pk).update(status="queued", settled_at=None)
    assert post("postmark", "delivered", about_now(note, minutes=1)).status_code == 200
    note.refresh_from_db()
    assert (note.status, note.arrived_at is None) == ("queued", False)


def test_resends_kind_of_bounce_says_that_the_address_is_gone(note: Notification) -> None:
    event = EVENTS["resend"]("hard", about_now(note, minutes=5))
    event["data"]["bounce"] |= {"message": "Resend has suppressed it", "subType": "Suppressed"}
    assert calls.call("resend", event).post().status_code == 200
    assert Suppression.objects.get().cause == "hard_bounce"


# --- What is said of us, and of the account at the provider --------------------------------------


def test_a_refusal_by_policy_blocks_nobody_and_tells_the_people_of_the_site(
    note: Notification,
) -> None:
    event = EVENTS["postmark"]("hard", about_now(note, minutes=5))
    event |= {"Type": "Blocked", "Details": "smtp;550 5.7.1 Refused by our policy"}
    assert calls.call("postmark", event).post().status_code == 200
    note.refresh_from_db()
    assert note.status == "failed"
    assert not Suppression.objects.exists()
    assert not SoftBounce.objects.exists()
    notice = SiteNotice.objects.get()
    assert (notice.kind, notice.key) == (Trouble.POLICY, "x.test")
    assert notice.facts["enhanced"] == "5.7.1"
    assert notice.facts["notification"] == str(note.pk)


def test_what_the_provider_drops_for_an_old_complaint_fails_and_is_a_complaint(
    note: Notification,
) -> None:
    event = EVENTS["mailgun"]("hard", about_now(note, minutes=5))
    event |= {"reason": "suppress-complaint"}
    event["delivery-status"] = {"code": 607, "message": "", "description": "Not delivering"}
    assert calls.call("mailgun", event).post().status_code == 200
    note.refresh_from_db()
    assert note.status == "failed"
    assert Suppression.objects.get().cause == "complaint"


def test_what_postmarks_people_have_done_is_not_the_persons_wish(
    note: Notification, ann: Person
) -> None:
    event = EVENTS["postmark"]("unsubscribed", about_now(note, minutes=5))
    event["Origin"] = "Admin"
    assert calls.call("postmark", event).post().status_code == 200
    ann.refresh_from_db()
    assert ann.unsubscribed_at is None


def test_an_earlier_unsubscription_keeps_its_date(note: Notification, ann: Person) -> None:
    before = timezone.now() - timedelta(days=3)
    Person.objects.filter(pk=ann.pk).update(unsubscribed_at=before)
    post("brevo", "unsubscribed", about_now(note, minutes=5))
    ann.refresh_from_db()
    assert ann.unsubscribed_at == before


def test_opened_and_clicked_are_of_no_interest(note: Notification) -> None:
    event = EVENTS["postmark"]("delivered", about_now(note, minutes=5)) | {"RecordType": "Open"}
    assert calls.call("postmark", event).post().content == b"0 of 1 events noted.\n"


# --- Evidence ------------------------------------------------------------------------------------


def test_the_evidence_is_bounded_clean_and_without_signatures(note: Notification) -> None:
    event = EVENTS["mailgun"]("hard", about_now(note, minutes=5))
    event["delivery-status"]["message"] = "5.1.1 gone\0\r\n\ud800" + "x" * 9_000
    call = calls.call("mailgun", event)
    assert call.post().content == b"1 of 1 events noted.\n"
    note.refresh_from_db()
    raw = note.facts["event"]["raw"]
    assert len(raw) == 8_000
    assert raw.encode()  # no half characters, which PostgreSQL would not keep
    assert "signature" not in raw
    assert json.loads(call.body)["signature"]["token"] not in raw
    assert note.facts["answer"].isprintable()
    assert len(note.facts["answer"]) <= 2_000
    assert (note.facts["code"], note.facts["server"]) == (550, "mx.x.test")
