"""The parts of a message: files that stand in texts, embedded messages, and what is noted."""

from __future__ import annotations

import binascii
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskpost.mail import notes, uuencode
from deskpost.mail.filenames import safe_name
from deskpost.mail.mime import Limits, Note, parse
from deskpost.mail.structure import structured

PICTURE = bytes(range(256)) * 3


def uu(data: bytes, name: str = "a.png") -> bytes:
    lines = [binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45)]
    return b"begin 644 %s\n" % name.encode() + b"".join(lines) + b"`\nend\n"


def mixed(*parts: str, kind: str = "mixed", more: str = "") -> bytes:
    body = "".join(f"--b\n{part}\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary=b{more}\n\n{body}--b--\n".encode()


class TestUuencode:
    def test_files_in_a_text_are_attachments(self) -> None:
        raw = (
            b"Subject: x\n\nabove\n" + uu(PICTURE) + b"between\n" + uu(b"two", "b.txt") + b"below\n"
        )
        parsed = parse(raw)
        assert parsed.text == "above\nbetween\nbelow\n"
        assert [(file.name, file.content) for file in parsed.attachments] == [
            ("a.png", PICTURE),
            ("b.txt", b"two"),
        ]

    def test_with_carriage_returns_and_in_a_part(self) -> None:
        raw = mixed("\nabove\n" + uu(PICTURE).decode()).replace(b"\n", b"\r\n")
        parsed = parse(raw)
        assert parsed.text == "above\n"
        assert parsed.attachments[0].content == PICTURE

    @pytest.mark.parametrize(
        "text",
        [
            "begin 644 is how it starts\nand here it ends\nend\n",
            "begin 644 a.png\nM1234\n",
            "begin 644 a.png\nend\n",
            "begin 9 a\n`\nend\n",
            "Let us begin 644 times.\n",
        ],
    )
    def test_what_is_no_file_stays(self, text: str) -> None:
        parsed = parse(f"\n{text}".encode())
        assert (parsed.text, parsed.attachments) == (text, ())

    def test_base64_in_the_same_frame(self) -> None:
        parsed = parse(b"S: x\n\nbegin-base64 644 a.txt\naGVsbG8=\n====\n")
        assert parsed.attachments[0].content == b"hello"

    def test_as_a_transfer_encoding(self) -> None:
        raw = b"Content-Transfer-Encoding: x-uuencode\nContent-Type: image/png\n\n" + uu(PICTURE)
        assert parse(raw).attachments[0].content == PICTURE

    @given(st.binary(max_size=500))
    def test_comes_out_as_it_went_in(self, data: bytes) -> None:
        if data:
            assert uuencode.cut_out(b"x\n" + uu(data)) == (b"x\n", [(b"a.png", data)])

    @given(st.binary(max_size=200))
    def test_any_bytes(self, data: bytes) -> None:
        rest, files = uuencode.cut_out(b"begin 644 a\n" + data)
        assert files or rest == b"begin 644 a\n" + data
        uuencode.undo(b"begin 644 a\n" + data)

    @pytest.mark.parametrize("piece", [b"begin 644 a\n", b"M\n", b"`\n", b"begin ", b"end\n"])
    def test_is_linear(self, piece: bytes) -> None:
        started = time.process_time()
        uuencode.cut_out(b"begin 644 a\n" + piece * (1_000_000 // len(piece)))
        assert time.process_time() - started < 5


class TestEmbeddedMessages:
    @pytest.mark.parametrize(
        ("header", "name"),
        [
            ("Subject: =?utf-8?b?6KaL56mN?= 1/2", "見積 1_2.eml"),
            ("Subject:", "attachment-1.eml"),
            ("X: y", "attachment-1.eml"),
            ("Subject: ..", "attachment-1.eml"),
            ("Subject: " + "x" * 500, "x" * 196 + ".eml"),
        ],
    )
    def test_are_called_by_their_subject(self, header: str, name: str) -> None:
        parsed = parse(mixed(f"Content-Type: message/rfc822\n\n{header}\n\nhello"))
        assert [file.name for file in parsed.attachments] == [name]
        assert parsed.text is None

    def test_keep_the_name_that_they_have(self) -> None:
        parsed = parse(mixed('Content-Type: message/rfc822; name="old"\n\nSubject: new\n\nhello'))
        assert parsed.attachments[0].name == "old.eml"


INVITATION = """\
BEGIN:VCALENDAR
VERSION:2.0
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19701025T030000
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
DTSTART;TZID="Europe/Berlin":20260105T100000
SUMMARY;LANGUAGE=en:Printer\\, third
  floor\\nlook
BEGIN:VALARM
SUMMARY:no
END:VALARM
END:VEVENT
END:VCALENDAR
"""


class TestNotes:
    def test_an_invitation_is_a_file_and_a_note(self) -> None:
        calendar = f"Content-Type: text/calendar; method=REQUEST\n\n{INVITATION}"
        parsed = parse(mixed("\nSee you", calendar, calendar, kind="alternative"))
        assert parsed.text == "See you"
        assert parsed.attachments[0].name == "attachment-1.ics"
        assert parsed.notes == (
            Note(
                kind="calendar",
                summary="Printer, third floor look",
                start="2026-01-05T10:00:00",
                zone="Europe/Berlin",
                method="REQUEST",
            ),
        )

    def test_an_invitation_alone(self) -> None:
        parsed = parse(b"Content-Type: text/calendar\n\n" + INVITATION.encode())
        assert parsed.text is None
        assert len(parsed.attachments) == len(parsed.notes) == 1

    @pytest.mark.parametrize(
        ("line", "start"),
        [
            ("DTSTART:20260105T100000Z", "2026-01-05T10:00:00Z"),
            ("DTSTART;VALUE=DATE:20260105", "2026-01-05"),
            ("DTSTART:20261305T100000Z", ""),
            ("DTSTART:tomorrow", ""),
            ("SUMMARY:x", ""),
        ],
    )
    def test_when_it_starts(self, line: str, start: str) -> None:
        note = notes.of_calendar(f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{line}\r\nEND:VEVENT\r\n")
        assert note is not None
        assert note.start == start

    @given(st.text(max_size=300))
    def test_any_calendar(self, text: str) -> None:
        notes.of_calendar(text)
        notes.of_calendar(f"BEGIN:VEVENT\n{text}\nDTSTART:{text}\nSUMMARY:{text}")

    @pytest.mark.parametrize(
        ("raw", "kind"),
        [
            (
                mixed("\nx", kind="signed", more="; protocol=application/pgp-signature"),
                "pgp_signed",
            ),
            (
                mixed("\nx", kind="signed", more='; protocol="application/x-pkcs7-signature"'),
                "smime_signed",
            ),
            (
                mixed("\nx", kind="encrypted", more="; protocol=application/pgp-encrypted"),
                "pgp_encrypted",
            ),
            (
                b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nx",
                "smime_encrypted",
            ),
            (
                b"Content-Type: application/x-pkcs7-mime; smime-type=signed-data\n\nx",
                "smime_signed",
            ),
            (
                b"Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: base64\n\n"
                b"MIAGCSqGSIb3DQEHAqCA\n",
                "smime_signed",
            ),
            (b"Content-Type: application/pkcs7-mime; name=smime.p7m\n\nx", "smime_encrypted"),
            (b"S: x\n\nHi\n-----BEGIN PGP MESSAGE-----\n\nx\n", "pgp_encrypted"),
            (b"S: x\n\n-----BEGIN PGP SIGNED MESSAGE-----\n\nx\n", "pgp_signed"),
            (b"Content-Type: application/ms-tnef; name=x.dat\n\nx", "tnef"),
            (mixed("Content-Type: application/octet-stream; name=WINMAIL.DAT\n\nx"), "tnef"),
        ],
    )
    def test_what_cannot_be_shown_is_said(self, raw: bytes, kind: str) -> None:
        assert [note.kind for note in parse(raw).notes] == [kind]

    @pytest.mark.parametrize(
        "raw",
        [
            b"S: x\n\nHi\n",
            b"Content-Type: application/pkcs7-mime; smime-type=certs-only\n\nx",
            b"S: x\n\nIt says -----BEGIN PGP MESSAGE----- somewhere\n",
            mixed("\nx", kind="signed"),
        ],
    )
    def test_nothing_to_say(self, raw: bytes) -> None:
        assert parse(raw).notes == ()


class TestDelimiters:
    @pytest.mark.parametrize(
        "raw",
        [
            "boundary=other\n\n--b\nContent-Type: text/plain\n\none\n--b\n\ntwo\n--b--\n",
            "x=y\n\n--b\nContent-Type: text/plain\n\none\n--b\n\ntwo\n--b--\n",
        ],
        ids=["wrong", "none"],
    )
    def test_a_boundary_that_is_not_named_is_found(self, raw: str) -> None:
        parsed = parse(f"Content-Type: multipart/mixed; {raw}".encode())
        assert parsed.text == "one\ntwo"
        assert parsed.defects == ("no_parts:1",)

    @pytest.mark.parametrize("text", ["-- \nAnn\n", "--\nContent: x\n", "--- Ann wrote:\n> x\n"])
    def test_a_text_with_dashes_has_none(self, text: str) -> None:
        parsed = parse(f"Content-Type: multipart/mixed; boundary=b\n\n{text}".encode())
        assert parsed.text == text

    def test_a_parameter_on_a_line_that_is_not_indented(self) -> None:
        raw = b'Content-Type: multipart/mixed;\nboundary="b"\nSubject: x\n\n--b\n\none\n--b--\n'
        parsed = parse(raw)
        assert (parsed.text, parsed.subject) == ("one", "x")

    def test_an_inner_boundary_that_looks_like_the_outer_ones_end(self) -> None:
        inner = 'Content-Type: multipart/mixed; boundary="b--"\n\n--b--\n\none\n--b----\n'
        assert parse(mixed(inner)).text == "one"

    def test_spaces_at_the_end_of_a_boundary(self) -> None:
        head = b'Content-Type: multipart/mixed; boundary="b  "\n\n'
        assert parse(head + b"--b  \n\none\n--b \ntwo\n--b  --\n").text == "one\n--b \ntwo"
        assert parse(head + b"--b\n\none\n--b--\n").text == "one"

    def test_the_same_delimiter_twice(self) -> None:
        assert parse(mixed("--b\n--b\n\none", "\ntwo")).text == "one\ntwo"

    def test_the_first_text_is_shown_even_if_it_has_a_name(self) -> None:
        named = "Content-Type: text/plain; name=a.txt\n\n"
        parsed = parse(mixed(f"{named}one", f"{named}two"))
        assert parsed.text == "one"
        assert [file.content for file in parsed.attachments] == [b"two"]


class TestParameters:
    @pytest.mark.parametrize(
        ("value", "word", "found"),
        [
            ("text/plain; charset=utf-8", "text/plain", {"charset": "utf-8"}),
            ("TEXT/Plain;; ;charset = utf-8 ;", "text/plain", {"charset": "utf-8"}),
            ("text/plain charset=utf-8", "text/plain", {"charset": "utf-8"}),
            ("text/plain; charset=us-ascii (plain)", "text/plain", {"charset": "us-ascii"}),
            ('a/b; boundary="x y', "a/b", {"boundary": "x y"}),
            ('a/b; name="C:\\temp\\new.png"', "a/b", {"name": "C:\\temp\\new.png"}),
            ('a/b; name="say \\"x\\""', "a/b", {"name": 'say "x"'}),
            ("a/b; name=two words (1).txt; x=y", "a/b", {"name": "two words (1).txt", "x": "y"}),
            ("; filename=a.png", "", {"filename": "a.png"}),
            ("", "", {}),
        ],
    )
    def test_are_read(self, value: str, word: str, found: dict[str, str]) -> None:
        assert structured(value) == (word, found)


def named(disposition: str) -> str:
    head = f"Content-Type: image/png\nContent-Disposition: attachment; {disposition}\n\nx"
    return parse(mixed(head)).attachments[0].name


class TestNames:
    @pytest.mark.parametrize(
        ("disposition", "name"),
        [
            ("filename*=utf-8''%E8%A6%8B.png", "見.png"),
            ("filename*=%E8%A6%8B.png", "見.png"),
            ("filename*=''%E8%A6%8B.png", "見.png"),
            ("filename*=utf-8'%E8%A6%8B.png", "見.png"),
            ("filename*=no-such'de'%E8%A6%8B.png", "見.png"),
            ("filename*=O'Brien.png", "O'Brien.png"),
            ("filename*=utf-8''100%.png", "100%.png"),
            ("filename*=utf-8''%ZZ%4.png", "%ZZ%4.png"),
            ("filename*=iso-8859-1''%E4.png", "ä.png"),
            ("filename*=iso-8859-1''%C3%A4.png", "ä.png"),
            ("filename*=shift_jis''%8F%E1%8AQ.png", "障害.png"),
            ("filename*1=b.png; filename*0=a", "ab.png"),
            ("filename*10=k.png; filename*2=c; filename*1=b", "bck.png"),
            ("filename*0*=utf-8''%E8%A6; filename*1*=%8B; filename*2=.png", "見.png"),
            ("filename*1*=%8B.png; filename*0*=\"utf-8''%E8%A6\"", "見.png"),
            ("filename*0*=''%E8%A6; filename*1*=%8B.png", "見.png"),
            ('filename*0="=?utf-8?b?6KaL"; filename*1="?=.png"', "見.png"),
            ('filename*=""; filename=a.png', "a.png"),
            ('filename="=?utf-8?q?a b?=.png"', "a b.png"),
            ("filename==?utf-8?b?6KaL?=.png", "見.png"),
            ("filename=two words.png", "two words.png"),
            ('filename="C:\\new\\table.png"', "table.png"),
            ('filename="a.png', "a.png"),
            ("filename=CON", "_CON"),
            ("filename=nul.txt", "_nul.txt"),
            ("filename=com1.tar.gz", "_com1.tar.gz"),
            ("filename=console.txt", "console.txt"),
            ('filename="a\u202egnp.exe"', "agnp.exe"),
            ('filename="a\u200b\u00ad\U000e0041.png"', "a.png"),
            ('filename="a?<b>|.png"', "a__b__.png"),
        ],
    )
    def test_are_read_in_every_form(self, disposition: str, name: str) -> None:
        assert named(disposition) == name

    @given(st.text(max_size=300))
    def test_are_always_safe(self, sent: str) -> None:
        name = safe_name(sent)
        name.encode()
        assert len(name) <= 201
        assert not set('/\\\0\r\n<>:"|?*\u202e\u200f\u2066') & set(name)
        assert name.strip(". ") == name
        assert safe_name(name) == name or len(name) >= 200


class TestBounds:
    def test_attachments(self) -> None:
        part = "Content-Type: image/png\n\nx"
        parsed = parse(mixed(*[part] * 40), limits=Limits(attachments=3))
        assert len(parsed.attachments) == 3
        assert parsed.defects == ("too_many_attachments:37",)

    def test_decoded_size(self) -> None:
        part = "Content-Type: image/png\n\n" + "x" * 50
        parsed = parse(mixed(*[part] * 4), limits=Limits(decoded=120))
        assert len(parsed.attachments) == 2
        assert parsed.defects == ("attachments_too_large:2",)

    def test_parts(self) -> None:
        raw = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100_000
        assert parse(raw).defects == ("too_many_parts:99001",)

    def test_addresses(self) -> None:
        raw = (
            b"To: "
            + b", ".join(b"a%d@x.test" % n for n in range(50_000))
            + b"\nFrom: b@x.test\n\nx"
        )
        parsed = parse(raw)
        assert len(parsed.to) == 200
        assert parsed.from_ is not None
        assert parsed.defects[0] == "header_truncated:1"
        assert parsed.defects[1].startswith("too_many_addresses:")

    def test_a_long_header_does_not_hide_the_others(self) -> None:
        folded = b"Cc: " + b"x\n " * 300_000 + b"x\n"
        parsed = parse(b"To: " + b"x" * 500_000 + b"\n" + folded + b"Subject: kept\n\nbody")
        assert (parsed.subject, parsed.text) == ("kept", "body")
        assert parsed.defects == ("header_truncated:2",)

    @pytest.mark.parametrize(
        "line", ["this is no header", ">From ann Mon Jan 5", "\tfolded", "Really Bad: x"]
    )
    def test_a_stray_line_among_the_headers(self, line: str) -> None:
        parsed = parse(f"Subject: x\n{line}\nContent-Type: text/html\n\nbody".encode())
        assert (parsed.content_type, parsed.html) == ("text/html", "body")

    def test_a_text_without_an_empty_line_before_it(self) -> None:
        parsed = parse(b"Subject: x\nHello,\nsee below: it is broken.\n")
        assert parsed.text == "Hello,\nsee below: it is broken.\n"

    def test_control_characters_in_message_ids(self) -> None:
        parsed = parse(b"Message-ID: <a\x01\x7f\x00b@x.test>\nReferences: <c\x02d@x.test>\n\n")
        assert (parsed.message_id, parsed.references) == ("<ab@x.test>", ("<cd@x.test>",))

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "raw",
        [
            b"A: b\n" * 2_000_000 + b"\nx",
            b"A: b\n c\n" * 1_500_000 + b"\nx",
            b"X: " + b"b\n " * 4_000_000 + b"\n\nx",
            b"Subject: x\n\n" + b"begin 644 a\n" * 1_000_000,
            b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100_000,
            b"Content-Type: multipart/mixed; boundary=b\n\n"
            + b"--b\nContent-Type: message/rfc822\n\nSubject: x\n\nx\n" * 100_000,
            b"Content-Type: text/calendar\n\n" + b"BEGIN:VEVENT\n" * 1_000_000,
            b"Subject: x\n\n" + b"\0" * 10_000_000,
            b"".join(
                b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n)
                for n in range(5_000)
            ),
        ],
        ids=["headers", "folds", "fold", "uu", "parts", "messages", "calendar", "nuls", "levels"],
    )
    def test_time_is_bounded(self, raw: bytes) -> None:
        started = time.process_time()
        parse(raw)
        assert time.process_time() - started < 10
