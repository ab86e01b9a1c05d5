"""The site's own keys: made once, published by DNS, and signing only while they are on."""

from __future__ import annotations

import email.policy
import logging
import smtplib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage

import dkim as other
import pytest
from cryptography.fernet import Fernet
from django.conf import settings as site_settings
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from deskpost.models import AuditEntry, DkimKey, Person
from deskpost.net import txt
from deskpost.outbound import signing
from deskpost.outbound.signing_dns import Dns
from tests.parts.dns import NameServer
from tests.parts.postfix import Postfix
from tests.parts.world import OutsideWorld

pytestmark = pytest.mark.django_db
MESSAGE = b"From: IT help <it@desk.test>\r\nTo: ann@x.test\r\nSubject: Hi\r\n\r\nHello\r\n"


@pytest.fixture(autouse=True)
def fresh_keys() -> Iterator[None]:
    """No test sees the keys of another."""
    signing.forget()
    yield
    signing.forget()


@pytest.fixture
def admin() -> Person:
    return Person.objects.create_person("root@desk.test", name="Root")


@pytest.fixture
def names(settings: Settings) -> Iterator[NameServer]:
    with NameServer() as server:
        settings.DESKPOST = site_settings.DESKPOST | {"RESOLVERS": (server.address,)}
        yield server


def is_good(message: bytes, key: DkimKey) -> bool:
    """Whether another program finds the signature good, with the key's record in DNS."""
    record = signing.record(key)

    def dns(name: bytes, timeout: int = 5) -> bytes:
        return record.value.encode() if name.decode() == f"{record.name}." else b""

    verdict: bool = other.verify(message, dnsfunc=dns)
    return verdict


