import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskpost.mail.mime import Limits, ParsedEmail, fingerprint, parse
from tests.mail import samples

SAMPLES = [
    samples.encode(samples.PLAIN),
    samples.encode(samples.MIXED),
    samples.bounce(),
    samples.complaint(),
    samples.simple("Auto-Submitted: auto-replied"),
]


def assert_clean(parsed: ParsedEmail) -> None:
    """Every text can be stored: UTF-8, no NULs; headers and names are one line."""
    boxes = [*parsed.to, *parsed.cc, *parsed.reply_to, parsed.from_, parsed.sender]
    lines = [
        parsed.subject,
        parsed.from_header,
        parsed.message_id or "",
        parsed.content_type,
        parsed.report_type or "",
        *parsed.in_reply_to,
        *parsed.references,
        *parsed.recipients_seen,
        *parsed.defects,
        *(text for header in parsed.headers for text in header),
        *(text for box in boxes if box for text in (box.name, box.address)),
        *(text for file in parsed.attachments for text in (file.name, file.content_type)),
        *(file.content_id or "" for file in parsed.attachments),
        *(text for note in parsed.notes for text in (note.summary, note.start, note.zone)),
        *(note.method for note in parsed.notes),
    ]
    for line in lines:
        line.encode()
        assert not set("\r\n\0") & set(line)
    for body in (parsed.text, parsed.html):
        (body or "").encode()
        assert "\0" not in (body or "")
    for file in parsed.attachments:
        assert 0 < len(file.name) <= 200
        assert not set("/\\\u202e") & set(file.name)
    if parsed.date is not None:
        assert parsed.date.tzinfo is UTC


def named(disposition: str) -> str:
    raw = samples.encode(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/pdf\n"
        f"Content-Disposition: {disposition}\n\nx\n--b--\n"
    )
    return parse(raw).attachments[0].name


class TestHeaders:
    def test_reads_what_a_message_says(self) -> None:
        parsed = parse(samples.encode(samples.PLAIN))
        assert parsed.subject == "Printer on the 3rd floor is 壊れています"
        assert parsed.from_ is not None
        assert (parsed.from_.name, parsed.from_.address) == ("Berg, Ann", "ann@customer.example")
        assert [box.address for box in parsed.to] == [
            "support@desk.example",
            "bob@customer.example",
        ]
        assert parsed.recipients_seen[-1] == "carl@customer.example"
        assert parsed.date == datetime(2026, 1, 5, 10, tzinfo=UTC)
        assert parsed.message_id == "<one.two@customer.example>"
        assert parsed.in_reply_to == ("<zero@desk.example>",)
        assert parsed.references == ("<first@desk.example>", "<zero@desk.example>")
        assert parsed.text == 'The printer says "PC LOAD LETTER".\n'
        assert parsed.html is None
        assert parsed.header("return-path") == "<ann@customer.example>"
        assert parsed.header("X-Absent") is None
        assert parsed.defects == ()

    def test_keeps_the_order_of_headers(self) -> None:
        parsed = parse(b"Received: one\nX: y\nreceived: two\n\n")
        assert parsed.header_all("RECEIVED") == ("one", "two")
        assert [name for name, _ in parsed.headers] == ["Received", "X", "received"]

    @pytest.mark.parametrize(
        ("raw", "subject"),
        [
            (b"plain", "plain"),
            (b"=?iso-2022-jp?B?GyRCPmMzMhsoQg==?=", "障害"),
            (b"=?utf-8?b?5aOK?= =?utf-8?b?44KM?=", "壊れ"),
            (b"=?utf-8?b?5aM=?= =?utf-8?b?iuOCjA==?=", "壊れ"),
            (b"Re: =?utf-8*en?q?caf=C3=A9?=!", "Re: café!"),
            (b"=?x-unknown?q?caf=C3=A9?=", "café"),
            (b"=?utf-8?b?broken", "=?utf-8?b?broken"),
            ("grüße".encode(), "grüße"),
            ("grüße".encode("latin-1"), "grüße"),
            (b"=?iso-8859-1?q?gr\xfc\xdfe?=", "grüße"),
            ("障害報告".encode("iso-2022-jp"), "障害報告"),
            (b"a\x00b", "a b"),
            (b"=?utf-8?q?a=0D=0ABcc:_x?=", "a  Bcc: x"),
        ],
    )
    def test_subjects(self, raw: bytes, subject: str) -> None:
        assert parse(b"Subject: " + raw + b"\n\nx").subject == subject

    @pytest.mark.parametrize(
        "date", ["", "nonsense", "Mon, 99 Foo 0000 99:99:99 +9999", "1" * 5000]
    )
    def test_a_date_that_is_none(self, date: str) -> None:
        assert parse(samples.simple(f"Date: {date}")).date is None

    def test_keeps_the_first_and_the_last_references(self) -> None:
        ids = " ".join(f"<{n}@a.example>" for n in range(300))
        references = parse(samples.simple(f"References: {ids}")).references
        assert len(references) == 100
        assert (references[0], references[-1]) == ("<0@a.example>", "<299@a.example>")

    @pytest.mark.parametrize(
        ("value", "expected"),
        [("<a@b>", "<a@b>"), ("a@b", "<a@b>"), ("<a\r\n b@c>", "<ab@c>"), ("", None), ("<>", None)],
    )
    def test_message_ids(self, value: str, expected: str | None) -> None:
        assert parse(f"Message-ID: {value}\r\n\r\n".encode()).message_id == expected

    @pytest.mark.parametrize("lead", [b"\r\n\r\n", b"\xef\xbb\xbf", b"From ann Mon Jan 5\r\n"])
    def test_what_may_stand_in_front(self, lead: bytes) -> None:
        assert parse(lead + samples.encode(samples.PLAIN)).message_id is not None

    def test_lone_carriage_returns(self) -> None:
        parsed = parse(samples.PLAIN.replace("\n", "\r").encode())
        assert parsed.message_id == "<one.two@customer.example>"


