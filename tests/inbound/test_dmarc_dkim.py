"""DMARC by signatures, made here by dkimpy, whose keys are on a real DNS server."""

from __future__ import annotations

import time

import pytest

from tests.inbound.letters import (
    Key,
    check_one,
    ed25519_key,
    letter,
    mail,
    publish,
    rsa_key,
    signed,
)
from tests.parts.dns import NameServer


class TestDkim:
    @pytest.mark.parametrize("head", [b"simple", b"relaxed"])
    @pytest.mark.parametrize("body", [b"simple", b"relaxed"])
    def test_aligned_passes(self, names: NameServer, key: Key, head: bytes, body: bytes) -> None:
        publish(names, key)
        result = check_one(names, mail(signed(letter(), key, forms=(head, body))))
        assert (result.verdict, result.policy, result.domain) == ("pass", "reject", "a.test")
        assert result.facts["dkim"] == "pass (d=a.test)"
        assert result.facts["record"] == "v=DMARC1; p=reject"

    @pytest.mark.parametrize(
        "body",
        [b"", b"\r\n", b" \r\n\r\n", b"no line end", b"a \t b\r\n \r\nc\r\n", b"\xff\x00\r\n"],
    )
    @pytest.mark.parametrize("form", [b"simple", b"relaxed"])
    def test_bodies_of_all_kinds(
        self, names: NameServer, key: Key, body: bytes, form: bytes
    ) -> None:
        publish(names, key)
        raw = letter().partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body
        assert check_one(names, mail(signed(raw, key, forms=(form, form)))).verdict == "pass"

    def test_line_feeds_alone_are_line_ends(self, names: NameServer, key: Key) -> None:
        publish(names, key)
        raw = signed(letter(), key).replace(b"\r\n", b"\n")
        assert check_one(names, mail(raw)).verdict == "pass"

    def test_ed25519(self, names: NameServer) -> None:
        key = ed25519_key()
        publish(names, key)
        assert check_one(names, mail(signed(letter(), key))).verdict == "pass"

    def test_a_subdomain_signs_for_its_organisation(self, names: NameServer, key: Key) -> None:
        publish(names)
        names.txt("k1._domainkey.mail.a.test", key.record)
        result = check_one(names, mail(signed(letter(), key, "mail.a.test")))
        assert result.verdict == "pass"

    def test_strict_alignment_wants_the_same_domain(self, names: NameServer, key: Key) -> None:
        publish(names, record="v=DMARC1; p=reject; adkim=s")
        names.txt("k1._domainkey.mail.a.test", key.record)
        result = check_one(names, mail(signed(letter(), key, "mail.a.test")))
        assert result.verdict == "fail"
        assert result.facts["dkim"] == "not aligned (d=mail.a.test)"

    def test_another_domain_does_not_count_and_is_not_asked(
        self, names: NameServer, key: Key
    ) -> None:
        publish(names)
        names.txt("k1._domainkey.b.test", key.record)
        result = check_one(names, mail(signed(letter(), key, "b.test"), sender="x@b.test"))
        assert (result.verdict, result.policy) == ("fail", "reject")
        assert result.facts["dkim"] == "not aligned (d=b.test)"
        assert result.facts["spf"] == "not aligned (b.test)"
        assert [name for name, _ in names.asked] == ["_dmarc.a.test"]

    def test_neighbours_under_a_public_suffix_are_strangers(
        self, names: NameServer, key: Key
    ) -> None:
        names.txt("_dmarc.one.co.uk", "v=DMARC1; p=reject")
        names.txt("k1._domainkey.two.co.uk", key.record)
        raw = signed(letter("one.co.uk"), key, "two.co.uk")
        assert check_one(names, mail(raw, "one.co.uk")).verdict == "fail"

    @pytest.mark.parametrize(
        ("old", "new", "why"),
        [
            (b"Monday", b"Friday", "the body was changed"),
            (b"out of ink", b"on fire", "the signature did not verify"),
            (b"Ann <ann@a.test>", b"Eve <eve@a.test>", "the signature did not verify"),
        ],
    )
    def test_a_change_fails(
        self, names: NameServer, key: Key, old: bytes, new: bytes, why: str
    ) -> None:
        publish(names, key)
        result = check_one(names, mail(signed(letter(), key).replace(old, new)))
        assert result.verdict == "fail"
        assert result.facts["dkim"] == f"fail (d=a.test, {why})"

    def test_a_second_from_fails(self, names: NameServer, key: Key) -> None:
        publish(names, key)
        raw = b"From: Eve <eve@a.test>\r\n" + signed(letter(), key)
        result = check_one(names, mail(raw))
        assert result.verdict == "fail"
        assert "more than one From" in result.facts["dkim"]

    def test_a_signature_of_a_part_of_the_body_does_not_count(
        self, names: NameServer, key: Key
    ) -> None:
        publish(names, key)
        raw = signed(letter(), key, length=True)
        assert check_one(names, mail(raw)).verdict == "pass"
        result = check_one(names, mail(raw + b"Pay here: http://eve.test/\r\n"))
        assert result.verdict == "fail"
        assert "covers only a part" in result.facts["dkim"]

    def test_a_small_key_does_not_count(self, names: NameServer) -> None:
        # cryptography makes none so small: 512 bits, only read here.
        small = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAM" + "z" * 86 + "CAwEAAQ=="
        publish(names, Key(b"", f"v=DKIM1; p={small}"))
        result = check_one(names, mail(signed(letter(), rsa_key(1024))))
        assert result.verdict == "fail"
        assert "its key" in result.facts["dkim"]

    @pytest.mark.parametrize(
        ("record", "why"),
        [
            ("v=DKIM1; p=", "its key was revoked"),
            ("v=DKIM1; p=%%%", "its key cannot be read"),
            ("v=DKIM1; k=ed25519; p=QUJD", "its key is of another type"),
            ("v=DKIM2; p=QUJD", "no key is published"),
            ("v=DKIM1; h=sha1; p=QUJD", "its key does not allow sha256"),
            ("v=DKIM1; s=tlsrpt; p=QUJD", "its key is not for email"),
            (";;;=;=", "no key is published"),
            ("v=DKIM1; p=" + "A" * 20_000, "no key is published"),
        ],
    )
    def test_keys_that_cannot_be_used(
        self, names: NameServer, key: Key, record: str, why: str
    ) -> None:
        publish(names)
        names.txt("k1._domainkey.a.test", record)
        result = check_one(names, mail(signed(letter(), key)))
        assert result.verdict == "fail"
        assert result.facts["dkim"] == f"fail (d=a.test, {why})"

    def test_no_more_than_five_are_verified(self, names: NameServer, key: Key) -> None:
        publish(names, key)
        other = signed(letter(), rsa_key(1024)).partition(b"\r\nReceived")[0] + b"\r\n"
        good = signed(letter(), key)
        assert check_one(names, mail(other * 4 + good)).verdict == "pass"
        assert check_one(names, mail(other * 5 + good)).verdict == "fail"

    def test_strangers_signatures_do_not_hide_the_one_that_counts(
        self, names: NameServer, key: Key
    ) -> None:
        publish(names, key)
        other = signed(letter(), key, "b.test").partition(b"\r\nReceived")[0] + b"\r\n"
        assert check_one(names, mail(other * 20 + signed(letter(), key))).verdict == "pass"

    @pytest.mark.parametrize(
        "filler", [b" ", b"\r\n", b"\n", b"\t\r", b" \r\n", b"a", b"\r", b"a ", b" \tb"]
    )
    def test_five_megabytes_of_one_thing_are_hashed_in_time(
        self, names: NameServer, key: Key, filler: bytes
    ) -> None:
        publish(names, key)
        body = b"x" + filler * (5_000_000 // len(filler)) + b"y"
        raw = signed(letter(), key).partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body
        begun = time.monotonic()
        assert check_one(names, mail(raw)).verdict == "fail"
        assert time.monotonic() - begun < 1.5
