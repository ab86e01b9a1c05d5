"""What becomes of each answer of a provider's API, and of none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from deskpost.config_relay import Provider
from deskpost.outbound import provider as under_test
from deskpost.outbound.carrier import Outgoing
from deskpost.outbound.provider import ProviderCarrier
from tests.outbound.providers import KEY, PK, TAKEN, lane, send, small
from tests.parts import ports
from tests.parts.provider_api import ProviderApi, Told


@pytest.fixture
def api() -> Iterator[ProviderApi]:
    with ProviderApi() as server:
        yield server


def mandrill(status: str, why: str) -> Told:
    return Told(body=[{"email": "ann@customer.test", "status": status, "reject_reason": why}])


def postmark(code: int, words: str, status: int = 422) -> Told:
    return Told(status=status, body={"ErrorCode": code, "Message": words})


INACTIVE = (
    "You tried to send to a recipient that has been marked as inactive.\n"
    "Found inactive addresses: ann@customer.test.\n"
    "Inactive recipients are ones that have generated a hard bounce or a spam complaint. "
)
MAILJET_NO = {
    "Messages": [
        {
            "Status": "error",
            "Errors": [{"ErrorCode": "mj-0013", "ErrorMessage": '"x" is an invalid recipient.'}],
        }
    ]
}
LISTED = {
    "warnings": [
        {
            "type": "ALL_SUPPRESSED",
            "recipients": [{"email": "ann@customer.test", "reasons": ["hard_bounced"]}],
        }
    ]
}
BAD_KEY = {"message": "Unauthorized"}
MEANINGS: list[tuple[str, str, Told, tuple[str, str | None, str | None]]] = [
    (
        "postmark has the address on its list",
        "postmark",
        postmark(406, INACTIVE),
        ("permanent", "service_provider_error", "hard_bounce"),
    ),
    (
        "postmark finds the address malformed",
        "postmark",
        postmark(300, "Invalid 'To' address: 'ann@customer.test'."),
        ("permanent", "validation_error", None),
    ),
    ("postmark's token is wrong", "postmark", postmark(10, "No token", 401), ("down", None, None)),
    ("postmark's account waits", "postmark", postmark(412, "Pending"), ("down", None, None)),
    (
        "postmark does not know the sender",
        "postmark",
        postmark(400, "The 'From' address you supplied is not a Sender Signature on your account"),
        ("temporary", None, None),
    ),
    ("a rate", "postmark", postmark(429, "Rate limit exceeded", 429), ("temporary", None, None)),
    ("an error of theirs", "postmark", Told(status=500, body=b"oops"), ("temporary", None, None)),
    ("they take nothing now", "resend", Told(status=503, body=b"busy"), ("down", None, None)),
    (
        "mailgun's key is wrong",
        "mailgun",
        Told(status=401, body=b"Forbidden"),
        ("down", None, None),
    ),
    (
        "mailgun does not know the domain",
        "mailgun",
        Told(status=404, body={"message": "Domain not found: desk.test"}),
        ("temporary", None, None),
    ),
    (
        "mailgun finds the address malformed",
        "mailgun",
        Told(status=400, body={"message": "'to' parameter is not a valid address"}),
        ("permanent", "validation_error", None),
    ),
    (
        "the message is too large",
        "mailgun",
        Told(status=413, body={"message": "Request entity too large"}),
        ("permanent", "template_too_large", None),
    ),
    (
        "sendgrid finds the address malformed",
        "sendgrid",
        Told(
            status=400,
            body={
                "errors": [
                    {
                        "message": "Does not contain a valid address.",
                        "field": "personalizations.0.to.0.email",
                    }
                ]
            },
        ),
        ("permanent", "validation_error", None),
    ),
    (
        "sendgrid does not know the sender: no matter of the key",
        "sendgrid",
        Told(
            status=403,
            body={
                "errors": [
                    {"message": "The from address does not match a verified Sender Identity."}
                ]
            },
        ),
        ("temporary", None, None),
    ),
    ("sendgrid's key is wrong", "sendgrid", Told(status=401, body=BAD_KEY), ("down", None, None)),
    (
        "resend does not know the domain",
        "resend",
        Told(
            status=403,
            body={"name": "validation_error", "message": "The desk.test domain is not verified."},
        ),
        ("temporary", None, None),
    ),
    (
        "resend's key is wrong",
        "resend",
        Told(status=403, body={"name": "invalid_api_key", "message": f"{KEY}0 is no key"}),
        ("down", None, None),
    ),
    (
        "resend finds the address malformed",
        "resend",
        Told(
            status=422,
            body={"name": "validation_error", "message": "Invalid `to` field. It needs an @."},
        ),
        ("permanent", "validation_error", None),
    ),
    (
        "resend's month is used up: not a mailbox that is full",
        "resend",
        Told(status=429, body={"name": "monthly_quota_exceeded", "message": "quota exceeded"}),
        ("temporary", None, None),
    ),
    (
        "postal's key is wrong, said with 200",
        "postal",
        Told(body={"status": "error", "data": {"code": "InvalidServerAPIKey", "message": "no"}}),
        ("down", None, None),
    ),
    (
        "postal does not know the sender",
        "postal",
        Told(
            body={
                "status": "error",
                "data": {"code": "UnauthenticatedFromAddress", "message": "The From is not ours"},
            }
        ),
        ("temporary", None, None),
    ),
    (
        "brevo finds the address malformed",
        "brevo",
        Told(status=400, body={"code": "invalid_parameter", "message": "email is not valid in to"}),
        ("permanent", "validation_error", None),
    ),
    (
        "brevo does not know why",
        "brevo",
        Told(status=400, body={"code": "bad_request", "message": "A peculiar request"}),
        ("permanent", "unknown_error", None),
    ),
    (
        "brevo wants to be paid",
        "brevo",
        Told(status=402, body={"code": "not_enough_credits", "message": "Not enough credits"}),
        ("down", None, None),
    ),
    (
        "mandrill has the address on its list",
        "mandrill",
        mandrill("rejected", "hard-bounce"),
        ("permanent", "service_provider_error", "hard_bounce"),
    ),
    (
        "mandrill has a complaint of it: that is not a bounce",
        "mandrill",
        mandrill("rejected", "spam"),
        ("permanent", "service_provider_error", None),
    ),
    (
        "mandrill finds the address malformed",
        "mandrill",
        mandrill("invalid", ""),
        ("permanent", "validation_error", None),
    ),
    (
        "mandrill's key is wrong, said with 500",
        "mandrill",
        Told(status=500, body={"status": "error", "name": "Invalid_Key", "message": "Invalid"}),
        ("down", None, None),
    ),
    (
        "mailersend has the address on its list",
        "mailersend",
        Told(status=202, body=LISTED),
        ("permanent", "service_provider_error", "hard_bounce"),
    ),
    (
        "mailjet finds the address malformed",
        "mailjet",
        Told(status=400, body=MAILJET_NO),
        ("permanent", "validation_error", None),
    ),
    (
        "unisender go knows that it is unavailable for good",
        "unisender_go",
        Told(
            body={
                "status": "success",
                "emails": [],
                "failed_emails": {"ann@customer.test": "permanent_unavailable"},
            }
        ),
        ("permanent", "service_provider_error", "hard_bounce"),
    ),
    (
        "ses does not know the key",
        "amazon_ses",
        Told(
            status=403,
            headers={"x-amzn-ErrorType": "UnrecognizedClientException"},
            body={"message": "The security token included in the request is invalid."},
        ),
        ("down", None, None),
    ),
    (
        "ses does not know the sender",
        "amazon_ses",
        Told(
            status=400,
            headers={"x-amzn-ErrorType": "MessageRejected"},
            body={"message": "Email address is not verified. These failed the check: it@desk.test"},
        ),
        ("temporary", None, None),
    ),
    (
        "ses wants it slower",
        "amazon_ses",
        Told(
            status=429,
            headers={"x-amzn-ErrorType": "TooManyRequestsException"},
            body={"message": "Maximum sending rate exceeded."},
        ),
        ("temporary", None, None),
    ),
    ("a page that is no API", "postmark", Told(body=b"<h1>Hello</h1>"), ("temporary", None, None)),
    ("JSON that is no answer", "postal", Told(body={"hello": 1}), ("temporary", None, None)),
]


@pytest.mark.parametrize(
    ("name", "told", "meant"), [one[1:] for one in MEANINGS], ids=[one[0] for one in MEANINGS]
)
def test_an_answer_means(
    api: ProviderApi, name: str, told: Told, meant: tuple[str, str | None, str | None]
) -> None:
    answer = send(api, name, told)
    assert (answer.kind, answer.reason, answer.suppress) == meant, answer.text
    assert len(api.asked) == 1  # one try is one request


def test_a_wrong_key_says_what_to_do_and_in_the_providers_words(api: ProviderApi) -> None:
    answer = send(api, "postmark", postmark(10, "The Server Token you provided is wrong", 401))
    assert "HTTP 401" in answer.text
    assert "The Server Token you provided is wrong" in answer.text
    assert "DESKPOST_RELAY" in answer.text


def test_a_provider_that_repeats_our_key_does_not_get_it_into_the_log(api: ProviderApi) -> None:
    answer = send(api, "resend", Told(status=401, body={"message": f"What is {KEY}0?"}))
    assert "***" in answer.text


def again_after(api: ProviderApi, value: str) -> int | None:
    told = Told(status=429, body={"message": "slower"}, headers={"Retry-After": value})
    return send(api, "resend", told).again_after


@pytest.mark.parametrize(
    ("value", "seconds"), [("30", 30), ("0", 1), ("999999", 86_400), ("soon", None)]
)
def test_when_it_wants_to_be_asked_again_is_kept_within_a_day(
    api: ProviderApi, value: str, seconds: int | None
) -> None:
    assert again_after(api, value) == seconds


def test_when_it_wants_to_be_asked_again_may_be_a_date(api: ProviderApi) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    assert 400 <= (again_after(api, at) or 0) <= 600
    assert again_after(api, "Fri, 27 Nov 2020 21:30:40 GMT") == 1  # long past


@pytest.mark.parametrize("name", ["postmark", "amazon_ses"])
def test_nobody_there_is_no_try(name: str) -> None:
    answer = lane(name, f"http://127.0.0.1:{ports.free()}/").send(small())
    assert answer.kind == "down"
    assert answer.text.startswith(f"{name}: ")


@pytest.mark.parametrize("name", ["postmark", "amazon_ses"])
def test_an_answer_that_does_not_come_may_be_a_message_that_was_taken(
    api: ProviderApi, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(under_test, "ANSWER_SECONDS", 0.2)
    assert send(api, name, Told(delay=0.6)).kind == "temporary"
    assert send(api, name, Told(hangs_up=True)).kind == "temporary"


def test_a_closed_way_is_told_once_and_then_the_next_message_finds_out(api: ProviderApi) -> None:
    way = lane("postmark", api.url)
    api.told = postmark(10, "No such token", 401)
    refused = way.send(small())
    assert refused.kind == "down"
    assert way.ready() == refused
    api.told = TAKEN["postmark"]
    assert way.ready() is None
    assert way.send(small()).kind == "accepted"
    assert way.ready() is None
    way.close()


def test_a_redirect_is_not_followed_with_the_key(api: ProviderApi) -> None:
    with ProviderApi() as elsewhere:
        told = Told(status=307, headers={"Location": elsewhere.url})
        answer = send(api, "postmark", told)
        assert elsewhere.asked == []
    assert (answer.kind, "api_url" in answer.text) == ("down", True)


@pytest.mark.parametrize("recipient", ["ann", "ann@x.test,bob@x.test", "ann@exa mple.test", ""])
def test_what_is_not_one_address_is_not_sent_to(api: ProviderApi, recipient: str) -> None:
    message = small("ann@customer.test").message
    outgoing = Outgoing(envelope_from="a@desk.test", recipient=recipient, message=message)
    answer = send(api, "postmark", TAKEN["postmark"], outgoing)
    assert (answer.kind, answer.reason) == ("permanent", "validation_error")
    assert api.asked == []


def test_an_address_that_the_provider_writes_in_its_way_is_sent_to_once(api: ProviderApi) -> None:
    body = {"ErrorCode": 0, "Message": "OK", "MessageID": PK, "To": "ann@xn--r8jz45g.test"}
    answer = send(api, "postmark", Told(body=body), small("ann@例え.test"))
    assert (answer.kind, answer.provider_id) == ("accepted", PK)


def test_settings_that_the_library_refuses_are_down(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Provider(name="postmark", options={"api_url": "http://127.0.0.1/"})  # no token
    answer = ProviderCarrier(broken).lane().ready()
    assert answer
    assert answer.kind == "down"
