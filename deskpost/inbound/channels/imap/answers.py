"""What IMAP servers say -> our problem. The table is all there is; their own words are kept.

Codes in brackets are those of RFC 5530 and RFC 3501; the other words are the big providers' own,
who often give no code, or the wrong one. The first line that is in the answer counts.
"""

from __future__ import annotations

import imaplib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deskpost import net
from deskpost.inbound.channels.imap.inlet import Lost, Overrun
from deskpost.inbound.channels.imap.wire import Answered, Strange, Wire
from deskpost.net import Fault
from deskpost.problems import Problem, Step

ANSWERS: tuple[tuple[str, Problem], ...] = (
    # Gmail
    ("too many simultaneous connections", Problem.RATE_LIMITED),
    ("command or bandwidth limits", Problem.RATE_LIMITED),  # with [OVERQUOTA]
    ("lockdown in sector", Problem.RATE_LIMITED),
    ("not enabled for imap", Problem.SIGN_IN_REFUSED),
    ("application-specific password required", Problem.SIGN_IN_REFUSED),
    ("log in via your web browser", Problem.SIGN_IN_REFUSED),
    ("invalid credentials", Problem.SIGN_IN_REFUSED),
    # Microsoft
    ("request is throttled", Problem.RATE_LIMITED),
    ("user is authenticated but not connected", Problem.SERVER_BUSY),
    ("accesstokenexpired", Problem.DROPPED),  # in the middle of the work: a new one at the next try
    ("server unavailable", Problem.SERVER_BUSY),
    # Dovecot, Yahoo and others
    ("maximum number of connections", Problem.RATE_LIMITED),
    ("too many connections", Problem.RATE_LIMITED),
    ("rate limit", Problem.RATE_LIMITED),
    ("plaintext authentication disallowed", Problem.NO_TLS),
    ("quota exceeded", Problem.QUOTA_FULL),
    ("permission denied", Problem.READ_ONLY),
    ("read-only", Problem.READ_ONLY),
    # Codes
    ("[authenticationfailed]", Problem.SIGN_IN_REFUSED),
    ("[authorizationfailed]", Problem.SIGN_IN_REFUSED),
    ("[expired]", Problem.SIGN_IN_REFUSED),
    ("[contactadmin]", Problem.SIGN_IN_REFUSED),
    ("[privacyrequired]", Problem.NO_TLS),
    ("[limit]", Problem.RATE_LIMITED),
    ("[unavailable]", Problem.SERVER_BUSY),
    ("[inuse]", Problem.SERVER_BUSY),
    ("[serverbug]", Problem.SERVER_BUSY),
    ("[overquota]", Problem.QUOTA_FULL),
    ("[noperm]", Problem.READ_ONLY),
    ("[nonexistent]", Problem.FOLDER_MISSING),
    ("[trycreate]", Problem.FOLDER_MISSING),
    ("[corruption]", Problem.STRANGE_ANSWER),
)  # [ALERT] says nothing by itself: its words are looked for, and shown

BACKOFF = re.compile(r"backoff time: {0,3}(\d{1,9}) {0,3}milliseconds")  # Microsoft
MOST_BACKOFF = 86400

# What imaplib and IMAPClient raise on answers that they cannot read.
UNREADABLE = (
    Strange,
    imaplib.IMAP4.error,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    RecursionError,
)


def fault_said(said: bytes, otherwise: Problem, **facts: Any) -> Fault:
    """Return the fault that an answer means; `otherwise` if the table does not know it.

    When the server says how long to wait, the fact `seconds` has it.
    """
    words = net.one_line(said)
    lower = words.casefold()
    problem = next((problem for key, problem in ANSWERS if key in lower), otherwise)
    if wait := BACKOFF.search(lower):
        facts["seconds"] = min(-(-int(wait[1]) // 1000), MOST_BACKOFF)
    return Fault(problem, words, **facts)


@contextmanager
def working(
    wire: Wire,
    refused: Problem = Problem.STRANGE_ANSWER,
    *,
    ended: Problem = Problem.DROPPED,
    step: Step | None = None,
    **facts: Any,
) -> Iterator[None]:
    """Turn whatever fails inside into a Fault, and close the connection then.

    `refused` is what a NO means, and `ended` a BYE, where the table has nothing better.
    """
    try:
        yield
    except (Fault, Answered, OSError, Lost, Overrun, *UNREADABLE) as error:
        fault = _fault(wire, error, refused, ended)
        wire.drop()
        fault.step = fault.step or step
        fault.facts = {**fault.facts, **facts}
        raise fault from error


def _fault(wire: Wire, error: Exception, refused: Problem, ended: Problem) -> Fault:
    if isinstance(error, Fault):
        return error
    if isinstance(error, Answered):
        usual = {"NO": refused, "BYE": ended}.get(error.kind, Problem.STRANGE_ANSWER)
        return fault_said(wire.masked(error.words), usual)
    if isinstance(error, Lost):
        # What a server says before it hangs up is still to be read.
        if said := wire.last_words():
            return fault_said(wire.masked(said), ended)
        return net.fault_of(error.cause)
    if isinstance(error, OSError):
        return net.fault_of(error)
    return Fault(Problem.STRANGE_ANSWER, net.one_line(wire.last_line))
