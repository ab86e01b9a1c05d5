"""A notification's whole way through a provider, as the settings have it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings

from deskpost.config_relay import project_relays
from deskpost.models import Attempt, Notification, ProviderMessage, SiteNotice, Suppression
from deskpost.outbound.carriers import Configured
from deskpost.outcomes import NotificationStatus, Reason, Trouble
from deskpost.wake import Stage
from deskpost.worker import Worker
from tests.desk import Desk
from tests.outbound.providers import KEY, PK, address_of
from tests.parts.provider_api import ProviderApi, Told
from tests.parts.site import letter


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProviderApi]:
    """A provider of project IT's own; the site itself writes into its outbox folder."""
    with ProviderApi() as server:
        ways = project_relays(f"IT={address_of('postmark', server.url)}")
        monkeypatch.setitem(settings.DESKPOST, "PROJECT_RELAYS", ways)
        yield server


def receipt(desk: Desk) -> Notification:
    """Ann writes to IT, and her receipt is sent."""
    desk.take(letter())
    return desk.deliver(Configured())[-1]


def test_a_project_sends_through_its_own_provider_which_knows_the_message_by_its_id(
    desk: Desk, api: ProviderApi
) -> None:
    api.told = Told(body={"ErrorCode": 0, "Message": "OK", "MessageID": PK, "To": "ann@x.test"})
    note = receipt(desk)
    assert note.status == NotificationStatus.DELIVERED
    assert api.last.json["Metadata"] == {"deskpost": str(note.id)}
    known = ProviderMessage.objects.get(notification=note.id)
    assert (known.provider, known.message_id) == ("postmark", PK)
    (attempt,) = Attempt.objects.filter(notification=note)
    assert (attempt.server, attempt.result) == ("Postmark (127.0.0.1)", "accepted")


def test_an_address_on_the_providers_list_fails_and_is_blocked(
    desk: Desk, api: ProviderApi
) -> None:
    words = "Found inactive addresses: ann@x.test.\nInactive recipients are ones that bounced."
    api.told = Told(status=422, body={"ErrorCode": 406, "Message": words})
    note = receipt(desk)
    assert (note.status, note.reason) == (
        NotificationStatus.FAILED,
        Reason.SERVICE_PROVIDER_ERROR,
    )
    assert Suppression.objects.filter(address_key="ann@x.test").exists()


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker([Stage.OUTBOUND])
    yield made
    made.stopping = True
    made.run()


def test_with_a_wrong_key_nothing_fails_and_a_notice_says_what_to_do(
    desk: Desk, api: ProviderApi, worker: Worker
) -> None:
    api.told = Told(status=401, body={"ErrorCode": 10, "Message": f"No such token: {KEY}0"})
    desk.take(letter())
    desk.announce()
    worker.outbound()
    note = Notification.objects.get()
    assert (note.status, note.tries) == (NotificationStatus.QUEUED, 0)
    assert not Attempt.objects.exists()
    notice = SiteNotice.objects.get(kind=Trouble.RELAY_DOWN)
    assert notice.key == "postmark (IT)"
    assert "DESKPOST_PROJECT_RELAYS" in notice.facts["answer"]
    assert KEY not in f"{notice.facts} {Notification.objects.values()}"
