"""Composing: rendered once, for the message and for the copy that is kept; a batch asks the
database once; and the short way through liquid makes what the long one makes."""

from __future__ import annotations

import email
import email.policy
import re
import time
from email.message import EmailMessage
from typing import Any

import liquid
import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from deskpost.models import MessageTemplate, Notification, Role
from deskpost.outbound import links
from deskpost.outbound.compose import Around, compose
from deskpost.outbound.templates_liquid import TemplateError, run
from deskpost.outcomes import NotificationStatus
from tests.web import scene as scenes
from tests.web.scene import Scene

JOINED = ("project", "person", "request__channel", "comment__author")


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


def note(scene: Scene, text: str = "Please try again.", **fields: object) -> Notification:
    comment = scene.request(text).comments.get()
    person = fields.pop("person", scene.customer)
    row = scenes.note(comment, person, NotificationStatus.QUEUED, **({"language": "en"} | fields))  # type: ignore[arg-type]
    return Notification.objects.select_related(*JOINED).get(pk=row.pk)


def own(scene: Scene, **fields: str) -> None:
    row = {"kind": "comment_added", "language": "en", "subject": "Own", "text": "T", "html": "H"}
    MessageTemplate.objects.create(
        project=scene.project, changed_at=timezone.now(), **(row | fields)
    )


