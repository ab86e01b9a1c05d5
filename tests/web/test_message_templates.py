"""Project settings › Email › Templates."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from deskpost.models import AuditEntry, MessageTemplate, Notification
from deskpost.outbound.compose import compose
from deskpost.outcomes import Kind, NotificationStatus
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

TYPED = {"subject": "[{{ request.key }}] news", "text": "{{ comment.text }}", "html": "<p>Hi</p>"}


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


def address(kind: str = "comment_added", language: str = "en", name: str = "template") -> str:
    return reverse(name, args=["IT", kind, language])


def typed(**fields: str) -> dict[str, str]:
    return {"act": "save", "seen": "", **TYPED, **fields}


def seen(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', page)
    assert found
    return html.unescape(found[1])


def own(scene: Scene, **fields: object) -> MessageTemplate:
    row = {"kind": "comment_added", "language": "en", **TYPED, "changed_at": timezone.now()}
    return MessageTemplate.objects.create(
        project=scene.project, changed_by=scene.admin, **(row | fields)
    )


@pytest.mark.parametrize(("who", "status"), [("agent", 403), ("stranger", 404), ("nobody", 302)])
def test_only_admins_open_and_change_them(scene: Scene, who: str, status: int) -> None:
    own(scene)
    browser = scene.browser(who)
    assert browser.get(reverse("templates", args=["IT"])).status_code == status
    assert browser.get(address()).status_code == status
    for act in ("save", "preview", "test"):
        assert browser.post(address(), typed(act=act)).status_code == status
    assert browser.post(address(name="template-standard")).status_code == status
    assert MessageTemplate.objects.get().subject == TYPED["subject"]
    assert mail.outbox == []


def test_the_list_says_which_are_the_projects_own_and_whose(scene: Scene, admin: Client) -> None:
    own(scene)
    page = admin.get(reverse("templates", args=["IT"])).text
    assert page.count(">Standard<") == 2 * len(Kind) - 1
    assert "by The admin on" in page


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_standard_template_is_shown_is_valid_and_can_be_previewed(
    admin: Client, kind: str, language: str
) -> None:
    page = admin.get(address(kind, language)).text
    fields = {
        "subject": html.unescape(re.search(r'name="subject"[^>]* value="([^"]*)"', page)[1]),  # type: ignore[index]
        **{
            name: html.unescape(re.search(rf'name="{name}"[^>]*>\n([^<]*)<', page)[1])  # type: ignore[index]
            for name in ("text", "html")
        },
    }
    shown = admin.post(address(kind, language), {"act": "preview", "seen": "", **fields}).text
    assert "<iframe" in shown
    assert "field-bad" not in shown


@pytest.mark.parametrize(("kind", "language"), [("x", "en"), ("comment_added", "fr")])
def test_what_is_no_template_is_not_found(admin: Client, kind: str, language: str) -> None:
    assert admin.get(address(kind, language)).status_code == 404
    assert admin.post(address(kind, language), typed()).status_code == 404


def test_saved_words_are_those_of_the_next_mail_in_that_language(
    scene: Scene, admin: Client
) -> None:
    assert admin.post(address(), typed()).status_code == 302
    comment = scene.request("Paper is <b>out</b>").comments.get()
    for language, subject in (("en", "[IT-1] news"), ("ja", "IT-1 Label printer")):
        row = scenes.note(comment, scene.customer, NotificationStatus.QUEUED, language=language)
        assert compose(Notification.objects.get(pk=row.pk)).subject == subject
    entry = AuditEntry.objects.get(act="settings")
    assert (entry.subject, entry.details["template"]) == ("comment_added/en", "saved")


def test_a_mistake_is_named_beside_its_field_and_nothing_is_lost(admin: Client) -> None:
    sent = typed(text=f"one\r\n{{{{ request.sumary }}}}\r\n{HOSTILE}", html="<p>{% if x %}</p>")
    response = admin.post(address(), sent)
    assert response.status_code == 422
    assert "Line 2, column 4:" in response.text
    assert "There is no variable “request.sumary” here." in response.text
    assert html.escape(HOSTILE, quote=False)[:25] in response.text
    assert "<script>alert" not in response.text
    assert "&lt;p&gt;{% if x %}&lt;/p&gt;" in response.text
    assert not MessageTemplate.objects.exists()


def test_a_preview_of_a_mistake_is_an_answer_and_not_an_error(admin: Client) -> None:
    response = admin.post(address(), typed(act="preview", html="{{ comment.text | b }}"))
    assert response.status_code == 200
    assert "<iframe" not in response.text
    assert "There is no filter “b”." in response.text


def test_the_preview_is_sandboxed_and_fetches_nothing(admin: Client) -> None:
    written = '<p onclick="x()">Hi {{ person.name }}</p><img src="https://tracker.test/x.gif">'
    response = admin.post(address(), typed(act="preview", html=written))
    frame = re.search(r"<iframe [^>]*>", response.text)
    assert frame
    assert 'sandbox=""' in frame[0]
    inside = html.unescape(re.search(r'srcdoc="([^"]*)"', frame[0])[1])  # type: ignore[index]
    assert inside.startswith('<!doctype html><meta http-equiv="Content-Security-Policy"')
    policy = re.search(r'content="(default-src[^"]*)"', inside)
    assert policy
    assert policy[1] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert "Hi Ann Example" in inside
    outer = response["Content-Security-Policy"]
    assert "script-src 'self';" in outer + ";"
    assert not MessageTemplate.objects.exists()


def test_the_preview_shows_subject_and_text_beside_it(admin: Client) -> None:
    page = admin.post(address(), typed(act="preview")).text
    assert "<b>[IT-42] news</b>" in page
    assert "clean the sensor &lt;behind the flap&gt; &amp; try again" in page
    assert "Turn off this request’s notifications: " in page


def test_a_test_goes_to_the_one_who_writes_and_to_nobody_else(scene: Scene, admin: Client) -> None:
    response = admin.post(address(), typed(act="test"))
    assert "Sent to admin@desk.test." in response.text
    (sent,) = mail.outbox
    assert (sent.to, sent.cc, sent.bcc) == (["admin@desk.test"], [], [])
    assert sent.subject == "[IT-42] news"
    assert sent.from_email == "IT help <it@desk.test>"
    assert sent.message()["Auto-Submitted"] == "auto-generated"
    assert "clean the sensor" in str(sent.body)
    assert not MessageTemplate.objects.exists()


def test_three_tests_a_minute_are_enough(admin: Client) -> None:
    for _ in range(5):
        page = admin.post(address(), typed(act="test")).text
    assert "Three tests a minute are enough" in page
    assert len(mail.outbox) == 3
    AuditEntry.objects.update(at=timezone.now() - timedelta(minutes=2))
    admin.post(address(), typed(act="test"))
    assert len(mail.outbox) == 4


def test_a_test_that_cannot_be_sent_says_so(scene: Scene, admin: Client) -> None:
    scene.channel.removed_at = timezone.now()
    scene.channel.save()
    page = admin.post(address(), typed(act="test")).text
    assert "This project has no channel to send from." in page
    assert TYPED["subject"] in page


def test_the_second_of_two_writers_is_told_and_keeps_what_they_typed(
    scene: Scene, admin: Client
) -> None:
    mine, theirs = seen(admin.get(address()).text), scene.browser("site_admin")
    theirs.post(address(), typed(subject="Theirs"))
    late = admin.post(address(), typed(seen=mine, subject="Mine"))
    assert late.status_code == 409
    assert "The site_admin has changed this template" in late.text
    assert 'value="Mine"' in late.text
    assert MessageTemplate.objects.get().subject == "Theirs"
    assert admin.post(address(), typed(seen=seen(late.text), subject="Mine")).status_code == 302
    assert MessageTemplate.objects.get().subject == "Mine"
    stale = theirs.post(address(), typed(seen=seen(late.text), subject="Old"))
    assert stale.status_code == 409
    assert MessageTemplate.objects.get().subject == "Mine"


@pytest.mark.parametrize("version", ["x", "2026-01-01", "2026-13-45T00:00:00+00:00", HOSTILE])
def test_a_version_that_never_was_replaces_nothing(
    scene: Scene, admin: Client, version: str
) -> None:
    own(scene)
    assert admin.post(address(), typed(seen=version, subject="Mine")).status_code == 409
    assert MessageTemplate.objects.get().subject == TYPED["subject"]


def test_back_to_the_standard_one(scene: Scene, admin: Client) -> None:
    own(scene)
    url = address(name="template-standard")
    assert admin.get(url).status_code == 405
    assert admin.post(url, {"seen": "2026-01-01T00:00:00+00:00"}).status_code == 409
    assert MessageTemplate.objects.exists()
    assert admin.post(url, {"seen": seen(admin.get(address()).text)}).status_code == 302
    assert not MessageTemplate.objects.exists()
    entry = AuditEntry.objects.get(act="settings")
    assert entry.details["before"]["subject"] == TYPED["subject"]
    assert admin.post(url, {"seen": ""}).status_code == 302


@pytest.mark.parametrize("field", ["subject", "text", "html"])
def test_what_is_too_long_is_refused(admin: Client, field: str) -> None:
    response = admin.post(address(), typed(**{field: "x" * 100_001}))
    assert response.status_code == 422
    assert not MessageTemplate.objects.exists()
