"""How the mail of each project stands, a line each, for those who may read their logs: what failed
today, what waits and since when, and the channel that needs somebody most. A fixed number of
queries, however many projects there are; no message is read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deskpost.logs import backlog, counts, words
from deskpost.logs.backlog import Waiting
from deskpost.logs.counts import Sum
from deskpost.models import Channel, Log, Mailbox, Project
from deskpost.outcomes import IncomingStatus
from deskpost.problems import STATE_WORDS, ConnectionState
from deskpost.web import connectivity_log, overview_lists
from deskpost.web.overview_lists import Place

# The channels that take no mail, the worst first.
WORST: Final = (ConnectionState.ATTENTION, ConnectionState.RETRYING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """The channel of a project that needs somebody most, and why."""

    address: str
    tone: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """What failed today in one list of a project, and where its rows are."""

    said: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """One project's line; `worst` is None where all is well."""

    failed: tuple[Failed, ...]
    waiting: str
    oldest: datetime | None
    worst: Worst | None


def numbers(projects: Sequence[Project]) -> dict[int, Numbers]:
    """Return the line of each project, by its id."""
    ids, today = [project.pk for project in projects], timezone.localdate()
    of_project: dict[int, list[Sum]] = defaultdict(list)
    for one in counts.sums(ids, [today]):
        if one.status == IncomingStatus.FAILED:
            of_project[one.project_id].append(one)
    waits, down = backlog.of_projects(ids), _down(ids)
    addresses = dict(Channel.objects.filter(project__in=ids).values_list("pk", "address"))
    return {
        project.pk: Numbers(
            failed=_failed(project, of_project[project.pk], addresses, today),
            waiting=_waiting(waits[project.pk]),
            oldest=waits[project.pk].oldest,
            worst=down.get(project.pk) or _most_failed(of_project[project.pk], addresses),
        )
        for project in projects
    }


def _failed(
    project: Project, found: Sequence[Sum], addresses: Mapping[int, str], today: date
) -> tuple[Failed, ...]:
    """Each list and each channel's messages for themselves: they are found at other addresses."""
    numbers: Counter[tuple[str, int]] = Counter()
    for one in found:
        numbers[one.log, one.channel_id] += one.number
    return tuple(
        Failed(
            said=_said(log, number, addresses.get(channel_id, "")),
            url=Place(project=project, log=Log(log), days=(today,), channel=channel_id or None).url(
                today, today, IncomingStatus.FAILED
            ),
        )
        for (log, channel_id), number in sorted(numbers.items(), reverse=True)
    )


def _said(log: str, number: int, address: str) -> str:
    """Say how many failed of what: 3 notifications, 1 help@shop.example."""
    if log == Log.INCOMING:
        said = _("%(count)s %(address)s") if address else _("%(count)s removed channel")
    elif log == Log.INVITATIONS:
        said = ngettext("%(count)s invitation", "%(count)s invitations", number)
    else:
        said = ngettext("%(count)s notification", "%(count)s notifications", number)
    values = {"count": words.count(number)}
    return said % (values | {"address": address} if address else values)


def _waiting(waits: Waiting) -> str:
    if not waits.number:
        return ""
    return words.count(waits.number) + ("+" if waits.more else "")


def _down(ids: Sequence[int]) -> dict[int, Worst]:
    """The worst of each project's mailboxes; of those that are as bad, the one longest so."""
    rows = Mailbox.objects.filter(
        channel__project__in=ids, channel__removed_at__isnull=True, state__in=WORST
    )
    found = rows.order_by("down_since", "pk").values_list(
        "channel__project", "channel__address", "state"
    )
    worst: dict[int, Worst] = {}
    for project_id, address, state in sorted(found, key=lambda row: WORST.index(row[2])):
        said = Worst(
            address=address,
            tone=connectivity_log.tone(state),
            words=str(STATE_WORDS[ConnectionState(state)]),
        )
        worst.setdefault(project_id, said)
    return worst


def _most_failed(found: Sequence[Sum], addresses: Mapping[int, str]) -> Worst | None:
    """Where all are connected: the channel of which most messages failed today."""
    numbers: Counter[int] = Counter()
    for one in found:
        if one.log == Log.INCOMING and one.channel_id in addresses:
            numbers[one.channel_id] += one.number
    if not numbers:
        return None
    pk = min(numbers, key=lambda pk: (-numbers[pk], pk))
    said = overview_lists.said(IncomingStatus.FAILED, numbers[pk])
    return Worst(address=addresses[pk], tone="fail", words=said)
