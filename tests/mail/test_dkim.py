"""DKIM as bytes: the forms against those of dkimpy, and signatures that cannot be read."""

import time

import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import given, settings
from hypothesis import strategies as st

from deskpost.mail import dkimcanon
from deskpost.mail.dkim import Signature, Unusable, signatures, verify
from deskpost.mail.dkimcanon import Message, canonical_body, canonical_header
from deskpost.mail.tags import MAX_TAGS, read_tags

FORMS = {"simple": Simple, "relaxed": Relaxed}
GOOD = {
    "v": "1",
    "a": "rsa-sha256",
    "c": "relaxed/simple",
    "d": "a.test",
    "s": "k1",
    "h": "From : To",
    "bh": "QUJD",
    "b": "QUJD\r\n\tQUJD",
}


def one(**changes: str | None) -> Signature | Unusable:
    tags = {name: value for name, value in (GOOD | changes).items() if value is not None}
    header = "; ".join(f"{name}={value}" for name, value in tags.items())
    return signatures(Message(f"DKIM-Signature: {header}\r\n\r\n".encode()))[0]


class TestForms:
    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("size", [2, 3, 7, 1_000])
    @settings(deadline=None)
    @given(pieces=st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"bc"]), max_size=30))
    def test_bodies_are_as_another_program_forms_them(
        self, form: str, size: int, pieces: list[bytes]
    ) -> None:
        body = b"".join(pieces) + b"\r\n"  # dkimpy keeps blanks at an end without a line end
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(dkimcanon, "PIECE", size)
            found = b"".join(canonical_body(body, 0, form=form))
            of_line_feeds = b"".join(canonical_body(body.replace(b"\r\n", b"\n"), 0, form=form))
        assert found == of_line_feeds == FORMS[form].canonicalize_body(body)

    @pytest.mark.parametrize("form", FORMS)
    @settings(deadline=None)
    @given(pieces=st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n ", b":"]), max_size=30))
    def test_headers_are_as_another_program_forms_them(
        self, form: str, pieces: list[bytes]
    ) -> None:
        value = b"".join(pieces) + b"\r\n"
        ((name, wanted),) = FORMS[form].canonicalize_headers([(b"Subject", value)])
        assert canonical_header(b"Subject", value, form=form) == name + b":" + wanted

    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("size", [2, 3, 50])
    @given(body=st.binary(max_size=60))
    def test_any_bytes_are_the_same_in_pieces(self, form: str, size: int, body: bytes) -> None:
        with pytest.MonkeyPatch.context() as patched:
            whole = b"".join(canonical_body(body, 0, form=form))
            patched.setattr(dkimcanon, "PIECE", size)
            assert b"".join(canonical_body(body, 0, form=form)) == whole


class TestSignatures:
    def test_are_read(self) -> None:
        found = one(i="ann@mail.A.test", l="12", x="1790000000", D="ignored")
        assert isinstance(found, Signature)
        assert (found.domain, found.identity, found.key_name) == (
            "a.test",
            "mail.a.test",
            "k1._domainkey.a.test",
        )
        assert (found.header_form, found.body_form) == ("relaxed", "simple")
        assert (found.signed, found.proof) == (("from", "to"), b"ABCABC")
        assert (found.length, found.expires) == (12, 1_790_000_000)

    @pytest.mark.parametrize(
        ("changes", "domain", "why"),
        [
            ({"a": "rsa-sha1"}, "a.test", "rsa-sha1 does not count"),
            ({"a": "\x1b[1m"}, "a.test", "??1m does not count"),
            ({"h": "to:subject"}, "a.test", "it does not cover From"),
            ({"h": "from:" * 1_000}, "a.test", "it does not cover From"),
            ({"v": "2"}, "a.test", "malformed"),
            ({"v": None}, "a.test", "malformed"),
            ({"bh": None}, "a.test", "malformed"),
            ({"b": "a"}, "a.test", "malformed"),
            ({"b": "\u00e9"}, "a.test", "malformed"),
            ({"c": "relaxed/nofws"}, "a.test", "malformed"),
            ({"i": "@b.test"}, "a.test", "malformed"),
            ({"i": "@evila.test"}, "a.test", "malformed"),
            ({"l": "-1"}, "a.test", "malformed"),
            ({"x": "9" * 50}, "a.test", "malformed"),
            ({"d": "a..test"}, "", "malformed"),
            ({"d": None}, "", "malformed"),
            ({"s": "k1 k2"}, "a.test", "malformed"),
            ({"z": "a; b=QUJD"}, "", "malformed"),
            ({"z": "a" * 20_000}, "", "its header is too long"),
        ],
    )
    def test_that_cannot_count(self, changes: dict[str, str | None], domain: str, why: str) -> None:
        assert one(**changes) == Unusable(domain=domain, why=why)

    def test_expired(self) -> None:
        found = one(x="1000000")
        assert isinstance(found, Signature)
        key = b"v=DKIM1; k=ed25519; p=" + b"A" * 43 + b"="
        found = one(x="1000000", a="ed25519-sha256")
        assert isinstance(found, Signature)
        message = Message(b"From: ann@a.test\r\n\r\n")
        assert verify(message, found, [key], now=2_000_000) == "it has expired"
        assert verify(message, found, [key], now=1_000_001) == "the body was changed"

    @settings(deadline=None)
    @given(raw=st.binary(max_size=200), keys=st.lists(st.binary(max_size=60), max_size=3))
    def test_nothing_raises(self, raw: bytes, keys: list[bytes]) -> None:
        for header in (raw, b"DKIM-Signature:" + raw, b"DKIM-Signature: v=1; d=a.test;" + raw):
            signatures(Message(header))
        found = one()
        assert isinstance(found, Signature)
        assert verify(Message(raw), found, keys, now=0)

    @pytest.mark.parametrize("filler", [b" ", b";", b"=", b"\t\r\n ", b"a", b":", b"a=b;"])
    def test_a_megabyte_of_one_thing(self, filler: bytes) -> None:
        begun = time.perf_counter()
        signatures(Message(b"DKIM-Signature: " + filler * (1_000_000 // len(filler))))
        assert time.perf_counter() - begun < 0.5


class TestTags:
    @pytest.mark.parametrize(
        ("text", "tags"),
        [
            ("v=1; p=a=b;", {"v": "1", "p": "a=b"}),
            (" v = DKIM1 ; p= ", {"v": "DKIM1", "p": ""}),
            ("", {}),
            ("v", None),
            ("v=1; v=2", None),
            ("v=1;; p=2", None),
            ("1=v", None),
            ("=", None),
            (";" * 1_000_000, None),
            ("".join(f"a{n}=;" for n in range(MAX_TAGS + 1)), None),
        ],
    )
    def test_are_read(self, text: str, tags: dict[str, str] | None) -> None:
        assert read_tags(text) == tags
