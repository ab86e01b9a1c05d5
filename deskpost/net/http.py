"""HTTP by the one way out (deskpost.net): to the token addresses and the APIs of mail providers.

It is requests with connections of our own. They follow no redirect, know no proxy and no .netrc,
and do without TLS only within allowed private networks. Every answer is bounded.
"""

from __future__ import annotations

import http.client
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from deskpost import net
from deskpost.problems import Problem, Step

# Its warnings and debug lines hold whole addresses, and what servers wrote.
logging.getLogger("urllib3").setLevel(logging.ERROR)

CONNECT_SECONDS, READ_SECONDS = 20.0, 30.0
WHOLE_SECONDS = 120.0  # for the head of an answer and again for its body, at any pace
MOST_READ: Final = 1 << 20  # bytes of an answer that the caller does not read as a stream


class TooLarge(net.Fault):
    """The answer has more bytes than were asked for; `beginning` is what was read of it."""

    def __init__(self, beginning: bytes, **facts: Any) -> None:
        super().__init__(Problem.STRANGE_ANSWER, **facts)
        self.beginning = beginning


def session() -> requests.Session:
    """Return a client whose requests raise net.Fault, and no error of another library.

    An answer with an error status is returned like any other. Use it as a context manager; with
    `stream=True` the body is read by `read_bounded`.
    """
    client = _Session()
    mount(client)
    return client


def mount(client: requests.Session) -> None:
    """Make a client of requests (authlib's OAuth2Session is one) go the one way out.

    What happens on the way and at the server raises net.Fault. What is wrong with a request before
    it is sent (no host in its address) remains an error of requests.
    """
    client.trust_env = False
    client.max_redirects = 0
    client.adapters.clear()
    for scheme in ("https://", "http://"):
        client.mount(scheme, _Adapter())


def read_bounded(response: requests.Response, limit: int, seconds: float = WHOLE_SECONDS) -> bytes:
    """Return the body of an answer that was asked for with `stream=True`; close the answer.

    Raises TooLarge if it has more than `limit` bytes, net.Fault TIMED_OUT if it takes longer than
    `seconds`, DROPPED if it ends too early.
    """
    parts: list[bytes] = []
    read = 0
    host = _host(response.url)
    try:
        with _at_most(seconds, response.raw.shutdown, host):
            while part := response.raw.read1(1 << 16, decode_content=False):
                parts.append(part)
                read += len(part)
                if read > limit:
                    raise TooLarge(b"".join(parts)[:limit], host=host, limit=limit)
    except _ERRORS as error:
        raise _fault(error, host=host) from None
    finally:
        response.close()
    return b"".join(parts)


@contextmanager
def _at_most(seconds: float, end: Callable[[], object], host: str) -> Iterator[None]:
    """Let the block read from a server for so long, then call `end` to stop the reading.

    The time limit of a socket is for one read, and a server may send a byte at a time.
    """
    over = threading.Event()

    def stop() -> None:
        over.set()
        with suppress(Exception):  # it has ended by itself
            end()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception:
        if not over.is_set():
            raise
    finally:
        timer.cancel()
    if over.is_set():
        raise net.Fault(Problem.TIMED_OUT, host=host, seconds=seconds)


class _Session(requests.Session):
    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        try:
            return super().request(*args, **kwargs)
        except _ERRORS as error:  # before anything was sent
            raise _fault(error) from None


class _Adapter(HTTPAdapter):
    """Sends requests of requests over connections of ours, and bounds the answers."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """The certificate is checked by net.secure, whatever the caller says."""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: dict[str, str] | None = None,
    ) -> requests.Response:
        """Return the answer. Raises net.Fault."""
        # What comes packed could become of any size, and mail must be byte for byte.
        request.headers["Accept-Encoding"] = "identity"
        limits = timeout or (CONNECT_SECONDS, READ_SECONDS)
        try:
            response = super().send(request, stream=True, timeout=limits)
        except _ERRORS as error:
            raise _fault(error, host=_host(request.url)) from None
        self._check(response)
        if not stream:
            response._content = read_bounded(response, MOST_READ)
            response._content_consumed = True
        return response

    def _check(self, response: requests.Response) -> None:
        packed = response.headers.get("Content-Encoding", "identity").strip().lower()
        if packed == "identity" and not 300 <= response.status_code < 400:
            return
        response.close()
        raise net.Fault(
            Problem.STRANGE_ANSWER,
            f"{response.status_code} {response.reason}",
            host=_host(response.url),
            status=response.status_code,
        )


class _PlainConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        endpoints = net.resolve(self._dns_host, self.port)
        private = [endpoint for endpoint in endpoints if endpoint.is_private]
        if not private:
            raise net.Fault(Problem.NO_TLS, step=Step.TLS, host=self.host, port=self.port)
        return net.dial(private, _seconds(self.timeout))

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]
        with _at_most(WHOLE_SECONDS, partial(_shut, self.sock), self.host):
            return super().getresponse()


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return net.dial(net.resolve(self._dns_host, self.port), _seconds(self.timeout))

    def connect(self) -> None:
        self.sock = net.secure(self._new_conn(), self.host, _seconds(self.timeout))
        self.is_verified = True

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]
        with _at_most(WHOLE_SECONDS, partial(_shut, self.sock), self.host):
            return super().getresponse()


def _shut(sock: socket.socket) -> None:
    sock.shutdown(socket.SHUT_RDWR)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def _seconds(timeout: Any) -> float:
    return float(timeout) if isinstance(timeout, (int, float)) else CONNECT_SECONDS


def _host(url: str | None) -> str:
    """The host alone: the rest of an address may hold secrets."""
    try:
        return net.one_line(urllib3.util.parse_url(url or "").host or "")
    except urllib3.exceptions.HTTPError:
        return ""


_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)


def _fault(error: BaseException, **facts: Any) -> net.Fault:
    """Return the Fault for an error of requests or urllib3, which wrap what happened."""
    causes = list(_causes(error))
    if any(isinstance(cause, _TIMEOUTS) for cause in causes):
        return net.Fault(Problem.TIMED_OUT, **facts)
    for cause in causes:
        if isinstance(cause, OSError) and not isinstance(cause, requests.RequestException):
            return net.fault_of(cause, **facts)
    if any(isinstance(cause, http.client.IncompleteRead) for cause in causes):
        return net.Fault(Problem.DROPPED, **facts)
    if any(isinstance(cause, http.client.HTTPException) for cause in causes):
        return net.Fault(Problem.STRANGE_ANSWER, **facts)
    if isinstance(error, requests.exceptions.InvalidURL):
        return net.Fault(Problem.NAME_NOT_FOUND, step=Step.NAME, **facts)
    return net.fault_of(error, **facts)


_TIMEOUTS = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
MOST_CAUSES = 20


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps, as argument, as reason or as cause."""
    waiting, seen = [error], 0
    while waiting and seen < MOST_CAUSES:
        cause, seen = waiting.pop(0), seen + 1
        yield cause
        inner = (*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__)
        waiting.extend(each for each in inner if isinstance(each, BaseException))
