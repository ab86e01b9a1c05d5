"""What an agent does on a request's page beyond answering: resolving with an answer, editing,
the status, the participants, muting for oneself."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from deskpost.desk import muting
from deskpost.desk import requests as desk
from deskpost.desk.entry import Entry
from deskpost.models import (
    Comment,
    Event,
    Muted,
    NotificationRule,
    Participant,
    Person,
    Project,
    Request,
)
from deskpost.outcomes import Kind
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

pytestmark = pytest.mark.django_db
ONE = "/projects/IT/requests/IT-1/"
MAY = {"site_admin", "admin", "agent"}


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


@pytest.fixture
def agent(scene: Scene) -> Client:
    return scene.browser("agent")


def answer(scene: Scene, by: Person, text: str = "Try the other tray.") -> Comment:
    request = Request.objects.get(key="IT-1")
    return desk.add_comment(request, by, Entry(text=text), now=timezone.now())


def kinds() -> list[str]:
    """Return what was told of since the request was made."""
    return list(Event.objects.order_by("id").values_list("kind", flat=True))[1:]


# --- Who may ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["site_admin", "admin", "agent", "customer", "stranger", "nobody"])
def test_agents_and_admins_may_and_others_may_not(scene: Scene, name: str) -> None:
    bob = scenes.add_customer(scene.project, "bob@x.test", "Bob")
    Participant.objects.create(request=scene.request(), person=bob)
    browser = scene.browser(name)
    browser.post(f"{ONE}status/", {"status": "pending"})
    browser.post(f"{ONE}participants/", {"email": "new@x.test"})
    browser.post(f"{ONE}participants/{bob.pk}/remove/")
    request = Request.objects.get()
    people = {row.person.email for row in request.participants.select_related("person")}
    expected = ("pending", {"new@x.test"}) if name in MAY else ("open", {"bob@x.test"})
    assert (request.status, people) == expected


@pytest.mark.parametrize(
    "act", ["status/", "participants/", "participants/1/remove/", "mute/", "comments/{pk}/edit/"]
)
def test_a_get_changes_nothing_and_a_post_needs_its_token(scene: Scene, act: str) -> None:
    scene.request()
    pk = answer(scene, scene.agent).pk
    path, events = ONE + act.format(pk=pk), kinds()
    assert scene.browser("agent").get(path)["Location"].startswith(ONE)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(scene.agent)
    sent = {"status": "closed", "email": "new@x.test", "body": "x", "act": "mute"}
    assert strict.post(path, sent).status_code == 403
    assert kinds() == events
    assert not Muted.objects.exists()


def test_another_projects_request_is_not_found(scene: Scene, agent: Client) -> None:
    request = scene.request()
    hr = Project.objects.create(key="HR", name="People")
    Request.objects.filter(pk=request.pk).update(project=hr, key="HR-1")
    for act in ("status/", "participants/", "mute/", "comments/1/edit/"):
        for path in (ONE + act, f"/projects/HR/requests/HR-1/{act}"):
            assert agent.post(path, {"status": "closed"}).status_code == 404


# --- Reply and resolve ------------------------------------------------------------------------


def test_an_answer_can_resolve_in_the_same_step(scene: Scene, agent: Client) -> None:
    scene.request()
    assert "Reply and resolve" in agent.get(ONE).text
    agent.post(f"{ONE}reply/", {"body": "Mended.", "resolve": "1"})
    request = Request.objects.get()
    assert (request.status, request.comments.count()) == ("resolved", 2)
    assert kinds() == [Kind.COMMENT_ADDED], "one event, so one message a person"


def test_a_plain_answer_does_not_resolve(scene: Scene, agent: Client) -> None:
    scene.request()
    agent.post(f"{ONE}reply/", {"body": "Looking at it."})
    assert Request.objects.get().status == "pending"


def test_an_empty_answer_resolves_nothing(scene: Scene, agent: Client) -> None:
    scene.request()
    assert agent.post(f"{ONE}reply/", {"body": " ", "resolve": "1"}).status_code == 422
    assert Request.objects.get().status == "open"


# --- Editing ----------------------------------------------------------------------------------


def test_an_agent_edits_their_own_comment_and_the_page_says_so(scene: Scene, agent: Client) -> None:
    scene.request()
    comment = answer(scene, scene.agent)
    assert " · edited " not in agent.get(ONE).text
    page = agent.get(f"{ONE}?edit={comment.pk}").text
    assert re.search(r'<textarea id="edit"[^>]*>\nTry the other tray.</textarea>', page)
    sent = {"body": "Try the lower tray.\r\n"}
    location = agent.post(f"{ONE}comments/{comment.pk}/edit/", sent)["Location"]
    assert location == f"{ONE}#c{comment.pk}"
    comment.refresh_from_db()
    assert comment.text == "Try the lower tray."
    assert comment.edited_at is not None
    assert kinds()[1:] == [Kind.COMMENT_EDITED]
    page = agent.get(ONE).text
    assert " · edited " in page
    assert "Try the lower tray." in page


def test_saving_without_a_change_is_no_edit(scene: Scene, agent: Client) -> None:
    scene.request()
    comment = answer(scene, scene.agent)
    agent.post(f"{ONE}comments/{comment.pk}/edit/", {"body": "Try the other tray."})
    comment.refresh_from_db()
    assert comment.edited_at is None
    assert kinds() == [Kind.COMMENT_ADDED]


def test_html_of_an_edited_comment_is_dropped_with_the_old_text(
    scene: Scene, agent: Client
) -> None:
    scene.request()
    comment = answer(scene, scene.agent)
    Comment.objects.filter(pk=comment.pk).update(html="<p>Try the other tray.</p>")
    agent.post(f"{ONE}comments/{comment.pk}/edit/", {"body": "Try the lower tray."})
    comment.refresh_from_db()
    assert comment.html == ""


@pytest.mark.parametrize("whose", ["another agent's", "a customer's", "the description"])
def test_others_words_and_the_description_cannot_be_edited(
    scene: Scene, agent: Client, whose: str
) -> None:
    request = scene.request()
    if whose == "the description":
        Comment.objects.update(author=scene.agent)
        comment = request.comments.get()
    else:
        author = scene.admin if whose == "another agent's" else scene.customer
        comment = answer(scene, author)
    assert "?edit=" not in agent.get(ONE).text
    assert 'id="edit"' not in agent.get(f"{ONE}?edit={comment.pk}").text
    sent = agent.post(f"{ONE}comments/{comment.pk}/edit/", {"body": "Changed."})
    assert sent.status_code == 404
    comment.refresh_from_db()
    assert comment.text != "Changed."


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (" \n", "pending", "There is no text in the answer yet."),
        ("x" * 100_001, "pending", "longer than 100,000 characters"),
        ("Changed.", "closed", "The request is closed."),
    ],
)
def test_an_edit_that_cannot_be_taken_is_shown_again(
    scene: Scene, agent: Client, body: str, status: str, error: str
) -> None:
    scene.request()
    comment = answer(scene, scene.agent)
    Request.objects.update(status=status)
    shown = agent.post(f"{ONE}comments/{comment.pk}/edit/", {"body": body})
    assert shown.status_code == 422
    assert error in shown.text
    assert body.strip() in shown.text
    comment.refresh_from_db()
    assert comment.text == "Try the other tray."


def test_a_comment_is_edited_only_at_the_address_of_its_own_request(
    scene: Scene, agent: Client
) -> None:
    scene.request()
    comment = answer(scene, scene.agent)
    scene.request()
    path = f"/projects/IT/requests/IT-2/comments/{comment.pk}/edit/"
    assert agent.post(path, {"body": "Changed."}).status_code == 404
    assert 'id="edit"' not in agent.get(f"/projects/IT/requests/IT-2/?edit={comment.pk}").text


@pytest.mark.parametrize("edit", ["", "x", "-1", "9" * 18, "9" * 40, "%00", "%D9%A1"])
def test_an_edit_of_nothing_is_the_page_as_it_is(scene: Scene, agent: Client, edit: str) -> None:
    scene.request()
    assert agent.get(f"{ONE}?edit={edit}").status_code == 200


# --- Status -----------------------------------------------------------------------------------


def test_the_status_is_changed_and_said(scene: Scene, agent: Client) -> None:
    scene.request()
    page = agent.post(f"{ONE}status/", {"status": "pending"}, follow=True).text
    assert "The status is now: Waiting for customer." in page
    assert '<option value="pending" selected>' in page
    assert kinds() == [Kind.STATUS_CHANGED]
    assert Event.objects.order_by("id").last().actor == scene.agent  # type: ignore[union-attr]


@pytest.mark.parametrize("status", ["open", "", "nonsense", HOSTILE])
def test_the_same_status_and_one_that_is_none_change_nothing(
    scene: Scene, agent: Client, status: str
) -> None:
    scene.request()
    assert "The status is now" not in agent.post(f"{ONE}status/", {"status": status}).text
    assert (Request.objects.get().status, kinds()) == ("open", [])


def test_resolving_and_opening_again_name_who_did_it(scene: Scene, agent: Client) -> None:
    scene.request()
    for act in ("resolve", "resolve", "reopen", "reopen"):
        agent.post(f"{ONE}{act}/")
    assert kinds() == [Kind.REQUEST_RESOLVED, Kind.REQUEST_REOPENED]
    assert set(Event.objects.values_list("actor", flat=True)) == {
        scene.customer.pk,
        scene.agent.pk,
    }


# --- Participants -----------------------------------------------------------------------------


def test_a_participant_is_added_by_address_and_removed(scene: Scene, agent: Client) -> None:
    request = scene.request()
    page = agent.post(f"{ONE}participants/", {"email": " New@x.test "}, follow=True).text
    assert "New@x.test takes part now." in page
    person = request.participants.get().person
    assert (person.email, kinds()) == ("New@x.test", [Kind.PARTICIPANT_ADDED])
    path = f"{ONE}participants/{person.pk}/remove/"
    assert path in page
    assert "They take part no longer." in agent.post(path, follow=True).text
    assert not request.participants.exists()
    assert kinds() == [Kind.PARTICIPANT_ADDED]


def test_who_takes_part_already_is_not_added_twice(scene: Scene, agent: Client) -> None:
    request = scene.request()
    for email in (scene.customer.email, "new@x.test", "NEW@x.test"):
        page = agent.post(f"{ONE}participants/", {"email": email}, follow=True).text
    assert "NEW@x.test takes part already." in page
    assert (request.participants.count(), len(kinds())) == (1, 1)


def test_a_malformed_address_is_taken_and_becomes_a_row_of_the_log(
    scene: Scene, agent: Client
) -> None:
    request = scene.request()
    agent.post(f"{ONE}participants/", {"email": "no-at-sign"})
    assert request.participants.get().person.email == "no-at-sign"


@pytest.mark.parametrize(
    ("email", "error"), [(" ", "There is no address yet."), ("x" * 321, "longer than 320")]
)
def test_what_can_be_nobody_is_shown_again(
    scene: Scene, agent: Client, email: str, error: str
) -> None:
    request = scene.request()
    shown = agent.post(f"{ONE}participants/", {"email": email})
    assert shown.status_code == 422
    assert error in shown.text
    assert not request.participants.exists()


def test_hostile_names_and_addresses_are_only_text(scene: Scene, agent: Client) -> None:
    request = scene.request()
    person = scenes.add_customer(scene.project, f"{HOSTILE}@x.test", HOSTILE)
    Participant.objects.create(request=request, person=person)
    shown = agent.post(f"{ONE}participants/", {"email": HOSTILE * 9})
    for page in (agent.get(ONE).text, shown.text):
        assert "<img src=x" not in page
        assert "<script>alert" not in page


# --- Muting for oneself, and the hint -----------------------------------------------------------


def test_a_reader_who_takes_part_mutes_the_request_for_themself(
    scene: Scene, agent: Client
) -> None:
    request = scene.request()
    assert "Turn off this request" not in agent.get(ONE).text, "the agent takes no part"
    Participant.objects.create(request=request, person=scene.agent)
    assert "Turn off this request" in agent.get(ONE).text
    agent.post(f"{ONE}mute/", {"act": "mute"})
    assert Muted.objects.get().person == scene.agent
    assert "Turn on again" in agent.get(ONE).text
    agent.post(f"{ONE}mute/", {"act": "unmute"})
    assert not Muted.objects.exists()


def test_the_hint_says_who_does_not_want_to_hear(scene: Scene, agent: Client) -> None:
    request = scene.request()
    bob = scenes.add_customer(scene.project, "bob@x.test", "Bob")
    Participant.objects.create(request=request, person=bob)
    muting.mute(request, scene.customer, now=timezone.now())
    NotificationRule.objects.create(
        project=scene.project, kind=Kind.COMMENT_ADDED, to_participants=False
    )
    page = agent.get(ONE).text
    assert "Not to The customer (has muted this request), Bob (rule switched off)." in page
