"""Text is read whatever its charset is called, and whether it is called rightly."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskpost.mail import charset_guess
from deskpost.mail.charsets import charset_name, decode
from deskpost.mail.jis import MAX_RUNS
from deskpost.mail.mime import parse
from deskpost.mail.words import decode_words

RUSSIAN = "Не могу войти в систему, помогите пожалуйста"
JAPANESE = "プリンターが壊れています。よろしくお願いします。"


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("UTF-8", "utf_8"),
        ("utf8", "utf_8"),
        ("UTF 8", "utf_8"),
        ("utf-8 (the usual one)", "utf_8"),
        ('"utf-8; format=flowed"', "utf_8"),
        ("utf8-mac", "utf_8"),
        ("us-ascii", "utf_8"),
        ("ISO8859-15", "iso8859_15"),
        ("iso-8859-15-euro", "iso8859_15"),
        ("iso-8859-9", "cp1254"),
        ("latin1", "cp1252"),
        ("win-1251", "cp1251"),
        ("cp-1251", "cp1251"),
        ("x-cp1250", "cp1250"),
        ("windows1252", "cp1252"),
        ("koi8-r", "koi8_r"),
        ("Shift_JIS", "cp932"),
        ("GB2312", "gb18030"),
        ("euc-kr", "cp949"),
        ("utf-16le", "utf_16_le"),
        ("", None),
        ("klingon-1", None),
        ("cp99999", None),
        ("windows-", None),
        ("base64", None),
        ("x" * 10_000, None),
    ],
)
def test_labels(label: str, codec: str | None) -> None:
    assert charset_name(label) == codec


@pytest.mark.parametrize(
    ("label", "text", "codec"),
    [
        ("us-ascii", "Grüße aus Köln", "utf-8"),
        ("iso-8859-1", "Grüße aus Köln", "utf-8"),
        ("windows-1251", "Grüße", "utf-8"),
        ("koi8-r", RUSSIAN, "utf-8"),
        ("gb2312", JAPANESE, "utf-8"),
        ("shift_jis", JAPANESE, "utf-8"),
        ("euc-kr", "안녕하세요 여러분", "utf-8"),
        ("utf-16", "Grüße aus Köln", "utf-8"),
        ("gb2312", "高山", "gb18030"),
        ("gb2312", "镕 €", "gb18030"),
        ("euc-kr", "똠방각하", "cp949"),
        ("koi8-r", RUSSIAN, "koi8-r"),
        ("windows-1251", RUSSIAN, "windows-1251"),
        ("iso-8859-1", "Größe", "latin-1"),
        ("shift_jis", "①㈱髙﨑", "cp932"),
        ("iso-2022-jp", "㈱髙﨑", "cp932"),
        ("iso-2022-jp", JAPANESE, "euc-jp"),
        ("shift_jis", JAPANESE, "euc-jp"),
        ("utf-16", "Hello, Ann", "utf-16-be"),
        ("utf-16", "Hello, Ann", "utf-16-le"),
        ("utf-16", "こんにちは", "utf-16-be"),
        ("utf-16", "こんにちは", "utf-16-le"),
        ("utf-16", "Hello", "utf-16"),
        ("utf-16le", "Hello", "utf-16-le"),
        ("utf-32", "Hello", "utf-32"),
        ("utf-7", "Größe", "utf-7"),
        ("unicode-1-1-utf-7", "Größe", "utf-7"),
        ("hz-gb-2312", "中文", "hz"),
        ("iso-2022-kr", "한글", "iso-2022-kr"),
    ],
)
def test_a_label_and_what_it_is_put_on(label: str, text: str, codec: str) -> None:
    assert decode(text.encode(codec), label) == text


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "windows-1251"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc-jp"),
        (JAPANESE, "iso-2022-jp"),
        ("Größe, Straße, Fuß", "windows-1252"),
        ("Grüße grüße", "windows-1252"),
        ("“Ça va ?” – déjà vu", "windows-1252"),
        ("Málaga", "windows-1252"),
    ],
)
@pytest.mark.parametrize("label", [None, "unknown-8bit", "utf-8", "us-ascii"])
def test_text_without_a_true_label(text: str, codec: str, label: str | None) -> None:
    assert decode(text.encode(codec), label) == text


@pytest.mark.parametrize("label", ["base64", "hex", "rot13", "uu", "zlib", "quopri", "idna", "bz2"])
def test_what_is_no_charset_is_none(label: str) -> None:
    """Python has codecs of these names that turn octets into octets."""
    parsed = parse(f"Content-Type: text/plain; charset={label}\n\nhello é".encode())
    assert parsed.text == "hello é"
    assert parsed.defects == (f"unknown_charset:{label}",)
    assert decode_words(f"=?{label}?q?a=C3=A9?=") == "aé"


def jis(text: str) -> bytes:
    """ISO-2022-JP as mailers make it that know the vendors' rows 13 and 89 to 92."""
    out = bytearray(b"\x1b$B")
    for character in text:
        lead, trail = character.encode("cp932")
        row = (lead - (0x70 if lead < 0xA0 else 0xB0)) * 2 - (trail < 0x9F)
        shift = 0x7E if trail >= 0x9F else 0x1F if trail < 0x80 else 0x20
        out += bytes((row, trail - shift))
    return bytes(out + b"\x1b(B")


@pytest.mark.parametrize("text", ["①㈱", "障害①"])
def test_iso_2022_jp_with_the_vendors_characters(text: str) -> None:
    assert decode(jis(text), "iso-2022-jp") == text


