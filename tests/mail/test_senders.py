"""Lists of senders: what an entry matches, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskpost.mail import senders


@pytest.mark.parametrize(
    ("entries", "sender", "found"),
    [
        ("x.test", "a@x.test", "x.test"),
        ("x.test", "a@mail.x.test", None),
        ("*.x.test", "a@mail.x.test", "*.x.test"),
        ("*.x.test", "a@x.test", None),
        ("*.x.test", "a@notx.test", None),
        ("@x.test", "a@x.test", "@x.test"),
        ("", "a@x.test", None),
        ("x.test", "", None),
        (".*", "a@x.test", None),
    ],
)
def test_entries_match_addresses_domains_and_subdomains(
    entries: str, sender: str, found: str | None
) -> None:
    assert senders.matching(entries, sender) == found


@pytest.mark.parametrize("entry", ["ann@x.test", "x.test", "@x.test", "*.x.test", "bücher.example"])
def test_what_can_match_is_an_entry(entry: str) -> None:
    assert senders.is_entry(entry)


@pytest.mark.parametrize("entry", ["", "ann", "*", "*.", "a*.test", "*@x.test", "a@b@x.test", "x."])
def test_what_can_never_match_is_none(entry: str) -> None:
    assert not senders.is_entry(entry)


@given(st.text(max_size=80), st.text(max_size=80))
def test_nothing_that_is_typed_raises(text: str, sender: str) -> None:
    senders.matching(text, sender)
    for entry in senders.entries(text):
        senders.is_entry(entry)