def read(raw: bytes) -> EmailMessage:
    message = email.message_from_string(raw.decode(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def bodies(raw: bytes) -> str:
    return "".join(str(part.get_content()) for part in read(raw).walk() if not part.is_multipart())


# --- Tokens --------------------------------------------------------------------------------------


def test_message_and_kept_copy_differ_in_their_tokens_only(scene: Scene) -> None:
    composed = compose(note(scene, "Grüße & <b>Ort</b>"))
    sent, kept = bodies(composed.message), bodies(composed.kept)
    assert sent != kept
    assert re.sub(r"/(unsubscribe|mute)/[\w:.-]+/", r"/\1/TOKEN/", sent) == kept
    heads = [read(raw).items() for raw in (composed.message, composed.kept)]
    differing = [here[0] for here, there in zip(*heads, strict=True) if here != there]
    assert differing == ["Reply-To", "List-Unsubscribe"]


def test_no_token_is_in_the_kept_copy_wherever_a_template_writes_links(scene: Scene) -> None:
    links_ = "{{ unsubscribe_url }} {{ mute_url }}"
    own(scene, subject=links_, text=links_, html=f"<a href='{links_}'>{links_}</a>")
    composed = compose(note(scene))
    assert composed.fallback is None
    found = re.findall(
        r"/(?:unsubscribe|mute)/([^/]+)/", composed.kept.decode().replace("=\r\n", "")
    )
    assert len(found) > 6
    assert set(found) == {"TOKEN"}
    assert "TOKEN" in composed.subject
    sent = re.findall(r"/unsubscribe/([^/]+)/", bodies(composed.message))
    assert {links.read_unsubscribe(token) for token in sent} == {scene.customer}


def test_what_looks_like_a_placeholder_in_a_comment_stays_as_it_is(scene: Scene) -> None:
    text = "See /unsubscribe/TOKEN/ and /mute/TOKEN/, TOKENu, TOKENm"
    assert text in bodies(compose(note(scene, text)).message)


def test_the_same_row_is_the_same_message_each_time(scene: Scene) -> None:
    row = note(scene)
    first, second = compose(row), compose(Notification.objects.get(pk=row.pk))
    assert first.message_id == second.message_id == read(first.message)["Message-ID"]
    assert first.kept == second.kept
    assert first.parts == second.parts
    assert [name for name, _ in first.parts] == ["text/html", "text/plain"]


# --- Addresses -----------------------------------------------------------------------------------


def test_the_senders_domain_is_said_in_ascii(scene: Scene) -> None:
    assert compose(note(scene)).sender_domain == "desk.test"
    scene.channel.address = "it@bücher.example"
    scene.channel.save()
    composed = compose(note(scene))
    assert composed.sender_domain == "xn--bcher-kva.example"
    assert read(composed.message)["From"].addresses[0].domain == composed.sender_domain


def test_an_address_beyond_ascii_stands_in_its_header_as_it_is(scene: Scene) -> None:
    row = note(scene)
    row.address = "用户@x.test"
    assert "用户@x.test".encode() in compose(row).message.partition(b"\r\n\r\n")[0]
    row.address = "ann@bücher.example"  # its domain has a form that every server takes
    assert b"<ann@xn--bcher-kva.example>" in compose(row).message


def test_a_removed_channel_is_no_sender_while_there_is_another(scene: Scene) -> None:
    row = note(scene)
    scene.channel.removed_at = timezone.now()
    scene.channel.save()
    other = scene.project.channels.create(
        address="help@desk.test", request_type=scene.channel.request_type
    )
    composed = compose(Notification.objects.select_related(*JOINED).get(pk=row.pk))
    assert read(composed.message)["From"].addresses[0].addr_spec == other.address


# --- A batch -------------------------------------------------------------------------------------


def batch(scene: Scene, count: int) -> list[Notification]:
    people = [scene.customer, scene.agent, scene.site_admin, scene.stranger]
    return [
        note(scene, f"Number {n}", person=people[n % 4], language=("en", "ja", "fr")[n % 3])
        for n in range(count)
    ]


@pytest.mark.parametrize("count", [2, 12])
def test_a_batch_asks_the_database_as_often_as_one(
    scene: Scene, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    own(scene)
    rows = batch(scene, count)
    with django_assert_num_queries(2):  # who opens requests, which templates are their own
        around = Around(rows)
    with django_assert_num_queries(0):
        for row in rows:
            compose(row, around)


def test_in_a_batch_each_is_composed_as_if_it_were_alone(scene: Scene) -> None:
    own(scene, text="{{ request.url }}", html="<p>{{ request.url }}</p>")
    own(scene, language="ja", text="日 {{ request.url }}")
    rows = batch(scene, 12)
    around = Around(rows)
    for row in rows:
        assert compose(row, around).kept == compose(row).kept


def test_only_who_can_open_a_request_gets_its_address(scene: Scene) -> None:
    own(scene, text="[{{ request.url }}]")
    for name, opens in (("agent", True), ("site_admin", True), ("customer", False)):
        sent = bodies(compose(note(scene, person=getattr(scene, name))).message)
        assert ("[]" not in sent) is opens
        assert ("/projects/IT/requests/" in sent) is opens
    scene.project.memberships.filter(person=scene.agent).update(role=Role.CUSTOMER)
    assert "[]" in bodies(compose(note(scene, person=scene.agent)).message)


# --- Liquid's short way --------------------------------------------------------------------------

VALUES: dict[str, Any] = {
    "a": "<é> & \"x\" 'y'",
    "empty": "",
    "none": None,
    "yes": True,
    "number": 3,
    "request": {"key": "IT-1", "size": "large", "first": "f", "none": None, "url": "/?a=1&b=2"},
}
PIECES = [
    "text ", "\n", "<b>", "{{ a }}", "{{ request.key }}", "{{ request['key'] }}", "{{ request }}",
    "{{ request.size }}", "{{ request.first }}", "{{ request.last }}", "{{ request.nothing }}",
    "{{ a.size }}", "{{ a.first }}", "{{ empty }}", "{{ none }}", "{{ yes }}", "{{ number }}",
    "{{ nothing }}", "{{ nothing.at.all }}", "{{ partial }}", "{{ a | upcase }}", "{{- a -}}",
    "{{ request.url }}", "{% assign a = 'new' %}", "{% assign request = a %}",
    "{{ forloop.index }}",
    "{% capture key %}{{ a }}{{ request.key }}{% endcapture %}", "{{ key }}", "{{ request[key] }}",
    "{% if request.key == 'IT-1' %}{{ a }} yes{% else %}no {{ a }}{% endif %}",
    "{% unless empty %}{{ request.key }}{% endunless %}{% if none %}{{ a }}{% endif %}",
    "{% if none %}{% elsif yes %}{{ a }}{{ request.key }}{% endif %}",
    "{% for i in (1..2) %}{{ i }}{{ a }}{{ request.key }}{% if i == 2 %}{% break %}{% endif %}"
    "{% endfor %}", "{% for a in request %}{{ a }}{{ a.first }}{% endfor %}",
    "{% case number %}{% when 3 %}{{ a }}{% else %}x{% endcase %}", "{% if yes %}  {% endif %}",
    "{% comment %}{{ a }}{% endcomment %}", "{% # a %}",
]  # fmt: skip


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=60), html=st.booleans())
def test_the_short_way_makes_what_liquid_makes(pieces: list[str], html: bool) -> None:
    source = "".join(pieces)
    expected = liquid.Environment(autoescape=html).from_string(source).render(**VALUES)
    assert run(source, VALUES, html=html) == expected


@pytest.mark.parametrize("value", ["x" * 900_000, "é<" * 450_000])
@pytest.mark.parametrize("html", [True, False])
def test_many_large_values_are_not_put_together_before_they_are_counted(
    value: str, html: bool
) -> None:
    began = time.thread_time()
    with pytest.raises(TemplateError, match="limit"):
        run("{{ big }} and " * 5000, {"big": value}, html=html)
    assert time.thread_time() - began < 3


def test_a_long_template_of_names_alone_has_its_time_too() -> None:
    with pytest.raises(TemplateError):
        run("{% for i in (1..9999) %}" + "{{ a }}x" * 5000 + "{% endfor %}", {"a": "b"}, html=True)
