"""A channel that is to be connected at a provider, and the way there and back."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings as active
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from deskpost.models import Channel, Mailbox
from tests.parts.authority import Authority
from tests.web.scene import Scene

ADDRESS = "support@mail.test"
UNFIT = "This answer does not fit"


@contextmanager
def as_google(settings: Settings) -> Iterator[Authority]:
    """Start an authorisation server, which is Google to this site."""
    with Authority() as part:
        settings.DESKPOST = {**settings.DESKPOST, **part.settings()}
        yield part


def new_mailbox(scene: Scene, address: str = ADDRESS, provider: str = "google") -> Mailbox:
    channel = Channel.objects.create(
        project=scene.project,
        address=address,
        kind=Channel.Kind.CUSTOM,
        request_type=scene.channel.request_type,
    )
    return Mailbox.objects.create(
        channel=channel, provider=provider, host="imap.example.test", port=993, username=address
    )


def begin_at(mailbox: Mailbox) -> str:
    return reverse("channel-authorise", args=["IT", mailbox.pk])


def begin(browser: Client, mailbox: Mailbox) -> str:
    """Begin; return the address at the provider to which the page's link leads."""
    page = browser.post(begin_at(mailbox))
    assert page.status_code == 200
    return html.unescape(re.findall(r'href="(http://127[^"]+)"', page.text)[0])


def tokens_of(mailbox: Mailbox) -> tuple[str, str]:
    kept = Mailbox.objects.get(pk=mailbox.pk)
    return kept.access_token, kept.refresh_token


def come_back(browser: Client, url: str) -> Any:
    """Open the address to which the provider leads a person back."""
    base = active.BASE_URL
    assert url.startswith(f"{base}/oauth/callback/?")
    return browser.get(url.removeprefix(base))


def refused(response: Any, words: str, status: int = 400) -> str:
    """Assert that the page says so; return it."""
    assert response.status_code == status
    page = html.unescape(response.content.decode())
    assert words in page
    assert "Nothing was changed" in page
    return page
