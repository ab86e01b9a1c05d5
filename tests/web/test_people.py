"""The page about one address: what it got and wrote, what stands with it, and who may ask."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from deskpost.models import AuditEntry, Channel, Person, Project, RequestType, Role, Suppression
from deskpost.outbound import suppress
from deskpost.outcomes import Kind, Outcome, Reason, Withheld
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

pytestmark = pytest.mark.django_db
ANN = "ann@x.test"


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


@pytest.fixture
def ann(scene: Scene) -> Person:
    return scenes.add_customer(scene.project, ANN, "Ann")


@pytest.fixture
def other() -> Project:
    return Project.objects.create(key="HR", name="People and pay")


def page_of(email: str = ANN) -> str:
    return reverse("person", args=[email])


def read(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    return response.content.decode()


# --- Who may ask, and of what --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "status"), [("site_admin", 200), ("admin", 200), ("agent", 403), ("customer", 403)]
)
def test_it_takes_a_log_that_one_may_read(scene: Scene, ann: Person, who: str, status: int) -> None:
    for path in (page_of(), reverse("people")):
        read(scene.browser(who), path, status)


def test_nobody_else_is_let_in(scene: Scene, ann: Person) -> None:
    assert scene.browser("nobody").get(page_of()).status_code == 302
    scene.project.kind = Project.Kind.TEAM
    scene.project.save()
    read(scene.browser("admin"), page_of(), 403)


def test_only_projects_whose_log_one_may_read_are_shown(
    scene: Scene, admin: Client, ann: Person, other: Project
) -> None:
    other.memberships.create(person=scene.admin, role=Role.AGENT)
    rows.note(scene.project, ann, request_key="IT-1")
    rows.note(other, ann, request_key="HR-7")
    page = read(admin, page_of())
    assert "IT-1" in page
    assert "HR-7" not in page
    assert "People and pay" not in page.split("<main")[1]
    both = read(scene.browser("site_admin"), page_of())
    assert "IT-1" in both
    assert "HR-7" in both


def test_what_only_another_project_knows_is_answered_like_what_nobody_knows(
    scene: Scene, admin: Client, other: Project
) -> None:
    eve = scenes.add_customer(other, "eve@x.test", "Eve")
    rows.note(other, eve)
    suppress.block("eve@x.test", Suppression.Cause.COMPLAINT, {})
    answers = [
        read(admin, page_of(email), 404).replace(email, "").replace(quote(email), "")
        for email in ("eve@x.test", "xyz@x.test")
    ]
    assert answers[0].split("<main")[1] == answers[1].split("<main")[1]
    assert "Is it spelled as the person writes it?" in answers[0]
    assert admin.post(page_of("eve@x.test")).status_code == 404
    assert suppress.is_blocked("eve@x.test")


def test_a_sender_s_account_in_another_project_is_not_told(
    scene: Scene, admin: Client, other: Project
) -> None:
    scenes.add_customer(other, ANN, "Annabel Secret", address_private=True)
    rows.mail(scene.channel)
    page = read(admin, page_of())
    assert "Annabel" not in page
    assert "private" not in page
    assert "There is no account with this address." in page


# --- What stands with the address ----------------------------------------------------------------


def test_one_sentence_says_what_stands_with_it(scene: Scene, admin: Client, ann: Person) -> None:
    assert "Ann can get mail. Nothing has gone to this address lately." in read(admin, page_of())
    at = timezone.now()
    rows.note(scene.project, ann, status="delivered", arrived_at=at)
    clock = f"{timezone.localtime(at):%H:%M}"
    assert f"Ann can get mail. Last delivered today at {clock}." in read(admin, page_of())
    assert "Never wrote" in read(admin, page_of())
    rows.mail(scene.channel)
    assert "Last wrote today at" in read(admin, page_of())


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        ("hard_bounce", "after a hard bounce."),
        ("soft_bounces", "after several soft bounces in a row."),
        ("complaint", "after a complaint of spam."),
        ("by_hand", ", by hand."),
    ],
)
def test_a_block_is_said_with_its_day_and_cause(
    scene: Scene, admin: Client, ann: Person, cause: str, said: str
) -> None:
    suppress.block(ANN, cause, {})
    page = read(admin, page_of())
    assert "Blocked since " in page
    assert said in page
    assert "can get mail" not in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"address_private": True}, "Ann has set the address to private"),
        ({"unsubscribed_at": timezone.now()}, "Ann has unsubscribed"),
    ],
)
def test_so_is_what_the_person_has_chosen(
    scene: Scene, admin: Client, ann: Person, fields: dict[str, Any], said: str
) -> None:
    Person.objects.filter(pk=ann.pk).update(**fields)
    page = read(admin, page_of())
    assert said in page
    assert "Unblock email address" not in page


def test_a_block_whose_time_is_over_is_none(scene: Scene, admin: Client, ann: Person) -> None:
    suppress.block(ANN, "by_hand", {}, expires_at=timezone.now() - timedelta(hours=1))
    assert "Ann can get mail." in read(admin, page_of())


def test_a_malformed_address_cannot_get_mail(scene: Scene, admin: Client) -> None:
    scenes.add_customer(scene.project, "ann,x.test", "Ann")
    assert "The address is malformed" in read(admin, page_of("ann,x.test"))


# --- Unblock and send again ----------------------------------------------------------------------


def test_unblocking_is_offered_done_and_written_down_and_resends_nothing(
    scene: Scene, admin: Client, ann: Person
) -> None:
    suppress.block(ANN, "hard_bounce", {})
    missed = rows.note(scene.project, ann)
    assert "Unblock email address" in read(admin, page_of())
    response = admin.post(page_of())
    assert (response.status_code, response["Location"]) == (302, page_of())
    assert not suppress.is_blocked(ANN)
    entry = AuditEntry.objects.get(act="unblock")
    assert (entry.person, entry.project, entry.subject) == (scene.admin, scene.project, ANN)
    page = read(admin, page_of())
    assert "Nothing was resent" in page
    assert "Ann can get mail." in page
    assert "Unblock email address" not in page
    assert reverse("missed", args=["IT", missed.pk]) in page
    assert admin.post(page_of()).status_code == 302
    assert AuditEntry.objects.filter(act="unblock").count() == 1


def test_a_sender_who_is_no_person_here_is_unblocked_by_a_site_admin_only(
    scene: Scene, admin: Client
) -> None:
    rows.mail(scene.channel)
    suppress.block(ANN, "hard_bounce", {})
    assert "Unblock email address" not in read(admin, page_of())
    assert admin.post(page_of()).status_code == 403
    assert suppress.is_blocked(ANN)
    site_admin = scene.browser("site_admin")
    assert "Unblock email address" in read(site_admin, page_of())
    site_admin.post(page_of())
    assert not suppress.is_blocked(ANN)


def test_a_post_without_its_token_changes_nothing(scene: Scene, ann: Person) -> None:
    suppress.block(ANN, "hard_bounce", {})
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(scene.admin)
    assert strict.post(page_of()).status_code == 403
    assert suppress.is_blocked(ANN)


# --- Everything to and from it -------------------------------------------------------------------


def test_each_entry_leads_to_its_drawer_and_its_request(
    scene: Scene, admin: Client, ann: Person
) -> None:
    note = rows.note(scene.project, ann, Withheld.MUTED, status="withheld", request_key="IT-7")
    mail = rows.mail(scene.channel, Outcome.AUTO_REPLY, at=rows.ago(hours=1))
    page = read(admin, page_of())
    for path in (
        reverse("notification", args=["IT", note.pk]),
        reverse("request", args=["IT", "IT-7"]),
        reverse("incoming", args=["IT", mail.pk]),
        reverse("raw", args=["IT", mail.pk]),
    ):
        assert f'href="{path}"' in page
    assert "Not mailed: Muted request" in page
    assert "Skipped: Auto-reply mail" in page


def test_project_direction_and_days_are_filters_in_the_address(
    scene: Scene, ann: Person, other: Project
) -> None:
    type_of = RequestType.objects.create(project=other, name="Help")
    channel = Channel.objects.create(project=other, address="hr@desk.test", request_type=type_of)
    rows.note(scene.project, ann, Reason.UNSUBSCRIBED, at=rows.ago(days=3))
    rows.mail(channel, subject="Pay slip")
    client = scene.browser("site_admin")
    today = f"{timezone.localdate():%Y-%m-%d}"
    for query, told, wrote in [
        ("", True, True),
        ("?project=IT", True, False),
        ("?project=HR", False, True),
        ("?project=NO", True, True),
        ("?way=in", False, True),
        ("?way=out", True, False),
        ("?way=up", True, True),
        (f"?from={today}", False, True),
        (f"?to={today}", True, True),
        ("?to=2001-01-01", False, False),
        ("?from=x&to=y&before=z", True, True),
    ]:
        page = read(client, page_of() + query)
        assert ("Failed: Unsubscribed" in page, "Pay slip" in page) == (told, wrote), query


def test_older_entries_are_a_page_away(scene: Scene, admin: Client, ann: Person) -> None:
    for n in range(60):
        rows.note(scene.project, ann, at=rows.ago(minutes=n), request_key=f"IT-{n}")
    first = read(admin, page_of())
    more = first.split('id="more"><a class="btn" href="')[1].split('"')[0]
    second = read(admin, more.replace("&amp;", "&"))
    assert "IT-59<" in second
    assert "IT-59<" not in first
    assert "Load more" not in second


# --- Odd addresses -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "email",
    [
        "a/b@x.test",
        "a//b@x.test",
        "x/unblock",
        "two\nlines@x.test",
        "per%40cent@x.test",
        "q?u#e&s=t@x.test",
        "ぁんな@例え.test",
        "no at all",
        "l" * 300 + "@x.test",
        HOSTILE,
        "\u202egnp@x.test",
    ],
)
def test_any_address_that_is_kept_has_its_page(scene: Scene, admin: Client, email: str) -> None:
    person = scenes.add_customer(scene.project, email)
    rows.note(scene.project, person, address=email[:320])
    for path in (page_of(email), reverse("people") + "?q=test"):
        page = read(admin, path)
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "\u202e" not in page
    assert "Comment added" in read(admin, page_of(email))


@pytest.mark.parametrize("path", ["%00", "%20", "x" * 3000, "%FF%FE", ".", "%2F", "a%00b@x.test"])
def test_what_is_no_address_is_not_known(admin: Client, path: str) -> None:
    assert "not known here" in read(admin, f"/people/{path}/", 404)


# --- Finding -------------------------------------------------------------------------------------


def found(client: Client, text: str) -> str:
    return read(client, reverse("people") + f"?q={quote(text)}").split("<main")[1]


def test_a_part_of_an_address_or_a_name_finds_people_and_whoever_stands_in_the_log(
    scene: Scene, admin: Client, ann: Person, other: Project
) -> None:
    rows.mail(scene.channel, sender="joann@y.test", sender_name="Jo", sender_key="joann@y.test")
    told = scenes.add_customer(other, "hannah@y.test", "Hannah")
    rows.note(scene.project, told)
    rows.note(scene.project, told, kind=Kind.CUSTOMER_INVITED, address="invannted@y.test")
    scenes.add_customer(other, "annette@y.test", "Annette")
    page = found(admin, "ann")
    for email in (ANN, "joann@y.test", "hannah@y.test", "invannted@y.test"):
        assert f'href="{page_of(email)}"' in page, email
    assert "annette@y.test" not in page
    assert "Hannah" not in page
    assert ANN in found(admin, "Ann")
    assert "Nobody is found by" in found(admin, "zzz")


def test_the_address_that_was_meant_stands_first(scene: Scene, admin: Client, ann: Person) -> None:
    scenes.add_customer(scene.project, "a-ann@x.test")
    page = found(admin, ANN)
    assert page.index(f'href="{page_of()}"') < page.index(f'href="{page_of("a-ann@x.test")}"')


@pytest.mark.parametrize("text", ["", "%", "'", "\x00", "x" * 5000, HOSTILE, "\u202e", "*", '"'])
def test_any_text_is_answered(scene: Scene, admin: Client, ann: Person, text: str) -> None:
    rows.mail(scene.channel)
    assert "<script>alert" not in found(admin, text)


def test_a_search_that_takes_too_long_says_that_there_may_be_more(
    scene: Scene, admin: Client, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deskpost.logs import search

    def slow(*_: Any, **__: Any) -> None:
        raise search.TooSlow

    monkeypatch.setattr(search, "page", slow)
    page = found(admin, "ann")
    assert ANN in page
    assert "There may be more" in page


# --- Entries of the pane -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "shown"), [("site_admin", True), ("admin", True), ("agent", False)]
)
def test_the_pane_leads_to_it_those_who_may(scene: Scene, who: str, shown: bool) -> None:
    page = read(scene.browser(who), reverse("requests", args=["IT"]))
    assert (f'href="{reverse("people")}"' in page) is shown
