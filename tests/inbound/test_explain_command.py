"""`deskpost explain`: the trail of a file in words, with nothing written."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from deskpost.models import Event, InboundEmail, Person, Request
from deskpost.outcomes import RULE_WORDS, Rule
from tests.carriers import Accepting
from tests.desk import Desk
from tests.inbound.test_rules import bounce_of
from tests.parts.site import letter


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "message.eml"
    path.write_bytes(letter("Printer", "It smokes.").as_bytes())
    return path


def explain(path: Path, *options: str) -> str:
    out = StringIO()
    call_command("explain", str(path), "--channel", "it@desk.test", *options, stdout=out)
    return out.getvalue()


def test_it_says_what_would_happen_and_asks_every_rule(desk: Desk, file: Path) -> None:
    said = explain(file)
    assert said.startswith("Success · Request created\nann@x.test · Printer\n")
    assert [line for line in said.splitlines() if line.startswith("→")] == [
        "→ Request created: Success"
    ]
    for rule in Rule:
        assert str(RULE_WORDS[rule]) in said


def test_it_names_what_decided_and_where_to_change_it(desk: Desk, file: Path) -> None:
    desk.project.block_list = "*.y.test x.test"
    desk.project.save()
    said = explain(file)
    assert "Skipped · Blocked sender" in said
    assert "→ Sender on the block list: Skipped" in said
    assert "The entry that matches: x.test" in said
    assert "The block list of the project." in said


def test_a_bounce_says_what_it_would_change(desk: Desk, outside: Accepting, tmp_path: Path) -> None:
    desk.take(letter())
    (note,) = desk.deliver(outside)
    path = tmp_path / "bounce.eml"
    path.write_bytes(bounce_of("ann@x.test", note.message_id))
    said = explain(path, "--from", "")
    assert "It holds the signed Message-ID of a notification of this site." in said
    assert "The notification to ann@x.test is Failed now, and the address is blocked." in said
    note.refresh_from_db()
    assert note.status == "delivered"
    path.write_bytes(bounce_of("ann@x.test", "<other@y.test>"))
    assert "it changed nothing" in explain(path, "--from", "")


def test_nothing_is_written(desk: Desk, file: Path) -> None:
    before = Person.objects.count()
    explain(file)
    assert not InboundEmail.objects.exists()
    assert not Request.objects.exists()
    assert not Event.objects.exists()
    assert Person.objects.count() == before


def test_a_message_already_taken_is_a_duplicate(desk: Desk, file: Path) -> None:
    desk.take(file.read_bytes())
    assert "Skipped · Duplicate (IT-1)" in explain(file)


def test_the_envelope_can_be_given(desk: Desk, file: Path) -> None:
    desk.project.block_list = "spam.test"
    desk.project.save()
    assert "Blocked sender" in explain(file, "--from", "x@spam.test")


def test_it_speaks_japanese(desk: Desk, file: Path) -> None:
    assert "成功" in explain(file, "--language", "ja")


def test_what_cannot_be_read_is_said(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        explain(tmp_path / "none.eml")
    with pytest.raises(CommandError, match="There are: it@desk"):
        call_command("explain", str(tmp_path), "--channel", "no@desk.test")


def test_control_characters_of_a_message_do_not_reach_the_terminal(
    desk: Desk, tmp_path: Path
) -> None:
    path = tmp_path / "odd.eml"
    raw = b"From: a@x.test\r\nSubject: =?utf-8?q?=1b[2J=E2=80=AEx?=\r\n\r\nHi\r\n"
    path.write_bytes(raw)
    said = explain(path)
    assert "\x1b" not in said
    assert "\u202e" not in said
