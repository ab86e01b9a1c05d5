"""OAuth 2 for mailboxes at Google and Microsoft: a person permits it once, tokens are kept fresh.

    begin → the person permits it at the provider → complete → keep
    access_token: what the mail server takes in place of a password (XOAUTH2), refreshed in time

Authorisation codes with PKCE (RFC 6749, section 4.1; RFC 7636), tokens that providers may rotate.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from authlib.integrations.requests_client import OAuth2Session
from django.db import transaction
from django.utils import timezone

from deskpost.inbound.channels.oauth import tokens as oauth_tokens
from deskpost.inbound.channels.oauth.alone import alone
from deskpost.inbound.channels.oauth.providers import Provider, find, offered, setting
from deskpost.inbound.channels.oauth.tokens import Tokens
from deskpost.models import Mailbox
from deskpost.net import Fault
from deskpost.problems import Problem

__all__ = [
    "Begun",
    "OtherState",
    "Provider",
    "Tokens",
    "access_token",
    "begin",
    "complete",
    "find",
    "forget_access",
    "keep",
    "offered",
    "setting",
]

# A token that runs out sooner is refreshed first: signing in and a first look take a while.
MARGIN = timedelta(seconds=60)


class OtherState(Exception):
    """The answer of a provider does not belong to what was begun (RFC 6749, section 10.12)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A permission that was asked for: the address at which the person gives it, and what its
    answer is checked with. Keep the verifier from the browser."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    verifier: str = field(repr=False)


def begin(provider: Provider, mailbox_address: str, protocol: str, redirect_uri: str) -> Begun:
    """Return where to lead a person who is to permit access to the mailbox by that protocol.

    The provider leads them back to `redirect_uri` with the state and a code.
    """
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(32)
    client = OAuth2Session(
        provider.client_id,
        scope=provider.scopes(protocol),
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
    )
    url, _ = client.create_authorization_url(
        provider.authorise,
        state=state,
        code_verifier=verifier,
        login_hint=mailbox_address,
        **provider.more,
    )
    return Begun(url=str(url), state=state, verifier=verifier)


def complete(
    provider: Provider, begun: Begun, *, state: str, code: str, redirect_uri: str
) -> Tokens:
    """Return the tokens for the code with which a person came back from the provider.

    Raises OtherState if it belongs to something else, and net.Fault if the provider refuses it
    (its error in `said`) or cannot be reached. A code can be tried once.
    """
    if not hmac.compare_digest(begun.state.encode(), state.encode()):
        raise OtherState
    return oauth_tokens.exchange(
        provider, code=code, verifier=begun.verifier, redirect_uri=redirect_uri
    )


def keep(mailbox: Mailbox, tokens: Tokens) -> None:
    """Write the tokens, encrypted, in place of the old ones: all in one statement."""
    fields = {
        "access_token": tokens.access,
        "access_until": tokens.until,
        "refresh_token": tokens.refresh,
    }
    Mailbox.objects.filter(pk=mailbox.pk).update(**fields)
    _copy(fields, mailbox)


def access_token(mailbox: Mailbox) -> str:
    """Return an access token that holds for another minute; refreshed, if need be.

    Raises net.Fault: GRANT_REVOKED if a person must sign in at the provider again,
    TOKEN_NOT_REFRESHED with the provider's words for its other refusals, or the network's own
    problem. Not to be called within a transaction.
    """
    if not _holds(mailbox):
        with alone(mailbox.pk):
            found = Mailbox.objects.get(pk=mailbox.pk)
            if not _holds(found):
                found = _refreshed(found)
        _copy({name: getattr(found, name) for name in _TOKENS}, mailbox)
    return mailbox.access_token


def forget_access(mailbox: Mailbox) -> None:
    """Drop the access token: a mail server refuses it, although it should hold.

    One that another process has fetched meanwhile stays.
    """
    refused = mailbox.access_token
    with transaction.atomic():
        kept = Mailbox.objects.select_for_update().get(pk=mailbox.pk)
        if kept.access_token == refused:
            Mailbox.objects.filter(pk=mailbox.pk).update(access_token="", access_until=None)
    mailbox.access_token, mailbox.access_until = "", None


_TOKENS = ("access_token", "access_until", "refresh_token")


def _copy(values: dict[str, object], mailbox: Mailbox) -> None:
    for name, value in values.items():
        setattr(mailbox, name, value)


def _holds(mailbox: Mailbox) -> bool:
    until = mailbox.access_until
    return bool(mailbox.access_token) and until is not None and until > timezone.now() + MARGIN


def _refreshed(mailbox: Mailbox) -> Mailbox:
    """Fetch new tokens and keep them; return the mailbox with those that count then.

    A crash between the provider's answer and the commit loses a rotated refresh token: there is
    nothing between the two but this one statement. Google does not rotate, and Microsoft takes
    the one before as well; from a provider that does neither the next try gets GRANT_REVOKED, and
    a person reconnects the channel.
    """
    provider = find(mailbox.provider)
    if provider is None:
        missing = setting(mailbox.provider)
        raise Fault(Problem.TOKEN_NOT_REFRESHED, setting=missing)
    if not mailbox.refresh_token:
        raise Fault(Problem.GRANT_REVOKED)
    tokens = oauth_tokens.refresh(provider, mailbox.refresh_token)
    with transaction.atomic():
        kept = Mailbox.objects.select_for_update().get(pk=mailbox.pk)
        # A person who signed in anew meanwhile has replaced what was just refreshed.
        if (kept.provider, kept.refresh_token) == (mailbox.provider, mailbox.refresh_token):
            keep(kept, tokens)
    if not kept.access_token:
        raise Fault(Problem.TOKEN_NOT_REFRESHED)
    return kept
