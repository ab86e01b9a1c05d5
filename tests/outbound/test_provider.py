"""Sending through a provider: what its API is asked by django-anymail’s own backends, over HTTP."""

from __future__ import annotations

import email
import email.policy
import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest

from deskpost.config_relay import PROVIDERS, Provider, relay
from deskpost.models import Notification
from deskpost.outbound.carrier import Outgoing
from deskpost.outbound.compose import compose
from deskpost.outbound.provider import ProviderCarrier
from deskpost.outcomes import NotificationStatus
from tests.outbound.providers import KEY, PK, TAKEN, address_of, lane, send, small
from tests.parts.provider_api import ProviderApi
from tests.web import scene as scenes

OWN_IDS = {"sendgrid", "unisender_go"}  # django-anymail makes the id, and sends it along


@pytest.fixture
def api() -> Iterator[ProviderApi]:
    with ProviderApi() as server:
        yield server


@pytest.fixture
def note(db: None) -> Notification:
    scene = scenes.make()
    comment = scene.request("プリンター & co").comments.get()
    scene.customer.name, scene.customer.email = "Ann, Smith", "ann@customer.test"
    scene.customer.save()
    row = scenes.note(comment, scene.customer, NotificationStatus.QUEUED, language="ja")
    return Notification.objects.select_related("request", "person", "project", "comment").get(
        pk=row.pk
    )


@pytest.fixture
def outgoing(note: Notification) -> Outgoing:
    made = compose(note)
    return Outgoing(
        envelope_from=made.envelope_from,
        recipient=note.address,
        message=b"DKIM-Signature: v=1; a=rsa-sha256; b=0\r\n" + made.message,
        notification=note.id,
    )


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_every_provider_takes_a_notification_and_says_by_which_id(
    api: ProviderApi, outgoing: Outgoing, name: str
) -> None:
    answer = send(api, name, TAKEN[name], outgoing)
    assert (answer.kind, answer.provider) == ("accepted", name)
    assert len(api.asked) == 1
    assert answer.provider_id == PK or (
        name in OWN_IDS and answer.provider_id in str(api.last.body)
    )
    assert answer.code is None  # no mail server has said anything


def headers_sent(name: str, asked: Any) -> dict[str, str]:
    """The headers that a request has for the message, in small letters."""
    if name == "amazon_ses":
        return {key.lower(): str(value).strip() for key, value in ses_message(asked).items()}
    if name == "mailgun":
        return {key[2:].lower(): v for key, v in asked.form.items() if key.startswith("h:")}
    if name == "postmark":
        found = {one["Name"]: one["Value"] for one in asked.json["Headers"]}
    else:
        found = asked.json["headers"]
    return {key.lower(): value for key, value in found.items()}


def ses_message(asked: Any) -> Any:
    raw = b64decode(asked.json["Content"]["Raw"]["Data"])
    return email.message_from_bytes(raw, policy=email.policy.default)


NAMED = ["amazon_ses", "brevo", "mailgun", "postal", "postmark", "resend", "sendgrid"]


@pytest.mark.parametrize("name", NAMED)
def test_the_headers_by_which_mail_is_threaded_and_left_alone_go_along(
    api: ProviderApi, outgoing: Outgoing, name: str
) -> None:
    send(api, name, TAKEN[name], outgoing)
    ours = email.message_from_bytes(outgoing.message, policy=email.policy.default)
    sent = headers_sent(name, api.last)
    for header in (
        "Message-ID",
        "In-Reply-To",
        "References",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "X-Deskpost-Site",
        "Feedback-ID",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
    ):
        assert sent[header.lower()] == str(ours[header]), header
    assert "dkim-signature" not in sent  # it would not fit what the provider makes


