"""The one way out, for what people name as servers: resolve, check, connect to what was checked.

A name that leads to a private or loopback address is refused unless its network is allowed
(DESKPOST_ALLOW_PRIVATE_HOSTS): or else whoever may set up a channel could reach into the network
in which this machine stands. The check is made after each resolution, and the connection goes to
the address that was checked, so that a second answer of DNS changes nothing.
"""

from __future__ import annotations

import errno
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from deskpost.net import address as net_address
from deskpost.net import certificates, names
from deskpost.net import context as net_context
from deskpost.net.context import tls_context
from deskpost.problems import Problem, Step

__all__ = [
    "Endpoint",
    "Fault",
    "certificate",
    "dial",
    "fault_of",
    "one_line",
    "resolve",
    "secure",
    "tls_context",
]


class Fault(Exception):
    """The other side cannot be reached, or does not let us work.

    `problem` says why, `said` holds the server's own words (not trusted, one line, bounded) and
    `facts` what else is known: host, port, names, dates. All of it can be shown to people and
    holds no secret. `step` is where it happened, while a connection is made.
    """

    def __init__(
        self, problem: Problem, said: str = "", *, step: Step | None = None, **facts: Any
    ) -> None:
        self.problem, self.said, self.step = problem, one_line(said), step
        self.facts: Mapping[str, Any] = facts
        super().__init__(f"{problem}: {self.said}" if self.said else str(problem))


MOST_SAID = 500


def one_line(said: str | bytes) -> str:
    """Return what a server said, as one bounded line without control characters."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    visible = "".join(c if c.isprintable() else " " for c in text[: MOST_SAID * 2])
    return " ".join(visible.split())[:MOST_SAID]


RESOLVE_SECONDS = 10.0
MOST_TRIED = 6  # of the addresses of one name


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address to which a name led, and to which one may connect.

    `address` is what `socket.connect` takes, `ip` the address as text, `host` the name.
    """

    family: socket.AddressFamily
    address: tuple[Any, ...]
    ip: str
    is_private: bool
    host: str = ""


def resolve(host: str, port: int) -> list[Endpoint]:
    """Return the addresses of a server to which one may connect, the best first.

    `host` may be anything that a person typed: a name, also one with letters beyond ASCII, or an
    address in whichever spelling the system reads. Takes at most 10 s. Raises Fault only:
    NAME_NOT_FOUND, or PRIVATE_ADDRESS if every address that was found is one of a private network
    that is not allowed.
    """
    shown = one_line(host)[: names.MOST_OF_A_NAME]
    if not 0 < port < 1 << 16:
        raise Fault(Problem.UNREACHABLE, step=Step.TCP, host=shown, port=port)
    try:
        found = names.look_up(host, port, RESOLVE_SECONDS)
    except (OSError, ValueError) as error:
        raise Fault(Problem.NAME_NOT_FOUND, step=Step.NAME, host=shown) from error
    except Exception as error:
        raise fault_of(error, step=Step.NAME, host=shown) from error
    return _checked(found, shown)


def _checked(found: Sequence[names.Found], host: str) -> list[Endpoint]:
    allowed: Sequence[net_address.Network] = settings.DESKPOST["ALLOW_PRIVATE_HOSTS"]
    endpoints, refused = [], []
    for family, sockaddr in found:
        try:
            ip = net_address.read(str(sockaddr[0]))
        except ValueError:
            continue
        if net_address.is_allowed(ip, allowed):
            endpoints.append(Endpoint(family, sockaddr, str(ip), net_address.is_private(ip), host))
        else:
            refused.append(str(ip))
    if endpoints:
        return endpoints
    if refused:
        raise Fault(Problem.PRIVATE_ADDRESS, step=Step.NAME, host=host, address=refused[0])
    raise Fault(Problem.NAME_NOT_FOUND, step=Step.NAME, host=host)


def dial(endpoints: Sequence[Endpoint], timeout: float = 20.0) -> socket.socket:
    """Connect to the first of the addresses that answers; return the socket.

    All tries together take at most `timeout` seconds, which is also the socket's time limit
    afterwards. Raises Fault: REFUSED, TIMED_OUT or UNREACHABLE, of the try that tells most.
    """
    end = time.monotonic() + timeout
    chosen = endpoints[:MOST_TRIED]
    faults: list[Fault] = []
    for index, endpoint in enumerate(chosen):
        # An address that swallows everything must leave some time to the others.
        share = (end - time.monotonic()) / (len(chosen) - index)
        try:
            sock = _connect(endpoint, max(share, 0.001))
        except OSError as error:
            facts = {"host": endpoint.host, "address": endpoint.ip, "port": endpoint.address[1]}
            faults.append(fault_of(error, step=Step.TCP, **facts))
            continue
        sock.settimeout(timeout)
        return sock
    if not faults:
        raise Fault(Problem.UNREACHABLE, step=Step.TCP)
    raise min(faults, key=lambda fault: _TELLING.get(fault.problem, len(_TELLING)))


