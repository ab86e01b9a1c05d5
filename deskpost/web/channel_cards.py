"""The cards of the Email channels page: how each channel does, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from deskpost.logs import explain_connection, health, queries, words
from deskpost.logs.health import ChannelHealth
from deskpost.logs.queries import Count
from deskpost.models import Channel, Mailbox, Project
from deskpost.problems import PROBLEMS, STATE_WORDS, ConnectionState, Family, Problem
from deskpost.web import charts, connectivity_log, strips

SAID_LENGTH = 300  # of a server's own words on a card; its log has more


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a channel takes no mail. `main` is what helps: reconnect, password or try; with
    `can_try` it may be tried now, whatever helps."""

    lead: str
    sentences: tuple[str, ...]
    said: str
    said_by: str
    remedy: str
    main: str
    can_try: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One channel of the list. `tone` and `state` make its badge; `old` counts what lay in the
    mailbox before it was connected and is left alone."""

    health: ChannelHealth
    tone: str
    state: str
    what: str
    trouble: Trouble | None = None
    chart: charts.Chart | None = None
    strip: strips.Strip | None = None
    backlog: str = ""
    backlog_parts: str = ""
    last: datetime | None = None
    next_try: datetime | None = None
    next_words: str = ""
    old: Count | None = None

    @property
    def bad(self) -> bool:
        return self.tone == "fail"


def cards(project: Project) -> list[Card]:
    """Ask how the channels of a project do, and say it: a fixed number of queries."""
    return [of(one) for one in health.of_channels(project, queries.channels(project))]


def card(channel: Channel) -> Card:
    """Ask how a channel does, and say it."""
    (found,) = health.of_channels(channel.project, [channel])
    return of(found)


def of(found: ChannelHealth) -> Card:
    """Say how a channel does."""
    if found.mailbox:
        return _custom(found, found.mailbox)
    if found.channel.kind == Channel.Kind.CUSTOM:
        return _without_mailbox(found)
    return _on_demand(found)


def _on_demand(found: ChannelHealth) -> Card:
    return Card(
        health=found,
        tone="good",
        state=_("Taking mail"),
        what=_("On-demand · this site’s own address"),
        chart=charts.draw(found.days, _("Messages")),
        backlog=str(_here(found)),
        last=found.last,
    )


def _without_mailbox(found: ChannelHealth) -> Card:
    return Card(
        health=found,
        tone="wait",
        state=str(STATE_WORDS[ConnectionState.NEW]),
        what=_("Custom · without a mailbox"),
        backlog=str(_here(found)),
        last=found.last,
    )


def _custom(found: ChannelHealth, mailbox: Mailbox) -> Card:
    next_try, next_words = connectivity_log.next_of(mailbox)
    backlog, parts = _backlog(found, mailbox)
    return Card(
        health=found,
        tone=connectivity_log.tone(mailbox.state),
        state=_state(mailbox),
        what=_what(mailbox),
        trouble=_trouble(mailbox),
        strip=strips.draw(found.uptime) if found.uptime else None,
        backlog=backlog,
        backlog_parts=parts,
        last=mailbox.last_message_at or found.last,
        next_try=next_try,
        next_words=next_words,
        old=_old(mailbox),
    )


def _here(found: ChannelHealth) -> Count:
    return Count(value=found.waiting, more=found.more)


def _state(mailbox: Mailbox) -> str:
    state, problem = explain_connection.state_words(mailbox.state), _problem(mailbox)
    if problem is None or mailbox.state == ConnectionState.PAUSED:
        return state
    said = {"state": state, "problem": PROBLEMS[problem].words}
    return _("%(state)s: %(problem)s") % said


def _problem(mailbox: Mailbox) -> Problem | None:
    return Problem(mailbox.problem) if mailbox.problem in set(Problem) else None


def _what(mailbox: Mailbox) -> str:
    said = {"protocol": mailbox.get_protocol_display(), "host": words.outside(mailbox.host)}
    if mailbox.provider:
        said["provider"] = mailbox.get_provider_display()
        return _("Custom · %(protocol)s with OAuth 2 at %(provider)s") % said
    return _("Custom · %(protocol)s with password at %(host)s") % said


def _trouble(mailbox: Mailbox) -> Trouble | None:
    """Say what is the matter with a mailbox that fails; None if it does not."""
    problem = _problem(mailbox)
    if problem is None or mailbox.state in {ConnectionState.CONNECTED, ConnectionState.PAUSED}:
        return None
    facts = mailbox.facts if isinstance(mailbox.facts, dict) else {}
    # When it is tried next stands among the numbers; what was planned then is past.
    past = {name: fact for name, fact in facts.items() if name != "minutes"}
    down = connectivity_log.down_for(mailbox)
    said, said_by = explain_connection.evidence(problem, past)
    return Trouble(
        lead=_("No mail taken for %(span)s.") % {"span": down} if down else "",
        sentences=tuple(explain_connection.because(problem, past, named=False)),
        said=said[:SAID_LENGTH],
        said_by=said_by,
        remedy=str(PROBLEMS[problem].remedy),
        main=_main(mailbox, problem),
        can_try=problem != Problem.GRANT_REVOKED,  # it is not asked for before a person signs in
    )


def _main(mailbox: Mailbox, problem: Problem) -> str:
    """Return which act helps most."""
    if problem.family != Family.SIGN_IN:
        return "try"
    return "reconnect" if mailbox.provider else "password"


def _old(mailbox: Mailbox) -> Count | None:
    return Count(value=mailbox.old_count) if mailbox.old_count and not mailbox.old_wanted else None


def _backlog(found: ChannelHealth, mailbox: Mailbox) -> tuple[str, str]:
    """Return what waits, in the mailbox and here, and how much of it where."""
    here = _here(found)
    if mailbox.waiting is None:
        if not here.value:
            return _("unknown"), ""
        return _("%(count)s here, unknown in the mailbox") % {"count": here}, ""
    both = Count(value=here.value + mailbox.waiting, more=here.more)
    parts = [
        _("%(count)s in the mailbox") % {"count": words.count(mailbox.waiting)},
        _("%(count)s being processed") % {"count": here},
    ]
    return str(both), words.listed(parts)
