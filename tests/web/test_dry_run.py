"""What would happen now, and Process again, from the drawer."""

from __future__ import annotations

import re

import pytest
from django.core.files.storage import storages
from django.utils import timezone

from deskpost import journey
from deskpost.models import AuditEntry, InboundEmail, Request
from tests.desk import Desk
from tests.parts.site import letter
from tests.web import scene as scenes
from tests.web.mending import Mending, fresh, url, words


@pytest.fixture
def mending(desk: Desk) -> Mending:
    return Mending(desk, 1)


def differing(page: str) -> list[str]:
    """Return the lines of the comparison that are marked."""
    return [words(row) for row in re.findall(r'<tr class="differs">(.*?)</tr>', page, re.DOTALL)]


def test_then_and_now_stand_side_by_side_and_what_differs_is_marked(mending: Mending) -> None:
    (row,) = mending.rows
    mending.mend()
    page = mending.browser().get(url("incoming-now", row.pk)).text
    assert "With today’s settings it would end otherwise." in words(page)
    marked = differing(page)
    assert "Status Failed Success" in marked
    assert "Reason Signup is not currently available Request created" in marked
    assert any(line.startswith("Key – a new request") for line in marked)
    assert any("sign-up is open" in line for line in marked)
    assert not any("larger than" in line for line in marked)
    assert fresh(row).outcome == "signup_closed"
    assert not Request.objects.exists()


def test_where_nothing_was_changed_it_says_so(mending: Mending) -> None:
    page = mending.browser().get(url("incoming-now", mending.rows[0].pk)).text
    assert "The same would happen again" in words(page)
    assert differing(page) == []


def test_process_again_shows_the_entry_with_what_it_came_to(mending: Mending) -> None:
    (row,) = mending.rows
    mending.mend()
    admin = mending.browser()
    response = admin.post(url("incoming-again", row.pk) + "?status=failed", follow=True)
    assert response.redirect_chain == [(url("incoming", row.pk) + "?status=failed", 302)]
    assert "It was processed again: Request created" in response.text
    assert "This message became IT-1." in words(response.text)
    entry = AuditEntry.objects.get(act="reprocess")
    assert (entry.person, entry.subject) == (mending.admin, str(row.pk))


def test_a_second_click_does_nothing_and_says_so(mending: Mending) -> None:
    (row,) = mending.rows
    admin, path = mending.browser(), url("incoming-again", row.pk)
    admin.post(path, {"run": "1"})
    said = admin.post(path, {"run": "1"}, follow=True).text
    assert "It was processed again already. Nothing was done twice." in said
    assert fresh(row).run == 2
    mending.mend()
    admin.post(path, {"run": "2"})
    said = admin.post(path, {"run": "3"}, follow=True).text
    assert "It has become IT-1 already." in said
    assert Request.objects.count() == 1


def test_what_waits_is_not_taken_from_its_worker(mending: Mending) -> None:
    row = mending.desk.arrive(letter())
    admin = mending.browser()
    assert "It waits to be processed" in admin.get(url("incoming-now", row.pk)).text
    said = admin.post(url("incoming-again", row.pk), follow=True).text
    assert "It waits to be processed already." in said


def test_a_raw_that_is_gone_or_was_never_kept_is_said(mending: Mending) -> None:
    (row,) = mending.rows
    admin = mending.browser()
    storages["raw"].delete(row.raw_key)
    assert "raw message is gone" in admin.get(url("incoming-now", row.pk)).text
    said = admin.post(url("incoming-again", row.pk), follow=True).text
    assert "cannot be read just now. Nothing was changed" in said
    InboundEmail.objects.update(raw_key="")
    assert "Nothing of this message was kept" in admin.get(url("incoming-now", row.pk)).text
    assert fresh(row).runs == []


def test_a_fault_of_ours_is_told_with_an_id_and_changes_nothing(
    mending: Mending, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = mending.rows

    def breaks(*_: object) -> object:
        raise RuntimeError("secret of the inside")

    monkeypatch.setattr(journey, "preview", breaks)
    monkeypatch.setattr(journey, "reprocess", breaks)
    admin = mending.browser()
    shown = admin.get(url("incoming-now", row.pk)).text
    told = admin.post(url("incoming-again", row.pk), follow=True).text
    for page in (shown, told):
        assert f"To quote: {row.pk}" in page
        assert "secret" not in page


def test_the_drawer_offers_both_and_not_again_what_has_made_a_request(mending: Mending) -> None:
    (row,) = mending.rows
    admin = mending.browser()
    page = admin.get(url("incoming", row.pk)).text
    assert url("incoming-now", row.pk) in page
    assert url("incoming-again", row.pk) in page
    mending.mend()
    admin.post(url("incoming-again", row.pk))
    page = admin.get(url("incoming", row.pk)).text
    assert url("incoming-now", row.pk) in page
    assert url("incoming-again", row.pk) not in page
    shown = admin.get(url("incoming-now", row.pk)).text
    assert "it cannot be processed again" in shown


@pytest.mark.parametrize(
    ("who", "status"), [("agent", 403), ("customer", 403), ("stranger", 404), ("nobody", 302)]
)
@pytest.mark.django_db
def test_nobody_else_does_either(who: str, status: int) -> None:
    scene = scenes.make()
    row = scene.email(status="failed", outcome="signup_closed", settled_at=timezone.now())
    browser = scene.browser(who)
    assert browser.get(url("incoming-now", row.pk)).status_code == status
    assert browser.post(url("incoming-again", row.pk)).status_code == status
    assert fresh(row).runs == []