class TestKeys:
    def test_a_key_has_2048_bits_and_does_not_sign_at_first(self, admin: Person) -> None:
        key = signing.make_key("Desk.Test", admin)
        assert (key.domain, key.is_on, key.made_by) == ("desk.test", False, admin)
        assert key.selector == f"dp{timezone.now():%Y%m}"
        assert len(signing.record(key).value) > 390  # of 2048 bits, in base64
        assert signing.sign(MESSAGE, "desk.test") == MESSAGE

    def test_the_database_holds_the_secret_only_encrypted(self, admin: Person) -> None:
        key = signing.make_key("desk.test", admin)
        assert key.secret.startswith("-----BEGIN PRIVATE KEY-----")
        with connection.cursor() as cursor:
            cursor.execute("SELECT secret FROM deskpost_dkimkey")
            (stored,) = cursor.fetchone()
        assert "PRIVATE" not in stored and key.secret[40:80] not in stored
        assert DkimKey.objects.get().secret == key.secret

    def test_a_domain_that_has_a_key_keeps_it(self, admin: Person) -> None:
        first = signing.make_key("desk.test", admin)
        assert signing.make_key("desk.test", admin).secret == first.secret
        assert DkimKey.objects.count() == 1

    def test_a_new_key_of_the_same_month_has_a_name_of_its_own(
        self, admin: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = datetime(2026, 11, 24, tzinfo=UTC)
        monkeypatch.setattr("deskpost.outbound.signing.timezone.now", lambda: now)
        made = []
        for _ in range(3):
            made.append(signing.make_key("desk.test", admin).selector)
            signing.remove("desk.test", admin)
        assert made == ["dp202611", "dp202611-2", "dp202611-3"]
        assert signing.make_key("other.test", admin).selector == "dp202611"

    @pytest.mark.parametrize("domain", ["", "a b.test", "a..test", "x;y.test", "a" * 64 + ".test"])
    def test_a_domain_that_dkim_cannot_name_gets_none(self, domain: str, admin: Person) -> None:
        with pytest.raises(ValueError, match="domain"):
            signing.make_key(domain, admin)

    def test_a_domain_with_no_room_for_the_record_gets_none(self, admin: Person) -> None:
        with pytest.raises(ValueError, match="domain"):
            signing.make_key(".".join(["a" * 60] * 4), admin)

    def test_every_change_is_in_the_audit_log_and_no_secret_is(self, admin: Person) -> None:
        key = signing.make_key("desk.test", admin)
        assert signing.switch("desk.test", True, admin)
        assert not signing.switch("desk.test", True, admin)
        assert signing.switch("desk.test", False, admin)
        assert signing.remove("desk.test", admin)
        assert not signing.remove("desk.test", admin)
        assert not signing.switch("desk.test", True, admin)
        entries = AuditEntry.objects.order_by("id")
        assert [entry.details["dkim"] for entry in entries] == ["made", "on", "off", "removed"]
        assert {(entry.act, entry.subject, entry.person) for entry in entries} == {
            ("settings", "desk.test", admin)
        }
        assert "PRIVATE" not in str([entry.details for entry in entries])
        assert key.secret not in repr(key)


class TestRecord:
    def test_the_zone_file_has_strings_that_dns_takes(self, admin: Person) -> None:
        record = signing.record(signing.make_key("desk.test", admin))
        assert record.value.startswith("v=DKIM1; k=rsa; p=MII")
        name, _, rest = record.zone.partition(" IN TXT ( ")
        strings = [piece.strip('"') for piece in rest.removesuffix(" )").split(' "')]
        assert name == f"{record.name}." == f"dp{timezone.now():%Y%m}._domainkey.desk.test."
        assert len(strings) == 2
        assert max(map(len, strings)) <= 255
        assert "".join(strings) == record.value


class TestDns:
    @pytest.fixture
    def key(self, admin: Person) -> DkimKey:
        return signing.make_key("desk.test", admin)

    def test_finds_the_record(self, names: NameServer, key: DkimKey) -> None:
        record = signing.record(key)
        names.txt(record.name, record.value)
        assert signing.check_dns(key).state == Dns.FOUND
        assert names.asked == [(record.name, "TXT")]

    def test_finds_it_as_the_zone_file_has_it(self, names: NameServer, key: DkimKey) -> None:
        record = signing.record(key)
        names.add(record.name, "TXT", record.zone.partition("( ")[2].removesuffix(" )"))
        assert signing.check_dns(key).state == Dns.FOUND

    def test_finds_it_behind_an_alias(self, names: NameServer, key: DkimKey) -> None:
        record = signing.record(key)
        names.add(record.name, "CNAME", "keys.vendor.test.")
        names.txt("keys.vendor.test", record.value)
        assert signing.check_dns(key).state == Dns.FOUND

    def test_sees_a_record_as_soon_as_it_is_there(self, names: NameServer, key: DkimKey) -> None:
        record = signing.record(key)
        assert signing.check_dns(key).state == Dns.MISSING
        names.txt(record.name, record.value)
        assert signing.check_dns(key).state == Dns.FOUND

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("p=MIIB", "p=MIIC"),
            ("k=rsa", "k=ed25519"),
            ("v=DKIM1", "v=DKIM2"),
            ("v=DKIM1;", "dp202611._domainkey TXT v=DKIM1;"),
            ("k=rsa", "k=rsa; s=other"),
            ("k=rsa", "k=rsa; h=sha1"),
        ],
    )
    def test_tells_another_value(
        self, before: str, after: str, names: NameServer, key: DkimKey
    ) -> None:
        record = signing.record(key)
        other_value = record.value.replace(before, after)
        names.txt(record.name, other_value)
        checked = signing.check_dns(key)
        assert (checked.state, checked.said) == (Dns.OTHER, other_value)

    def test_a_second_record_beside_it_is_another_value(
        self, names: NameServer, key: DkimKey
    ) -> None:
        record = signing.record(key)
        names.txt(record.name, record.value, "v=DKIM1; p=")
        checked = signing.check_dns(key)
        assert (checked.state, checked.said) == (Dns.OTHER, "v=DKIM1; p=")

    def test_a_huge_value_is_shown_cut(self, names: NameServer, key: DkimKey) -> None:
        names.txt(signing.record(key).name, "x" * 3_000)
        checked = signing.check_dns(key)
        assert (checked.state, checked.said) == (Dns.OTHER, "x" * 600)

    def test_failure_and_nonsense_are_no_answer(self, names: NameServer, key: DkimKey) -> None:
        names.fail("desk.test")
        assert signing.check_dns(key).state == Dns.SILENT
        names.babble("other.test")
        with pytest.raises(txt.Unanswered):
            txt.texts("other.test", resolvers=[names.address], seconds=0.5)

    def test_silence_ends_in_time(self, names: NameServer, key: DkimKey) -> None:
        names.be_silent("")
        begun = time.monotonic()
        checked = signing.check_dns(key, seconds=0.5)
        assert (checked.state, checked.said) == (Dns.SILENT, "no answer in time")
        assert time.monotonic() - begun < 1.5


