"""The Customers page: the list, the search, the invitation."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from deskpost.models import AuditEntry, Event, Membership, Person, Role
from deskpost.outbound import suppress
from deskpost.outcomes import Kind
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

pytestmark = pytest.mark.django_db
LIST = "/projects/IT/customers/"
INVITE = f"{LIST}invite/"
SEEN = {"site_admin": 200, "admin": 200, "agent": 200, "customer": 403, "stranger": 404}


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


@pytest.fixture
def agent(scene: Scene) -> Client:
    return scene.browser("agent")


def table(client: Client, query: str = "") -> str:
    page = client.get(LIST + query).content.decode()
    found = re.search(r"<tbody.*</tbody>", page, re.DOTALL)
    return found[0] if found else ""


@pytest.mark.parametrize("name", [*SEEN, "nobody"])
def test_agents_and_admins_see_and_invite_customers_and_others_do_not(
    scene: Scene, name: str
) -> None:
    browser = scene.browser(name)
    assert browser.get(LIST).status_code == SEEN.get(name, 302)
    browser.post(INVITE, {"email": "new@desk.test"})
    made = Person.objects.filter(email="new@desk.test").exists()
    assert made == (SEEN.get(name) == 200)


def test_the_list_holds_customers_only_with_what_keeps_mail_from_them(
    scene: Scene, agent: Client
) -> None:
    scenes.add_customer(scene.project, "Bea@desk.test", "Bea")
    scenes.add_customer(scene.project, "pia@desk.test", "Pia", address_private=True)
    scenes.add_customer(scene.project, "uma@desk.test", "Uma", unsubscribed_at=timezone.now())
    suppress.block("bea@DESK.test", "by_hand", {})
    rows = re.findall(r"<tr.*?</tr>", table(agent), re.DOTALL)
    of = {name: next(row for row in rows if name in row) for name in ("Bea", "Pia", "Uma")}
    for name, word in (("Bea", "Blocked"), ("Pia", "Private"), ("Uma", "Unsubscribed")):
        words = {
            w for w in ("Blocked", "Private", "Unsubscribed") if f"<span>{w}</span>" in of[name]
        }
        assert words == {word}
    assert "The agent" not in "".join(rows)


@pytest.mark.parametrize("wanted", ["BEA", "a@quay", "Osei"])
def test_the_search_looks_in_names_and_addresses(scene: Scene, agent: Client, wanted: str) -> None:
    scenes.add_customer(scene.project, "bea@quay.test", "Bea Osei")
    found = table(agent, f"?q={wanted}")
    assert "Bea Osei" in found
    assert "The customer" not in found


def test_a_search_that_finds_nothing_says_so_without_trusting_it(
    scene: Scene, agent: Client
) -> None:
    page = agent.get(LIST, {"q": f"{HOSTILE}\0"}).content.decode()
    assert "holds “&lt;script&gt;" in page
    assert "<script>alert" not in page


def test_an_invitation_is_on_its_way(scene: Scene, agent: Client) -> None:
    done = agent.post(INVITE, {"email": " ann@quay.test ", "name": "Ann Osei"}, follow=True)
    page = done.content.decode()
    assert (
        "Invitation to ann@quay.test is on its way. The Email logs show what becomes of it." in page
    )
    ann = Person.objects.get(email="ann@quay.test")
    assert ann.name == "Ann Osei"
    assert Membership.objects.get(person=ann).role == Role.CUSTOMER
    event = Event.objects.get(kind=Kind.CUSTOMER_INVITED)
    assert (event.person, event.actor) == (ann, scene.agent)
    assert AuditEntry.objects.get().act == AuditEntry.Act.INVITE


@pytest.mark.parametrize(
    "email",
    [
        "dana,ruiz@quay.test",
        "no-at-sign",
        "a@@b",
        "<x@y",
        "ann@" + "b" * 316,
        HOSTILE,
        "a\0b@c.test",
    ],
)
def test_a_malformed_address_is_taken(scene: Scene, agent: Client, email: str) -> None:
    done = agent.post(INVITE, {"email": email}, follow=True)
    assert done.status_code == 200
    assert Event.objects.filter(kind=Kind.CUSTOMER_INVITED).count() == 1
    assert "<script>alert" not in done.content.decode()


@pytest.mark.parametrize("email", ["", "   ", "x" * 321])
def test_only_none_and_a_far_too_long_one_are_refused(
    scene: Scene, agent: Client, email: str
) -> None:
    answer = agent.post(INVITE, {"email": email, "name": "Ann Osei"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'aria-invalid="true"' in page
    assert 'value="Ann Osei"' in page, "what was typed is kept"
    assert not Event.objects.exists()


def test_inviting_an_agent_takes_nothing_from_them(scene: Scene, agent: Client) -> None:
    agent.post(INVITE, {"email": scene.admin.email, "name": "Other"})
    assert Membership.objects.get(person=scene.admin).role == Role.ADMIN
    scene.admin.refresh_from_db()
    assert scene.admin.name == "The admin"


def test_an_invitation_needs_a_post_with_its_token(scene: Scene, agent: Client) -> None:
    assert agent.get(INVITE)["Location"] == LIST
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(scene.agent)
    assert strict.post(INVITE, {"email": "x@y.test"}).status_code == 403


def test_hostile_names_are_only_text(scene: Scene, agent: Client) -> None:
    scenes.add_customer(scene.project, f"{HOSTILE}@desk.test", HOSTILE)
    assert "<script>alert" not in table(agent)
    assert "<img" not in table(agent)
