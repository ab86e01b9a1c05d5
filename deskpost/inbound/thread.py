"""Which request a message answers: signed reply token, then our own signed Message-IDs, then known
Message-IDs of the project, then the leftmost key in the subject."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.conf import settings

from deskpost.desk.book import Book
from deskpost.mail import address
from deskpost.mail.mime import ParsedEmail
from deskpost.models import InboundEmail, Project, Request

REFERENCES_ASKED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Clue:
    """A request that a message names, by id, number or a Message-ID, and where it does."""

    because: str
    request_id: int | None = None
    number: int | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The request that a message answers, and what in the message says so."""

    request: Request
    because: str


def clues(row: InboundEmail, email: ParsedEmail, project: Project) -> list[Clue]:
    """Return what in the message names a request, the most trusted first."""
    answered = _answered(email)
    return [
        *_tokens(row, email),
        *_own_ids(answered),
        *(Clue(because=f"In-Reply-To: {one}", message_id=one) for one in answered),
        *_keys(email.subject, project),
    ]


def find_thread(found: list[Clue], book: Book) -> Thread | None:
    """Return the request that the first good clue leads to. The book holds one project's requests
    only: others are never found, whatever the message claims."""
    for clue in found:
        request = _request(clue, book)
        if request:
            return Thread(request=request, because=clue.because)
    return None


def _request(clue: Clue, book: Book) -> Request | None:
    if clue.request_id is not None:
        return book.request_by_id(clue.request_id)
    if clue.number is not None:
        return book.request_by_number(clue.number)
    return book.request_by_message_id(clue.message_id or "")


def _tokens(row: InboundEmail, email: ParsedEmail) -> list[Clue]:
    made = []
    for recipient in dict.fromkeys((row.envelope_to, *email.recipients_seen)):
        token = address.read_signed(recipient, row.channel.address, [settings.MAIL_KEY])
        if isinstance(token, address.ReplyToken):
            made.append(Clue(because=f"To: {recipient}", request_id=token.request))
    return made


def _answered(email: ParsedEmail) -> list[str]:
    """The ids that the message answers, nearest first."""
    nearest_first = [*email.in_reply_to, *reversed(email.references)]
    return list(dict.fromkeys(nearest_first))[:REFERENCES_ASKED]


def _own_ids(answered: list[str]) -> list[Clue]:
    made = []
    for message_id in answered:
        own = address.read_own_message_id(message_id, [settings.MAIL_KEY])
        if own:
            made.append(Clue(because=f"In-Reply-To: {message_id}", request_id=own.request))
    return made


def _keys(subject: str, project: Project) -> list[Clue]:
    match = re.search(rf"(?<![\w-]){re.escape(project.key)}-(\d{{1,9}})(?![\w-])", subject)
    return [Clue(because=f"Subject: {match[0]}", number=int(match[1]))] if match else []
