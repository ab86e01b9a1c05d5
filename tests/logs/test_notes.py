"""What a reader is told of a message besides its text."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from django.utils import translation

from deskpost.inbound.parse import LEFT_OUT
from deskpost.logs import notes
from deskpost.mail.notes import NoteKind


@pytest.mark.parametrize("kind", [*get_args(NoteKind), *sorted(LEFT_OUT)])
def test_every_kind_has_its_sentence_in_both_languages(kind: str) -> None:
    (english,) = notes.said([{"kind": kind, "count": 3}])
    with translation.override("ja"):
        (japanese,) = notes.said([{"kind": kind, "count": 3}])
    assert english != japanese


@pytest.mark.parametrize(
    ("note", "said"),
    [
        (
            {"summary": "Lunch", "start": "2026-11-30T12:00:00", "zone": "Europe/Berlin"},
            "An invitation: “Lunch”, Monday 30 November 12:00 (Europe/Berlin).",
        ),
        ({"summary": "Lunch", "method": "CANCEL"}, "An invitation is withdrawn: “Lunch”."),
        ({"start": "no date"}, "An invitation: “without a title”."),
    ],
)
def test_an_invitation_says_what_and_when(note: dict[str, Any], said: str) -> None:
    assert notes.said([note | {"kind": "calendar"}]) == [said]


@pytest.mark.parametrize("odd", [None, 5, "calendar", [None], [{"kind": "x"}], [{}]])
def test_odd_notes_do_no_harm(odd: Any) -> None:
    assert notes.said(odd) == []
