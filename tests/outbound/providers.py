"""Providers for tests: their settings, how each says that it has taken a message, and one try."""

from __future__ import annotations

from urllib.parse import urlencode

from deskpost.config_relay import PROVIDERS, Provider, relay
from deskpost.mail.answers import Answer
from deskpost.outbound.carrier import Outgoing
from deskpost.outbound.provider import ProviderCarrier, ProviderLane
from tests.parts.provider_api import ProviderApi, Told

KEY = "hush-hush-0123456789"
PK = "one-message"
# How each says that it has taken a message to ann@customer.test.
TAKEN: dict[str, Told] = {
    "amazon_ses": Told(body={"MessageId": PK}),
    "brevo": Told(status=201, body={"messageId": PK}),
    "mailersend": Told(status=202, headers={"X-Message-Id": PK}),
    "mailgun": Told(body={"id": PK, "message": "Queued. Thank you."}),
    "mailjet": Told(
        body={
            "Messages": [
                {"Status": "success", "To": [{"Email": "ann@customer.test", "MessageID": PK}]}
            ]
        }
    ),
    "mailtrap": Told(body={"success": True, "message_ids": [PK]}),
    "mandrill": Told(body=[{"email": "ann@customer.test", "status": "queued", "_id": PK}]),
    "postal": Told(
        body={"status": "success", "data": {"messages": {"ann@customer.test": {"id": PK}}}}
    ),
    "postmark": Told(
        body={"ErrorCode": 0, "Message": "OK", "MessageID": PK, "To": "ann@customer.test"}
    ),
    "resend": Told(body={"id": PK}),
    "scaleway": Told(
        body={"emails": [{"mail_rcpt": "ann@customer.test", "id": PK, "status": "sending"}]}
    ),
    "sendgrid": Told(status=202),
    "sparkpost": Told(
        body={
            "results": {
                "total_accepted_recipients": 1,
                "total_rejected_recipients": 0,
                "id": PK,
            }
        }
    ),
    "unisender_go": Told(body={"status": "success", "job_id": PK, "emails": ["ann@customer.test"]}),
}
OPTIONS = {"region": "eu-west-1", "project_id": "11111111-0000", "sender_domain": "mg.example.test"}


def small(recipient: str = "ann@customer.test") -> Outgoing:
    lines = [
        "From: IT <it@desk.test>",
        f"To: Ann <{recipient}>",
        "Subject: Hello",
        "Message-ID: <1@desk.test>",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "Hello",
        "",
    ]
    return Outgoing(
        envelope_from="it+b.TOKEN@desk.test",
        recipient=recipient,
        message="\r\n".join(lines).encode(),
    )


def address_of(name: str, url: str, **options: str) -> str:
    """The setting's value for a provider whose API is at the URL."""
    form = PROVIDERS[name]
    needed = {one: OPTIONS[one] for one in form.needs if one != "api_url"}
    query = urlencode({**needed, **options, "api_url": url})
    return f"{name}://{':'.join(f'{KEY}{n}' for n, _ in enumerate(form.keys))}@?{query}"


def lane(name: str, url: str, **options: str) -> ProviderLane:
    way = relay(address_of(name, url, **options))
    assert isinstance(way, Provider)
    return ProviderCarrier(way).lane()


def send(api: ProviderApi, name: str, told: Told, message: Outgoing | None = None) -> Answer:
    """Have the API answer so, and hand a message over."""
    api.told = told
    way = lane(name, api.url)
    try:
        answer = way.send(message or small())
    finally:
        way.close()
    assert KEY not in answer.text
    return answer
