"""The pages of requests: who may see what, what is shown of strangers' words, answering."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from deskpost.desk import requests as desk
from deskpost.desk.entry import Entry, NewFile
from deskpost.models import (
    Comment,
    Event,
    Participant,
    Person,
    Project,
    Request,
    RequestType,
)
from deskpost.outbound import suppress
from deskpost.outcomes import Kind, NotificationStatus
from deskpost.web import conversation, pages
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

pytestmark = pytest.mark.django_db
LIST = "/projects/IT/requests/"
ONE = f"{LIST}IT-1/"


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


@pytest.fixture
def agent(scene: Scene) -> Client:
    return scene.browser("agent")


def text_of(client: Client, path: str = ONE) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


# --- Who may ----------------------------------------------------------------------------------

SEEN = {"site_admin": 200, "admin": 200, "agent": 200, "customer": 403, "stranger": 404}


@pytest.mark.parametrize("name", [*SEEN, "nobody"])
def test_agents_and_admins_see_requests_and_others_do_not(scene: Scene, name: str) -> None:
    request = scene.request(
        "secret words", files=[NewFile(name="a", content_type="", content=b"a")]
    )
    file = request.comments.get().attachments.get()
    for path in (LIST, ONE, f"/projects/IT/attachments/{file.pk}/"):
        answer = scene.browser(name).get(path)
        assert answer.status_code == SEEN.get(name, 302)
        if answer.status_code != 200:
            assert b"secret words" not in answer.getvalue()


@pytest.mark.parametrize("act", ["reply", "resolve", "reopen"])
@pytest.mark.parametrize("name", [*SEEN, "nobody"])
def test_agents_and_admins_change_requests_and_others_do_not(
    scene: Scene, name: str, act: str
) -> None:
    request = scene.request()
    Request.objects.update(status=Request.Status.RESOLVED if act == "reopen" else request.status)
    before = (Request.objects.get().status, Comment.objects.count())
    scene.browser(name).post(f"{ONE}{act}/", {"body": "An answer."})
    changed = (Request.objects.get().status, Comment.objects.count()) != before
    assert changed == (SEEN.get(name) == 200)


@pytest.mark.parametrize("act", ["reply", "resolve", "reopen"])
def test_a_get_changes_nothing_and_a_post_needs_its_token(scene: Scene, act: str) -> None:
    scene.request()
    assert scene.browser("agent").get(f"{ONE}{act}/")["Location"] == ONE
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(scene.agent)
    assert strict.post(f"{ONE}{act}/", {"body": "x"}).status_code == 403
    assert Request.objects.get().status == Request.Status.OPEN


def test_one_project_does_not_show_anothers_requests_or_files(scene: Scene, agent: Client) -> None:
    request = scene.request(files=[NewFile(name="a", content_type="", content=b"a")])
    file = request.comments.get().attachments.get()
    hr = Project.objects.create(key="HR", name="People")
    request.request_type = RequestType.objects.create(project=hr, name="x")
    request.project = hr
    request.save()
    for path in (
        ONE,
        f"/projects/IT/attachments/{file.pk}/",
        f"/projects/HR/attachments/{file.pk}/",
    ):
        assert agent.get(path).status_code == 404


@pytest.mark.parametrize("key", ["IT-2", "IT", "%00", "IT-%D9%A1", "IT-99999999999999", HOSTILE])
def test_what_is_no_request_is_not_found(scene: Scene, agent: Client, key: str) -> None:
    scene.request()
    assert agent.get(f"{LIST}{key}/").status_code == 404


# --- The list ---------------------------------------------------------------------------------


def test_the_list_is_filtered_by_links(scene: Scene, agent: Client) -> None:
    for status in Request.Status:
        Request.objects.filter(pk=scene.request(summary=f"About {status}").pk).update(status=status)
    shown = {
        show: set(re.findall(r"About (\w+)", text_of(agent, f"{LIST}?show={show}")))
        for show in ("open", "resolved", "all", "nonsense")
    }
    assert shown["open"] == shown["nonsense"] == {"open", "pending"}
    assert shown["resolved"] == {"resolved", "closed"}
    assert shown["all"] == {"open", "pending", "resolved", "closed"}


def test_the_last_touched_stands_first_under_the_readers_day(scene: Scene, agent: Client) -> None:
    scene.agent.time_zone = "Asia/Tokyo"
    scene.agent.save()
    first, second = scene.request(summary="first"), scene.request(summary="second")
    moment = timezone.now().replace(month=3, day=4, hour=22)
    Request.objects.filter(pk=first.pk).update(updated_at=moment)
    Request.objects.filter(pk=second.pk).update(updated_at=moment - timedelta(days=1))
    page = text_of(agent, LIST)
    assert page.index(">first<") < page.index(">second<")
    assert "5 March" in page, "22:00 UTC is the next day in Tokyo"


def test_a_long_list_comes_in_pages(
    scene: Scene, agent: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "SIZE", 2)
    for number in range(5):
        scene.request(summary=f"number {number}")
    numbers = [
        re.findall(r"number (\d)", text_of(agent, f"{LIST}?show=all&page={n}")) for n in (1, 2, 3)
    ]
    assert numbers == [["4", "3"], ["2", "1"], ["0"]]
    assert "?show=all&amp;page=2" in text_of(agent, f"{LIST}?show=all")
    for odd in ("0", "-1", "x", "99999999999999999999", "²"):
        assert re.findall(r"number (\d)", text_of(agent, f"{LIST}?page={odd}")) == ["4", "3"]


def test_with_no_request_the_site_admin_learns_how_to_send_the_first_mail(scene: Scene) -> None:
    page = text_of(scene.browser("site_admin"), LIST)
    assert "it@desk.test" in page
    assert "swaks --server 127.0.0.1:2525" in page
    agents = text_of(scene.browser("agent"), LIST)
    assert "it@desk.test" in agents
    assert "swaks" not in agents


def test_mail_that_became_no_request_is_not_passed_over(scene: Scene) -> None:
    scene.email()
    page = text_of(scene.browser("admin"), LIST)
    assert "mail has come" in page
    assert "/projects/IT/email-logs/incoming/" in page


# --- One request ------------------------------------------------------------------------------


def test_hostile_words_are_only_text(scene: Scene, agent: Client) -> None:
    scene.customer.name = HOSTILE
    scene.customer.save()
    file = NewFile(name=HOSTILE, content_type=HOSTILE, content=b"x")
    scene.request(
        f"{HOSTILE}\nhttps://a.test/{HOSTILE} javascript:alert(3)",
        summary=HOSTILE,
        rest=HOSTILE,
        html=HOSTILE,
        files=[file],
    )
    for path in (LIST, ONE):
        page = text_of(agent, path)
        assert "<script>alert" not in page
        assert "<img" not in page
        assert 'href="javascript' not in page


def test_links_are_followed_without_a_trace(scene: Scene, agent: Client) -> None:
    scene.request("See https://wiki.test/a?b=1&c=2. Or (http://x.test)")
    page = text_of(agent)
    rel = 'rel="noopener noreferrer nofollow"'
    assert f'<a href="https://wiki.test/a?b=1&amp;c=2" {rel}>' in page
    assert f'<a href="http://x.test" {rel}>' in page


def test_line_breaks_are_kept_and_what_was_cut_is_folded(scene: Scene, agent: Client) -> None:
    scene.request("one\r\ntwo\n\nthree", rest="> old words")
    page = text_of(agent)
    assert "<p>one<br>two</p><p>three</p>" in page
    assert re.search(
        r"<details><summary>Quoted text and signature were cut</summary>.*old words", page
    )


def test_a_very_long_text_does_not_make_a_heavy_page(scene: Scene, agent: Client) -> None:
    scene.request("x " * 2_000_000, rest="y " * 2_000_000)
    page = text_of(agent)
    assert len(page) < 300_000
    assert "the whole is in the original" in page


def test_a_long_conversation_comes_in_pages(
    scene: Scene, agent: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "PAGE", 3)
    request = scene.request("said 0")
    for number in range(1, 5):
        desk.add_comment(request, scene.agent, Entry(text=f"said {number}"), now=timezone.now())
    page = text_of(agent)
    assert re.findall(r"said (\d)", page) == ["2", "3", "4"]
    earlier = re.search(r'href="(\?before=\d+)"', page)
    assert earlier
    assert re.findall(r"said (\d)", text_of(agent, ONE + earlier[1])) == ["0", "1"]
    assert text_of(agent, f"{ONE}?before=%00{'9' * 30}")


def answered(scene: Scene) -> Comment:
    """Return an agent's answer on a new request."""
    return desk.add_comment(
        scene.request(), scene.agent, Entry(text="Try the new firmware."), now=timezone.now()
    )