class TestBodies:
    def test_text_html_and_files(self) -> None:
        parsed = parse(samples.encode(samples.MIXED))
        assert parsed.text == "Grüße"
        assert parsed.html == '<p>Gr&uuml;&szlig;e <img src="cid:logo"></p>'
        logo, offer, forwarded = parsed.attachments
        assert (logo.name, logo.content_id, logo.inline) == ("logo.png", "logo", True)
        assert (offer.name, offer.content, offer.inline) == ("見積.pdf", b"%PDF-1.4", False)
        assert forwarded.name.endswith(".eml")
        assert forwarded.content.startswith(b"From: carl@customer.example\r\n")
        assert parsed.report_parts == (("message/rfc822", forwarded.content),)

    @pytest.mark.parametrize(
        ("charset", "data", "text"),
        [
            ("iso-2022-jp", "障害".encode("iso-2022-jp"), "障害"),
            ("iso-2022-jp", b"\x1b$B-!\x1b(B ok", "① ok"),
            ("iso-2022-jp", "障害".encode("cp932"), "障害"),
            ("Shift_JIS", "①髙橋".encode("cp932"), "①髙橋"),
            ("x-sjis", "障害".encode("cp932"), "障害"),
            ("us-ascii", "障害".encode("iso-2022-jp"), "障害"),
            ("euc-jp", "障害".encode("euc-jp"), "障害"),
            ("gb2312", "镕".encode("gbk"), "镕"),
            ("iso-8859-1", b"\x93quoted\x94", "\u201cquoted\u201d"),
            ("us-ascii", "grüße".encode(), "grüße"),
            ("utf-8", "grüße".encode("latin-1"), "grüße"),
            ("no-such", "grüße".encode(), "grüße"),
            ("punycode", b"abc", "abc"),
            ("utf-7", b"+2AA-", "\ufffd"),
        ],
    )
    def test_charsets(self, charset: str, data: bytes, text: str) -> None:
        raw = f"Content-Type: text/plain; charset={charset}\r\n\r\n".encode() + data
        assert parse(raw).text == text

    def test_an_unknown_charset_is_named(self) -> None:
        parsed = parse(samples.simple("Content-Type: text/plain; charset=klingon-1"))
        assert parsed.defects == ("unknown_charset:klingon-1",)

    def test_a_report_keeps_its_parts(self) -> None:
        parsed = parse(samples.bounce())
        assert (parsed.content_type, parsed.report_type) == ("multipart/report", "delivery-status")
        assert [kind for kind, _ in parsed.report_parts] == [
            "message/delivery-status",
            "text/rfc822-headers",
        ]
        assert parsed.attachments == ()

    def test_texts_around_a_file_are_joined(self) -> None:
        parsed = parse(
            b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nabove\n--b\n"
            b"Content-Type: image/png\n\nx\n--b\n\nbelow\n--b--\n"
        )
        assert parsed.text == "above\nbelow"
        assert len(parsed.attachments) == 1

    def test_a_multipart_without_its_delimiters_is_shown(self) -> None:
        parsed = parse(b"Content-Type: multipart/mixed; boundary=b\n\nhello\n")
        assert parsed.text == "hello\n"
        assert parsed.defects == ("no_parts:1",)

    def test_broken_base64_is_mended(self) -> None:
        parsed = parse(b"Content-Transfer-Encoding: base64\n\naGVs*bG8\n")
        assert parsed.text == "hello"


