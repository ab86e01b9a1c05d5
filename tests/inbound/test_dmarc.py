"""Which policy applies to a message, and whose domain is asked."""

from __future__ import annotations

import pytest

from deskpost.inbound.dmarc import Mail
from tests.inbound.letters import Key, check_one, letter, mail, publish, signed
from tests.parts.dns import NameServer


class TestPolicy:
    @pytest.mark.parametrize(
        ("record", "policy"),
        [
            ("v=DMARC1; p=none", "none"),
            ("v=DMARC1;p=Quarantine;rua=mailto:x@a.test", "quarantine"),
            ("v=DMARC1; p=reject; sp=none", "reject"),
            ("v=DMARC1; p=reject; pct=0", "quarantine"),
            ("v=DMARC1; p=quarantine; t=y", "none"),
            ("v=DMARC1; p=wrong; rua=mailto:x@a.test", "none"),
        ],
    )
    def test_of_a_domain_that_fails(self, names: NameServer, record: str, policy: str) -> None:
        publish(names, record=record)
        result = check_one(names, mail(letter()))
        assert (result.verdict, result.policy) == ("fail", policy)

    @pytest.mark.parametrize(
        ("record", "policy"),
        [("v=DMARC1; p=none; sp=reject", "reject"), ("v=DMARC1; p=quarantine", "quarantine")],
    )
    def test_of_a_subdomain(self, names: NameServer, record: str, policy: str) -> None:
        publish(names, record=record)
        result = check_one(names, mail(letter("deep.sub.a.test"), "deep.sub.a.test"))
        assert (result.verdict, result.policy) == ("fail", policy)
        assert result.facts["record_at"] == "_dmarc.a.test"

    def test_a_subdomains_own_record_comes_first(self, names: NameServer) -> None:
        publish(names, record="v=DMARC1; p=reject")
        names.txt("_dmarc.sub.a.test", "v=DMARC1; p=none; sp=reject")
        result = check_one(names, mail(letter("sub.a.test"), "sub.a.test"))
        assert (result.verdict, result.policy) == ("fail", "none")

    def test_a_percentage_is_taken_as_the_whole_and_said(self, names: NameServer) -> None:
        publish(names, record="v=DMARC1; p=reject; pct=20")
        result = check_one(names, mail(letter()))
        assert (result.policy, result.facts["pct"]) == ("reject", "20 is taken as 100")

    @pytest.mark.parametrize(
        "texts",
        [
            [],
            ["something else"],
            ["v=DMARC1; p=reject", "v=DMARC1; p=none"],
            ["v=DMARC1"],
            ["v=DMARC1; p=reject; p=none"],
            ["p=reject; v=DMARC1"],
            ["v=DMARC1; p=wrong"],
            ["v=DMARC1; " + "x" * 8_000],
            ["v=DMARC1" + ";" * 4_000],
        ],
    )
    def test_none_is_published(self, names: NameServer, texts: list[str]) -> None:
        names.txt("_dmarc.a.test", *texts)
        result = check_one(names, mail(letter()))
        assert (result.verdict, result.policy, result.facts) == ("none", "", {"record": "none"})

    def test_the_name_does_not_exist(self, names: NameServer) -> None:
        assert check_one(names, mail(letter())).verdict == "none"

    def test_a_policy_beside_other_texts(self, names: NameServer) -> None:
        names.txt("_dmarc.a.test", "v=spf1 -all", "v=DMARC1; p=reject")
        assert check_one(names, mail(letter())).policy == "reject"

    def test_a_domain_beyond_ascii(self, names: NameServer) -> None:
        names.txt("_dmarc.xn--r8jz45g.jp", "v=DMARC1; p=reject")
        result = check_one(names, mail(letter("xn--r8jz45g.jp"), "例え.jp"))
        assert (result.verdict, result.domain) == ("fail", "xn--r8jz45g.jp")

    @pytest.mark.parametrize(
        "domain",
        [None, "", ".", "a..test", "[192.0.2.1]", "a" * 300, "x y", "\ud800", "a\x00b", "*"],
    )
    def test_no_domain_to_ask(self, names: NameServer, domain: str | None) -> None:
        result = check_one(names, mail(letter(), domain))
        assert result.verdict == "none"

    def test_of_several_addresses_the_first_counts(self, names: NameServer, key: Key) -> None:
        publish(names)
        names.txt("_dmarc.b.test", "v=DMARC1; p=reject")
        names.txt("k1._domainkey.b.test", key.record)
        raw = letter().replace(b"Ann <ann@a.test>", b"ann@a.test, bob@b.test")
        one = Mail(raw=signed(raw, key, "b.test"), from_domain="a.test", several_from=True)
        result = check_one(names, one)
        assert result.verdict == "fail"
        assert "the first was checked" in result.facts["from"]