def test_an_answer_says_how_its_emails_fared(scene: Scene) -> None:
    comment = answered(scene)
    bob = Person.objects.create_person("bob@desk.test", name="Bob")
    failed = scenes.note(comment, bob, NotificationStatus.FAILED)
    scenes.note(comment, scene.customer, NotificationStatus.DELIVERED)
    scenes.note(comment, scene.stranger, NotificationStatus.QUEUED)
    scenes.note(comment, scene.agent, NotificationStatus.WITHHELD)
    drawer = f"/projects/IT/email-logs/notifications/{failed.pk}/"
    for name, sees_the_log in (("admin", True), ("site_admin", True), ("agent", False)):
        page = text_of(scene.browser(name))
        for words in ("1 sent", "1 failed", "1 queued", "Bob was not reached"):
            assert words in page
        assert (drawer in page) == sees_the_log


def test_where_successes_are_not_shown_the_request_does_not_show_them(
    scene: Scene, settings: Settings
) -> None:
    scenes.note(answered(scene), scene.customer, NotificationStatus.DELIVERED)
    settings.DESKPOST = {**settings.DESKPOST, "LOG_DELIVERED": False}
    assert "1 sent" not in text_of(scene.browser("admin"))


def test_a_team_managed_project_has_no_log_to_lead_to(scene: Scene) -> None:
    scenes.note(answered(scene), scene.customer, NotificationStatus.FAILED)
    Project.objects.update(kind=Project.Kind.TEAM)
    page = text_of(scene.browser("admin"))
    assert "was not reached" in page
    assert "email-logs" not in page


