"""Which request a message answers: signed reply token, then our own signed Message-IDs, then known
Message-IDs of the project, then the leftmost key in the subject."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.conf import settings

from deskpost.mail import address
from deskpost.mail.mime import ParsedEmail
from deskpost.models import InboundEmail, MessageId, Project, Request

REFERENCES_ASKED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The request that a message answers, and what in the message says so."""

    request: Request
    because: str


def find_thread(row: InboundEmail, email: ParsedEmail, project: Project) -> Thread | None:
    """Return the request of this project that the message answers. Other projects' requests are
    never found, whatever the message claims."""
    return (
        _by_token(row, email, project)
        or _by_own_ids(email, project)
        or _by_known_ids(email, project)
        or _by_subject(email, project)
    )


def _by_token(row: InboundEmail, email: ParsedEmail, project: Project) -> Thread | None:
    for recipient in (row.envelope_to, *email.recipients_seen):
        token = address.read_signed(recipient, row.channel.address, [settings.MAIL_KEY])
        if isinstance(token, address.ReplyToken):
            request = Request.objects.filter(pk=token.request, project=project).first()
            if request:
                return Thread(request=request, because=f"To: {recipient}")
    return None


def _answered(email: ParsedEmail) -> list[str]:
    """The ids that the message answers, nearest first."""
    nearest_first = [*email.in_reply_to, *reversed(email.references)]
    return list(dict.fromkeys(nearest_first))[:REFERENCES_ASKED]


def _by_own_ids(email: ParsedEmail, project: Project) -> Thread | None:
    for message_id in _answered(email):
        own = address.read_own_message_id(message_id, [settings.MAIL_KEY])
        if own is None:
            continue
        request = Request.objects.filter(pk=own.request, project=project).first()
        if request:
            return Thread(request=request, because=f"In-Reply-To: {message_id}")
    return None


def _by_known_ids(email: ParsedEmail, project: Project) -> Thread | None:
    wanted = _answered(email)
    if not wanted:
        return None
    rows = MessageId.objects.filter(project=project, message_id__in=wanted)
    known = {row.message_id: row for row in rows.select_related("request")}
    for message_id in wanted:
        if message_id in known:
            return Thread(request=known[message_id].request, because=f"In-Reply-To: {message_id}")
    return None


def _by_subject(email: ParsedEmail, project: Project) -> Thread | None:
    match = re.search(rf"(?<![\w-]){re.escape(project.key)}-(\d{{1,9}})(?![\w-])", email.subject)
    if match is None:
        return None
    request = Request.objects.filter(project=project, number=int(match[1])).first()
    return Thread(request=request, because=f"Subject: {match[0]}") if request else None
