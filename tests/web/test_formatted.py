"""An entry as its sender formatted it: safe, with its own images, and nobody else's."""

from __future__ import annotations

import base64
from email.message import EmailMessage

import pytest
from django.test import Client
from django.urls import reverse

from deskpost.models import Comment
from tests.desk import Desk
from tests.parts.site import letter

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
HTML = (
    "<p>See <b>this</b>:</p><img src='cid:one@x.test' alt='a'>"
    "<img src='https://tracker.test/x.gif'><script>alert(1)</script>"
    "<p style='position:fixed;color:red' onclick='x()'>End</p>"
)


def formatted() -> EmailMessage:
    message = letter(body="See this: End")
    message.add_alternative(HTML, subtype="html")
    part = message.get_payload()[1]  # type: ignore[index]
    assert isinstance(part, EmailMessage)
    part.add_related(PIXEL, "image", "png", cid="<one@x.test>", filename="one.png")
    return message


@pytest.fixture
def agent(desk: Desk) -> Client:
    client = Client()
    client.force_login(desk.agent)
    return client


def address(comment: Comment) -> str:
    return reverse("formatted", args=["IT", comment.pk])


def test_it_shows_the_formatting_and_the_messages_own_images(desk: Desk, agent: Client) -> None:
    desk.take(formatted())
    comment = desk.request().comments.get()
    assert [file.name for file in comment.attachments.all()] == ["one.png"]
    response = agent.get(address(comment))
    assert "<b>this</b>" in response.text
    assert f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}" in response.text


def test_nothing_runs_and_nothing_is_fetched(desk: Desk, agent: Client) -> None:
    desk.take(formatted())
    response = agent.get(address(desk.request().comments.get()))
    for word in ("tracker.test", "script", "onclick", "position"):
        assert word not in response.text
    policy = response["Content-Security-Policy"]
    assert policy == "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_the_request_leads_to_it_only_where_there_is_formatting(desk: Desk, agent: Client) -> None:
    desk.take(letter("plain"))
    desk.take(formatted())
    plain, rich = Comment.objects.order_by("pk")
    for comment, found in ((plain, False), (rich, True)):
        page = agent.get(reverse("request", args=["IT", comment.request.key])).text
        assert (address(comment) in page) is found
    assert agent.get(address(plain)).status_code == 404


def test_strangers_do_not_see_it(desk: Desk) -> None:
    desk.take(formatted())
    comment = desk.request().comments.get()
    assert Client().get(address(comment)).status_code == 302
    client = Client()
    client.force_login(desk.request().reporter)
    assert client.get(address(comment)).status_code == 403


def test_what_the_message_is_besides_its_text_is_said_on_the_request(
    desk: Desk, agent: Client
) -> None:
    message = letter("Invitation", "Please come.")
    event = (
        "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Printer <b>party</b>\r\n"
        "DTSTART:20261130T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    message.add_alternative(event, subtype="calendar", params={"method": "REQUEST"})
    row = desk.take(message)
    assert row.facts["notes"][0]["kind"] == "calendar"
    page = agent.get(reverse("request", args=["IT", "IT-1"])).text
    assert "An invitation: “Printer &lt;b&gt;party&lt;/b&gt;”" in page
    assert desk.request().comments.get().attachments.count() == 1
