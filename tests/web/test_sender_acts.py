"""Always block or allow the sender of a message, from its entry."""

from __future__ import annotations

import pytest
from django.test import Client

from deskpost.models import AuditEntry, InboundEmail, Project
from deskpost.web import sender_acts
from tests.desk import Desk
from tests.jobs import office
from tests.parts.site import letter
from tests.web import scene as scenes
from tests.web.mending import url, words


@pytest.fixture
def admin(desk: Desk) -> Client:
    client = Client()
    client.force_login(office.admin(desk))
    return client


@pytest.fixture
def row(desk: Desk) -> InboundEmail:
    desk.take(letter(sender="Bob <bob@shop.test>"))
    desk.take(letter(sender="Bob <bob@shop.test>"))
    desk.take(letter(sender="Eve <eve@shop.test>"))
    desk.take(letter(sender="Kit <kit@eu.shop.test>"))
    desk.take(letter(sender="Not <not@shop.test.other.test>"))
    return InboundEmail.objects.filter(sender_key="bob@shop.test").latest("id")


def change(client: Client, row: InboundEmail, way: str, name: str, entry: str) -> str:
    sent = {"list": name, "entry": entry}
    response = client.post(url(f"incoming-sender-{way}", row.pk), sent, follow=True)
    return words(response.text)


def lists() -> tuple[str, str]:
    project = Project.objects.get(key="IT")
    return project.block_list, project.allow_list


def test_address_domain_and_what_is_below_it_stand_to_choose_with_their_numbers(
    admin: Client, row: InboundEmail
) -> None:
    said = words(admin.get(url("incoming-sender", row.pk)).text)
    assert "bob@shop.test 2 kept messages came from it." in said
    assert " shop.test 3 kept messages came from it." in said
    assert "*.shop.test 1 kept message came from it." in said
    assert "passes neither the block list nor DMARC nor the loop threshold" in said


def test_a_blocked_sender_is_skipped_from_now_on_and_undo_takes_it_back(
    desk: Desk, admin: Client, row: InboundEmail
) -> None:
    assert "Mail of shop.test is skipped from now on." in change(
        admin, row, "add", "block", "shop.test"
    )
    assert lists() == ("shop.test", "")
    desk.project.refresh_from_db()
    assert desk.take(letter(sender="eve@shop.test")).outcome == "blocked_sender"
    said = change(admin, row, "remove", "block", "shop.test")
    assert "shop.test is off the list." in said
    assert lists() == ("", "")
    acts = AuditEntry.objects.filter(act="settings").order_by("pk")
    assert [entry.details for entry in acts] == [
        {"block_list": "shop.test", "added": "shop.test", "message": str(row.pk)},
        {"block_list": "", "removed": "shop.test", "message": str(row.pk)},
    ]


def test_an_entry_that_is_there_already_is_said_and_not_added_twice(
    admin: Client, row: InboundEmail
) -> None:
    change(admin, row, "add", "allow", "bob@shop.test")
    said = change(admin, row, "add", "allow", "bob@shop.test")
    assert "bob@shop.test is on the list already." in said
    assert lists() == ("", "bob@shop.test")
    assert "Undo: take it off the allow list" in said
    assert AuditEntry.objects.filter(act="settings").count() == 1


def test_an_allowed_sender_who_is_blocked_too_is_told_which_list_is_first(
    admin: Client, row: InboundEmail
) -> None:
    change(admin, row, "add", "block", "shop.test")
    said = change(admin, row, "add", "allow", "bob@shop.test")
    assert "The block list is asked first." in said


def test_what_another_has_just_written_is_kept(
    admin: Client, row: InboundEmail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the reading of the project for this request and the act, somebody adds an entry."""
    real = sender_acts._asked

    def meanwhile(*given: object) -> object:
        Project.objects.filter(key="IT").update(block_list="spam.test")
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(sender_acts, "_asked", meanwhile)
    change(admin, row, "add", "block", "shop.test")
    assert lists()[0].split() == ["spam.test", "shop.test"]


def test_only_what_the_message_suggests_can_be_put_on_a_list(
    admin: Client, row: InboundEmail
) -> None:
    for name, entry in (("block", "gmail.test"), ("block", "test"), ("other", "shop.test")):
        sent = {"list": name, "entry": entry}
        assert admin.post(url("incoming-sender-add", row.pk), sent).status_code == 404
    assert lists() == ("", "")


def test_a_full_list_says_so(admin: Client, row: InboundEmail) -> None:
    full = "\n".join(f"d{n}.test" for n in range(500))
    Project.objects.update(block_list=full)
    assert "The list is full." in change(admin, row, "add", "block", "shop.test")
    assert lists()[0] == full


@pytest.mark.parametrize(
    ("who", "status"), [("agent", 403), ("customer", 403), ("stranger", 404), ("nobody", 302)]
)
@pytest.mark.django_db
def test_nobody_else_changes_the_lists(who: str, status: int) -> None:
    scene = scenes.make()
    row = scene.email(sender="ann@x.test", sender_key="ann@x.test", status="failed")
    browser = scene.browser(who)
    assert browser.get(url("incoming-sender", row.pk)).status_code == status
    sent = {"list": "block", "entry": "x.test"}
    assert browser.post(url("incoming-sender-add", row.pk), sent).status_code == status
    assert lists() == ("", "")
