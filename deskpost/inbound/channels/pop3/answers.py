"""What POP3 servers say -> our problem. The tables are all there is; their own words are kept.

Codes are those of RFC 2449, section 8.1, and RFC 3206. The words are of servers that give no
code; the first line that is in the answer counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deskpost.inbound.channels.pop3.wire import Answer
from deskpost.net import Fault
from deskpost.problems import Problem

CODES: Mapping[str, Problem] = {
    "AUTH": Problem.SIGN_IN_REFUSED,
    "SYS/TEMP": Problem.SERVER_BUSY,
    "IN-USE": Problem.SERVER_BUSY,  # by another session: RFC 1939 lets one in at a time
    "LOGIN-DELAY": Problem.RATE_LIMITED,
}  # [SYS/PERM], "a person must do something", means what the caller was about to do
WORDS: tuple[tuple[str, Problem], ...] = (
    # Gmail
    ("bandwidth limits", Problem.RATE_LIMITED),
    ("too many simultaneous connections", Problem.RATE_LIMITED),
    # Microsoft
    ("request is throttled", Problem.RATE_LIMITED),
    ("connection is closed", Problem.SERVER_BUSY),  # "Protocol error. Connection is closed. 10"
    # Dovecot, Cyrus, Courier and others
    ("plaintext authentication disallowed", Problem.NO_TLS),
    ("maximum number of connections", Problem.RATE_LIMITED),
    ("too many connections", Problem.RATE_LIMITED),
    ("rate limit", Problem.RATE_LIMITED),
    ("already locked", Problem.SERVER_BUSY),  # RFC 1939, section 4
    ("lock maildrop", Problem.SERVER_BUSY),
    ("try again later", Problem.SERVER_BUSY),
    ("temporar", Problem.SERVER_BUSY),
    ("shutting down", Problem.SERVER_BUSY),
    ("timeout", Problem.DROPPED),
)
LONGEST_DELAY = 24 * 3600  # seconds
LIST_SECONDS = 120.0  # until the first line of a list: a server may have to read all messages


def fault_said(answer: Answer, otherwise: Problem, **facts: Any) -> Fault:
    """Return the fault that an -ERR means; `otherwise` if the tables do not know it."""
    problem = known(answer) or otherwise
    return Fault(problem, answer.text.decode("utf-8", "replace"), **facts)


def known(answer: Answer) -> Problem | None:
    """Return what the server says of itself, or None if it says nothing that we know."""
    if answer.code:
        return _by_words(answer) or CODES.get(answer.code)
    return _by_words(answer)


def delay(capabilities: Mapping[str, str]) -> Mapping[str, int]:
    """Return for how many `seconds` the server wants no second sign-in (RFC 2449, section 6.5)."""
    said = capabilities.get("LOGIN-DELAY", "").partition(" ")[0]
    is_number = said.isascii() and said.isdigit() and len(said) < 10
    return {"seconds": min(int(said), LONGEST_DELAY)} if is_number else {}


def _by_words(answer: Answer) -> Problem | None:
    said = answer.text.decode("utf-8", "replace").casefold()
    return next((problem for words, problem in WORDS if words in said), None)
