"""Folders of an IMAP mailbox: select one, see what we may do in it, make the one to move to."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher

from imapclient.response_parser import parse_response

from deskpost import net
from deskpost.inbound.channels.imap.answers import fault_said
from deskpost.inbound.channels.imap.wire import Answered, Client, Strange, Wire
from deskpost.inbound.channels.source import Account
from deskpost.net import Fault
from deskpost.problems import Problem

UIDPLUS = "UIDPLUS"  # RFC 4315: delete these messages and no others
MOST_NAMES = 20
MOST_LISTED = 1000
MOST_NAME = 255

VALIDITY = re.compile(rb"\[UIDVALIDITY (\d{1,10})\]", re.IGNORECASE)
NEXT = re.compile(rb"\[UIDNEXT (\d{1,10})\]", re.IGNORECASE)
PERMANENT = re.compile(rb"\[PERMANENTFLAGS \(([^)]{0,10000})\)\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """What SELECT says of a folder. `lasting` are the flags that last, in lower case; None if the
    server does not tell."""

    total: int
    validity: int
    next_uid: int
    writable: bool
    lasting: frozenset[bytes] | None


def select(client: Client, folder: str) -> Selected:
    """Select a folder, or select it again: then what it says is new.

    Raises Fault(FOLDER_MISSING) with up to MOST_NAMES `others`, the likeliest first, and what a
    Wire raises.
    """
    wire = client.wire
    wire.begin()
    try:
        words = wire.order("SELECT", client.encoded(folder))
    except Answered as answer:
        if answer.kind != "NO":
            raise
        raise _missing(client, folder, wire.masked(answer.words)) from answer
    wire.state = "SELECTED"
    validity = _number(wire, VALIDITY)
    if not wire.untagged("EXISTS") or not validity:
        raise Strange
    selected = Selected(
        total=wire.total,
        validity=validity,
        next_uid=_number(wire, NEXT) or _next_uid(wire),
        writable=not words.upper().startswith(b"[READ-ONLY]"),
        lasting=_lasting(wire),
    )
    wire.news = False
    return selected


def uids(wire: Wire, asked: str) -> list[int]:
    """Return the UIDs that there are among these ("1:5", "*"), ascending."""
    wire.order("UID", "SEARCH", "UID", asked)
    return sorted({int(uid) for line in wire.untagged("SEARCH") for uid in line.split()})


def _number(wire: Wire, pattern: re.Pattern[bytes]) -> int:
    found = [match for line in wire.untagged("OK") if (match := pattern.match(line))]
    return int(found[-1][1]) if found else 0


def _next_uid(wire: Wire) -> int:
    # Some old servers do not tell it: then it follows the last message.
    return max(uids(wire, "*"), default=0) + 1


def _lasting(wire: Wire) -> frozenset[bytes] | None:
    for line in wire.untagged("OK"):
        if match := PERMANENT.match(line):
            return frozenset(match[1].lower().split())
    return None


def _missing(client: Client, folder: str, said: bytes) -> Fault:
    others: list[str] = []
    fault = fault_said(said, Problem.FOLDER_MISSING)
    if fault.problem != Problem.FOLDER_MISSING:
        return fault
    with suppress(Exception):  # the list only helps; what happened is known
        client.wire.begin()
        for flags, _, name in client.list_folders():
            if b"\\noselect" not in {flag.lower() for flag in flags}:
                others.append(net.one_line(name)[:MOST_NAME])
            if len(others) == MOST_LISTED:
                break
    likely = sorted(others, key=lambda name: (name.upper() != "INBOX", -_likeness(name, folder)))
    others = likely[:MOST_NAMES]
    return Fault(Problem.FOLDER_MISSING, fault.said, folder=folder, others=others)


def _likeness(name: str, wanted: str) -> float:
    return SequenceMatcher(None, name.casefold(), wanted.casefold()[:MOST_NAME]).quick_ratio()


def check_rights(client: Client, account: Account, selected: Selected) -> str:
    """Return our rights to the folder (RFC 4314), "" if the server does not tell.

    Raises Fault(READ_ONLY) if they are too few for what becomes of a message, makes the folder
    to move to if there is none, and raises Fault(FOLDER_MISSING) if that fails.
    """
    needed = {"seen": rb"\seen", "move": rb"\deleted", "delete": rb"\deleted"}.get(
        account.afterwards
    )
    rights = _rights(client, account.folder)
    if needed is None:
        return rights
    if not selected.writable:
        raise Fault(Problem.READ_ONLY, folder=account.folder, rights=rights)
    if selected.lasting is not None and needed not in selected.lasting:
        raise Fault(Problem.READ_ONLY, folder=account.folder, rights=rights)
    # What RFC 2086 calls "d" is "t" and "e" since RFC 4314.
    allowed = "s" in rights if needed == rb"\seen" else {"t", "e"} <= set(rights) or "d" in rights
    if rights and not allowed:
        raise Fault(Problem.READ_ONLY, folder=account.folder, rights=rights)
    if account.afterwards == "move":
        _check_target(client, account)
    return rights


def _rights(client: Client, folder: str) -> str:
    if not client.offers("ACL"):
        return ""
    client.wire.begin()
    try:
        client.wire.order("MYRIGHTS", client.encoded(folder))
    except Answered as answer:
        if answer.kind == "BYE":
            raise
        return ""  # not to be told is no failure
    told = parse_response(client.wire.untagged("MYRIGHTS")[:1])
    rights = told[1] if len(told) == 2 else b""
    return net.one_line(rights)[:MOST_NAME] if isinstance(rights, bytes) else ""


def _check_target(client: Client, account: Account) -> None:
    target = account.move_to
    if not target or _same(target, account.folder):
        # What is moved to where it is would come again and again.
        raise Fault(Problem.FOLDER_MISSING, folder=target, others=[])
    if not _exists(client, target):
        make(client, target)
    rights = _rights(client, target)
    if rights and "i" not in rights:
        raise Fault(Problem.READ_ONLY, folder=target, rights=rights)


def _same(one: str, other: str) -> bool:
    return one == other or one.upper() == other.upper() == "INBOX"


def _exists(client: Client, folder: str) -> bool:
    client.wire.begin()
    try:
        client.wire.order("STATUS", client.encoded(folder), "(UIDNEXT)")
    except Answered as answer:
        if answer.kind != "NO":
            raise
        return False
    return True


def make(client: Client, folder: str) -> None:
    """Create a folder. Raises Fault(FOLDER_MISSING) if there is none afterwards."""
    client.wire.begin()
    said = b""
    try:
        client.wire.order("CREATE", client.encoded(folder))
    except Answered as answer:
        if answer.kind != "NO":
            raise
        said = client.wire.masked(answer.words)
    else:
        with suppress(Answered):  # many programs show only what is subscribed to
            client.wire.order("SUBSCRIBE", client.encoded(folder))
    if said and not _exists(client, folder):
        raise _missing(client, folder, said)
