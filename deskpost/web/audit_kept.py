"""Where the entries of the audit log lead: to what they name, while it is there."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from django.urls import reverse

from deskpost.logs.explain import entry_id
from deskpost.models import AuditEntry, Channel, InboundEmail, Job, Notification, Project

JOB = re.compile(r"job (\d{1,18})", re.ASCII)
PAGES = {"notifications": "notification-rules", "senders": "senders"}
EXPORTED = {
    "in": "email-logs-incoming",
    "req": "email-logs",
    "inv": "email-logs-invitations",
    "search": "email-logs-search",
}


def facts(entry: AuditEntry) -> Mapping[str, Any]:
    """Return the entry's details, which nobody need have checked."""
    return entry.details if isinstance(entry.details, dict) else {}


def job_of(entry: AuditEntry) -> int | None:
    """Return the number of the job that the entry is about, if it is about one."""
    found = JOB.fullmatch(entry.subject)
    return int(found[1]) if found else None


def person(email: str) -> str:
    """Return the address of the page about an email address; empty for none."""
    return reverse("person", args=[email]) if email.strip() else ""


def exported(entry: AuditEntry) -> str:
    """Return the address of the list that was exported, under its filters of then."""
    if entry.subject == "audit":
        return reverse("audit")
    project, page = entry.project, EXPORTED.get(entry.subject)
    if project is None or page is None or project.kind != Project.Kind.COMPANY:
        return ""
    query = str(facts(entry).get("query") or "")[:2000]
    return reverse(page, args=[project.key]) + (f"?{query}" if query else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Of what some entries name, what is there still. Its addresses are empty for what is not."""

    mails: Mapping[uuid.UUID, str]  # with their senders
    notes: frozenset[uuid.UUID]
    jobs: frozenset[int]
    channels: Mapping[tuple[int, str], int]

    @classmethod
    def of(cls, entries: Sequence[AuditEntry]) -> Self:
        """Look up what the entries name, in four queries."""
        ids = {found for entry in entries if (found := entry_id(entry.subject))}
        notes = {entry_id(facts(entry).get("notification")) for entry in entries}
        jobs = {job_of(entry) for entry in entries}
        changed = [entry for entry in entries if entry.act == AuditEntry.Act.SETTINGS]
        channels = Channel.objects.filter(
            project__in={entry.project_id for entry in changed if entry.project_id},
            address__in={entry.subject for entry in changed},
        )
        known = channels.values_list("project_id", "address", "pk")
        sent = Notification.objects.filter(pk__in=ids | {pk for pk in notes if pk})
        mails = InboundEmail.objects.filter(pk__in=ids).values_list("pk", "sender", "envelope_from")
        there = Job.objects.filter(pk__in=[pk for pk in jobs if pk is not None])
        return cls(
            mails={pk: sender or envelope for pk, sender, envelope in mails},
            notes=frozenset(sent.values_list("pk", flat=True)),
            jobs=frozenset(there.values_list("pk", flat=True)),
            channels={(project, email): pk for project, email, pk in known},
        )

    def mail(self, project: Project | None, pk: uuid.UUID | None) -> str:
        """Return the address of an incoming message's drawer."""
        return _of("incoming", project, pk) if pk in self.mails else ""

    def note(self, project: Project | None, pk: uuid.UUID | None) -> str:
        """Return the address of a notification's drawer."""
        return _of("notification", project, pk) if pk in self.notes else ""

    def job(self, project: Project | None, pk: int | None) -> str:
        """Return the address of a job's page."""
        return _of("job", project, pk) if pk in self.jobs else ""

    def setting(self, entry: AuditEntry) -> str:
        """Return the address of the page where the setting that was changed stands."""
        told, project = facts(entry), entry.project
        if "dkim" in told:
            return reverse("dkim")
        if project is None:
            return ""
        if "template" in told:
            return reverse("templates", args=[project.key])
        if entry.subject in PAGES:
            return reverse(PAGES[entry.subject], args=[project.key])
        channel = self.channels.get((project.pk, entry.subject))
        return reverse("channel-settings", args=[project.key, channel]) if channel else ""


def _of(name: str, project: Project | None, pk: object) -> str:
    """Only company-managed projects have these pages."""
    if project is None or project.kind != Project.Kind.COMPANY:
        return ""
    return reverse(name, args=[project.key, pk])
