"""DMARC by SPF, with the policies on a real DNS server."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskpost.inbound import dmarc_spf
from deskpost.inbound.dmarc import Mail
from deskpost.inbound.dmarc_dns import Lookups
from tests.inbound.letters import CLIENT, check_one, letter, mail, publish
from tests.parts.dns import NameServer


class TestSpf:
    def test_aligned_passes(self, names: NameServer) -> None:
        publish(names)
        names.txt("bounce.a.test", "v=spf1 ip4:192.0.2.0/24 -all")
        result = check_one(names, mail(letter(), sender="b@bounce.a.test"))
        assert result.verdict == "pass"
        assert result.facts["spf"] == "pass (bounce.a.test)"
        assert result.facts["dkim"] == "none"

    @pytest.mark.parametrize("ip", ["2001:db8::25", "::ffff:192.0.2.25"])
    def test_with_ip6(self, names: NameServer, ip: str) -> None:
        publish(names)
        names.txt("a.test", "v=spf1 ip4:192.0.2.25 ip6:2001:db8::/32 -all")
        assert check_one(names, mail(letter(), sender="b@a.test", ip=ip)).verdict == "pass"

    def test_through_include_a_mx_and_redirect(self, names: NameServer) -> None:
        publish(names)
        names.txt("a.test", "v=spf1 include:one.test a:web.a.test redirect=two.test", "other text")
        names.txt("one.test", "v=spf1 ip4:203.0.113.1 -all")
        names.add("web.a.test", "A", "203.0.113.2")
        names.txt("two.test", "v=spf1 mx -all")
        names.add("two.test", "MX", "10 mail.two.test.")
        names.add("mail.two.test", "A", CLIENT)
        assert check_one(names, mail(letter(), sender="b@a.test")).verdict == "pass"

    def test_strict_alignment_wants_the_same_domain(self, names: NameServer) -> None:
        publish(names, record="v=DMARC1; p=reject; aspf=s")
        names.txt("bounce.a.test", "v=spf1 ip4:192.0.2.0/24 -all")
        assert check_one(names, mail(letter(), sender="b@bounce.a.test")).verdict == "fail"

    def test_a_null_sender_is_asked_by_its_helo(self, names: NameServer) -> None:
        publish(names)
        names.txt("mail.a.test", "v=spf1 ip4:192.0.2.25 -all")
        one = Mail(raw=letter(), from_domain="a.test", client_ip=CLIENT, helo="mail.a.test")
        assert check_one(names, one).verdict == "pass"

    def test_without_the_clients_address_it_is_not_asked(self, names: NameServer) -> None:
        publish(names)
        result = check_one(names, mail(letter(), sender="b@a.test", ip=""))
        assert result.verdict == "fail"
        assert result.facts["spf"].startswith("not asked")

    def test_an_envelope_sender_with_two_at_signs(self, names: NameServer) -> None:
        publish(names)
        names.txt("a.test", "v=spf1 -all")
        names.txt("b.test", "v=spf1 +all")
        for sender in ("x@b.test@a.test", '"x@b.test"@a.test'):
            result = check_one(names, mail(letter(), sender=sender))
            assert (result.verdict, result.facts["spf"]) == ("fail", "fail (a.test)")

    @pytest.mark.parametrize(
        "policy",
        [
            "v=spf1 include:a.test -all",
            "v=spf1 include:loop.test -all",
            "v=spf1 redirect=a.test",
            "v=spf1 " + " ".join(f"a:n{n}.loop.test" for n in range(12)) + " -all",
            "v=spf1 " + " ".join(f"exists:n{n}.test" for n in range(9)) + " -all",
            "v=spf1 ip4:999.1.2.3 -all",
            "v=spf1 %{z} a:%{%{%{ -all",
            "v=spf1 a:" + "a" * 3_000 + "! +all",
            "v=spf1 " + "ip4:203.0.113.1 " * 2_000 + "+all",
            "v=spf1 \\255\\254 +all",
        ],
        ids=range(10),
    )
    def test_hostile_policies(self, names: NameServer, policy: str) -> None:
        publish(names)
        names.txt("a.test", policy)
        names.txt("loop.test", "v=spf1 include:a.test -all")
        result = check_one(names, mail(letter(), sender="b@a.test"))
        assert result.verdict == "fail"
        assert result.facts["spf"].startswith("permerror (a.test")
        assert len(names.asked) < 20

    def test_an_explanation_is_not_fetched(self, names: NameServer) -> None:
        publish(names)
        names.txt("a.test", "v=spf1 exp=why.a.test -all")
        assert check_one(names, mail(letter(), sender="b@a.test")).verdict == "fail"
        assert not names.questions("why.a.test")


class Always:
    """DNS that has the same answers under every name."""

    def __init__(self, policy: bytes) -> None:
        self.asked = 0
        self._policy = policy

    def ask(self, name: str, kind: str) -> tuple[Any, ...]:
        self.asked += 1
        answers: dict[str, tuple[Any, ...]] = {
            "TXT": (self._policy,),
            "A": ("203.0.113.1",) * 20,
            "MX": ((10, "a.test"), (10, "."), (5, "")),
            "PTR": ("a.test", "x..y", ""),
        }
        return answers.get(kind, ())


TERMS = st.sampled_from(
    [
        "all",
        "-all",
        "a",
        "mx",
        "ptr",
        "include:b.test",
        "exists:%{i}.%{p}.test",
        "redirect=c.test",
        "exp=%{c}.test",
        "a:%{l1r-}.test/24//64",
        "ip4:192.0.2.0/99",
        "ip6:::1/129",
        "mx:.",
        "%{",
        "a:%{ip",
        "+-all",
        "?include:",
        "x=%{z}",
        "redirect=",
        "a/0",
        "exists:%{d9999999999}.test",
        "ip4:192.0.2.25",
    ]
)
RESULTS = {"pass", "fail", "softfail", "neutral", "none", "permerror", "temperror"}


@settings(deadline=None)
@given(
    terms=st.lists(TERMS | st.text(max_size=20), max_size=12),
    local=st.text(max_size=10),
    ip=st.sampled_from([CLIENT, "2001:db8::1", "fe80::1%eth0", "nowhere"]),
)
def test_whatever_a_policy_says(terms: list[str], local: str, ip: str) -> None:
    names = Always(" ".join(["v=spf1", *terms]).encode("utf-8", "replace"))
    result, _ = dmarc_spf.check(
        cast(Lookups, names), ip=ip, local=local, domain="a.test", helo="x y"
    )
    assert result in RESULTS
    assert names.asked <= 300
