"""What can be done with one message, as its drawer offers it."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from deskpost.jobs import process_again
from deskpost.jobs.process_again import LeftOut
from deskpost.models import InboundEmail, Notification, Project
from deskpost.web import again_words, senders_offer
from deskpost.web.again_words import Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingActs:
    """Addresses are empty where there is nothing behind them. `run` tells one asking from the
    next; `made` says that the message can make no more."""

    now: str
    again: str
    run: int
    made: bool
    sender: str


def incoming(project: Project, row: InboundEmail, query: str) -> IncomingActs:
    """Return what can be done with an incoming message; `query` are the list's filters."""
    args = [project.key, row.pk]
    kept = project.kind == Project.Kind.COMPANY and row.due_at is None and bool(row.raw_key)
    hindered = process_again.hindrance(row)
    return IncomingActs(
        now=reverse("incoming-now", args=args) + query if kept else "",
        again=reverse("incoming-again", args=args) + query if kept and not hindered else "",
        run=row.run,
        made=hindered == LeftOut.MADE,
        sender=reverse("incoming-sender", args=args) if senders_offer.entries(row) else "",
    )


def notification(project: Project, note: Notification, query: str) -> Offer:
    """Return what can be done with a notification; `query` are the list's filters."""
    return again_words.offer(project, note, query)
