"""The channels in the overview, a line each: how they stand, and what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse

from deskpost.logs.health import ChannelHealth
from deskpost.models import Project
from deskpost.outcomes import IncomingStatus
from deskpost.problems import ConnectionState
from deskpost.web import channel_cards, overview_lists, strips

DOWN: Final = frozenset({ConnectionState.RETRYING, ConnectionState.ATTENTION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One channel. `failed` is what failed today, with the address of those rows; `next_words`
    stand where no moment of the next try is known."""

    address: str
    tone: str
    state: str
    url: str
    last: datetime | None
    next_try: datetime | None
    next_words: str
    backlog: str
    strip: strips.Strip | None
    failed: str
    failed_url: str
    down: bool


def lines(project: Project, found: Sequence[ChannelHealth], today: date) -> tuple[Line, ...]:
    """Return a line for each channel: those that are down first, else in their order."""
    every = [_line(project, one, today) for one in found]
    return tuple(sorted(every, key=lambda one: not one.down))


def _line(project: Project, one: ChannelHealth, today: date) -> Line:
    card = channel_cards.of(one)
    chosen = {"channel": one.channel.pk}
    page = "email-logs-connectivity" if one.mailbox else "email-logs-incoming"
    failed = next(
        (day.counts.get(IncomingStatus.FAILED, 0) for day in one.days if day.day == today), 0
    )
    day = {"status": str(IncomingStatus.FAILED), "from": today, "to": today}
    incoming = reverse("email-logs-incoming", args=[project.key])
    return Line(
        address=one.channel.address,
        tone=card.tone,
        state=card.state,
        url=f"{reverse(page, args=[project.key])}?{urlencode(chosen)}",
        last=one.mailbox.last_success_at if one.mailbox else card.last,
        next_try=card.next_try,
        next_words=card.next_words,
        backlog=card.backlog,
        strip=card.strip,
        failed=overview_lists.said(IncomingStatus.FAILED, failed) if failed else "",
        failed_url=f"{incoming}?{urlencode(chosen | day)}" if failed else "",
        down=one.mailbox is not None and one.mailbox.state in DOWN,
    )
