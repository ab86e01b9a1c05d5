"""The tab Email of a request: what came in about it, who was told, who was not and why."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from deskpost.models import Attempt, Event, Project, Request
from deskpost.outcomes import Kind, Outcome, Reason, Withheld
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

pytestmark = pytest.mark.django_db
TAB = '<nav class="tabs" aria-label="About this request">'


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


@pytest.fixture
def asked(scene: Scene) -> Request:
    return scene.request()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


def email(key: str = "IT-1") -> str:
    return reverse("request-email", args=["IT", key])


def read(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    return response.content.decode()


# --- For whom ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "status", "tab"),
    [("site_admin", 200, True), ("admin", 200, True), ("agent", 403, False)],
)
def test_the_tab_is_for_those_who_may_read_the_log(
    scene: Scene, asked: Request, who: str, status: int, tab: bool
) -> None:
    client = scene.browser(who)
    page = read(client, reverse("request", args=["IT", "IT-1"]))
    assert (TAB in page, email() in page) == (tab, tab)
    read(client, email(), status)


def test_a_team_managed_project_has_no_tab(scene: Scene, asked: Request, admin: Client) -> None:
    scene.project.kind = Project.Kind.TEAM
    scene.project.save()
    assert TAB not in read(admin, reverse("request", args=["IT", "IT-1"]))
    assert "only available in company-managed projects" in read(admin, email(), 404)


@pytest.mark.parametrize("key", ["IT-99", "HR-1", "x", "IT-" + "9" * 30])
def test_a_request_that_there_is_not(scene: Scene, asked: Request, admin: Client, key: str) -> None:
    read(admin, email(key), 404)


def test_the_conversation_and_the_email_are_two_tabs(asked: Request, admin: Client) -> None:
    page = read(admin, email())
    conversation = reverse("request", args=["IT", "IT-1"])
    assert f'<a href="{conversation}">Conversation</a>' in page
    assert f'<a href="{email()}" aria-current="page">Email</a>' in page
    assert f'<a href="{conversation}" aria-current="page">' in read(admin, conversation)


# --- What it shows -------------------------------------------------------------------------------


def test_who_was_told_who_was_not_and_why_with_the_attempts(
    scene: Scene, asked: Request, admin: Client
) -> None:
    event = Event.objects.create(
        project=scene.project, kind=Kind.COMMENT_ADDED, actor=scene.agent, request=asked
    )
    note = rows.note(scene.project, scene.customer, Reason.SERVICE_PROVIDER_ERROR, event=event.pk)
    rows.note(scene.project, scene.agent, Withheld.OWN_ACTION, status="withheld", event=event.pk)
    for _ in range(2):
        Attempt.objects.create(notification=note, started_at=rows.ago())
    page = read(admin, email())
    assert page.count("Comment added by The agent") == 1
    assert "Failed: Email service provider error" in page
    assert "Not mailed: Own action" in page
    assert "2 attempts" in page
    assert f'href="{reverse("notification", args=["IT", note.pk])}"' in page
    assert f'href="{reverse("person", args=[scene.customer.email])}"' in page


def test_what_came_in_and_what_it_became(scene: Scene, asked: Request, admin: Client) -> None:
    mail = rows.mail(scene.channel, Outcome.COMMENT_ADDED, request_key="IT-1", subject="Re: Ink")
    comment = asked.comments.create(
        author=scene.customer, source="email", text="x", incoming=mail.pk, created_at=rows.ago()
    )
    rows.mail(scene.channel, Outcome.NO_PERMISSION, request_key="IT-1")
    rows.mail(scene.channel, Outcome.COMMENT_ADDED, request_key="IT-2", subject="Another")
    page = read(admin, email())
    assert "Re: Ink" in page
    assert f"{reverse('request', args=['IT', 'IT-1'])}#c{comment.pk}" in page
    assert "Failed: No permission" in page
    assert "Another" not in page


def test_a_request_without_mail_says_what_would_stand_here(asked: Request, admin: Client) -> None:
    assert "No mail about this request" in read(admin, email())
    assert "Nothing matches these filters" in read(admin, email() + "?way=in")


def test_directions_are_one_click_away(scene: Scene, asked: Request, admin: Client) -> None:
    rows.note(scene.project, scene.customer)
    rows.mail(scene.channel, request_key="IT-1")
    for way, told, wrote in [("", True, True), ("in", False, True), ("out", True, False)]:
        page = read(admin, f"{email()}?way={way}")
        assert ("Failed: Suppression list" in page, "Printer" in page) == (told, wrote)
        assert f'href="{email()}?way=in"' in page


def test_words_from_outside_are_words(scene: Scene, asked: Request, admin: Client) -> None:
    scene.customer.name = HOSTILE
    scene.customer.save()
    rows.note(scene.project, scene.customer, address=HOSTILE)
    rows.mail(
        scene.channel, request_key="IT-1", sender=HOSTILE, sender_name=HOSTILE, subject=HOSTILE
    )
    rows.mail(scene.channel, request_key="IT-1", sender="", envelope_from="", sender_name="Nobody")
    page = read(admin, email())
    assert "&lt;script&gt;alert" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert " style=" not in page
