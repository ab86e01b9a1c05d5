"""What becomes of the messages of a large log, how often, and what is written down of it."""

from __future__ import annotations

import json
import random
from functools import lru_cache
from itertools import accumulate
from typing import Any

from deskpost.outcomes import (
    OUTCOMES,
    Guard,
    Kind,
    NotificationStatus,
    Outcome,
    Reason,
    Rule,
    Withheld,
)

OF_REQUESTS = frozenset({"request_created", "comment_added", "no_permission", "request_closed"})
# In thousandths: 80 % success, 15 % skipped, 5 % failed.
_INCOMING = {
    Outcome.REQUEST_CREATED: 360,
    Outcome.COMMENT_ADDED: 440,
    Outcome.AUTO_REPLY: 60,
    Outcome.BULK: 30,
    Outcome.DELIVERY_STATUS: 28,
    Outcome.DUPLICATE: 16,
    Outcome.BLOCKED_SENDER: 8,
    Outcome.TOO_MANY: 4,
    Outcome.SENT_BY_THIS_SITE: 3,
    Outcome.COMPLAINT: 1,
    Outcome.DMARC: 18,
    Outcome.SIGNUP_CLOSED: 12,
    Outcome.NO_PERMISSION: 8,
    Outcome.REQUEST_CLOSED: 6,
    Outcome.TOO_LARGE: 3,
    Outcome.REQUIRED_FIELDS: 2,
    Outcome.NO_SENDER: 1,
}
_D, _F, _W = NotificationStatus.DELIVERED, NotificationStatus.FAILED, NotificationStatus.WITHHELD
# In ten-thousandths: 94 % delivered, 4 % failed, 2 % withheld.
_NOTIFICATION: dict[tuple[str, str], int] = {
    (_D, ""): 9_400,
    (_F, Reason.SUPPRESSION_LIST): 140,
    (_F, Reason.SERVICE_PROVIDER_ERROR): 110,
    (_F, Reason.UNSUBSCRIBED): 50,
    (_F, Reason.LIMIT_REACHED): 40,
    (_F, Reason.PRIVATE_ADDRESS): 20,
    (_F, Reason.VALIDATION_ERROR): 15,
    (_F, Reason.UNKNOWN_ERROR): 15,
    (_F, Reason.INTERNAL_ERROR): 6,
    (_F, Reason.TEMPLATE_TOO_LARGE): 4,
    (_W, Withheld.OWN_ACTION): 120,
    (_W, Withheld.MUTED): 50,
    (_W, Withheld.RULE_OFF): 30,
}
_KINDS = {
    Kind.COMMENT_ADDED: 50,
    Kind.REQUEST_CREATED: 20,
    Kind.STATUS_CHANGED: 14,
    Kind.REQUEST_RESOLVED: 10,
    Kind.COMMENT_EDITED: 3,
    Kind.PARTICIPANT_ADDED: 2,
    Kind.REQUEST_REOPENED: 1,
}
_STOPPED_BY = {
    Withheld.OWN_ACTION: Guard.OWN_ACTION,
    Withheld.MUTED: Guard.MUTED,
    Withheld.RULE_OFF: Guard.RULE_OFF,
    Reason.VALIDATION_ERROR: Guard.VALIDATION,
    Reason.PRIVATE_ADDRESS: Guard.PRIVATE,
    Reason.UNSUBSCRIBED: Guard.UNSUBSCRIBED,
    Reason.SUPPRESSION_LIST: Guard.SUPPRESSION,
    Reason.LIMIT_REACHED: Guard.LIMIT,
    Reason.TEMPLATE_TOO_LARGE: Guard.SIZE,
}
_TRIED = frozenset({"", Reason.SERVICE_PROVIDER_ERROR, Reason.UNKNOWN_ERROR})


