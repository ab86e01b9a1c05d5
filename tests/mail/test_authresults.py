"""Authentication-Results, as servers write it and as others forge it."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskpost.mail.authresults import MAX_RESULTS, MAX_VALUE, MethodResult, read


def result(value: str, method: str) -> MethodResult:
    found = read(value)
    assert found is not None
    return found.of(method)[0]


class TestServer:
    @pytest.mark.parametrize(
        ("value", "server"),
        [
            ("mx.example; none", "mx.example"),
            ("MX.Example 1; none", "mx.example"),
            ('"mx.example"; spf=pass', "mx.example"),
            ("(added by (nested) us) mx.example (first) 1 (version); spf=pass", "mx.example"),
            ("mx.example", "mx.example"),
            (" \t mx.example\t;spf=pass", "mx.example"),
            ("mx.example from=a.test; spf=pass", "mx.example"),
        ],
    )
    def test_is_what_stands_first(self, value: str, server: str) -> None:
        found = read(value)
        assert found is not None
        assert found.server == server

    @pytest.mark.parametrize(
        "value",
        ["", ";", "spf=pass smtp.mailfrom=x.test; dkim=none", "(mx.example); spf=pass", "=;", '""'],
    )
    def test_none_is_named(self, value: str) -> None:
        assert read(value) is None


class TestResults:
    def test_each_with_its_properties(self) -> None:
        found = read(
            "mx.example;\tdkim=pass header.d=a.test header.s=k1 header.b=abc/d=;"
            ' spf=softfail (not designated) reason="no \\"match\\"" smtp.mailfrom=ann@a.test;'
            " dmarc=fail (p=REJECT sp=none dis=NONE) header.from=a.test"
        )
        assert found is not None
        assert [(one.method, one.result) for one in found.results] == [
            ("dkim", "pass"),
            ("spf", "softfail"),
            ("dmarc", "fail"),
        ]
        assert found.of("dkim")[0].properties["header.d"] == "a.test"
        assert found.of("spf")[0].properties == {
            "reason": 'no "match"',
            "smtp.mailfrom": "ann@a.test",
        }
        assert found.of("spf")[0].comment == "not designated"
        assert found.of("dmarc")[0].properties == {"header.from": "a.test"}

    def test_no_result(self) -> None:
        found = read("mx.example; none")
        assert found is not None
        assert found.results == ()

    def test_a_method_may_bear_its_version(self) -> None:
        assert result("mx.example; DKIM/1 = Pass header.d=a.test", "dkim").result == "pass"

    def test_several_of_one_method_are_in_order(self) -> None:
        found = read("mx.example; dkim=fail header.d=a.test; dkim=pass header.d=b.test")
        assert found is not None
        assert [one.properties["header.d"] for one in found.of("dkim")] == ["a.test", "b.test"]

    def test_what_a_comment_says(self) -> None:
        one = result(
            "mx.example; dmarc=fail (p=REJECT sp=none dis=NONE) header.from=a.test", "dmarc"
        )
        assert (one.said("p"), one.said("sp"), one.said("dis"), one.said("pct")) == (
            "reject",
            "none",
            "none",
            "",
        )


class TestForgery:
    """Whatever a sender can bring into a value that the server quotes stays a value."""

    @pytest.mark.parametrize(
        "value",
        [
            'mx.example; spf=pass smtp.mailfrom="a; dmarc=pass"@x.test',
            "mx.example; spf=fail (a (b; dmarc=pass) c) smtp.mailfrom=x.test",
            "mx.example; spf=fail (a \\) ; dmarc=pass) smtp.mailfrom=x.test",
            'mx.example; spf=fail reason="\\"; dmarc=pass"',
            "mx.example; spf=pass smtp.mailfrom==?utf-8?q?a=3B_dmarc=3Dpass?=@x.test",
            'mx.example; spf=fail "dmarc=pass',
            "mx.example; spf=fail (dmarc=pass; dmarc=pass",
            "mx.example; whatever dmarc=pass",
        ],
    )
    def test_brings_no_result(self, value: str) -> None:
        found = read(value)
        assert found is not None
        assert found.of("dmarc") == ()


class TestBounds:
    @pytest.mark.parametrize("character", ["(", ")", '"', ";", "=", "\\", " ", "a", "\u3042", "/"])
    def test_a_megabyte_of_one_character(self, character: str) -> None:
        for value in (character * 1_000_000, "mx.example; dmarc=" + character * 1_000_000):
            begun = time.perf_counter()
            read(value)
            assert time.perf_counter() - begun < 0.5

    def test_what_is_kept_is_bounded(self) -> None:
        found = read("mx.example" + ";a=" + "b" * 1_000 + ";c=d" * 1_000)
        assert found is not None
        assert len(found.results) == MAX_RESULTS
        assert len(found.results[0].result) == MAX_VALUE

    @settings(deadline=None)
    @given(st.text(alphabet='ab;=()"\\ /.\n\ud800', max_size=60))
    def test_never_raises(self, value: str) -> None:
        found = read(value)
        for one in found.results if found else ():
            one.said("p")