@pytest.mark.parametrize("name", NAMED)
def test_subject_bodies_and_addresses_arrive_whole(
    api: ProviderApi, outgoing: Outgoing, name: str
) -> None:
    send(api, name, TAKEN[name], outgoing)
    ours = email.message_from_bytes(outgoing.message, policy=email.policy.default)
    text, page = (ours.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore
    if name == "amazon_ses":
        sent = ses_message(api.last)
        said = [str(sent[one]) for one in ("Subject", "From", "To", "Reply-To")]
        said += [sent.get_body((kind,)).get_content() for kind in ("plain", "html")]
        assert api.last.json["Destination"]["ToAddresses"] == ["ann@customer.test"]
    else:
        whole = api.last.form if name == "mailgun" else api.last.json
        said = list(leaves(whole))
    assert {str(ours["Subject"]), mended(text), mended(page)} <= {mended(one) for one in said}
    assert any("ann@customer.test" in one for one in said)
    assert any("Ann, Smith" in one for one in said)
    assert any(ours["Reply-To"].addresses[0].addr_spec in one for one in said)


def mended(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from leaves(one)
    else:
        yield str(value)


def test_the_notification_goes_along_where_a_provider_gives_it_back(
    api: ProviderApi, outgoing: Outgoing
) -> None:
    pk = str(outgoing.notification)
    for name in NAMED:
        if name == "postal":  # it has no place for it: its own id names the message
            continue
        send(api, name, TAKEN[name], outgoing)
        body = ses_message(api.last).as_string() if name == "amazon_ses" else api.last.body.decode()
        assert pk in body, name


def test_no_opens_and_clicks_are_counted(api: ProviderApi) -> None:
    send(api, "postmark", TAKEN["postmark"])
    assert (api.last.json["TrackOpens"], api.last.json["TrackLinks"]) == (False, "None")
    send(api, "mailgun", TAKEN["mailgun"])
    form = api.last.form
    assert (form["o:tracking-opens"], form["o:tracking-clicks"]) == ("no", "no")
    send(api, "sendgrid", TAKEN["sendgrid"])
    tracking = api.last.json["tracking_settings"]
    assert tracking == {"click_tracking": {"enable": False}, "open_tracking": {"enable": False}}
    send(api, "postal", TAKEN["postal"])
    assert api.last.json["headers"]["X-AMP"] == "skip"


def test_bounces_come_back_to_the_signed_address_where_the_provider_lets_them(
    api: ProviderApi,
) -> None:
    send(api, "postal", TAKEN["postal"])
    assert api.last.json["sender"] == "it+b.TOKEN@desk.test"
    send(api, "amazon_ses", TAKEN["amazon_ses"])
    assert api.last.json["FeedbackForwardingEmailAddress"] == "it+b.TOKEN@desk.test"
    send(api, "mailjet", TAKEN["mailjet"])
    assert "Sender" not in api.last.json["Globals"]  # only some accounts may
    api.told = TAKEN["mailjet"]
    lane("mailjet", api.url, envelope_sender="on").send(small())
    assert api.last.json["Globals"]["Sender"]["Email"] == "it+b.TOKEN@desk.test"


def test_mailgun_sends_from_the_domain_that_the_setting_names(api: ProviderApi) -> None:
    api.told = TAKEN["mailgun"]
    lane("mailgun", api.url, sender_domain="mg.example.test").send(small())
    assert api.last.path == "/mg.example.test/messages"


def test_postmark_keeps_our_message_id(api: ProviderApi) -> None:
    send(api, "postmark", TAKEN["postmark"])
    assert {"Name": "X-PM-KeepID", "Value": "true"} in api.last.json["Headers"]
    assert {"Name": "Message-ID", "Value": "<1@desk.test>"} in api.last.json["Headers"]


def test_one_session_carries_many_messages(api: ProviderApi) -> None:
    api.told = TAKEN["postmark"]
    way = lane("postmark", api.url)
    assert way.ready() is None
    assert api.asked == []  # to be ready asks nothing
    assert [way.send(small()).kind for _ in range(3)] == ["accepted"] * 3
    way.close()
    assert way.send(small()).kind == "accepted"  # it opens another
    way.close()


def test_a_message_in_plain_text_goes_to_one_of_its_recipients_only(api: ProviderApi) -> None:
    api.told = TAKEN["postmark"]
    message = small("bob@customer.test").message
    outgoing = Outgoing(envelope_from="a@desk.test", recipient="ann@x.test", message=message)
    lane("postmark", api.url).send(outgoing)
    assert api.last.json["To"] == "ann@x.test"
    assert "HtmlBody" not in api.last.json


def test_addresses_beyond_ascii_go_out_as_such(api: ProviderApi) -> None:
    message = small().message.replace(b"it@desk.test", "窓口@例え.test".encode())
    outgoing = Outgoing(envelope_from="a@x.test", recipient="ann@customer.test", message=message)
    send(api, "postmark", TAKEN["postmark"], outgoing)
    assert api.last.json["From"] == "IT <窓口@xn--r8jz45g.test>"


def test_accounts_are_told_apart_by_the_project_that_has_its_own() -> None:
    way = relay(address_of("postal", "https://postal.example.test"))
    assert isinstance(way, Provider)
    assert ProviderCarrier(way).key == "postal"
    assert ProviderCarrier(way, "IT").key == "postal (IT)"
    assert ProviderCarrier(way).server == "Postal (postal.example.test)"
    assert KEY not in json.dumps(repr(way))
