"""The finished message: its headers hold what they should, whatever people write."""

from __future__ import annotations

import email
import email.policy
import re
from collections import Counter
from email.message import EmailMessage

import pytest
from django.conf import settings as site
from django.utils import translation
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deskpost.mail import address
from deskpost.models import MessageTemplate, Notification
from deskpost.outbound import links
from deskpost.outbound.compose import compose
from deskpost.outcomes import NotificationStatus
from tests.web import scene as scenes
from tests.web.scene import Scene

# fmt: off
HEADERS = Counter([
    "subject", "from", "to", "reply-to", "date", "message-id", "in-reply-to", "references",
    "auto-submitted", "x-auto-response-suppress", "x-deskpost-site", "feedback-id",
    "list-unsubscribe", "list-unsubscribe-post", "mime-version", "content-type",
])
# fmt: on
INJECTION = "=?utf-8?q?x=0D=0ABcc:_eve=40x.test?="


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


@pytest.fixture
def note(scene: Scene) -> Notification:
    comment = scene.request("The printer").comments.get()
    row = scenes.note(comment, scene.customer, NotificationStatus.QUEUED, language="en")
    return Notification.objects.select_related("request", "person", "project", "comment").get(
        pk=row.pk
    )


def read(raw: bytes) -> EmailMessage:
    # Decoded first: addresses beyond ASCII stand as they are (RFC 6532).
    message = email.message_from_string(raw.decode(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


hostile = st.one_of(
    st.text(max_size=255),
    st.text(alphabet="\r\n\x00\t :;,<>@\"'\\=?()日é😀\u2028\u202e", max_size=120),
    st.sampled_from(["x\r\nBcc: eve@x.test", INJECTION, "x" * 255]),
)


@pytest.mark.slow
@given(summary=hostile, name=hostile, project=hostile, local=hostile)
@example(summary="a\r\n\r\n<b>", name='"\r\nBcc: e@x.test', project="x\nCc: e@x.test", local="a")
@example(summary=INJECTION, name=INJECTION, project=INJECTION, local="a")
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_text_becomes_a_header(
    note: Notification, summary: str, name: str, project: str, local: str
) -> None:
    assert note.request
    note.request.summary, note.person.name, note.project.name = summary, name, project
    note.address = f"{local}@x.test"
    if address.problem(note.address, smtputf8=True) or "=?" in local:
        note.address = "ann@x.test"  # a malformed one never comes so far
    composed = compose(note)
    for raw in (composed.message, composed.kept):
        message = read(raw)
        assert Counter(header.lower() for header in message) == HEADERS
        assert message["Message-ID"] == composed.message_id
        assert len(message["To"].addresses) == len(message["From"].addresses) == 1
        assert message["From"].addresses[0].addr_spec == "it@desk.test"
        to = message["To"].addresses[0]
        assert f"{to.username}@{to.domain}" == note.address
        assert [part.get_content_type() for part in message.iter_parts()] == [
            "text/plain",
            "text/html",
        ]
        head = raw.partition(b"\r\n\r\n")[0]
        assert max(map(len, head.split(b"\r\n"))) < 998  # RFC 5322, section 2.1.1


@pytest.mark.slow
@given(summary=st.text(max_size=255))
@example(summary="Grüße aus Köln " * 15)
@example(summary="日本語の件名 " * 25)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_subject_is_the_key_and_the_summary(note: Notification, summary: str) -> None:
    assert note.request
    note.request.summary = summary
    printable = "".join(c if c.isprintable() else " " for c in summary)
    expected = " ".join(f"IT-1 {printable}".split()).replace("=?", "= ?")
    assert compose(note).subject == expected
    assert " ".join(str(read(compose(note).message)["Subject"]).split()) == expected


def test_an_encoded_word_has_up_to_75_characters(note: Notification) -> None:
    assert note.request
    note.request.summary = "日本語の件名 " * 25
    head = compose(note).message.partition(b"\r\n\r\n")[0]
    words = [word for word in head.split() if word.startswith(b"=?")]
    assert len(words) > 10
    assert max(map(len, words)) <= 75  # RFC 2047, section 2


def test_its_headers_say_what_it_is_and_where_answers_go(note: Notification) -> None:
    composed = compose(note)
    message = read(composed.message)
    assert message["Feedback-ID"] == f"comment_added:IT:{message['X-Deskpost-Site']}"
    assert message["Auto-Submitted"] == "auto-generated"
    unsubscribe = str(message["List-Unsubscribe"])
    token = token_in(unsubscribe, "unsubscribe")
    assert unsubscribe == f"<{site.BASE_URL}/unsubscribe/{token}/>"
    assert links.read_unsubscribe(token) == note.person
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["In-Reply-To"] == message["References"]
    assert message["Reply-To"].addresses[0].addr_spec.startswith("it+r.")
    assert composed.envelope_from.startswith("it+b.")
    assert compose(note).message_id == composed.message_id


def test_an_address_that_would_be_decoded_is_not_written_into_a_header(note: Notification) -> None:
    note.address = "=?utf-8?q?x=0D=0ABcc=3A_eve=40x.test?=@x.test"
    with pytest.raises(ValueError, match="encoded word"):
        compose(note)


def test_the_copy_that_is_kept_holds_none_of_its_tokens(note: Notification) -> None:
    composed = compose(note)
    assert note.request
    sent, kept = (
        "".join(str(part.get_content()) for part in read(raw).iter_parts())
        for raw in (composed.message, composed.kept)
    )
    unsubscribes, mutes = token_in(sent, "unsubscribe"), token_in(sent, "mute")
    assert links.read_unsubscribe(unsubscribes) == note.person
    assert links.read_mute(mutes) == (note.request, note.person)
    assert unsubscribes not in kept
    assert mutes not in kept
    assert "/mute/TOKEN/" in kept


def token_in(text: str, act: str) -> str:
    """The token of a link; it holds the second in which it was made."""
    found = re.search(rf"{re.escape(site.BASE_URL)}/{act}/([\w:.-]+)/", text)
    assert found
    return found[1]


def test_a_request_says_its_status_in_the_recipients_language(note: Notification) -> None:
    assert note.request
    for language in ("en", "ja"):
        with translation.override(language):
            said = str(note.request.get_status_display())
        note.kind, note.language = "status_changed", language
        body = read(compose(note).message).get_body(("plain",))
        assert body
        assert said in body.get_content()


def test_a_projects_own_template_that_fails_is_named_with_the_message(note: Notification) -> None:
    assert compose(note).fallback is None
    MessageTemplate.objects.create(
        project=note.project, kind=note.kind, language="en", subject="a\nb", text="{{ a",
        html="x", changed_at=note.created_at,
    )  # fmt: skip
    composed = compose(note)
    assert composed.subject == "IT-1 Label printer"
    assert composed.fallback
    assert composed.fallback["said"] == "{{ is not closed"
