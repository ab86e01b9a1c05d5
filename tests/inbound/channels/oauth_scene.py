"""A mailbox whose permission was given by a real authorisation server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone
from pytest_django import Settings

from deskpost.inbound.channels import oauth
from deskpost.models import Channel, Mailbox
from deskpost.net import Fault
from tests.desk import Desk
from tests.parts.authority import Authority

ADDRESS = "support@desk.test"
BACK = "http://127.0.0.1/oauth/callback/"
SECONDS = 60.0


@contextmanager
def as_google(settings: Settings, token_key: str = "") -> Iterator[Authority]:
    """Start an authorisation server, which is Google to this site."""
    with Authority(token_key) as part:
        settings.DESKPOST = {**settings.DESKPOST, **part.settings()}
        yield part


def connected(authority: Authority) -> Mailbox:
    """Return a mailbox whose permission was given; its access token has just run out."""
    mailbox = new_mailbox()
    oauth.keep(mailbox, permit(authority))
    return run_out(mailbox)


def permit(authority: Authority, protocol: str = "imap") -> oauth.Tokens:
    """Go the whole road: ask for permission, get it, fetch the tokens."""
    (provider,) = oauth.offered()
    begun = oauth.begin(provider, ADDRESS, protocol, BACK)
    state, code = came_back(authority.visit(begun.url))
    return oauth.complete(provider, begun, state=state, code=code, redirect_uri=BACK)


def came_back(url: str) -> tuple[str, str]:
    answer = parse_qs(urlsplit(url).query)
    return answer["state"][0], answer["code"][0]


def new_mailbox(address: str = ADDRESS, provider: str = "google") -> Mailbox:
    channel = Desk().add_channel(address)
    Channel.objects.filter(pk=channel.pk).update(kind=Channel.Kind.CUSTOM)
    return Mailbox.objects.create(
        channel=channel, provider=provider, host="imap.example.test", port=993, username=address
    )


def run_out(mailbox: Mailbox) -> Mailbox:
    Mailbox.objects.filter(pk=mailbox.pk).update(access_until=timezone.now())
    return Mailbox.objects.get(pk=mailbox.pk)


def fault_of(mailbox: Mailbox) -> Fault:
    with pytest.raises(Fault) as caught:
        oauth.access_token(mailbox)
    return caught.value


def asked_by(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