def test_a_comment_by_email_leads_to_its_entry_while_that_lives(scene: Scene) -> None:
    request = scene.request()
    entry = f"/projects/IT/email-logs/incoming/{request.comments.get().incoming}/"
    assert entry not in text_of(scene.browser("admin"))
    scene.email(id=request.comments.get().incoming)
    page = text_of(scene.browser("admin"))
    assert f'"{entry}"' in page
    assert f'"{entry}raw/"' in page
    assert entry not in text_of(scene.browser("agent"))


# --- Answering --------------------------------------------------------------------------------


def test_an_answer_is_kept_and_announced(scene: Scene, agent: Client) -> None:
    scene.request()
    done = agent.post(f"{ONE}reply/", {"body": "\r\nFirst.\r\nSecond.\r\n"})
    comment = Comment.objects.get(is_description=False)
    assert done["Location"] == f"{ONE}#c{comment.pk}"
    assert (comment.text, comment.author, comment.source) == ("First.\nSecond.", scene.agent, "web")
    assert Event.objects.filter(kind=Kind.COMMENT_ADDED, comment=comment).exists()
    assert Request.objects.get().status == Request.Status.PENDING


@pytest.mark.parametrize(
    ("body", "words"), [("", "no text"), (" \n ", "no text"), ("x" * 100_001, "longer than")]
)
def test_an_answer_that_cannot_be_taken_is_shown_again(
    scene: Scene, agent: Client, body: str, words: str
) -> None:
    scene.request()
    answer = agent.post(f"{ONE}reply/", {"body": body})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert f">\n{body}</textarea>" in page
    assert Comment.objects.count() == 1


def test_a_closed_request_takes_no_answer_and_keeps_what_was_typed(
    scene: Scene, agent: Client
) -> None:
    scene.request()
    Request.objects.update(status=Request.Status.CLOSED)
    answer = agent.post(f"{ONE}reply/", {"body": HOSTILE})
    assert answer.status_code == 422
    assert "Open it again" in answer.content.decode()
    assert Comment.objects.count() == 1


def test_nul_and_every_script_are_taken(scene: Scene, agent: Client) -> None:
    scene.request()
    agent.post(f"{ONE}reply/", {"body": "日本語\0 עברית"})
    assert Comment.objects.get(is_description=False).text == "日本語\ufffd עברית"


