"""What wrote a message, and whether an automatic answer may follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from deskpost.mail.automatic import Nature, nature
from deskpost.mail.mime import ParsedEmail, parse
from tests.conformance.checks import Check, Goal
from tests.conformance.corpus import Item

GOALS = {"kinds": Goal(rate=0.95), "must not auto-reply": Goal(rate=0.95)}

DELIBERATE: dict[str, str] = {}

# Roundup knows its own mail by a header of its own, as we know ours by X-Deskpost-Site.
NOT_OURS = frozenset({"roundup/testDejaVu-01.eml"})
# Whether a Sieve script answers also depends on whether the envelope's recipient is the user's and
# stands in To or Cc. That is not asked here: a desk answers whatever came to its channel.
OF_THE_RECIPIENT = frozenset(
    {
        "reply.svtest: No reply to own address",
        "reply.svtest: No reply to alternative address",
        "reply.svtest: No reply for implicitly delivered message",
        "reply.svtest: No reply for original recipient",
    }
)


def checks(items: Iterable[Item]) -> Iterator[Check]:
    """Compare each message of which its source says what kind it is."""
    for item in items:
        if item.name in NOT_OURS:
            continue
        if item.source == "pigeonhole":
            yield from _answers(item)
        elif (wanted := _kinds(item)) is not None:
            email = parse(item.raw())
            found = nature(email, _envelope(email))
            yield _check(item, "kinds", found.kind in wanted, sorted(wanted), found)


def _envelope(email: ParsedEmail) -> str:
    return_path = email.header("Return-Path")
    if return_path is not None:
        return return_path
    return email.from_.address if email.from_ else ""


def _kinds(item: Item) -> frozenset[str] | None:
    """The kinds that agree with what the source says; None where it says nothing of it."""
    expect = item.expect
    outcome = str(expect.get("outcome", ""))
    if item.source == "chatwoot":
        if expect.get("is_auto_reply"):
            return frozenset({"auto_reply"})
        return frozenset({"human"}) if outcome.startswith(("new-request", "comment")) else None
    if item.source == "roundup":
        if outcome == "rejected: IgnoreBulk":
            return frozenset({"bulk", "auto_reply"})  # it makes no difference between them
        return frozenset({"human"})
    if item.source == "sisimai":
        return _of_reasons({result["reason"] for result in expect.get("results", [])})
    return None


def _of_reasons(reasons: set[str]) -> frozenset[str] | None:
    if reasons == {"vacation"}:
        return frozenset({"auto_reply"})
    return frozenset({"complaint"}) if reasons == {"feedback"} else None


def _answers(item: Item) -> Iterator[Check]:
    """Each of upstream's tests with its envelope, or with the message's own."""
    for case in item.cases:
        if case["test"] in OF_THE_RECIPIENT:
            continue
        email = parse(item.raw())
        sender = case["envelope"].get("envelope.from", _envelope(email))
        found = nature(email, sender)
        agrees = found.quiet != case["auto_reply_sent"]
        name = f"{item.name} ({case['test']})"
        yield _check(item, "must not auto-reply", agrees, case, found, name=name)


def _check(item: Item, area: str, ok: bool, wanted: Any, got: Nature, *, name: str = "") -> Check:
    return Check(
        area=area, source=item.source, name=name or item.name, ok=ok, wanted=wanted, got=got
    )
