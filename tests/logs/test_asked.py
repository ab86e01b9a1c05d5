"""What an address asks of a list: its filters, their days, and the query that they make."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from deskpost.logs import asked, filters, search
from deskpost.logs.search import Is, Property
from deskpost.models import Log
from deskpost.outcomes import Outcome
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import Scene


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


def read(scene: Scene, log: Log = Log.INCOMING, /, **given: str) -> asked.Asked:
    return asked.read(scene.project, log, given)


def test_failures_are_the_default_of_notifications_only(scene: Scene) -> None:
    assert read(scene, Log.REQUESTS).status == "failed"
    assert read(scene, Log.INVITATIONS, status="all").status == ""
    assert read(scene, Log.REQUESTS, status="queued").status == "queued"
    assert read(scene, Log.INCOMING).status == ""
    assert read(scene, Log.REQUESTS, q="status:delivered").status == ""
    assert read(scene, Log.REQUESTS, q="-status:delivered").status == ""
    assert read(scene, Log.REQUESTS, q="-status:delivered", status="failed").status == "failed"


def test_what_the_address_holds_is_canonical(scene: Scene) -> None:
    assert read(scene, Log.REQUESTS, status="failed").values == {}
    given = {"status": "failed", "sender": "  Ann\n Osei ", "x": "1", "size": "", "key": "IT-7"}
    assert read(scene, **given).values == {
        "status": "failed",
        "sender": "Ann Osei",
        "key": "IT-7",
    }
    again = read(scene, **read(scene, **given).values)
    assert again == read(scene, **given)


def test_the_days_of_a_filter_are_the_reader_s(scene: Scene) -> None:
    at = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)  # the 24th in Tokyo
    row = rows.mail(scene.channel, at=at)
    given = {"from": "2026-11-24", "to": "2026-11-24"}
    with timezone.override("UTC"):
        assert not search.page(read(scene, **given).query).ids
    with timezone.override("Asia/Tokyo"):
        assert search.page(read(scene, **given).query).ids == (row.pk,)


@pytest.mark.parametrize(
    ("given", "days"),
    [
        ({"when": "today"}, (0, 1)),
        ({"when": "yesterday"}, (-1, 0)),
        ({"when": "7"}, (-6, 1)),
        ({"when": "7", "q": "on:yesterday"}, (-1, 0)),
    ],
)
def test_quick_choices_of_days_and_all_others_must_hold_together(
    scene: Scene, given: dict[str, str], days: tuple[int, int]
) -> None:
    with timezone.override("Asia/Tokyo"):
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        query = read(scene, **given).query
        assert (query.since, query.until) == tuple(midnight + timedelta(days=n) for n in days)


def test_a_day_in_which_the_clocks_change_is_whole(scene: Scene) -> None:
    with timezone.override("Europe/Berlin"):
        query = read(scene, **{"from": "2026-10-25", "to": "2026-10-25"}).query
    assert query.since and query.until
    assert query.until.astimezone(UTC) - query.since.astimezone(UTC) == timedelta(hours=25)


def test_a_whole_address_is_itself_and_a_part_is_part_of_any(scene: Scene) -> None:
    ann = rows.mail(scene.channel, sender="ann@x.test")
    joann = rows.mail(scene.channel, sender="joann@x.test")
    assert search.page(read(scene, sender="ann@X.test").query).ids == (ann.pk,)
    assert set(search.page(read(scene, sender="ann@").query).ids) == {ann.pk, joann.pk}


def test_the_channel_that_is_given_comes_before_that_of_the_address(scene: Scene) -> None:
    found = asked.read(scene.project, Log.INCOMING, {"channel": "7"}, 9)
    assert Is(property=Property.CHANNEL, values=("9",)) in found.query.parts
    found = asked.read(scene.project, Log.INCOMING, {"channel": "7"})
    assert Is(property=Property.CHANNEL, values=("7",)) in found.query.parts


def test_what_cannot_be_read_finds_nothing(scene: Scene) -> None:
    rows.mail(scene.channel)
    found = read(scene, q='"ann')
    assert found.box.error is not None
    assert found.box.text == '"ann'
    assert not search.page(found.query).ids
    assert not asked.read_everywhere(scene.project, {"q": '"ann'}).queries


def test_delivered_ones_are_asked_for_nowhere_where_the_site_says_so(
    scene: Scene, settings: Any
) -> None:
    rows.note(scene.project, scene.customer, status="delivered")
    came = rows.mail(scene.channel, Outcome.BULK)
    for shown in (True, False):
        settings.DESKPOST = settings.DESKPOST | {"LOG_DELIVERED": shown}
        found = asked.read_everywhere(scene.project, {}).queries
        assert bool(search.page(found[Log.REQUESTS]).ids) is shown
        assert search.page(found[Log.INCOMING]).ids == (came.pk,)
        assert ("delivered" in filters.statuses(Log.REQUESTS)) is shown
        assert bool(search.page(read(scene, Log.REQUESTS, status="all").query).ids) is shown
