"""What went wrong between us and a provider, as an answer. A fault before the request could be
taken is "down"; where nobody knows whether it was, the message is tried again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import requests
from anymail.exceptions import AnymailConfigurationError, AnymailInvalidAddress

from deskpost.mail.answers import INVALID, UNKNOWN, Answer
from deskpost.mail.answers_provider import LONGEST_WAIT, refused
from deskpost.mail.answers_provider_body import said, said_in
from deskpost.mail.words import one_line

# By name: of the exceptions of requests, urllib3 and botocore, whichever the backend uses.
_NOT_TAKEN: Final = frozenset(
    {
        "ConnectTimeout",
        "ConnectTimeoutError",
        "EndpointConnectionError",
        "InvalidHeader",
        "InvalidSchema",
        "InvalidURL",
        "MissingSchema",
        "NameResolutionError",
        "NewConnectionError",
        "NoCredentialsError",
        "NoRegionError",
        "PartialCredentialsError",
        "ProxyConnectionError",
        "ProxyError",
        "SSLError",
    }
)
_HELD: Final = re.compile(r"^<[^<>]*>: ")  # urllib3 names its objects


def fault(provider: str, error: BaseException) -> Answer:
    """Return the answer that an exception of django-anymail amounts to. Never raises."""
    if isinstance(error, AnymailInvalidAddress):
        return _invalid(error)
    if isinstance(error, AnymailConfigurationError):
        return Answer(kind="down", text=f"{provider}: its settings cannot be used")
    response = getattr(error, "response", None)
    if response is None:
        response = getattr(error.__cause__, "response", None)
    if isinstance(response, requests.Response):
        return of_response(provider, response)
    if isinstance(response, Mapping):
        return _of_boto(provider, response)
    return _unanswered(provider, error.__cause__ or error)


def of_response(provider: str, response: requests.Response, status: str = "") -> Answer:
    """Return what an HTTP answer means that is not "taken"; `status` as in `refused`."""
    code, words = said(response.content)
    answer = refused(provider, http=response.status_code, code=code, words=words, status=status)
    if answer.kind == "permanent":
        return answer
    return replace(answer, again_after=seconds(response.headers.get("Retry-After")))


def _of_boto(provider: str, response: Mapping[str, Any]) -> Answer:
    code, words = said_in(dict(response))
    http = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return refused(provider, http=http, code=code, words=words)


def seconds(value: str | None) -> int | None:
    """Read Retry-After (RFC 9110, section 10.2.3): seconds, or a date. Returns 1 to 86400, or None
    where it is absent or says nothing."""
    if not value:
        return None
    value = value.strip()[:40]
    if re.fullmatch(r"\d{1,9}", value, re.ASCII):
        wait = float(value)
    else:
        try:
            at = parsedate_to_datetime(value)
        except (ValueError, TypeError, OverflowError):
            return None
        zoned = at if at.tzinfo else at.replace(tzinfo=UTC)
        wait = (zoned - datetime.now(UTC)).total_seconds()
    return int(min(max(wait, 1), LONGEST_WAIT))


def _invalid(error: AnymailInvalidAddress) -> Answer:
    words = one_line(str(error.args[0] if error.args else ""))[:500]
    of_recipient = "`to`" in words or "IDNA" in words
    return Answer(kind="permanent", reason=INVALID if of_recipient else UNKNOWN, text=words)


def _unanswered(provider: str, error: BaseException) -> Answer:
    """The connection failed, or its answer was not waited for."""
    cause = _innermost(error)
    is_down = {type(error).__name__, type(cause).__name__} & _NOT_TAKEN
    words = _HELD.sub("", one_line(str(cause)))[:300]
    return Answer(
        kind="down" if is_down else "temporary",
        text=f"{provider}: {type(cause).__name__}: {words}",
        provider=provider,
    )


def _innermost(error: BaseException) -> BaseException:
    """What requests has wrapped: its ConnectionError holds urllib3's, which holds a reason."""
    held = error.args[0] if error.args else None
    reason = getattr(held, "reason", held)
    return reason if isinstance(reason, BaseException) else error
