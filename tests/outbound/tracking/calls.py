"""Calls of providers' tracking webhooks: the events of payloads.py, wrapped and signed here."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from functools import cache
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.http import HttpResponse
from pytest_django import Settings

from deskpost.hooks.sns import Certificates
from deskpost.outbound.tracking.amazon import AmazonSESTracking
from tests.inbound.channels import webhook_calls
from tests.inbound.channels.webhook_calls import MAILGUN_KEY, SECRET, SVIX_KEY, Call
from tests.outbound.tracking.payloads import EVENTS, PROVIDERS, About, Event

MANDRILL_KEY = "mandrill-key-0123456789"
MAILERSEND_KEY = "mailersend-secret-0123456789"
MAILTRAP_KEY = "mailtrap-secret-0123456789"
UNISENDER_KEY = "unisender-key-0123456789"
SITE = "https://desk.test"
SIGNED = (
    "amazon_ses",
    "mailersend",
    "mailgun",
    "mailtrap",
    "mandrill",
    "postal",
    "resend",
    "sendgrid",
)


@cache
def sendgrid_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def switch_on(settings: Settings, monkeypatch: pytest.MonkeyPatch, **others: Any) -> None:
    """Take every provider's news; Amazon's certificate is ours."""
    der = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    settings.BASE_URL = SITE
    settings.DESKPOST = webhook_calls.site_settings(
        settings.DESKPOST,
        TRACKING=PROVIDERS,
        RESEND_TRACKING_SECRET=f"whsec_{SVIX_KEY}",
        SENDGRID_TRACKING_KEY=base64.b64encode(
            sendgrid_key().public_key().public_bytes(*der)
        ).decode(),
        MAILERSEND_TRACKING_SECRET=MAILERSEND_KEY,
        MAILTRAP_TRACKING_SECRET=MAILTRAP_KEY,
        MANDRILL_TRACKING_KEY=MANDRILL_KEY,
        UNISENDER_GO_TRACKING_KEY=UNISENDER_KEY,
        **others,
    )
    certificates = Certificates(fetch=lambda url, limit: webhook_calls.certificate())
    monkeypatch.setattr(AmazonSESTracking, "certificates", certificates)


# --- Calls ---------------------------------------------------------------------------------------


def call(provider: str, *events: Event) -> Call:
    """One call of the provider with these events; those that do not batch take one."""
    path = f"/webhooks/{provider}/tracking/"
    if provider == "amazon_ses":
        return webhook_calls.sns(json.dumps(events[0])).but(path=path)
    if provider == "resend":
        return webhook_calls.svix(json.dumps(events[0]).encode()).but(path=path)
    if provider == "postal":
        return webhook_calls.postal(events[0]).but(path=path)
    if provider == "mandrill":
        return _mandrill(path, events)
    if provider == "unisender_go":
        return _unisender(path, events)
    if provider == "mailgun":
        return _mailgun(path, events[0])
    if provider == "mailtrap":
        body = json.dumps({"events": list(events)}).encode()
        return Call(path=path, body=body, headers=headers(provider, body))
    batched = provider in {"sendgrid", "mailjet", "sparkpost"}
    body = json.dumps(list(events) if batched else events[0]).encode()
    return Call(path=path, body=body, headers=headers(provider, body))


def headers(provider: str, body: bytes) -> dict[str, str]:
    """The signature of a body, of those who put it into headers."""
    if provider in {"mailersend", "mailtrap"}:
        key = MAILERSEND_KEY if provider == "mailersend" else MAILTRAP_KEY
        digest = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        return {"Signature" if provider == "mailersend" else "Mailtrap-Signature": digest}
    if provider == "sendgrid":
        stamp = str(int(time.time()))
        signature = sendgrid_key().sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        }
    return {}


def _mailgun(path: str, event: Event, token: str = "") -> Call:
    token, stamp = token or uuid.uuid4().hex, str(int(time.time()))
    digest = hmac.new(MAILGUN_KEY.encode(), f"{stamp}{token}".encode(), hashlib.sha256)
    block = {"token": token, "timestamp": stamp, "signature": digest.hexdigest()}
    return Call(path=path, body=json.dumps({"signature": block, "event-data": event}).encode())


def _mandrill(path: str, events: tuple[Event, ...]) -> Call:
    text = json.dumps(list(events))
    url = f"https://{SECRET}@desk.test{path}"
    digest = hmac.new(MANDRILL_KEY.encode(), f"{url}mandrill_events{text}".encode(), hashlib.sha1)
    return Call(
        path=path,
        body=urlencode({"mandrill_events": text}).encode(),
        content_type="application/x-www-form-urlencoded",
        headers={"X-Mandrill-Signature": base64.b64encode(digest.digest()).decode()},
    )


def _unisender(path: str, events: tuple[Event, ...]) -> Call:
    listed = [{"event_name": "transactional_email_status", "event_data": one} for one in events]
    user = {"user_id": 456, "project_id": "1", "events": listed}
    body = json.dumps({"auth": UNISENDER_KEY, "events_by_user": [user]})
    mark = hashlib.md5(body.encode()).hexdigest()
    return Call(path=path, body=body.replace(UNISENDER_KEY, mark).encode())


def post(provider: str, what: str, about: About) -> HttpResponse:
    return call(provider, EVENTS[provider](what, about)).post()
