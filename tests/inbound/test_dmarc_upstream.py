"""DMARC as a server before us found it: whom we believe."""

from __future__ import annotations

import pytest

from deskpost.inbound.dmarc import Result, from_upstream
from tests.inbound.letters import letter, mail


def upstream(*headers: str, domain: str = "a.test", trusted: str = "mx.example") -> Result | None:
    above = "".join(f"Authentication-Results: {header}\r\n" for header in headers)
    return from_upstream(mail(above.encode() + letter(domain), domain), trusted)


class TestUpstream:
    def test_the_topmost_of_the_trusted_server_counts(self) -> None:
        result = upstream(
            "MX.example;\r\n dkim=pass header.d=a.test;\r\n spf=fail smtp.mailfrom=b.test;"
            "\r\n\tdmarc=pass (p=reject dis=none) header.from=a.test"
        )
        assert result is not None
        assert (result.verdict, result.policy, result.domain) == ("pass", "reject", "a.test")
        assert result.facts == {
            "from_upstream": "mx.example",
            "dmarc": "pass (p=reject dis=none, header.from=a.test)",
            "dkim": "pass (header.d=a.test)",
            "spf": "fail (smtp.mailfrom=b.test)",
        }

    def test_one_forged_below_it_does_not(self) -> None:
        result = upstream("mx.example; dmarc=fail (p=reject)", "mx.example; dmarc=pass (p=reject)")
        assert result is not None
        assert result.verdict == "fail"

    @pytest.mark.parametrize(
        "headers",
        [
            [],
            ["evil.test; dmarc=pass"],
            ["evil.test; dmarc=pass", "mx.example; dmarc=pass"],
            ["mx.example.evil.test; dmarc=pass"],
            ["mx.example; spf=pass"],
            ["mx.example; none"],
            ["mx.example; spf=pass", "mx.example; dmarc=pass"],
            ["mx.example; dmarc=pass header.from=b.test"],
            ["dmarc=pass header.from=a.test"],
            [""],
        ],
    )
    def test_what_does_not_count(self, headers: list[str]) -> None:
        assert upstream(*headers) is None

    def test_no_server_is_trusted(self) -> None:
        assert upstream("mx.example; dmarc=pass", trusted="") is None
        assert upstream("; dmarc=pass", trusted="") is None

    def test_an_encoded_word_is_not_read(self) -> None:
        result = upstream(
            "mx.example; spf=pass smtp.mailfrom==?utf-8?q?x=3B_dmarc=3Dpass=3B?=@a.test;"
            " dmarc=fail (p=reject)"
        )
        assert result is not None
        assert result.verdict == "fail"

    def test_of_two_results_the_worse_counts(self) -> None:
        result = upstream("mx.example; dmarc=pass; dmarc=fail policy.dmarc=reject")
        assert result is not None
        assert (result.verdict, result.policy) == ("fail", "reject")

    @pytest.mark.parametrize(
        ("said", "verdict", "policy"),
        [
            ("dmarc=fail (p=REJECT sp=NONE dis=NONE) header.from=a.test", "fail", "reject"),
            ("dmarc=fail action=oreject header.from=a.test", "fail", "reject"),
            ("dmarc=fail action=none header.from=a.test", "fail", "none"),
            ("dmarc=fail policy.dmarc=quarantine", "fail", "quarantine"),
            ("dmarc=fail", "fail", ""),
            ("dmarc=bestguesspass action=none", "none", "none"),
            ("dmarc=none", "none", ""),
            ("dmarc=temperror", "unknown", ""),
            ("dmarc=whatever", "unknown", ""),
        ],
    )
    def test_its_words(self, said: str, verdict: str, policy: str) -> None:
        result = upstream(f"mx.example; {said}")
        assert result is not None
        assert (result.verdict, result.policy) == (verdict, policy)

    def test_of_a_subdomain_the_weaker_policy_applies(self) -> None:
        result = upstream("mx.example; dmarc=fail (p=REJECT sp=NONE)", domain="sub.a.test")
        assert result is not None
        assert result.policy == "none"