def test_resolving_and_opening_again(scene: Scene, agent: Client) -> None:
    scene.request()
    assert agent.post(f"{ONE}resolve/")["Location"] == ONE
    assert Request.objects.get().status == Request.Status.RESOLVED
    assert "Open again" in text_of(agent)
    agent.post(f"{ONE}reopen/")
    assert Request.objects.get().status == Request.Status.OPEN


def test_the_hint_says_whom_the_answer_reaches_and_whom_not(scene: Scene, agent: Client) -> None:
    request = scene.request()
    people = {
        "blocked": Person.objects.create_person("blocked@desk.test", name="Bea"),
        "private": Person.objects.create_person("p@desk.test", name="Pia", address_private=True),
        "gone": Person.objects.create_person(
            "u@desk.test", name="Uma", unsubscribed_at=timezone.now()
        ),
        "bad": Person.objects.create_person("no-at-sign", name="Max"),
        "agent": scene.agent,
    }
    suppress.block("blocked@desk.test", "by_hand", {})
    for person in people.values():
        Participant.objects.create(request=request, person=person)
    hint = re.search(r'id="answer-hint">(.*?)</p>', text_of(agent))
    assert hint
    assert hint[1] == (
        "Goes to The customer. Not to Bea (address blocked), Pia (private address), "
        "Uma (unsubscribed), Max (malformed address)."
    )


def test_the_hint_says_so_when_nobody_is_reached(scene: Scene, agent: Client) -> None:
    scene.request()
    suppress.block(scene.customer.email, "by_hand", {})
    assert "Goes to nobody by email. Not to The customer (address blocked)." in text_of(agent)


# --- Attachments ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "sent_name", "sent_kind"),
    [
        ("plan.pdf", "application/pdf", "plan.pdf", "application/pdf"),
        ("photo.png", "IMAGE/PNG", "photo.png", "image/png"),
        ("page.html", "text/html", "page.html", "application/octet-stream"),
        ("drawing.svg", "image/svg+xml", "drawing.svg", "application/octet-stream"),
        ("../../etc/passwd", "text/plain", "etc_passwd", "application/octet-stream"),
        ('a\r\nX-Evil: 1".txt', "a/b\r\nX-Evil: 1", "a_X-Evil_ 1_.txt", "application/octet-stream"),
        ("gpj.\u202eexe.png", "image/png", "gpj._exe.png", "image/png"),
        ("", "", "attachment-{pk}", "application/octet-stream"),
        ("x" * 250 + ".docx", "", "x" * 115 + ".docx", "application/octet-stream"),
    ],
)
def test_files_are_handed_out_to_be_kept_never_to_be_run(
    scene: Scene, agent: Client, name: str, kind: str, sent_name: str, sent_kind: str
) -> None:
    request = scene.request(files=[NewFile(name=name, content_type=kind, content=b"bytes")])
    pk = request.comments.get().attachments.get().pk
    answer = agent.get(f"/projects/IT/attachments/{pk}/")
    assert answer.getvalue() == b"bytes"
    assert answer["Content-Disposition"] == f'attachment; filename="{sent_name.format(pk=pk)}"'
    assert answer["Content-Type"] == sent_kind
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert "no-store" in answer["Cache-Control"]
    assert "X-Evil" not in answer.headers


def test_a_name_in_any_script_is_kept(scene: Scene, agent: Client) -> None:
    request = scene.request(files=[NewFile(name="見積書.pdf", content_type="", content=b"x")])
    pk = request.comments.get().attachments.get().pk
    sent = agent.get(f"/projects/IT/attachments/{pk}/")["Content-Disposition"]
    assert sent == "attachment; filename*=utf-8''%E8%A6%8B%E7%A9%8D%E6%9B%B8.pdf"


def test_a_lost_file_and_an_unknown_one_are_not_found(scene: Scene, agent: Client) -> None:
    request = scene.request(files=[NewFile(name="a", content_type="", content=b"a")])
    file = request.comments.get().attachments.get()
    file.storage_key = "202601/gone"
    file.save()
    for pk in (file.pk, file.pk + 1, 10**30):
        assert agent.get(f"/projects/IT/attachments/{pk}/").status_code == 404
