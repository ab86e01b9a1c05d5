"""DNS for the checks of a batch: each name is asked once, what is known is shared, time is bounded.

Answers are kept in the process until their time to live is over, so that the messages of one domain
share them; a name that gave no answer is not asked again for half a minute.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import Any, Literal

import dns.exception
import dns.nameserver
import dns.resolver

RecordType = Literal["TXT", "A", "AAAA", "MX", "PTR"]
Values = tuple[Any, ...]  # TXT: bytes; A, AAAA, PTR: str; MX: (preference, host)
Key = tuple[tuple[str, ...], str, str]

MAX_TTL = 3600.0  # seconds
NEGATIVE_TTL = 60.0  # of a name that does not exist
FAILURE_TTL = 30.0  # of a name that gave no answer (RFC 2308, section 7, allows five minutes)
LEAST_PATIENCE = 1.0  # seconds: who waited less does not call a name silent
MAX_CACHE = 8 * 1024 * 1024  # octets of names and answers
ENTRY = 200  # octets that an entry takes beside them
MAX_ANSWER = 32 * 1024  # octets of one answer
ONE_TRY = 1.0  # seconds before a resolver is asked again
EDNS_PAYLOAD = 1232  # what passes everywhere without fragments

_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_/=+-]{1,63}(?:\.[a-z0-9_/=+-]{1,63})*+")


class Unanswered(Exception):
    """DNS gave no answer to use: which name was asked, and what happened."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{why} ({name})")
        self.name, self.why = name, why


@dataclass(frozen=True, slots=True)
class Found:
    """An answer, or why there is none; `seconds` is how long it may be kept."""

    values: Values = ()
    failure: str = ""
    seconds: float = 0.0


class Cache:
    """What DNS said, bounded in octets; what was kept longest goes first."""

    def __init__(self, octets: int = MAX_CACHE) -> None:
        self._most, self._octets = octets, 0
        self._kept: OrderedDict[Key, tuple[float, int, Found]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key) -> Found | None:
        with self._lock:
            until, _, found = self._kept.get(key, (0.0, 0, None))
        return found if time.monotonic() < until else None

    def put(self, key: Key, found: Found) -> None:
        if found.seconds <= 0:
            return
        octets = ENTRY + len(key[1]) + _octets(found.values)
        with self._lock:
            self._drop(key)
            self._kept[key] = time.monotonic() + found.seconds, octets, found
            self._octets += octets
            while self._octets > self._most:
                self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        if old := self._kept.pop(key, None):
            self._octets -= old[1]

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._octets = 0


CACHE = Cache()


class Lookups:
    """The lookups of one batch, from many threads, none of them later than `until` (monotonic).

    One lookup takes `patience` seconds at most, so that a silent name leaves time for others.
    `resolvers` are `host:port`; none means the system's.
    """

    def __init__(
        self,
        resolvers: Sequence[str] = (),
        *,
        until: float,
        patience: float,
        cache: Cache = CACHE,
    ) -> None:
        self._until, self._patience = until, patience
        self._from = tuple(resolvers)
        self._cache = cache
        self._resolver = _resolver(self._from)
        self._asked: dict[Key, Future[Found]] = {}
        self._lock = threading.Lock()

    def ask(self, name: str, kind: RecordType) -> Values:
        """The values at a name, none if there are none or the name cannot exist.

        Raises Unanswered where DNS fails, is silent or says too much.
        """
        name = name.lower().removesuffix(".")
        if not _NAME.fullmatch(name):
            return ()
        found = self._find((self._from, name, kind))
        if found.failure:
            raise Unanswered(name, found.failure)
        return found.values

    def _find(self, key: Key) -> Found:
        if kept := self._cache.get(key):
            return kept
        with self._lock:
            mine = key not in self._asked
            future = self._asked.setdefault(key, Future())
        if mine:
            found = self._resolve(key)
            self._cache.put(key, found)
            future.set_result(found)
            return found
        try:
            return future.result(max(0.0, self._until - time.monotonic()))
        except FutureTimeout:
            return Found(failure=SILENT)

    def _resolve(self, key: Key) -> Found:
        patience = min(self._until - time.monotonic(), self._patience)
        if self._resolver is None:
            return Found(failure="no resolver is configured")
        if patience <= 0:
            return Found(failure=SILENT)
        try:
            answer = self._resolver.resolve(
                key[1] + ".", key[2], lifetime=patience, search=False, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN:
            return Found(seconds=NEGATIVE_TTL)
        except dns.exception.Timeout:
            return Found(failure=SILENT, seconds=FAILURE_TTL if patience >= LEAST_PATIENCE else 0)
        except Exception as error:  # noqa: BLE001 (whatever an answer makes dnspython do)
            return Found(failure=_failure(error), seconds=FAILURE_TTL)
        return _found(answer, key[2])


SILENT = "no answer in time"


def _failure(error: Exception) -> str:
    if isinstance(error, dns.resolver.NoNameservers):
        return "the name servers failed"
    return f"the answer cannot be read: {type(error).__name__}"


def _found(answer: dns.resolver.Answer, kind: str) -> Found:
    seconds = min(max(answer.expiration - time.time(), 0.0), MAX_TTL)
    values = tuple(map(_READ[kind], answer.rrset or ()))
    if _octets(values) > MAX_ANSWER:
        return Found(failure="the answer is too large", seconds=seconds)
    return Found(values=values, seconds=seconds)


_READ: dict[str, Callable[[Any], Any]] = {
    "TXT": lambda record: b"".join(record.strings),
    "A": lambda record: record.address,
    "AAAA": lambda record: record.address,
    "MX": lambda record: (record.preference, record.exchange.to_text(True)),
    "PTR": lambda record: record.target.to_text(True),
}


def _octets(values: Iterable[Any]) -> int:
    return sum(60 + (len(one) if isinstance(one, bytes) else 100) for one in values)


def _resolver(addresses: tuple[str, ...]) -> dns.resolver.Resolver | None:
    try:
        found = dns.resolver.Resolver(configure=not addresses)
        if addresses:
            found.nameservers = [_server(one) for one in addresses]
    except (dns.exception.DNSException, OSError, ValueError):
        return None
    found.timeout = ONE_TRY
    found.use_edns(0, 0, EDNS_PAYLOAD)
    return found


def _server(address: str) -> dns.nameserver.Nameserver:
    host, _, port = address.rpartition(":")
    return dns.nameserver.Do53Nameserver(host.strip("[]"), int(port))
