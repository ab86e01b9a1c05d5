"""Open a mailbox by POP3 (RFC 1939), step by step."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

from deskpost import net
from deskpost.inbound.channels.pop3 import answers, listing
from deskpost.inbound.channels.pop3.signin import capabilities, sign_in
from deskpost.inbound.channels.pop3.source import Pop3Source
from deskpost.inbound.channels.pop3.wire import Wire
from deskpost.inbound.channels.source import Account, Done, Opening, at
from deskpost.net import Endpoint, Fault
from deskpost.problems import Problem, Step

MOST_SHOWN = 30  # capabilities


def opening(account: Account) -> Opening:
    """Yield each step of getting in, with what it found; return the open mailbox.

    The facts: `addresses`; `address` and `port`; the certificate's, or `plain`; `mechanism`;
    `messages`; `capabilities`. Raises Fault.
    """
    with at(Step.NAME):
        endpoints = net.resolve(account.host, account.port)
    yield Done(step=Step.NAME, facts={"addresses": [endpoint.ip for endpoint in endpoints]})
    with at(Step.TCP):
        sock = net.dial(endpoints)
    wire = Wire(sock, net.one_line(account.host), account.port)
    try:
        with at(Step.TCP):
            address = sock.getpeername()[0]
        yield Done(step=Step.TCP, facts={"address": address, "port": account.port})
        yield from _encrypted(wire, account, endpoints)
        return (yield from _ready(wire, account))
    except BaseException:
        # A Fault, or nobody wants the other steps.
        wire.drop()
        raise


def _encrypted(wire: Wire, account: Account, endpoints: Sequence[Endpoint]) -> Iterator[Done]:
    """Take the greeting, in the clear only where that is what the account has."""
    with at(Step.TLS):
        if account.security == "none":
            if not all(endpoint.is_private for endpoint in endpoints):
                raise Fault(Problem.NO_TLS)
            _greeting(wire)
            facts = {"plain": True}
        elif account.security == "starttls":
            _greeting(wire)
            answer = wire.ask("STLS")  # RFC 2595, section 4
            if not answer.ok:
                raise answers.fault_said(answer, Problem.NO_TLS)
            facts = wire.secure(account.host)
        else:
            facts = wire.secure(account.host)
            _greeting(wire)
    yield Done(step=Step.TLS, facts=facts)


def _greeting(wire: Wire) -> None:
    answer = wire.answer()
    if not answer.ok:
        raise answers.fault_said(answer, Problem.SERVER_BUSY)


def _ready(wire: Wire, account: Account) -> Generator[Done, None, Pop3Source]:
    with at(Step.SIGN_IN):
        mechanism = sign_in(wire, account, capabilities(wire))
    yield Done(step=Step.SIGN_IN, facts={"mechanism": mechanism})
    with at(Step.FOLDER):
        count = _count(wire)
    yield Done(step=Step.FOLDER, facts={"messages": count})
    with at(Step.RIGHTS):
        offered = capabilities(wire)  # they may be others now (RFC 2449, section 3)
        uids = _uids(wire, count)
    shown = [net.one_line(name) for name in sorted(offered)[:MOST_SHOWN]]
    yield Done(step=Step.RIGHTS, facts={"capabilities": shown})
    return Pop3Source(wire, account, uids, pipelines="PIPELINING" in offered)


def _count(wire: Wire) -> int:
    answer = wire.ask("STAT")
    if not answer.ok:
        raise answers.fault_said(answer, Problem.STRANGE_ANSWER)
    said = answer.text.split(maxsplit=1)
    if not said or not said[0].isdigit() or len(said[0]) > 9:
        wire.strange(answer.text)
    return int(said[0])


def _uids(wire: Wire, count: int) -> dict[int, bytes]:
    """Ask for the messages' names. Without these, one that was taken would be taken again."""
    answer = wire.ask("UIDL", answers.LIST_SECONDS)
    if not answer.ok:
        said = b"UIDL, which is needed here: " + answer.text
        raise Fault(answers.known(answer) or Problem.STRANGE_ANSWER, net.one_line(said))
    listed = wire.block(listing.MOST_LISTING)
    if listed.size > listing.MOST_LISTING:
        wire.strange(b"UIDL: more messages than can be listed")
    try:
        uids = listing.read_uids(listed.content)
    except listing.Malformed as error:
        wire.strange(f"UIDL: {error}".encode())
    if len(uids) < count:
        # Whatever it leaves out would count as gone, and be taken again when it is back.
        wire.strange(f"STAT: {count} messages, UIDL: {len(uids)}".encode())
    return uids
