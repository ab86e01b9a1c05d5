"""Calls as the providers make them: payloads as their documentation has them, signed here."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from django.core.files.storage import storages
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from deskpost.hooks import fetch as hooks_fetch
from deskpost.hooks.sns import Certificates
from deskpost.inbound.channels.webhook import fetch as webhook_fetch
from deskpost.inbound.channels.webhook.delivery import Content
from deskpost.inbound.channels.webhook.ses import AmazonSESView
from deskpost.models import InboundEmail

SECRET = "deskpost:0123456789abcdef"
MAILGUN_KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"
SVIX_KEY = base64.b64encode(b"24 bytes of a Svix secret").decode()
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem"
BOUNDARY = "xYzZY"


@cache
def key() -> rsa.RSAPrivateKey:
    """Postal's key, and Amazon's."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def certificate(days: int = 2) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key().public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - datetime.timedelta(days=30))
        .not_valid_after(end)
        .sign(key(), hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def site_settings(before: Mapping[str, Any], **others: Any) -> dict[str, Any]:
    """DESKPOST with every provider switched on."""
    public = key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {
        **before,
        "WEBHOOKS": ("amazon_ses", "mailgun", "postal", "postmark", "resend", "sendgrid"),
        "WEBHOOK_SECRET": SECRET,
        "MAILGUN_SIGNING_KEY": MAILGUN_KEY,
        "POSTAL_WEBHOOK_KEY": base64.b64encode(public).decode(),
        "RESEND_API_KEY": "re_123",
        "RESEND_SIGNING_SECRET": f"whsec_{SVIX_KEY}",
        **others,
    }


def switch_on(settings: Settings, monkeypatch: pytest.MonkeyPatch, **others: Any) -> None:
    """Take every provider's calls; Amazon's certificate is ours."""
    settings.DESKPOST = site_settings(settings.DESKPOST, **others)
    certificates = Certificates(fetch=lambda url, limit: certificate())
    monkeypatch.setattr(AmazonSESView, "certificates", certificates)


def kept(row: InboundEmail) -> bytes:
    """The raw message of a row."""
    with storages["raw"].open(row.raw_key) as file:
        return bytes(file.read())


@dataclass(frozen=True, kw_only=True)
class Call:
    """One HTTP request of a provider."""

    path: str
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    secret: str = SECRET

    def all_headers(self) -> dict[str, str]:
        found = dict(self.headers)
        if self.secret:
            found["Authorization"] = "Basic " + base64.b64encode(self.secret.encode()).decode()
        return found

    def post(self, client: Client | None = None) -> HttpResponse:
        client = client or Client(enforce_csrf_checks=True)
        answer: Any = client.generic(
            "POST",
            self.path,
            self.body,
            content_type=self.content_type,
            headers=self.all_headers(),
        )
        return answer  # type: ignore[no-any-return]

    def but(self, **changes: Any) -> Call:
        return replace(self, **changes)


# --- Bodies --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Upload:
    name: str
    content: bytes
    content_type: str = "application/octet-stream"


def multipart(fields: Mapping[str, str | bytes | Upload]) -> bytes:
    body = b""
    for name, value in fields.items():
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        if isinstance(value, Upload):
            body += f'; filename="{value.name}"\r\nContent-Type: {value.content_type}'.encode()
            value = value.content
        body += b"\r\n\r\n" + (value.encode() if isinstance(value, str) else value) + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


# --- Providers -----------------------------------------------------------------------------------


def postmark(payload: Mapping[str, Any]) -> Call:
    return Call(path="/webhooks/postmark/", body=json.dumps(payload).encode())


def postmark_raw(raw: bytes, to: str, sender: str = "ann@x.test", **more: Any) -> Call:
    return postmark(
        {
            "FromFull": {"Email": "ann@x.test", "Name": "Ann"},
            "ToFull": [{"Email": to, "Name": ""}],
            "OriginalRecipient": "b1d9@inbound.postmark.example",
            "MessageID": str(uuid.uuid4()),
            "Headers": [{"Name": "Return-Path", "Value": f"<{sender}>"}],
            "RawEmail": raw.decode(),
            **more,
        }
    )


def mailgun_fields(to: str, sender: str = "ann@x.test", at: float | None = None) -> dict[str, str]:
    stamp, token = str(int(time.time() if at is None else at)), uuid.uuid4().hex
    signature = hmac.new(MAILGUN_KEY.encode(), f"{stamp}{token}".encode(), hashlib.sha256)
    return {
        "recipient": to,
        "sender": sender,
        "timestamp": stamp,
        "token": token,
        "signature": signature.hexdigest(),
    }


def mailgun(fields: Mapping[str, str | bytes | Upload]) -> Call:
    return Call(path="/webhooks/mailgun/mime", body=multipart(fields), content_type=MULTIPART)


def mailgun_raw(raw: bytes, to: str, sender: str = "ann@x.test") -> Call:
    return mailgun({**mailgun_fields(to, sender), "body-mime": raw})


def sendgrid(fields: Mapping[str, str | bytes | Upload]) -> Call:
    return Call(path="/webhooks/sendgrid/", body=multipart(fields), content_type=MULTIPART)


def sendgrid_raw(raw: bytes, to: str, sender: str = "ann@x.test") -> Call:
    return sendgrid({"email": raw, "envelope": json.dumps({"to": [to], "from": sender})})


def postal(payload: Mapping[str, Any]) -> Call:
    body = json.dumps(payload).encode()
    signature = key().sign(body, padding.PKCS1v15(), hashes.SHA1())
    return Call(
        path="/webhooks/postal/",
        body=body,
        headers={"X-Postal-Signature": base64.b64encode(signature).decode()},
    )


def postal_raw(raw: bytes, to: str, sender: str = "ann@x.test") -> Call:
    return postal(
        {
            "id": 12345,
            "rcpt_to": to,
            "mail_from": sender,
            "message": base64.encodebytes(raw).decode(),
            "base64": True,
            "size": len(raw),
        }
    )


def sns(message: str, version: str = "1", **more: Any) -> Call:
    """A notification, signed as Amazon's documentation has it."""
    now = datetime.datetime.now(datetime.UTC)
    payload = {
        "Type": "Notification",
        "MessageId": str(uuid.uuid4()),
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:mail",
        "Subject": "Amazon SES Email Receipt Notification",
        "Message": message,
        "Timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
        **more,
    }
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn"]
    if payload["Type"] != "Notification":
        names.remove("Subject")
        del payload["Subject"]
    text = "".join(f"{name}\n{payload[name]}\n" for name in [*names, "Type"] if name in payload)
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
    payload["Signature"] = base64.b64encode(
        key().sign(text.encode(), padding.PKCS1v15(), algorithm)
    ).decode()
    return sns_call(payload)


def sns_call(payload: Mapping[str, Any]) -> Call:
    return Call(
        path="/webhooks/amazon_ses/",
        body=json.dumps(payload).encode(),
        content_type="text/plain; charset=UTF-8",
        headers={
            "X-Amz-Sns-Message-Type": str(payload["Type"]),
            "X-Amz-Sns-Message-Id": str(payload["MessageId"]),
        },
    )


def ses_event(to: str, sender: str, action: Mapping[str, str], **more: Any) -> str:
    event = {
        "notificationType": "Received",
        "mail": {"source": sender, "messageId": "o3vrnil0e2ic28tr"},
        "receipt": {"recipients": [to], "action": action},
        **more,
    }
    return json.dumps(event)


def ses_raw(raw: bytes, to: str, sender: str = "ann@x.test", version: str = "1") -> Call:
    action = {"type": "SNS", "encoding": "BASE64"}
    content = base64.b64encode(raw).decode()
    return sns(ses_event(to, sender, action, content=content), version)


def svix(body: bytes, call_id: str = "", at: float | None = None, secret: str = SVIX_KEY) -> Call:
    call_id = call_id or f"msg_{uuid.uuid4().hex}"
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(
        base64.b64decode(secret), f"{call_id}.{stamp}.".encode() + body, hashlib.sha256
    ).digest()
    return Call(
        path="/webhooks/resend/",
        body=body,
        headers={
            "svix-id": call_id,
            "svix-timestamp": stamp,
            "svix-signature": f"v1,{base64.b64encode(digest).decode()}",
        },
    )


def resend(email_id: str, to: str, sender: str = "Ann <ann@x.test>", **how: Any) -> Call:
    event = {
        "type": "email.received",
        "created_at": "2026-11-24T10:00:00.000Z",
        "data": {"email_id": email_id, "from": sender, "to": [to], "cc": [], "bcc": []},
    }
    return svix(json.dumps(event).encode(), **how)


# --- Whichever provider ---------------------------------------------------------------------------

MAKERS: dict[str, Callable[[bytes, str], Call]] = {
    "postmark": postmark_raw,
    "mailgun": mailgun_raw,
    "sendgrid": sendgrid_raw,
    "postal": postal_raw,
    "amazon_ses": ses_raw,
    "resend": lambda _, to: resend("e1", to),
}
every_provider = pytest.mark.parametrize("provider", MAKERS)


def call(
    provider: str, raw: bytes, monkeypatch: pytest.MonkeyPatch, to: str = "it@desk.test"
) -> Call:
    """A call with this message; Resend has it at home."""
    named = json.dumps({"raw": {"download_url": "x"}}).encode()
    monkeypatch.setattr(hooks_fetch, "fetch", lambda *_: named)
    monkeypatch.setattr(webhook_fetch, "download", lambda _: Content(raw=raw, size=len(raw)))
    return MAKERS[provider](raw, to)