class _Draw:
    """Draws by weights."""

    def __init__(self, weights: dict[Any, int]) -> None:
        self._of, self._sums = list(weights), list(accumulate(weights.values()))

    def __call__(self, random_: random.Random) -> Any:
        return random_.choices(self._of, cum_weights=self._sums)[0]


_incoming, _notification, _kind = _Draw(_INCOMING), _Draw(_NOTIFICATION), _Draw(_KINDS)


def incoming(random_: random.Random) -> tuple[str, str]:
    """Return the status and the outcome of an incoming message."""
    outcome = _incoming(random_)
    return OUTCOMES[outcome].status, outcome


def notification(random_: random.Random) -> tuple[str, str]:
    """Return the status and the reason of a notification."""
    status, reason = _notification(random_)
    return status, reason


def kind(random_: random.Random) -> str:
    found: str = _kind(random_)
    return found


def was_tried(status: str, reason: str) -> bool:
    """Whether a server was asked to take it."""
    return reason in _TRIED and status != NotificationStatus.QUEUED


def answer(status: str) -> tuple[str, str, int, str, str]:
    """Return what its attempt has last: server, result, code, enhanced code, the words."""
    if status == NotificationStatus.DELIVERED:
        return ("mx.company.test", "accepted", 250, "2.0.0", "2.0.0 Ok: queued as 4RkXqT1zF2z9s")
    said = "5.2.2 The mailbox is full; see https://mail.company.test/why"
    return ("mx.company.test", "permanent", 552, "5.2.2", said)


def trail_in(outcome: str, size: int, key: str, address: str) -> str:
    """Return the trail of an incoming message, as JSON."""
    domain = address.rpartition("@")[2]
    return (
        _trail_in(outcome).replace("%size", str(size)).replace("%key", key).replace("%of", domain)
    )


@lru_cache(64)
def _trail_in(outcome: str) -> str:
    facts: dict[Rule, Any] = {
        Rule.SIZE: {"bytes": "%size"},
        Rule.BLOCK_LIST: {"entries": 3},
        Rule.DMARC: {"verdict": "pass", "domain": "%of"},
        Rule.THREAD: {"key": "%key"},
    }
    # Stopped about half-way where the outcome does not say at which rule.
    last = {"success": 14, "skipped": 6, "failed": 12}[OUTCOMES[Outcome(outcome)].status]
    if outcome == Outcome.TOO_LARGE:
        last = 1
    steps = [_step("rule", rule, "no", facts.get(rule)) for rule in list(Rule)[:last]]
    steps[-1]["answer"] = "yes"
    return json.dumps(steps, separators=(",", ":")).replace('"%size"', "%size")


def _step(asked: str, name: str, answered: str, facts: dict[str, Any] | None) -> dict[str, Any]:
    return {asked: name, "answer": answered} | ({"facts": facts} if facts else {})


def trail_out(reason: str, size: int) -> str:
    """Return the trail of a notification, as JSON."""
    return _trail_out(reason).replace("%size", str(size))


@lru_cache(64)
def _trail_out(reason: str) -> str:
    stop = _STOPPED_BY.get(reason)  # type: ignore[call-overload]
    steps: list[dict[str, Any]] = []
    for guard in [stop] if stop in list(Guard)[:3] else list(Guard)[3:]:
        facts = {"bytes": "%size"} if guard == Guard.SIZE else None
        steps.append(_step("guard", guard, "stopped" if guard == stop else "passed", facts))
        if guard == stop:
            break
    return json.dumps(steps, separators=(",", ":")).replace('"%size"', "%size")


def facts_out(reason: str, address: str) -> str:
    """Return the facts of a notification, as JSON."""
    if not reason:
        return "{}"
    if reason in _TRIED:
        server, result, code, enhanced, said = answer(NotificationStatus.FAILED)
        facts = {"server": server, "result": result, "code": code, "enhanced": enhanced}
        return json.dumps(facts | {"answer": said})
    return json.dumps({"address": address})
