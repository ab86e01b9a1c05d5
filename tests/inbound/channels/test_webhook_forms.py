"""Forms are taken apart byte by byte, whatever the bytes are, and bounded."""

from __future__ import annotations

from urllib.parse import quote_from_bytes, quote_plus

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from deskpost.hooks import body as webhook_body
from deskpost.hooks.body import Form
from deskpost.hooks.refusal import Refusal
from tests.inbound.channels.webhook_calls import BOUNDARY, MULTIPART, Upload, multipart

URLENCODED = "application/x-www-form-urlencoded"
DELIMITER = f"\r\n--{BOUNDARY}".encode()
values = st.binary(max_size=200).filter(lambda value: DELIMITER not in b"\r\n" + value + b"\r\n")


def form(body: bytes, content_type: str = MULTIPART) -> Form:
    request = RequestFactory().generic("POST", "/", b"x", content_type=content_type)
    return webhook_body.form(request, body)


@given(values, values)
def test_a_field_keeps_every_byte(one: bytes, two: bytes) -> None:
    found = form(multipart({"one": one, "file": Upload(name="a.bin", content=two)}))
    assert (found.raw("one"), found.raw("file")) == (one, two)


@given(st.binary(max_size=200), st.sampled_from(["", "A", "%", "%%", "%4", "+"]))
def test_an_encoded_field_keeps_every_byte(value: bytes, after: str) -> None:
    text = f"a=1&body-mime={quote_from_bytes(value)}&b={after}"
    assert form(text.encode(), URLENCODED).raw("body-mime") == value


@pytest.mark.parametrize("before", range(65_530, 65_540))
def test_an_escape_at_the_edge_of_a_slice_is_one(before: int) -> None:
    text = b"a=" + b"x" * before + b"%41%e9%0D%0A+"
    assert form(text, URLENCODED).raw("a") == b"x" * before + b"A\xe9\r\n "


def test_what_only_begins_like_the_boundary_belongs_to_the_field() -> None:
    value = b"x" + DELIMITER + b"no\r\n--\r\n" + DELIMITER[:-1]
    assert form(multipart({"one": value})).raw("one") == value


def test_of_two_fields_with_one_name_the_last_counts_as_for_the_signature() -> None:
    request = RequestFactory().generic("POST", "/", b"x", content_type=URLENCODED)
    found = webhook_body.form(request, b"token=theirs&token=ours")
    assert found.text("token") == request.POST["token"] == "ours"
    webhook_body.form(request, b"token=theirs&token=" + b"x" * 70_000)
    assert "token" not in request.POST


def test_names_and_files_are_read() -> None:
    body = multipart({"attachment-1": Upload(name="日本.pdf", content=b"%PDF")})
    field = form(body).get("attachment-1")
    assert field is not None
    assert (field.filename, field.content_type) == ("日本.pdf", "application/octet-stream")


def test_a_field_without_a_file_name_django_would_drop_is_kept() -> None:
    body = multipart({"attachment-1": Upload(name="", content=b"%PDF")})
    assert form(body).raw("attachment-1") == b"%PDF"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (multipart({"a": "1"})[:-6], MULTIPART),
        (b"", MULTIPART),
        (b"a=1", "application/json"),
        (b"a=1", ""),
        (b"a=1", "multipart/form-data"),
        (b"a&" * 1001, URLENCODED),
        (multipart({str(n): "" for n in range(1001)}), MULTIPART),
        (
            multipart({"a": "x"}).replace(
                b"\r\n\r\nx", b"\r\nContent-Transfer-Encoding: base64\r\n\r\nx"
            ),
            MULTIPART,
        ),
    ],
)
def test_what_is_no_whole_form_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(Refusal) as caught:
        form(body, content_type)
    assert caught.value.status == 400


@given(st.binary(max_size=300))
def test_nothing_that_is_sent_as_a_form_fails(middle: bytes) -> None:
    body = multipart({"a": "1"})
    for made in (middle, body[:20] + middle + body[20:], body + middle):
        try:
            form(made)
        except Refusal as refusal:
            assert refusal.status == 400


def test_text_in_an_unknown_charset_is_still_text() -> None:
    found = form(multipart({"text": "é".encode("latin-1"), "more": quote_plus("é")}))
    assert found.text("text", "latin-1") == "é"
    assert found.text("text", "no-such") == found.text("text", "hex") == "\N{REPLACEMENT CHARACTER}"
