"""What a webhook must fetch: Resend's messages over HTTP, Amazon's out of S3, and nothing more."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from ipaddress import ip_network

import pytest
from pytest_django import Settings

from deskpost.inbound.channels.smtp import KEPT_OF_OVERSIZE
from deskpost.inbound.channels.webhook.resend import ResendView
from deskpost.mail import mime
from deskpost.models import InboundEmail
from tests.desk import Desk
from tests.inbound.channels import webhook_calls as calls
from tests.parts.listener import listening

RAW = b"From: Ann <ann@x.test>\r\nSubject: Hello\r\n\r\ncaf\xe9 \xff\x00\r\n"


class Provider:
    """An HTTP server that has some answers by path, and keeps what it is asked."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.url = ""

    def __call__(self, sock: socket.socket) -> None:
        with sock.makefile("rb") as file:
            path = file.readline().split()[1].decode()
            lines = iter(lambda: file.readline().strip().decode(), "")
            pairs = [line.partition(": ") for line in lines]
        headers = {name.lower(): value for name, _, value in pairs}
        self.asked.append((path, headers))
        if path not in self.answers:
            sock.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        body = self.answers[path]
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


@pytest.fixture
def provider(settings: Settings, monkeypatch: pytest.MonkeyPatch, desk: Desk) -> Iterator[Provider]:
    served = Provider()
    allowed = (ip_network("127.0.0.0/8"),)
    calls.switch_on(settings, monkeypatch, ALLOW_PRIVATE_HOSTS=allowed)
    with listening(served) as port:
        served.url = f"http://127.0.0.1:{port}/"
        monkeypatch.setattr(ResendView, "api_url", served.url)
        yield served


def offer(provider: Provider, **message: object) -> None:
    provider.answers["/emails/receiving/e1"] = json.dumps(message).encode()


def test_resends_original_is_fetched_byte_for_byte(provider: Provider) -> None:
    offer(provider, raw={"download_url": f"{provider.url}raw"})
    provider.answers["/raw"] = RAW
    made = calls.resend("e1", "IT desk <it@desk.test>")
    assert made.post().content == b"Kept.\n"
    row = InboundEmail.objects.get()
    assert (calls.kept(row), row.reconstructed) == (RAW, False)
    assert (row.envelope_from, row.envelope_to) == ("ann@x.test", "it@desk.test")
    (first, asked), (second, download) = provider.asked
    assert (first, asked["authorization"]) == ("/emails/receiving/e1", "Bearer re_123")
    assert second == "/raw" and "authorization" not in download
    assert made.post().content == b"Taken before.\n"
    assert len(provider.asked) == 2  # nothing is fetched again


def test_of_an_original_too_large_the_beginning_is_fetched(
    provider: Provider, settings: Settings
) -> None:
    settings.DESKPOST = {**settings.DESKPOST, "INBOUND_LIMIT": 280_000}
    offer(provider, raw={"download_url": f"{provider.url}raw"})
    provider.answers["/raw"] = RAW + b"x" * 900_000
    assert calls.resend("e1", "it@desk.test").post().status_code == 200
    row = InboundEmail.objects.get()
    assert row.oversize_bytes == len(RAW) + 900_000
    assert calls.kept(row) == provider.answers["/raw"][:KEPT_OF_OVERSIZE]


def test_without_an_original_resends_pieces_are_put_together(provider: Provider) -> None:
    files = [
        {"download_url": f"{provider.url}file", "filename": "p.png", "content_type": "image/png"}
    ]
    offer(
        provider,
        **{"from": "Ann <ann@x.test>", "to": ["it@desk.test"], "subject": "Hello"},
        message_id="<7@x.test>",
        headers={"x-one": "1", "received": ["a", "b"]},
        text="Hi",
        attachments=files,
    )
    provider.answers["/file"] = b"\x89PNG"
    assert calls.resend("e1", "it@desk.test").post().status_code == 200
    row = InboundEmail.objects.get()
    assert row.reconstructed
    email = mime.parse(calls.kept(row))
    assert (email.subject, email.message_id) == ("Hello", "<7@x.test>")
    assert [(one.name, one.content) for one in email.attachments] == [("p.png", b"\x89PNG")]
    assert [value for name, value in email.headers if name == "received"] == ["a", "b"]


def test_what_cannot_be_fetched_is_to_be_sent_again(provider: Provider) -> None:
    made = calls.resend("e1", "it@desk.test")
    assert (made.post().status_code, made.post()["Retry-After"]) == (503, "60")
    provider.answers["/emails/receiving/e1"] = b"nonsense"
    assert made.post().status_code == 503
    offer(provider, raw={"download_url": f"{provider.url}gone"})
    assert made.post().status_code == 503
    offer(provider, raw={"download_url": "file:///etc/passwd"})
    assert made.post().status_code == 503
    assert not InboundEmail.objects.exists()
    offer(provider, raw={"download_url": f"{provider.url}raw"})
    provider.answers["/raw"] = RAW
    assert made.post().status_code == 200


def test_the_one_way_out_is_the_only_one(provider: Provider, settings: Settings) -> None:
    offer(provider, raw={"download_url": f"{provider.url}raw"})
    settings.DESKPOST = {**settings.DESKPOST, "ALLOW_PRIVATE_HOSTS": ()}
    assert calls.resend("e1", "it@desk.test").post().status_code == 503
    assert provider.asked == []


def test_nothing_is_fetched_for_nobody(provider: Provider) -> None:
    assert calls.resend("../../x?y", "nobody@desk.test").post().status_code == 406
    assert calls.resend("", "it@desk.test").post().status_code == 400
    assert calls.resend("../../x?y", "it@desk.test").post().status_code == 503
    assert [path for path, _ in provider.asked] == ["/emails/receiving/..%2F..%2Fx%3Fy"]


@pytest.fixture
def bucket(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Provider:
    for name, value in {
        "AWS_ENDPOINT_URL_S3": provider.url,
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    return provider


def in_s3(to: str = "it@desk.test") -> calls.Call:
    action = {"type": "S3", "bucketName": "mail", "objectKey": "in/o3vr"}
    return calls.sns(calls.ses_event(to, "ann@x.test", action))


def test_amazons_original_is_fetched_out_of_s3(bucket: Provider) -> None:
    bucket.answers["/mail/in/o3vr"] = RAW
    assert in_s3().post().content == b"Kept.\n"
    row = InboundEmail.objects.get()
    assert (calls.kept(row), row.reconstructed, row.client) == (RAW, False, "Amazon SES")


def test_of_one_too_large_in_s3_the_headers_are_kept(bucket: Provider, settings: Settings) -> None:
    settings.DESKPOST = {**settings.DESKPOST, "INBOUND_LIMIT": 280_000}
    bucket.answers["/mail/in/o3vr"] = RAW + b"x" * 400_000
    assert in_s3().post().status_code == 200
    row = InboundEmail.objects.get()
    assert row.oversize_bytes == len(RAW) + 400_000
    assert calls.kept(row) == bucket.answers["/mail/in/o3vr"][:KEPT_OF_OVERSIZE]


def test_what_s3_does_not_give_is_to_be_sent_again(bucket: Provider) -> None:
    assert in_s3().post().status_code == 503
    assert not InboundEmail.objects.exists()
