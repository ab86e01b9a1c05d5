"""DECIDE: the ordered table of rules. The first that stops a message decides; every rule that was
asked is kept on the row, with what it looked at.

Rules only read, and what they look at was fetched for a whole batch at once (context.py). They run
under the project's lock, so that it still holds when their verdict is applied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.conf import settings

from deskpost.desk.book import Book
from deskpost.inbound.history import History
from deskpost.inbound.parse import Parsed
from deskpost.inbound.thread import Clue, Thread, find_thread
from deskpost.mail import address, senders
from deskpost.models import Channel, InboundEmail, Person, Request, Role
from deskpost.outcomes import Outcome, Rule

Facts = dict[str, Any]

# The spans of the loop threshold. The channel says how many messages of one sender are too many;
# allow-listing does not lift it.
SHORT_SPAN, LONG_SPAN = timedelta(minutes=10), timedelta(minutes=60)

# On imported mail: why no threshold was asked, and why nobody was notified.
IMPORTED: Facts = {"import": True}
BACKLOG: Facts = {"backlog": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule's answer. `stop` ends the asking with that outcome; facts say what was looked at."""

    # no, yes, passed (it would have stopped, but something lets it pass), unknown (no answer was to
    # be had), n/a
    answer: str = "no"
    stop: Outcome | None = None
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to become of a message, and the trail that led there."""

    outcome: Outcome
    trail: list[Facts]
    facts: Facts
    # The request that it is about, also where it makes no comment.
    request: Request | None
    # The closed request that a new one follows on, where the project opens one.
    follows: Request | None = None


class Case:
    """One message before the rules: what they may look at."""

    def __init__(
        self,
        row: InboundEmail,
        parsed: Parsed,
        clues: list[Clue],
        book: Book,
        history: History,
        channels: frozenset[str],
    ) -> None:
        self.row, self.parsed = row, parsed
        self.project, self.book, self.history = book.project, book, history
        self.channels = channels  # of the addresses in To and Cc, those that are ours
        self._clues = clues

    @property
    def sender(self) -> str:
        """The address of From, or empty."""
        return self.parsed.email.from_.address if self.parsed.email.from_ else ""

    @property
    def person(self) -> Person | None:
        return self.book.person(self.sender) if self.sender else None

    @property
    def role(self) -> str | None:
        return self.book.role(self.person) if self.person else None

    @cached_property
    def thread(self) -> Thread | None:
        return find_thread(self._clues, self.book)

    @property
    def opens_request(self) -> bool:
        """Whether the message would open a request (an answer to a closed one may)."""
        return self.thread is None or self.is_closed

    @property
    def is_closed(self) -> bool:
        return self.thread is not None and self.thread.request.status == Request.Status.CLOSED

    @cached_property
    def allowed(self) -> str | None:
        """The entry of the allow list that matches From."""
        return senders.matching(self.project.allow_list, self.sender)


def size(case: Case) -> Finding:
    limit = settings.DESKPOST["INBOUND_LIMIT"]
    if case.row.oversize_bytes:
        return Finding(
            answer="yes",
            stop=Outcome.TOO_LARGE,
            facts={"bytes": case.row.oversize_bytes, "limit": limit},
        )
    return Finding(facts={"bytes": case.row.raw_size, "limit": limit})


def seen(case: Case) -> Finding:
    first = case.history.first(case.parsed.fingerprint)
    if first is None or first.incoming == case.row.id:  # processed again, it meets itself
        return Finding()
    return Finding(
        answer="yes",
        stop=Outcome.DUPLICATE,
        facts={"first": str(first.incoming), "key": first.request_key},
    )


def own(case: Case) -> Finding:
    email, because = case.parsed.email, ""
    if case.parsed.nature.kind == "own":
        because = case.parsed.nature.because
    elif email.message_id and address.read_own_message_id(email.message_id, [settings.MAIL_KEY]):
        because = f"Message-ID: {email.message_id}"
    if not because:
        return Finding()
    return Finding(answer="yes", stop=Outcome.SENT_BY_THIS_SITE, facts={"because": because})


def block_list(case: Case) -> Finding:
    for where, sender in (("From", case.sender), ("MAIL FROM", case.row.envelope_from)):
        if entry := senders.matching(case.project.block_list, sender):
            return Finding(
                answer="yes",
                stop=Outcome.BLOCKED_SENDER,
                facts={"entry": entry, "where": where, "because": sender},
            )
    return Finding(facts={"entries": len(senders.entries(case.project.block_list))})


def report(case: Case) -> Finding:
    """A bounce or a complaint: it acts, with proof, on the notification that it is about."""
    nature = case.parsed.nature
    if nature.kind not in {"report", "complaint"}:
        return Finding()
    stop = Outcome.COMPLAINT if nature.kind == "complaint" else Outcome.DELIVERY_STATUS
    return Finding(answer="yes", stop=stop, facts={"because": nature.because})


def auto_reply(case: Case) -> Finding:
    return _machine(case, "auto_reply", Outcome.AUTO_REPLY)


def bulk(case: Case) -> Finding:
    return _machine(case, "bulk", Outcome.BULK)


def _machine(case: Case, kind: str, outcome: Outcome) -> Finding:
    nature = case.parsed.nature
    if nature.kind != kind:
        return Finding()
    if case.allowed:
        return Finding(answer="passed", facts={"because": nature.because, "entry": case.allowed})
    return Finding(answer="yes", stop=outcome, facts={"because": nature.because})


def dmarc(case: Case) -> Finding:
    """Whether the domain of From disowns the message. Where DNS gave no answer, or the domain asks
    for nothing to be done, the message passes."""
    if case.row.is_import:
        return Finding(answer="n/a", facts=IMPORTED)
    result = case.parsed.dmarc
    if result is None:
        return Finding(answer="n/a")
    facts: Facts = {"domain": result.domain, "policy": result.policy, **result.facts}
    if result.verdict == "unknown":
        return Finding(answer="unknown", facts=facts)
    if result.verdict != "fail":
        return Finding(facts=facts | {"verdict": result.verdict})
    if result.policy == "none":
        return Finding(answer="passed", facts=facts)
    return Finding(answer="yes", stop=Outcome.DMARC, facts=facts)


def thresholds(channel: Channel) -> tuple[tuple[int, timedelta], ...]:
    """Return how many messages of one sender are too many, within how long."""
    return (channel.most_in_10_minutes, SHORT_SPAN), (channel.most_in_60_minutes, LONG_SPAN)


def _why_silent(case: Case) -> Facts:
    if case.row.is_import:
        return IMPORTED
    return BACKLOG if case.row.backlog else {}


def loop(case: Case) -> Finding:
    if case.row.is_silent:
        return Finding(answer="n/a", facts=_why_silent(case))
    if not case.sender:
        return Finding(answer="n/a")
    key = address.normalise(case.sender)
    for most, span in thresholds(case.row.channel):
        count = case.history.count_since(key, case.row.received_at - span)
        if count >= most:
            minutes = int(span.total_seconds() // 60)
            return Finding(
                answer="yes", stop=Outcome.TOO_MANY, facts={"count": most, "minutes": minutes}
            )
    return Finding()


def sender(case: Case) -> Finding:
    header = case.parsed.email.from_header[:200]
    if not case.sender:
        return Finding(stop=Outcome.NO_SENDER, facts={"because": f"From: {header}"})
    return Finding(answer="yes", facts={"because": case.sender})


def thread(case: Case) -> Finding:
    found = case.thread
    if found is None:
        return Finding()
    facts = {"key": found.request.key, "because": found.because}
    involved = case.person is not None and case.book.is_involved(found.request, case.person)
    if involved or case.role in {Role.AGENT, Role.ADMIN}:
        return Finding(answer="yes", facts=facts)
    return Finding(answer="yes", stop=Outcome.NO_PERMISSION, facts=facts)


def closed(case: Case) -> Finding:
    if case.thread is None:
        return Finding(answer="n/a")
    facts = {"key": case.thread.request.key}
    if not case.is_closed:
        return Finding(facts=facts)
    if case.project.closed_opens_new:
        return Finding(answer="passed", facts=facts)
    return Finding(answer="yes", stop=Outcome.REQUEST_CLOSED, facts=facts)


def signup(case: Case) -> Finding:
    if not case.opens_request:
        return Finding(answer="n/a")
    if case.role:
        return Finding(answer="yes", facts={"role": case.role})
    if case.project.signup_open:
        return Finding(answer="yes", facts={"signup": "open"})
    return Finding(stop=Outcome.SIGNUP_CLOSED, facts={"signup": "closed"})


def fields(case: Case) -> Finding:
    if not case.opens_request:
        return Finding(answer="n/a")
    request_type = case.row.channel.request_type
    if request_type.required_fields:
        return Finding(
            answer="yes",
            stop=Outcome.REQUIRED_FIELDS,
            facts={"type": request_type.name, "fields": request_type.required_fields},
        )
    return Finding(facts={"type": request_type.name})


RULES: tuple[tuple[Rule, Callable[[Case], Finding]], ...] = (
    (Rule.SIZE, size),
    (Rule.SEEN, seen),
    (Rule.OWN, own),
    (Rule.BLOCK_LIST, block_list),
    (Rule.REPORT, report),
    (Rule.AUTO_REPLY, auto_reply),
    (Rule.BULK, bulk),
    (Rule.DMARC, dmarc),
    (Rule.LOOP, loop),
    (Rule.SENDER, sender),
    (Rule.THREAD, thread),
    (Rule.CLOSED, closed),
    (Rule.SIGNUP, signup),
    (Rule.FIELDS, fields),
)


def decide(case: Case) -> Verdict:
    """Ask the rules in order; the first that stops the message decides."""
    trail: list[Facts] = []
    for rule, ask in RULES:
        finding = ask(case)
        trail.append({"rule": rule, "answer": finding.answer, "facts": finding.facts})
        if finding.stop:
            return Verdict(
                outcome=finding.stop,
                trail=trail,
                facts=finding.facts,
                request=_about(case, finding.stop),
            )
    found = case.thread.request if case.thread else None
    facts = _why_silent(case)
    if found is None or case.is_closed:
        return Verdict(
            outcome=Outcome.REQUEST_CREATED, trail=trail, facts=facts, request=None, follows=found
        )
    return Verdict(outcome=Outcome.COMMENT_ADDED, trail=trail, facts=facts, request=found)


# What says nothing of the desk: such a message is not asked which request it is about.
UNRELATED = frozenset({Outcome.TOO_LARGE, Outcome.DUPLICATE, Outcome.BULK, Outcome.NO_SENDER})


def _about(case: Case, stop: Outcome) -> Request | None:
    return case.thread.request if case.thread and stop not in UNRELATED else None