class TestFileNames:
    @pytest.mark.parametrize(
        ("disposition", "name"),
        [
            ("attachment; filename=a.pdf", "a.pdf"),
            ('attachment; filename="../../etc/passwd"', "passwd"),
            ('attachment; filename="C:\\\\temp\\\\a.pdf"', "a.pdf"),
            ('attachment; filename="=?utf-8?b?6KaL56mN?=.pdf"', "見積.pdf"),
            ("attachment; filename*0*=utf-8''%E8%A6; filename*1*=%8B; filename*2=.pdf", "見.pdf"),
            ("attachment; filename*=iso-2022-jp''%1B%24B%3Ec32%1B%28B.txt", "障害.txt"),
            ('attachment; filename="fdp\u202egpj.exe"', "fdpgpj.exe"),
            ('attachment; filename="a\x00\tb.pdf"', "a  b.pdf"),
            ("attachment", "attachment-1.pdf"),
            ('attachment; filename=".."', "attachment-1.pdf"),
        ],
    )
    def test_are_safe(self, disposition: str, name: str) -> None:
        assert named(disposition) == name

    def test_keep_their_extension_when_cut(self) -> None:
        name = named(f"attachment; filename={'a' * 500}.pdf")
        assert len(name) == 200
        assert name.endswith("a.pdf")


class TestFingerprint:
    def test_ignores_the_way_a_copy_came(self) -> None:
        raw = samples.encode(samples.PLAIN)
        other = b"Received: by elsewhere\r\nX-Spam: no\r\n" + raw
        unix = samples.PLAIN.encode() + b"\n"
        prints = {fingerprint(copy, parse(copy)) for copy in (raw, other, unix)}
        assert len(prints) == 1
        assert len(prints.pop()) == 64

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("one.two@", "one.three@"),
            ("PC LOAD", "PC LOUD"),
            ("11:00:00", "11:00:01"),
            ("Ann", "An"),
        ],
    )
    def test_tells_messages_apart(self, old: str, new: str) -> None:
        raw, other = samples.encode(samples.PLAIN), samples.encode(samples.PLAIN.replace(old, new))
        assert fingerprint(raw, parse(raw)) != fingerprint(other, parse(other))


def nested(levels: int) -> bytes:
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%05d\n\n--b%05d\n" % (n, n)
        for n in range(levels)
    )


