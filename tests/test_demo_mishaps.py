"""What the demo brings about on the site's own side: each by its real cause, and given back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone

from deskpost.demo import heavy, lab, letters, limit
from deskpost.desk import people, requests
from deskpost.desk.entry import Entry
from deskpost.mail import answers
from deskpost.models import (
    MessageTemplate,
    Notification,
    Person,
    Project,
    QuotaPeriod,
    Role,
    SiteNotice,
)
from deskpost.outbound import notices, quota, templates_check
from deskpost.outcomes import Reason, Trouble
from tests.carriers import Accepting
from tests.desk import Desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(desk: Desk) -> Person:
    return desk.member("ann@x.test", Role.CUSTOMER)


def invite(desk: Desk, outside: Accepting, project: Project | None = None) -> Notification:
    """Invite a customer and return what became of it."""
    people.invite(project or desk.project, "cy@x.test", "Cy", desk.agent, timezone.now())
    return desk.deliver(outside)[-1]


def notice() -> QuerySet[SiteNotice]:
    return SiteNotice.objects.filter(kind=Trouble.LIMIT_REACHED)


# --- The limit ---------------------------------------------------------------------------------


def test_while_the_limit_is_used_up_the_real_guard_stops_what_is_sent(
    desk: Desk, outside: Accepting
) -> None:
    invite(desk, outside)
    before = quota.standing().sent
    with limit.used_up():
        stopped = invite(desk, outside)
        assert quota.standing().left == 0
        assert notice().filter(closed_at=None).exists()
    assert (stopped.status, stopped.reason) == ("failed", Reason.LIMIT_REACHED)
    assert before == quota.standing().sent == 1
    assert not notice().filter(closed_at=None).exists()
    assert invite(desk, outside).status == "delivered"


@pytest.mark.parametrize("end", [KeyboardInterrupt, RuntimeError])
def test_whatever_ends_it_the_places_are_given_back(desk: Desk, end: type[BaseException]) -> None:
    with pytest.raises(end), limit.used_up():
        assert quota.standing().left == 0
        raise end
    assert quota.standing().sent == 0


@pytest.mark.parametrize("before", [3, 9_999])
def test_an_interrupt_on_either_side_of_the_commit_is_told_apart(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    QuotaPeriod.objects.create(day=quota.standing().day, sent=before)

    @contextmanager
    def interrupted(*, commits: bool) -> Iterator[None]:
        with transaction.atomic():
            yield
            if not commits:
                raise KeyboardInterrupt
        raise KeyboardInterrupt

    for commits in (True, False):
        stand_in = SimpleNamespace(atomic=partial(interrupted, commits=commits))
        monkeypatch.setattr("deskpost.demo.limit.transaction", stand_in)
        with pytest.raises(KeyboardInterrupt), limit.used_up():
            pass
        assert quota.standing().sent == before


def test_places_that_others_give_back_meanwhile_are_not_lost(desk: Desk) -> None:
    QuotaPeriod.objects.create(day=quota.standing().day, sent=5)
    with limit.used_up():
        period = QuotaPeriod.objects.get()
        period.sent -= 2
        period.save()
    assert quota.standing().sent == 3


def test_a_limit_that_was_reached_before_stays_so_and_so_does_its_notice(desk: Desk) -> None:
    standing = quota.standing()
    QuotaPeriod.objects.create(day=standing.day, sent=standing.limit + 3)
    notices.note(Trouble.LIMIT_REACHED, standing.day.isoformat())
    with limit.used_up():
        pass
    assert quota.standing().sent == standing.limit + 3
    assert notice().filter(closed_at=None).exists()


# --- The template ------------------------------------------------------------------------------


def test_the_template_is_one_that_the_editor_takes_and_makes_too_much(
    desk: Desk, outside: Accepting, ann: Person
) -> None:
    words = heavy.template(settings.DESKPOST["MESSAGE_LIMIT"])
    source = templates_check.Source(**words)
    assert templates_check.check(heavy.KIND, source, desk.project) == ()
    MessageTemplate.objects.create(
        project=desk.project,
        kind=heavy.KIND,
        language="en",
        changed_at=timezone.now(),
        **words,
    )
    said, now = Entry(text="It flickers."), timezone.now()
    request = requests.open_request(desk.channel, ann, "Screen", said, now=now)
    requests.resolve(request, desk.agent, now=now)
    desk.deliver(outside)
    requests.reopen(request, desk.agent, now=now)
    note = desk.deliver(outside)[-1]
    assert (note.status, note.reason) == ("failed", Reason.TEMPLATE_TOO_LARGE)
    assert note.facts["bytes"] > note.facts["limit"]
    assert not note.trail[-1]["facts"].get("template"), "it did not fall back to the standard one"


@pytest.mark.parametrize("mebibytes", [1, 6, 15])
def test_it_is_larger_than_whatever_may_be_sent(desk: Desk, mebibytes: int) -> None:
    words = heavy.template(mebibytes * 1024**2)
    assert templates_check.check(heavy.KIND, templates_check.Source(**words), desk.project) == ()
    assert len(words["text"]) * heavy.TURNS > mebibytes * 1024**2


# --- The project without an address ------------------------------------------------------------


def test_an_invitation_from_it_is_an_internal_error(desk: Desk, outside: Accepting) -> None:
    assert lab.make() == lab.make() == lab.KEY
    note = invite(desk, outside, Project.objects.get(key=lab.KEY))
    assert (note.status, note.reason) == ("failed", Reason.INTERNAL_ERROR)
    assert note.facts["error"] == "LookupError"
    assert SiteNotice.objects.filter(kind=Trouble.OWN_FAULT, closed_at=None).exists()


def test_one_that_has_an_address_by_now_is_left_alone(desk: Desk) -> None:
    desk.add_channel("lab@desk.test", Project.objects.create(key=lab.KEY, name="A real lab"))
    assert lab.make() == ""
    assert Project.objects.get(key=lab.KEY).name == "A real lab"


PAGES = (
    "requests/",
    "customers/",
    "email-logs/",
    "email-logs/invitations/",
    "email-logs/incoming/",
    "email-logs/connectivity/",
    "settings/email/channels/",
    "settings/email/channels/add/",
    "settings/email/senders/",
    "settings/email/notifications/",
    "settings/email/templates/",
    "settings/email/templates/customer_invited/en/",
)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_its_pages_answer_in_both_languages(
    desk: Desk, outside: Accepting, language: str, path: str
) -> None:
    project = Project.objects.get(key=lab.make())
    invite(desk, outside, project)
    client = Client()
    client.force_login(desk.member("boss@desk.test", Role.ADMIN, project))
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    page = client.get(f"/projects/{lab.KEY}/{path}", follow=True)
    assert page.status_code == 200
    assert f'<html lang="{language}"' in page.text


def test_its_customers_learn_that_it_takes_no_mail_yet(desk: Desk) -> None:
    client = Client()
    client.force_login(
        desk.member("ann@x.test", Role.CUSTOMER, Project.objects.get(key=lab.make()))
    )
    assert "takes no mail yet" in client.get(f"/projects/{lab.KEY}/").text


# --- What servers say --------------------------------------------------------------------------


def test_one_server_asks_to_be_tried_again_in_300_seconds() -> None:
    assert answers.seconds_to_wait(letters.SERVERS_SAY["lee"]) == 300