def test_iso_2022_jp_with_the_selected_ideograph() -> None:
    assert decode(b"\x1b$B\x7c\x62\x1b(B", "iso-2022-jp") == "髙"


def test_iso_2022_jp_with_half_width_kana_and_the_supplement() -> None:
    assert decode(b"\x1b(I1\x1b(B", "iso-2022-jp") == "ｱ"
    assert decode(b"\x1b$(D0\x21\x1b(B\x1b$B-!\x1b(B", "iso-2022-jp") == "丂①"


def test_iso_2022_jp_with_more_escapes_than_are_read_leniently() -> None:
    line = "障害 x\n".encode("iso-2022-jp")
    text = decode(jis("①") + line * (MAX_RUNS + 1), "iso-2022-jp")
    assert text == "①" + "障害 x\n" * (MAX_RUNS + 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?q?a b c?=", "a b c"),
        ("=?utf-8?q?Really??=", "Really?"),
        ("=?utf-8?q?a?b?c?=", "a?b?c"),
        ("=?utf-8?b?w6Q?=", "ä"),
        ("=?utf-8?b?w6Q=?=", "ä"),
        ("=?utf-8?b?w6Q==?=", "ä"),
        ("=?utf-8?b?w6?=", "Ã"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "ä"),
        ("=?utf-8?b?ww==?=\t=?UTF-8?q?=A4?=", "ä"),
        ("=?utf-8?q?=41?=", "A"),
        ("=?utf-8?q?==?=", "=="),
        ("=?utf-8?q?100=?=", "100="),
        ("=?utf-8?q?=C3=A4=ZZ?=", "ä=ZZ"),
        ("=?utf-8?q?ab?==?utf-8?q?cd?=", "abcd"),
        ("=?utf-8?q?open =?utf-8?q?shut?=", "=?utf-8?q?open shut"),
        ("a=?utf-8?q?=C3=A4?=b", "aäb"),
        ("=?UTF-8*de?Q?=C3=A4?=", "ä"),
        ("=? utf-8 ?Q?=C3=A4?=", "ä"),
        ("=??Q?=C3=A4?=", "ä"),
        ("=?iso-8859-1?Q?=C3=A4?=", "ä"),
        ("=?utf-8?q??=", ""),
        ("=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        ("=?gb2312?B?1tDOxA==?=", "中文"),
        ("=?koi8-r?B?8NLJ18XU?=", "Привет"),
    ],
)
def test_encoded_words(value: str, text: str) -> None:
    assert decode_words(value) == text


@pytest.mark.parametrize(
    ("codec", "header"),
    [("koi8-r", "koi8-r"), ("windows-1251", "windows-1251"), ("shift_jis", "shift_jis")],
)
def test_raw_octets_in_a_header_are_of_the_texts_charset(codec: str, header: str) -> None:
    text = "Привет" if codec != "shift_jis" else "障害"
    raw = b"Subject: " + text.encode(codec)
    single = raw + f"\nContent-Type: text/plain; charset={header}\n\nx".encode()
    many = (
        raw
        + (
            "\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
            f"Content-Type: text/plain; charset={header}\n\nx\n--b--\n"
        ).encode()
    )
    assert parse(single).subject == text
    assert parse(many).subject == text


@pytest.mark.parametrize(
    "value",
    [
        '"=?utf-8?q?Berg=2C_Ann?=" <ann@x.test>',
        "=?utf-8?q?Berg,_Ann?= <ann@x.test>",
        "=?utf-8?q?Berg=2C?= =?utf-8?q?_Ann?= <ann@x.test>",
        "ann@x.test (=?utf-8?q?Berg=2C_Ann?=)",
        "=?utf-8?q?Berg,_Ann?= <=?utf-8?q?ann=40x.test?=>",
    ],
)
def test_encoded_names_of_senders(value: str) -> None:
    sender = parse(f"From: {value}\n\nx".encode()).from_
    assert sender is not None
    assert (sender.name, sender.address) == ("Berg, Ann", "ann@x.test")


@given(st.binary(max_size=200), st.sampled_from(["utf-16", "iso-2022-jp", "koi8-r", "gb2312", "x"]))
def test_any_bytes_give_clean_text(data: bytes, label: str) -> None:
    text = decode(data, label)
    text.encode()
    assert "\0" not in text


@given(st.text(min_size=1, max_size=50))
def test_utf_8_is_itself(text: str) -> None:
    if "\0" not in text and "\x1b" not in text:
        assert decode(text.encode(), "utf-8") == text
        assert decode(text.encode()) == text


@pytest.mark.parametrize("piece", [b"\x1b", b"\x1b$B", b"\xe3", b"\x83", b"a", b"\0", b"\xff\xfe"])
@pytest.mark.parametrize("label", [None, "utf-8", "utf-16", "iso-2022-jp", "gb2312", "utf-7"])
def test_decoding_is_linear(piece: bytes, label: str | None) -> None:
    started = time.process_time()
    decode(piece * (1_000_000 // len(piece)), label)
    charset_guess.guess(piece * 1_000_000)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("piece", ["=", "?", "=?", "=?a?q?", "=?a?q?=", "=?a?b?Y?=", " ", "=? ?"])
def test_words_are_linear(piece: str) -> None:
    started = time.process_time()
    decode_words(piece * (1_000_000 // len(piece)))
    assert time.process_time() - started < 5
