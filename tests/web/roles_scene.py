"""What the matrix of roles is tried on: a project with one of everything, and its people."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import Client
from django.utils import timezone

from deskpost.desk import requests
from deskpost.desk.entry import Entry
from deskpost.models import (
    Attachment,
    Channel,
    Comment,
    InboundEmail,
    Job,
    Log,
    Mailbox,
    Notification,
    Participant,
    Person,
    Project,
    Request,
    RequestType,
    Role,
    SavedSearch,
    SiteNotice,
    Suppression,
)
from deskpost.outbound import suppress
from deskpost.outcomes import Outcome, Reason, Trouble
from tests.logs import rows

ROLES = ("nobody", "site_admin", "admin", "agent", "customer", "stranger", "other")
DAY = "2026-11-20"
RAW = (
    b"From: Ann <ann@x.test>\r\nTo: it@desk.test\r\nSubject: Ink\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n'
    b"<p>It is <b>out</b>.</p>\r\n--b\r\nContent-Type: text/plain\r\n"
    b'Content-Disposition: attachment; filename="a.txt"\r\n\r\nabc\r\n--b--\r\n'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Things:
    """One of everything that an address may name."""

    project: Project
    request: Request
    comment: Comment
    participant: Participant
    attachment: Attachment
    channel: Channel
    mailbox: Mailbox
    note: Notification
    mail: InboundEmail
    job: Job
    search: SavedSearch
    block: Suppression
    notice: SiteNotice


def people() -> dict[str, Person]:
    """Make a person for each role; `other` is the admin of the company-managed project HR."""
    made = {
        role: Person.objects.create_person(f"{role}@desk.test", name=f"The {role}")
        for role in ROLES
        if role != "nobody"
    }
    Person.objects.filter(pk=made["site_admin"].pk).update(is_site_admin=True)
    other = Project.objects.create(key="HR", name="People and pay")
    RequestType.objects.create(project=other, name="Help")
    other.memberships.create(person=made["other"], role=Role.ADMIN)
    return made


def browser(people_of: Mapping[str, Person], role: str) -> Client:
    """Return a browser in which the person of the role is signed in; `nobody` is not."""
    client = Client()
    if role != "nobody":
        client.force_login(people_of[role])
    return client


def things(kind: str, people_of: Mapping[str, Person]) -> Things:
    """Make the project of that kind, with one of everything."""
    project = Project.objects.create(key="IT", name="IT help", kind=kind)
    for role in (Role.ADMIN, Role.AGENT, Role.CUSTOMER):
        project.memberships.create(person=people_of[role], role=role)
    type_of = RequestType.objects.create(project=project, name="Get IT help")
    on_demand = Channel.objects.create(
        project=project, address="it@desk.test", request_type=type_of
    )
    custom = Channel.objects.create(
        project=project,
        address="it@mail.test",
        kind=Channel.Kind.CUSTOM,
        request_type=type_of,
    )
    mail = rows.mail(on_demand, Outcome.AUTO_REPLY, raw=RAW, request_key="IT-1")
    return Things(
        project=project,
        channel=custom,
        mailbox=Mailbox.objects.create(
            channel=custom, host="imap.example.test", port=993, username="it@mail.test"
        ),
        note=rows.note(project, people_of["customer"], Reason.UNKNOWN_ERROR, raw_key=mail.raw_key),
        mail=mail,
        **_on_the_desk(on_demand, people_of),
        **_around(project, people_of["admin"]),
    )


def _on_the_desk(channel: Channel, people_of: Mapping[str, Person]) -> dict[str, Any]:
    now, customer, agent = timezone.now(), people_of["customer"], people_of["agent"]
    said = Entry(text="It swallows every third label.", html="<p>It <b>swallows</b></p>")
    request = requests.open_request(channel, customer, "Label printer", said, now=now)
    comment = Comment.objects.create(
        request=request,
        author=agent,
        source="web",
        text="On it.",
        html="<p>On it.</p>",
        created_at=now,
    )
    key = storages["default"].save(f"tests/{uuid.uuid4().hex}", ContentFile(b"abc"))
    return {
        "request": request,
        "comment": comment,
        "participant": Participant.objects.create(request=request, person=agent),
        "attachment": Attachment.objects.create(
            comment=comment,
            name="a.txt",
            content_type="text/plain",
            size=3,
            sha256="0" * 64,
            storage_key=key,
        ),
    }


def _around(project: Project, admin: Person) -> dict[str, Any]:
    now = timezone.now()
    suppress.block("blocked@x.test", Suppression.Cause.HARD_BOUNCE, {})
    return {
        "job": Job.objects.create(
            act=Job.Act.SEND_AGAIN,
            project=project,
            by=admin,
            created_at=now,
            what={"log": Log.REQUESTS, "ids": [], "shown": ""},
            due_at=now + timedelta(hours=1),
        ),
        "search": SavedSearch.objects.create(
            person=admin, project=project, name="Mine", page="req", query="status=failed"
        ),
        "block": Suppression.objects.get(),
        "notice": SiteNotice.objects.create(
            kind=Trouble.POLICY, key="x.test", opened_at=now, last_at=now
        ),
    }


# What stands in an address, by the name of its part; `pk` is another thing in each.
COMMON: Mapping[str, Callable[[Things], object]] = {
    "request_key": lambda of: of.request.key,
    "day": lambda of: DAY,
    "log": lambda of: "in",
    "page": lambda of: "in",
    "form": lambda of: "csv",
    "kind": lambda of: "comment_added",
    "language": lambda of: "en",
    "number": lambda of: 1,
    "email": lambda of: of.note.address,
    "token": lambda of: "no-token",
    "provider": lambda of: "nobody",
    "uidb36": lambda of: "1",
}
# By the beginning of the address's name, the longest that fits.
PKS: Mapping[str, Callable[[Things], object]] = {
    "comment": lambda of: of.comment.pk,
    "participant": lambda of: of.participant.person_id,
    "formatted": lambda of: of.comment.pk,
    "attachment": lambda of: of.attachment.pk,
    "notification": lambda of: of.note.pk,
    "unblock": lambda of: of.note.pk,
    "send-again": lambda of: of.note.pk,
    "send-ticked": lambda of: of.note.pk,
    "missed": lambda of: of.note.pk,
    "incoming": lambda of: of.mail.pk,
    "raw": lambda of: of.mail.pk,
    "job": lambda of: of.job.pk,
    "saved-search": lambda of: of.search.pk,
    "channel": lambda of: of.channel.pk,
    "sending": lambda of: of.notice.pk,
    "suppression": lambda of: of.block.pk,
    "export": lambda of: of.job.pk,
}


# What is posted, so that the act is done if it is let.
POSTED: Mapping[str, Callable[[Things], dict[str, Any]]] = {
    "reply": lambda of: {"body": "We look at it."},
    "comment-edit": lambda of: {"body": "We look at it now."},
    "request-status": lambda of: {"status": "pending"},
    "participant-add": lambda of: {"email": "new@x.test"},
    "request-mute": lambda of: {"act": "mute"},
    "invite": lambda of: {"email": "new@x.test", "name": "New"},
    "send-ticked": lambda of: {"note": str(of.note.pk)},
    "incoming-sender-add": lambda of: {"list": "block", "entry": "ann@x.test"},
    "incoming-sender-remove": lambda of: {"list": "block", "entry": "ann@x.test"},
    "acts": lambda of: _ticked(of) | {"do": "send_again"},
    "acts-start": lambda of: _ticked(of) | {"do": "send_again", "token": "t"},
    "acts-unblock": lambda of: _ticked(of) | {"do": "unblock"},
    "saved-search-save": lambda of: {"name": "New", "page": "req", "query": "status=failed"},
    "saved-search-delete": lambda of: {"page": "req", "query": ""},
    "senders": lambda of: {"block_list": "evil.test", "allow_list": ""},
    "notification-rules": lambda of: {"comment_added.reporter": "1"},
    "template": lambda of: {"subject": "New", "text": "New", "html": "<p>New</p>", "act": "save"},
    "preferences": lambda of: {"language": "ja"},
    "my-notifications": lambda of: {"act": "unsubscribe"},
    "sending-limit-again": lambda of: {"day": DAY},
    "suppression-add": lambda of: {"address": "new@x.test"},
    "dkim": lambda of: {"domain": "desk.test", "act": "make"},
}
# What stands behind the address of a page that answers nothing without it.
ASKED: Mapping[str, Callable[[Things], str]] = {
    "log-news": lambda of: "?under=1&given=AAAAAAAAAAAAAAAAAAAAAA==",
    "email-logs-connectivity": lambda of: f"?channel={of.channel.pk}",
}


def _ticked(of: Things) -> dict[str, Any]:
    return {"log": "req", "id": str(of.note.pk), "ids": str(of.note.pk)}


def posted(name: str, of: Things) -> dict[str, Any]:
    """Return what is posted to the address of that name."""
    return POSTED[name](of) if name in POSTED else {}


def asked(name: str, of: Things) -> str:
    """Return the query string of the address of that name."""
    return ASKED[name](of) if name in ASKED else ""


def arguments(name: str, parts: Mapping[str, Any], of: Things, key: str) -> dict[str, object]:
    """Return what stands in the address of that name, under the project with the key."""
    found: dict[str, object] = {}
    for part in parts:
        if part == "key":
            found[part] = "abc" if name.startswith("account") else key
        elif part == "pk":
            fits = max((one for one in PKS if name.startswith(one)), key=len)
            found[part] = PKS[fits](of)
        else:
            found[part] = COMMON[part](of)
    return found
