"""A provider's event that quotes our headers: the log, which others read, has no tokens of it."""

from __future__ import annotations

import json

import pytest
from django.conf import settings
from django.utils import timezone

from deskpost.mail import address
from deskpost.models import Notification, ProviderMessage, Suppression
from deskpost.outbound import links
from tests.outbound.tracking import calls
from tests.outbound.tracking.payloads import EVENTS, PROVIDERS, About, provider_id

REQUEST = 7


def tokens(note: Notification) -> dict[str, str]:
    """What stands in the headers of the notification, and whoever has it may use."""
    reply = address.ReplyToken(request=REQUEST, person=note.person_id)
    bounce = address.BounceToken(notification=note.pk)
    return {
        "Return-Path": address.bounce_address("it@desk.test", bounce, settings.MAIL_KEY),
        "Reply-To": address.reply_address("it@desk.test", reply, settings.MAIL_KEY),
        "List-Unsubscribe": links.unsubscribe_token(note.person_id),
        "X-Mute": links.mute_token(REQUEST, note.person_id),
    }


def headers(found: dict[str, str]) -> list[dict[str, str]]:
    """The headers as they are sent: addresses, and links to our pages."""
    written = {
        "Return-Path": f"<{found['Return-Path']}>",
        "Reply-To": f"IT help <{found['Reply-To']}>",
        "List-Unsubscribe": f"<{links.unsubscribe_at(found['List-Unsubscribe'])}>",
        "X-Mute": f"<{links.mute_at(found['X-Mute'])}>",
    }
    return [{"name": name, "value": value} for name, value in written.items()]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_tokens_in_an_event_are_not_kept(provider: str, note: Notification) -> None:
    about, found = About(metadata={"deskpost": str(note.pk)}), tokens(note)
    ProviderMessage.objects.create(
        provider=provider,
        message_id=provider_id(provider, about),
        notification=note.pk,
        at=timezone.now(),
    )
    event = EVENTS[provider]("hard", about)
    # Amazon SES sends all headers of a message with each event of a configuration set.
    where = event["mail"] if provider == "amazon_ses" else event
    where["headers"] = headers(found)
    assert calls.call(provider, event).post().content == b"1 of 1 events noted.\n"
    note.refresh_from_db()
    for kept in (json.dumps(note.facts), json.dumps(Suppression.objects.get().evidence)):
        assert "List-Unsubscribe" in kept
        assert kept.count("TOKEN") == len(found)
        for token in found.values():
            assert token.partition("@")[0] not in kept