class TestSign:
    def test_what_a_domain_sends_is_signed_while_its_key_is_on(self, admin: Person) -> None:
        key = signing.make_key("desk.test", admin)
        signing.switch("desk.test", True, admin)
        for domain in ("desk.test", "DESK.test"):
            signed = signing.sign(MESSAGE, domain)
            assert signed.endswith(MESSAGE)
            assert is_good(signed, key)
        assert not is_good(signed.replace(b"Hello", b"Hullo"), key)
        signing.switch("desk.test", False, admin)
        assert signing.sign(MESSAGE, "desk.test") == MESSAGE

    def test_no_other_domain_is_signed_for(self, admin: Person) -> None:
        signing.make_key("desk.test", admin)
        signing.switch("desk.test", True, admin)
        for domain in ("other.test", "sub.desk.test", "test", ""):
            assert signing.sign(MESSAGE, domain) == MESSAGE

    def test_a_domain_in_other_letters(self, admin: Person) -> None:
        key = signing.make_key("bücher.test", admin)
        signing.switch("bücher.test", True, admin)
        assert key.domain == "xn--bcher-kva.test"
        assert is_good(signing.sign(MESSAGE, "bücher.test"), key)

    def test_a_removed_key_signs_no_more(self, admin: Person) -> None:
        signing.make_key("desk.test", admin)
        signing.switch("desk.test", True, admin)
        assert signing.sign(MESSAGE, "desk.test") != MESSAGE
        signing.remove("desk.test", admin)
        assert signing.sign(MESSAGE, "desk.test") == MESSAGE

    def test_keys_are_read_once_in_half_a_minute(
        self,
        admin: Person,
        monkeypatch: pytest.MonkeyPatch,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        signing.make_key("desk.test", admin)
        DkimKey.objects.update(is_on=True)  # by another process
        with django_assert_num_queries(1):
            for _ in range(5):
                assert signing.sign(MESSAGE, "desk.test") != MESSAGE
                assert signing.sign(MESSAGE, "other.test") == MESSAGE
        DkimKey.objects.update(is_on=False)
        assert signing.sign(MESSAGE, "desk.test") != MESSAGE
        later = time.monotonic() + signing.FRESH
        monkeypatch.setattr("deskpost.outbound.signing.time.monotonic", lambda: later)
        assert signing.sign(MESSAGE, "desk.test") == MESSAGE

    def test_a_key_that_cannot_be_read_signs_nothing_and_is_logged_once(
        self, admin: Person, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        signing.make_key("lost.test", admin)
        signing.switch("lost.test", True, admin)
        settings.CHANNEL_KEYS = [Fernet.generate_key()]
        signing.forget()
        with caplog.at_level(logging.ERROR):
            for _ in range(3):
                assert signing.sign(MESSAGE, "lost.test") == MESSAGE
        assert caplog.text.count("lost.test") == 1
        assert "PRIVATE" not in caplog.text
        key = DkimKey.objects.get()
        with pytest.raises(signing.Unreadable):
            signing.record(key)
        signing.switch("lost.test", False, admin)
        with pytest.raises(signing.Unreadable):
            signing.switch("lost.test", True, admin)

    def test_a_message_that_cannot_be_signed_goes_without(
        self, admin: Person, caplog: pytest.LogCaptureFixture
    ) -> None:
        signing.make_key("desk.test", admin)
        signing.switch("desk.test", True, admin)
        with caplog.at_level(logging.ERROR):
            assert signing.sign(b"To: ann@x.test\r\n\r\n", "desk.test").startswith(b"To:")
        assert "desk.test was not signed" in caplog.text

    @pytest.mark.postfix
    def test_a_signature_holds_after_a_relay_has_passed_the_message_on(
        self, admin: Person, postfix: Postfix, world: OutsideWorld
    ) -> None:
        key = signing.make_key("desk.test", admin)
        signing.switch("desk.test", True, admin)
        message = EmailMessage(policy=email.policy.SMTP)
        message["Subject"] = "IT-42 プリンターのトナーが切れました。" * 4
        message["From"], message["To"] = "IT <it@desk.test>", "Ann <ann@signed.test>"
        message["List-Unsubscribe"] = f"<https://desk.test/unsubscribe/{'a' * 200}/>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(". a line\n.\n\n\tanother  \n" + "long " * 150 + "\n\n\n")
        message.add_alternative("<p>トナー</p>", subtype="html", cte="base64")
        with smtplib.SMTP("127.0.0.1", postfix.smtp_port) as client:
            data = signing.sign(message.as_bytes(), "desk.test")
            client.sendmail("it@desk.test", ["ann@signed.test"], data)
        (arrived,) = world.wait_for(1)
        assert b"Received: " in arrived.content
        assert is_good(arrived.content, key)
