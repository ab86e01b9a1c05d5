"""The token endpoint (RFC 6749, section 3.2): tokens for a code, or for a refresh token.

What a provider answers is bounded and checked before it goes anywhere: a token ends up in a
command to a mail server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session
from django.utils import timezone

from deskpost.inbound.channels.oauth.providers import Provider
from deskpost.net import Fault, http
from deskpost.problems import Problem

MOST_BYTES = 64 * 1024
SECONDS = 10.0
# For how long a token holds if the provider does not say (RFC 6749, section 5.1), and at most.
HOLDS, HOLDS_AT_MOST = 3600, 7 * 24 * 3600
# RFC 6749, appendices A.12 and A.17, without the space, which no provider uses.
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
# What only a person can mend, by signing in again; the last two are Microsoft's.
_GONE = frozenset({"invalid_grant", "interaction_required", "consent_required"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a provider gave: an access token and until when it holds, and how to get the next."""

    access: str = field(repr=False)
    until: datetime
    refresh: str = field(repr=False)


def exchange(provider: Provider, *, code: str, verifier: str, redirect_uri: str) -> Tokens:
    """Return the tokens for an authorisation code (RFC 6749, section 4.1.3; RFC 7636, 4.5).

    Raises net.Fault: GRANT_REVOKED if the code does not hold (any more), TOKEN_NOT_REFRESHED for
    every other answer that is no token, and the network's own problems.
    """

    def ask(client: Any) -> Any:
        return client.fetch_token(
            grant_type="authorization_code",
            code=code,
            code_verifier=verifier,
            redirect_uri=redirect_uri,
        )

    return _tokens(provider, ask, secrets=(code, verifier))


def refresh(provider: Provider, refresh_token: str) -> Tokens:
    """Return new tokens for a refresh token (RFC 6749, section 6), which may be spent by it.

    Raises net.Fault as `exchange` does: GRANT_REVOKED if the refresh token does not hold any more.
    """

    def ask(client: Any) -> Any:
        return client.refresh_token(refresh_token=refresh_token)

    return _tokens(provider, ask, secrets=(refresh_token,))


def _tokens(provider: Provider, ask: Callable[[Any], Any], *, secrets: tuple[str, ...]) -> Tokens:
    """Ask with a session of authlib's, which makes the request, and read what it found."""
    words = _Words(provider, (*secrets, provider.client_secret))
    begun = timezone.now()
    with _session(provider, words) as client, words.of_network():
        found = ask(client)
    if not found.get("refresh_token"):
        # It would read the mailbox for an hour, and then stop for good.
        raise words.fault("no refresh_token in the answer")
    return Tokens(
        access=found["access_token"],
        until=begun + timedelta(seconds=found["expires_in"]),
        refresh=found["refresh_token"],
    )


@contextmanager
def _session(provider: Provider, words: _Words) -> Iterator[Any]:
    client = OAuth2Session(
        provider.client_id,
        provider.client_secret or None,
        token_endpoint_auth_method="client_secret_post" if provider.client_secret else "none",
        token_endpoint=provider.token,
        default_timeout=SECONDS,
        trust_env=False,
        stream=True,  # what comes is read with a bound, by `_Words.read`
    )
    http.mount(client)
    for event in ("access_token_response", "refresh_token_response"):
        client.register_compliance_hook(event, words.read)
    try:
        yield client
    finally:
        client.close()


@dataclass(frozen=True, slots=True)
class _Answer:
    """A checked answer, in the shape in which authlib reads one."""

    status_code: int
    found: Mapping[str, Any] = field(repr=False)

    def json(self) -> dict[str, Any]:
        return dict(self.found)


class _Words:
    """What a provider says, read and put into words that hold none of the secrets sent to it."""

    def __init__(self, provider: Provider, secrets: tuple[str, ...]) -> None:
        self._host = urlsplit(provider.token).hostname or ""
        self._secrets = [one for one in secrets if one]

    def read(self, response: Any) -> _Answer:
        """Return the answer to a token request; raises net.Fault if it holds no token."""
        status = int(response.status_code)
        found = _object(http.read_bounded(response, MOST_BYTES, SECONDS))
        line = f"{status} {response.reason or ''}"
        if status >= 500 or found is None:
            raise self.fault(line, status=status)
        if "error" in found:
            error, more = _text(found["error"]), _text(found.get("error_description"))
            problem = Problem.GRANT_REVOKED if error in _GONE else Problem.TOKEN_NOT_REFRESHED
            raise self.fault(f"{error}: {more}" if more else error, problem, status=status)
        checked = _checked(found)
        if status != 200 or checked is None:
            raise self.fault(f"{line}: no access_token that can be used", status=status)
        return _Answer(status, checked)

    def fault(
        self, said: str, problem: Problem = Problem.TOKEN_NOT_REFRESHED, **facts: Any
    ) -> Fault:
        for secret in self._secrets:
            said = said.replace(secret, "…")
        return Fault(problem, said, **{"host": self._host, **facts})

    @contextmanager
    def of_network(self) -> Iterator[None]:
        """Tell a provider that is reached, and says nothing of use, from one that is not."""
        try:
            yield
        except Fault as fault:
            if fault.step is None and fault.problem in _OF_NO_USE:
                said = fault.said or _OF_NO_USE[fault.problem]
                raise self.fault(said, **fault.facts) from None
            raise
        except (requests.RequestException, ValueError) as error:  # the request could not be made
            raise self.fault("", error=type(error).__name__) from None


_OF_NO_USE = {
    Problem.TIMED_OUT: "no answer in time",
    Problem.STRANGE_ANSWER: "an answer that cannot be read",
}


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _checked(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the answer's tokens and how many seconds they hold; None if it has none to use."""
    access, refreshed = found.get("access_token"), found.get("refresh_token")
    if not isinstance(access, str) or not _TOKEN.fullmatch(access):
        return None
    if _text(found.get("token_type")).lower() != "bearer":  # RFC 6749, section 7.1
        return None
    checked = {"access_token": access, "token_type": "Bearer", "expires_in": _seconds(found)}
    if refreshed is None:
        return checked
    if not isinstance(refreshed, str) or not _TOKEN.fullmatch(refreshed):
        return None
    return checked | {"refresh_token": refreshed}


def _seconds(found: Mapping[str, Any]) -> int:
    try:
        seconds = float(found.get("expires_in", HOLDS))
    except (TypeError, ValueError, OverflowError):
        return HOLDS
    return int(min(max(seconds, 0), HOLDS_AT_MOST)) if seconds == seconds else HOLDS