class TestLimits:
    def test_nesting(self) -> None:
        parsed = parse(nested(10_000) + b"\nhello")
        assert parsed.defects == ("nesting:1",)
        assert parse(nested(49) + b"\nhello").text == "hello"

    def test_parts(self) -> None:
        parsed = parse(b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 5_000)
        assert parsed.defects == ("too_many_parts:4001",)
        assert parse(b"\n").defects == ()

    @pytest.mark.parametrize(
        ("block", "left_out"),
        [(b"A: b\n" * 3_000, 1_001), (b"A: " + b"b" * 300_000 + b"\n", 1)],
        ids=["many", "long"],
    )
    def test_headers(self, block: bytes, left_out: int) -> None:
        parsed = parse(b"Subject: kept\n" + block + b"\nbody")
        assert parsed.defects == (f"header_truncated:{left_out}",)
        assert parsed.subject == "kept"
        assert parsed.text == "body"
        assert len(parsed.headers) <= 2_000

    def test_text(self) -> None:
        parsed = parse(b"\nx" + "あ".encode() * 1_000, limits=Limits(text=100))
        assert parsed.text is not None
        assert len(parsed.text.encode()) <= 110
        assert parsed.defects == ("text_truncated",)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "raw",
        [
            b"\n" * 25_000_000,
            b"Subject: x\n\n" + b"\n" * 25_000_000,
            b"Content-Type: multipart/mixed; boundary=a\n\n" + b"\n--ab" * 5_000_000,
            b"Content-Type: multipart/mixed; boundary=a\n\n" + b"\n--a" * 6_000_000,
            nested(60) + b"\n--" * 8_000_000,
            b"To: " + b'"a\\' * 8_000_000,
            b"Content-Type: text/plain" + b';a="\\"' * 4_000_000,
            b"Subject: " + b"=?utf-8?q?a" * 2_000_000,
            b"Content-Type: text/plain; charset=iso-2022-jp\n\n" + b"\x1b$B$" * 6_000_000,
        ],
        ids=["lines", "body", "false", "true", "nested", "quotes", "params", "words", "jis"],
    )
    def test_time_is_linear(self, raw: bytes) -> None:
        started = time.process_time()
        parse(raw)
        assert time.process_time() - started < 20


class TestAnyBytes:
    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=2_000))
    def test_arbitrary(self, raw: bytes) -> None:
        parsed = parse(raw)
        assert_clean(parsed)
        fingerprint(raw, parsed)

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(
            st.sampled_from(
                [
                    b"\n",
                    b"\r\n",
                    b"--b",
                    b"--",
                    b"b",
                    b": ",
                    b" ",
                    b"Content-Type: ",
                    b"From: ",
                    b"multipart/mixed; boundary=b",
                    b"text/html; charset=",
                    b"utf-7",
                    b"iso-2022-jp",
                    b"message/rfc822",
                    b"=?utf-8?b?",
                    b"?=",
                    b"\xff",
                    b"\x1b$B",
                    b"%",
                    b"*0*=",
                    b"''",
                    b"Content-Disposition: attachment; filename",
                    b"<",
                    b">",
                    b"@",
                    b'"',
                    b"\0",
                    b"+2AA-",
                    b"Content-Transfer-Encoding: ",
                    b"base64",
                    b"x-uuencode",
                    b"begin 644 x",
                    b"M1234\nend\n",
                    b"text/calendar",
                    b"BEGIN:VEVENT",
                    b"DTSTART;TZID=",
                    b"SUMMARY:",
                    b"application/pkcs7-mime",
                    b"=",
                    b"Date: ",
                    b"Mon, 1 Jan 0001 00:00:00 +2359",
                    b"References: ",
                    b"Message-ID: ",
                ]
            )
        ).map(b"".join)
    )
    def test_pieces_of_mail(self, raw: bytes) -> None:
        assert_clean(parse(raw))

    @settings(max_examples=200, deadline=None)
    @given(
        st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 2_000), st.binary(max_size=6)))
    )
    def test_mutated_messages(self, raw: bytes, edits: list[tuple[int, bytes]]) -> None:
        for place, piece in edits:
            place %= len(raw) or 1
            raw = raw[:place] + piece + raw[place + 3 :]
        assert_clean(parse(raw))

    @settings(deadline=None)
    @given(st.sampled_from(SAMPLES), st.integers(0, 2_000))
    def test_cut_messages(self, raw: bytes, length: int) -> None:
        assert_clean(parse(raw[:length]))
