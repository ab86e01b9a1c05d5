"""Bounces and complaints: who they are about, with which code, how grave."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from deskpost.mail import mbox
from deskpost.mail.automatic import Nature, nature
from deskpost.mail.mime import parse
from deskpost.mail.reports import Report, ReportRecipient, read
from tests.conformance.checks import Check, Goal
from tests.conformance.corpus import Item

GOALS = {
    "bounces recognised": Goal(rate=0.98),
    "bounce recipients": Goal(rate=0.95),
    "bounce codes": Goal(rate=0.95),
    # Sisimai calls "user unknown" a filter's answer, and soft, by the state of the session and by
    # lists of servers; and 5.7.x hard where the words say "unknown". Ours goes by code and words.
    "hard or soft": Goal(rate=0.85),
    "feedback": Goal(rate=0.95),
}

FORWARDED = "a person forwards a bounce in the text: that is the person's mail"
DELIBERATE: dict[str, str] = {
    "sisimai/lhost-sendmail-14.eml": FORWARDED,
    "sisimai/mailbox__mbox-0#36": FORWARDED,
    "sisimai/not__rb-issue-368-bug.eml": (
        "kept upstream for a crash: a daemon says that a mailbox is full, which is a bounce"
    ),
}

NOT_BOUNCES = frozenset({"feedback", "vacation", "delivered"})
# Reasons for which sisimai makes up the class together with the code: of two messages of one kind
# one has 4.0.947, the other 5.0.947. Ours is of class 4 (RFC 3463, section 3.5).
EITHER_CLASS = frozenset({"expired", "networkerror"})
LARGEST = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What we make of a message."""

    nature: Nature
    report: Report | None

    @property
    def failures(self) -> list[ReportRecipient]:
        """The recipients that it did not reach, or not yet."""
        found = self.report.recipients if self.report else ()
        return [it for it in found if it.severity != "delivered"]

    @property
    def is_bounce(self) -> bool:
        """A report of success (RFC 3464, "delivered") is a report and no bounce."""
        delivered = self.report and self.report.recipients and not self.failures
        return self.nature.kind == "report" and not delivered


def checks(items: Iterable[Item]) -> Iterator[Check]:
    """Compare each message for which its source expects something of a bounce."""
    for item in items:
        compare = _SOURCES.get(item.source)
        if compare and item.expect:
            yield from compare(item, understand(messages(item)[0]))
        elif item.source == "sisimai":
            yield from _unexpected(item)


def messages(item: Item) -> list[bytes]:
    """Return the item's messages: one, or those of an mbox."""
    if item.kind != "mbox":
        return [item.raw()]
    return [entry.raw for entry in mbox.read(io.BytesIO(item.raw()), limit=LARGEST, keep=LARGEST)]


def understand(raw: bytes) -> Read:
    """Read a message as the journey does: from its Return-Path, else From, as the envelope."""
    email = parse(raw)
    return_path = email.header("Return-Path")
    sender = email.from_.address if email.from_ else ""
    envelope = sender if return_path is None else return_path
    report = read(email, envelope)
    return Read(nature=nature(email, envelope, report=report), report=report)


def _unexpected(item: Item) -> Iterator[Check]:
    """Messages of which sisimai's tables say nothing. That they are bounces is upstream's word for
    its mailboxes; else a rule over headers says so, which is apart, and vouches for nothing."""
    if item.category not in ("bounce-hard", "bounce-soft"):
        return
    is_upstream = str(item.entry.get("category_basis", "")).startswith("upstream")
    area = "bounces recognised" if is_upstream else "bounces by a rule over headers"
    for number, raw in enumerate(messages(item), 1):
        found = understand(raw)
        name = item.name if item.kind != "mbox" else f"{item.name}#{number}"
        yield _check(item, area, found.is_bounce, True, found.nature, name=name)