_TELLING = {Problem.REFUSED: 0, Problem.TIMED_OUT: 1, Problem.UNREACHABLE: 2}

# A connection that rests for long (IDLE) is noticed to be dead after about two minutes.
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))


def _connect(endpoint: Endpoint, timeout: float) -> socket.socket:
    sock = socket.socket(endpoint.family, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option, value in _KEEPALIVE:
            if hasattr(socket, option):  # not on every system
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        sock.connect(endpoint.address)
    except BaseException:
        sock.close()
        raise
    return sock


def secure(sock: socket.socket, host: str, timeout: float = 20.0) -> ssl.SSLSocket:
    """Begin TLS with the server of this name on a connected socket; return the new socket.

    The handshake takes at most `timeout` seconds, which is also the time limit afterwards. If it
    fails, the connection is closed and Fault raised: CERTIFICATE_…, TLS_FAILED, TIMED_OUT or
    DROPPED, with the facts of the certificate if the server showed one.
    """
    facts: dict[str, Any] = {"host": one_line(host)[: names.MOST_OF_A_NAME]}
    try:
        facts["port"] = sock.getpeername()[1]
        context = _own_context(facts)
        sock.settimeout(timeout)
        name = names.ascii_name(host).rstrip(".").partition("%")[0]
        tls = context.wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False)
    except (Fault, OSError, ValueError) as error:
        sock.close()
        raise fault_of(error, step=Step.TLS, **facts) from error
    try:
        tls.do_handshake()
    except OSError as error:
        tls.close()
        shown = certificates.facts(net_context.presented(tls))
        raise fault_of(error, step=Step.TLS, **facts, **shown) from error
    return tls


def _own_context(facts: Mapping[str, Any]) -> ssl.SSLContext:
    try:
        return tls_context()
    except OSError as error:  # our own file, and not the server's doing
        name = type(error).__name__
        raise Fault(Problem.INTERNAL_ERROR, step=Step.TLS, error=name, **facts) from error


def certificate(sock: ssl.SSLSocket) -> dict[str, Any]:
    """Return the facts of the server's certificate (certificates.facts), and `protocol`, the
    version of TLS: TLSv1.3."""
    found = certificates.facts(sock.getpeercert(binary_form=True) or b"")
    return {**found, "protocol": sock.version() or ""}


def fault_of(error: BaseException, **facts: Any) -> Fault:
    """Return the Fault for an error that was met in the middle of work (`step` is among the facts).

    Of an error that is not known only the name of its class is kept, for its text may hold
    secrets.
    """
    if isinstance(error, Fault):
        return error
    if isinstance(error, ssl.SSLError):
        return _tls_fault(error, facts)
    for kind, problem in _KINDS:
        if isinstance(error, kind):
            return Fault(problem, **facts)
    number = error.errno if isinstance(error, OSError) and not error.filename else None
    if number is not None and number in _NUMBERS:  # of a connection, not of a file
        return Fault(_NUMBERS[number], **{"error": errno.errorcode[number], **facts})
    return Fault(Problem.INTERNAL_ERROR, **{"error": type(error).__name__, **facts})


_KINDS: tuple[tuple[type[BaseException], Problem], ...] = (
    (socket.gaierror, Problem.NAME_NOT_FOUND),
    (ConnectionRefusedError, Problem.REFUSED),
    (TimeoutError, Problem.TIMED_OUT),
    (ConnectionError, Problem.DROPPED),
    (EOFError, Problem.DROPPED),
)
_NUMBERS: Mapping[int, Problem] = {
    **dict.fromkeys(
        (
            errno.EHOSTUNREACH,
            errno.ENETUNREACH,
            errno.EHOSTDOWN,
            errno.ENETDOWN,
            errno.EADDRNOTAVAIL,
            errno.EAFNOSUPPORT,
            errno.EINVAL,  # an address that cannot be connected to
            errno.EACCES,  # firewalls of this machine answer with these two
            errno.EPERM,
        ),
        Problem.UNREACHABLE,
    ),
    **dict.fromkeys((errno.ENOTCONN, errno.ENETRESET, errno.EBADF), Problem.DROPPED),
}


def _tls_fault(error: ssl.SSLError, facts: Mapping[str, Any]) -> Fault:
    if isinstance(error, ssl.SSLCertVerificationError):
        problem = _VERIFIED.get(error.verify_code, Problem.CERTIFICATE_UNTRUSTED)
        return Fault(problem, **{"error": one_line(error.verify_message), **facts})
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return Fault(Problem.DROPPED, **facts)
    return Fault(
        Problem.TLS_FAILED, **{"error": one_line(getattr(error, "reason", "") or ""), **facts}
    )


_VERIFIED = {  # OpenSSL's X509_V_ERR_…
    9: Problem.CERTIFICATE_EXPIRED,  # not yet valid
    10: Problem.CERTIFICATE_EXPIRED,
    62: Problem.CERTIFICATE_OTHER_NAME,
    64: Problem.CERTIFICATE_OTHER_NAME,  # an IP address
}
