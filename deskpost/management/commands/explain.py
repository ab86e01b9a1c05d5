"""`deskpost explain`: what a channel would make of a message, and why; nothing is written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone, translation

from deskpost import journey
from deskpost.inbound.channels import importing
from deskpost.logs import explain_incoming, notes, words
from deskpost.logs.explain import Step, Told
from deskpost.mail import mime
from deskpost.management.channel import chosen
from deskpost.models import Channel, InboundEmail, moment_of, new_id
from deskpost.outcomes import INCOMING_STATUS_WORDS, IncomingStatus


class Command(BaseCommand):
    help = (
        "Say what a channel would make of a message under today's settings, and why: every rule "
        "that is asked, and what decided. Nothing is written, and nobody is notified."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("message", type=Path, help="a message (.eml); - is standard input")
        parser.add_argument("--channel", required=True, help="the address that it comes in by")
        parser.add_argument("--from", dest="sender", help="MAIL FROM; else Return-Path is read")
        parser.add_argument("--to", help="RCPT TO; else the channel's address")
        parser.add_argument("--client", default="", help="the IP address that delivers it, for SPF")
        parser.add_argument("--language", choices=[code for code, _ in settings.LANGUAGES])

    def handle(self, *args: Any, **options: Any) -> None:
        channel = chosen(options["channel"])
        raw = _bytes(options["message"])
        row = _arrival(raw, channel, options)
        language = options["language"] or row.project.language
        with translation.override(language):
            self._say(journey.preview(row, raw))

    def _say(self, row: InboundEmail) -> None:
        told = explain_incoming.incoming(row, timezone.now())
        status = INCOMING_STATUS_WORDS[IncomingStatus(row.status)]
        about = f" ({row.request_key})" if row.request_key else ""
        lines = [
            f"{status} · {told.reason}{about}",
            f"{words.outside(row.sender or '-')} · {words.outside(row.subject or '-')}",
            "",
            *_why(told),
            *notes.said(row.facts.get("notes")),
            told.remedy,
            "",
            *(_step(step) for step in told.trail),
        ]
        self.stdout.write("\n".join(lines))


def _why(told: Told) -> list[str]:
    lines = [words.visible(sentence) for sentence in told.why.sentences]
    for evidence in told.why.evidence:
        lines += [f"    {words.visible(line)}" for line in evidence.text.split("\n")]
    return lines


def _step(step: Step) -> str:
    mark = "→" if step.decides else " "
    line = f"{mark} {step.words}: {step.answer}"
    return "\n".join([line, *(f"      {words.visible(note)}" for note in step.notes)])


def _bytes(path: Path) -> bytes:
    """Read the message, or raise CommandError."""
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error


def _sender(raw: bytes) -> str:
    return importing.envelope_from("", mime.parse(raw))


def _arrival(raw: bytes, channel: Channel, options: dict[str, Any]) -> InboundEmail:
    """A row as the listener would make it, not saved."""
    row_id = new_id()
    limit = settings.DESKPOST["INBOUND_LIMIT"]
    return InboundEmail(
        id=row_id,
        project=channel.project,
        channel=channel,
        transport=InboundEmail.Transport.SMTP,
        received_at=moment_of(row_id),
        envelope_from=_sender(raw) if options["sender"] is None else options["sender"],
        envelope_to=options["to"] or channel.address,
        client=options["client"],
        raw_size=len(raw),
        oversize_bytes=len(raw) if len(raw) > limit else None,
    )