def _sisimai(item: Item, found: Read) -> Iterator[Check]:
    expect = item.expect
    wanted: list[dict[str, Any]] = expect.get("results", [])
    reasons = {result["reason"] for result in wanted}
    is_bounce = expect.get("is_bounce", bool(reasons - NOT_BOUNCES))
    yield _check(item, "bounces recognised", found.is_bounce == is_bounce, is_bounce, found.nature)
    if "feedback" in reasons:
        yield from _feedback(item, found, wanted)
    if not is_bounce:
        return
    count = len(found.failures)
    yield _check(item, "bounce recipients", count == len(wanted), len(wanted), count)
    for result, ours in zip_longest(wanted, found.failures):
        if result is None or result["reason"] in NOT_BOUNCES:
            continue
        if "dsn" in result:
            code = ours.status if ours else None
            agrees = code is not None and same_code(result["dsn"], code, result["reason"])
            yield _check(item, "bounce codes", agrees, result, ours)
        hard = ours is not None and ours.severity == "hard"
        agrees = ours is not None and hard == result["hard_bounce"]
        yield _check(item, "hard or soft", agrees, result, ours)


def same_code(wanted: str, ours: str, reason: str) -> bool:
    """Whether our enhanced code is theirs.

    Where a message has no code sisimai makes one up, x.0.9nn. Against that we compare the class
    only, and having none is right as well.
    """
    if not wanted[1:].startswith(".0.9"):
        return ours == wanted
    if not ours or ours[0] == wanted[0]:
        return True
    return reason in EITHER_CLASS and ours.startswith("4.")


def _feedback(item: Item, found: Read, wanted: list[dict[str, Any]]) -> Iterator[Check]:
    kinds = {result.get("feedback_type") for result in wanted}
    agrees = found.nature.kind == "complaint"
    yield _check(item, "feedback", agrees, "complaint", found.nature)
    # An authentication failure is nobody's complaint: it must not be read as one.
    reported = {it.action for it in found.report.recipients} if found.report else set()
    if kinds == {"auth-failure"}:
        yield _check(item, "feedback", found.report is None, None, found.report)
    elif reported:
        yield _check(item, "feedback", reported == kinds, kinds, reported)


def _flufl(item: Item, found: Read) -> Iterator[Check]:
    if "permanent" not in item.expect:
        return
    permanent, temporary = (
        {address.lower() for address in item.expect[name]} for name in ("permanent", "temporary")
    )
    named = {it.address.lower() for it in found.failures}
    yield _check(item, "bounces recognised", found.is_bounce and bool(named), True, found.nature)
    wanted = permanent | temporary
    yield _check(item, "bounce recipients", named == wanted, wanted, named)
    for it in found.failures:
        address = it.address.lower()
        if address in wanted:
            ours = it.severity == "delayed"
            yield _check(item, "hard or soft", ours == (address in temporary), temporary, it)


def _mikel(item: Item, found: Read) -> Iterator[Check]:
    expect = item.expect
    if "bounced" not in expect:
        return
    yield _check(item, "bounces recognised", found.is_bounce, True, found.nature)
    failed = any(it.action == "failed" for it in found.failures)
    yield _check(item, "hard or soft", failed == expect["bounced"], expect["bounced"], found.report)
    first = found.failures[0] if found.failures else None
    if "final_recipient" in expect:
        wanted = expect["final_recipient"].partition(";")[2].strip()
        ours = first.address if first else None
        yield _check(item, "bounce recipients", ours == wanted, wanted, ours)
    if "dsn_status" in expect:
        code = first.status if first else None
        yield _check(item, "bounce codes", code == expect["dsn_status"], expect["dsn_status"], code)


def _check(
    item: Item, area: str, ok: bool, wanted: Any = None, got: Any = None, *, name: str = ""
) -> Check:
    return Check(
        area=area, source=item.source, name=name or item.name, ok=ok, wanted=wanted, got=got
    )


_SOURCES = {"sisimai": _sisimai, "flufl_bounce": _flufl, "mikel_mail": _mikel}
