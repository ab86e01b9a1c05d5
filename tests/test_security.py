"""What strangers, hostile servers and other projects must not get at."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import time
from contextlib import suppress
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from deskpost import settings as settings_of_site
from deskpost.hooks import body as webhook_body
from deskpost.hooks import sns as webhook_sns
from deskpost.hooks.refusal import Refusal
from deskpost.inbound.channels import sasl
from deskpost.models import Channel, Mailbox, Project
from deskpost.models.mailbox import account_key
from deskpost.net import certificates
from deskpost.web import mailboxes
from tests.inbound.channels import imap_accounts, test_pop3_faults
from tests.inbound.channels.webhook_calls import site_settings
from tests.parts.dovecot import PASSWORD
from tests.web import scene as scenes
from tests.web.scene import Scene
from tests.web.test_mailboxes import SECRET, add, changed, edit, filled, make_mailbox, url

near = test_pop3_faults.near  # a fixture
MIB = 1024 * 1024


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


# --- Webhooks -------------------------------------------------------------------------------------


def seconds(body: bytes, content_type: str) -> float:
    request = RequestFactory().generic("POST", "/", b"x", content_type=content_type)
    begun = time.process_time()
    with suppress(Refusal):
        webhook_body.form(request, body)
    return time.process_time() - begun


def test_the_header_of_a_part_cannot_hold_the_processor() -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="' + b";" * 15_900 + b"\r\n\r\nx\r\n"
    body = part * 40 + b"--b--"  # 999 parts take two minutes, of anybody who can reach the site
    assert seconds(body, "multipart/form-data; boundary=b") < 0.5


def test_signs_of_escapes_cannot_hold_the_processor() -> None:
    assert seconds(b"a=" + b"%" * (8 * MIB), "application/x-www-form-urlencoded") < 0.5


@pytest.mark.parametrize("secret", ["whsec_", "whsec_AAAA"])
def test_a_signing_secret_that_is_none_lets_nobody_in(
    settings: Settings, db: None, secret: str
) -> None:
    chosen = site_settings(settings.DESKPOST, RESEND_SIGNING_SECRET=secret, WEBHOOK_SECRET="")
    settings.DESKPOST = chosen
    body, sent = json.dumps({"type": "email.received", "data": {}}), str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac.new(key, f"1.{sent}.{body}".encode(), hashlib.sha256).digest()
    headers = {
        "svix-id": "1",
        "svix-timestamp": sent,
        "svix-signature": "v1," + base64.b64encode(signature).decode(),
    }
    answer = Client().post("/webhooks/resend/", body, "application/json", headers=headers)
    assert answer.status_code == 403


# --- What servers say -----------------------------------------------------------------------------


def test_a_password_that_imap_repeats_after_the_sign_in_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    imap_accounts.let_in(monkeypatch)
    fault = imap_accounts.refused({"SELECT": f"%T NO {PASSWORD} has no INBOX\r\n".encode()})
    assert PASSWORD not in fault.said


def test_a_password_that_pop3_repeats_after_the_sign_in_is_not_shown(near: None) -> None:
    fault = test_pop3_faults.refused({"STAT": b"-ERR no maildrop for pass w0rd\r\n"})
    assert "w0rd" not in fault.said


def test_a_half_shown_line_holds_no_half_of_a_password(near: None) -> None:
    line = b"x" * 494 + b"pass w0rd" + b"y" * 20_000 + b"\r\n"
    assert "pass w" not in test_pop3_faults.refused({"PASS": line}).said


def test_a_status_that_is_no_text_is_taken() -> None:
    assert isinstance(sasl.status_of(base64.b64encode(b'{"status": "\\ud800"}')), bytes)


def certificate(names: bytes | None) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=2))
    )
    if names:
        oid = x509.ObjectIdentifier("2.5.29.17")
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_certificate_with_odd_names_is_still_told() -> None:
    der = certificate(bytes([0x30, 4, 0xA3, 2, 0x30, 0]))  # an x400Address (RFC 5280, 4.2.1.6)
    assert certificates.facts(der)["subject"] == "mail.test"


def test_a_certificate_of_an_odd_version_raises_nothing() -> None:
    der = certificate(None).replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09", 1)
    assert certificates.facts(der) == {}


# --- Pages ----------------------------------------------------------------------------------------


def test_a_new_password_goes_to_no_server_that_was_put_in_meanwhile(
    scene: Scene, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox, kept = make_mailbox(scene), mailboxes._kept

    def meanwhile(form: Any, write: Any) -> Any:
        monkeypatch.setattr(mailboxes, "_kept", kept)
        edit(scene.browser("site_admin"), mailbox, host="evil.example", password="theirs")
        return kept(form, write)

    monkeypatch.setattr(mailboxes, "_kept", meanwhile)
    edit(admin, mailbox, password="new-and-good")
    now = Mailbox.objects.get(pk=mailbox.pk)
    assert (now.host, now.password) != ("evil.example", "new-and-good")


def test_the_sites_own_names_are_no_custom_channels(scene: Scene, admin: Client) -> None:
    for local in ("noreply", "postmaster", "abuse"):
        sent = filled(scene, address=f"{local}@desk.test", host="imap.shop.example", username=local)
        add(admin, sent)
    assert not Channel.objects.filter(kind=Channel.Kind.CUSTOM).exists()


@pytest.mark.parametrize("host", ["fe80::1%a\nb", "::1%<b>", "fe80::1%a\u202eb"])
def test_a_server_is_no_text_behind_an_address(scene: Scene, admin: Client, host: str) -> None:
    assert add(admin, filled(scene, host=host)).status_code == 422


def test_an_id_that_is_too_large_is_not_found(scene: Scene, admin: Client) -> None:
    admin.raise_request_exception = False
    for name in (
        "channel-mailbox",
        "channel-test",
        "channel-remove",
        "channel-connectivity",
        "channel-settings",
    ):
        assert admin.get(url(name, 2**70)).status_code == 404, name
    for name in ("channel-pause", "channel-authorise", "channel-remove", "channel-test"):
        assert admin.post(url(name, 2**70)).status_code == 404, name


def test_channels_of_another_project_are_not_found(scene: Scene) -> None:
    other = Project.objects.create(key="HR", name="HR")
    mailbox = make_mailbox(scene, project=other)
    admin = scene.browser("admin")
    for name in ("mailbox", "test", "remove", "connectivity", "settings", "logs"):
        assert admin.get(url(f"channel-{name}", mailbox.pk)).status_code == 404, name
    for name in ("mailbox", "test", "authorise", "pause", "resume", "try", "take-old", "remove"):
        sent = changed(mailbox, host="evil.example", password="x")
        assert admin.post(url(f"channel-{name}", mailbox.pk), sent).status_code == 404, name
        inside = reverse(f"channel-{name}", args=["HR", mailbox.pk])
        assert admin.post(inside, sent).status_code == 404, name
    assert Mailbox.objects.get().password == SECRET


# --- Amazon, PostgreSQL, S3 -----------------------------------------------------------------------


@pytest.mark.parametrize("region", ["s3-us-west-2", "s3-accelerate", "s3-eu-west-1"])
def test_a_bucket_that_is_named_sns_is_not_amazon_sns(region: str) -> None:
    url = f"https://sns.{region}.amazonaws.com/SimpleNotificationService-1.pem"
    assert not webhook_sns.is_amazon(url)


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "ap-southeast-2", "cn-north-1"])
def test_amazons_regions_are_known(region: str) -> None:
    assert webhook_sns.is_amazon(f"https://sns.{region}.amazonaws.com/x.pem")


def test_the_key_of_an_account_fits_into_its_column() -> None:
    most = Mailbox._meta.get_field("account_key").max_length
    assert len(account_key("ΐ" * 320, "h" * 253)) <= (most or 0)


def test_amazons_client_writes_no_session_token_at_debug() -> None:
    loggers: dict[str, Any] = dict(settings_of_site.LOGGING)["loggers"]  # type: ignore[assignment]
    level = loggers.get("botocore", {}).get("level", "DEBUG")
    assert level != "DEBUG"


def test_what_was_typed_is_text_in_every_complaint(scene: Scene, admin: Client) -> None:
    page = add(admin, filled(scene, host="http://<b>x", address="<b>@x", port="<b>")).text
    assert "&lt;b&gt;" in page
    assert 'value="<b>' not in page
    assert "“http://”: &lt;b&gt;x" in page
