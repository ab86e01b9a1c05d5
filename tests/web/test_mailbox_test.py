"""Test connection: the page grows with the steps, and always ends with what there is to do."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.signals import request_finished
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from deskpost.inbound.channels import access, collect
from deskpost.inbound.channels.source import Account, Done, Opening
from deskpost.models import AuditEntry, ConnectionEvent, Mailbox
from deskpost.net import Fault
from deskpost.problems import STEP_WORDS, ConnectionState, Problem, Step
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene
from tests.web.test_mailboxes import SECRET, make_mailbox


class OpenMailbox:
    """An open mailbox of which the page only closes."""

    closed = 0

    def close(self) -> None:
        self.closed += 1


class Server:
    """A mail server that lets in step by step, as far as `fault` lets it."""

    def __init__(self, fault: Exception | None = None, after: int = 6) -> None:
        self.fault, self.after = fault, after
        self.asked: list[str] = []
        self.ended = False
        self.source = OpenMailbox()
        self.account: Account | None = None

    def opening(self, account: Account) -> Opening:
        self.account = account
        try:
            for n, (step, facts) in enumerate(STEPS.items()):
                self.asked.append(step)
                if n == self.after and self.fault:
                    raise self.fault
                yield Done(step=step, facts=facts)
            return self.source  # type: ignore[return-value]
        finally:
            self.ended = True


STEPS: dict[Step, dict[str, Any]] = {
    Step.NAME: {"addresses": ["192.0.2.7", "2001:db8::7"]},
    Step.TCP: {"address": "192.0.2.7", "port": 993},
    Step.TLS: {"issuer": HOSTILE, "names": ["imap.shop.example"], "valid_until": "2031-05-06"},
    Step.SIGN_IN: {"mechanism": "PLAIN"},
    Step.FOLDER: {"folder": "INBOX", "messages": 1318},
    Step.RIGHTS: {"rights": "lrswt"},
}


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


def meet(server: Server, monkeypatch: pytest.MonkeyPatch, old: int = 0) -> None:
    def begin(mailbox: Mailbox, source: object) -> int:
        assert source is server.source
        assert not server.source.closed
        Mailbox.objects.filter(pk=mailbox.pk).update(begun_at=timezone.now(), old_count=old)
        return old

    monkeypatch.setattr(access, "opening", server.opening)
    monkeypatch.setattr(collect, "begin", begin)


def url(mailbox: Mailbox, name: str = "channel-test") -> str:
    return reverse(name, args=["IT", mailbox.pk])


def pieces(client: Client, mailbox: Mailbox) -> Iterator[str]:
    response = client.post(url(mailbox))
    assert response.status_code == 200
    return (piece.decode() for piece in response.streaming_content)  # type: ignore[attr-defined]


def test_each_step_is_on_the_page_before_the_next_one_is_tried(
    scene: Scene, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server()
    meet(server, monkeypatch)
    page = ""
    for piece in pieces(admin, make_mailbox(scene)):
        page += piece
        # What was asked of the server, and is done, stands on the page but for the last.
        for step in server.asked[:-1]:
            assert f'<li class="done"><b>{STEP_WORDS[Step(step)]}</b>' in page
    assert server.asked == list(Step)
    for fact in ("2001:db8::7", "imap.shop.example", "6 May 2031", "1,318", "PLAIN"):
        assert fact in page
    assert page.rstrip().endswith("</html>")
    assert "<script>alert" not in page
    assert page.count("<ol") == page.count("</ol>")


def test_a_new_mailbox_is_begun_with_and_says_what_was_there_before(
    scene: Scene, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, mailbox = Server(), make_mailbox(scene)
    meet(server, monkeypatch, old=1318)
    page = "".join(pieces(admin, mailbox))
    assert "Connected." in page
    assert "1,318 messages were there before. They are left alone." in page
    assert f'action="{url(mailbox, "channel-take-old")}"' in page
    found = Mailbox.objects.get()
    assert (found.revision, found.next_try_at) == (mailbox.revision + 1, None)
    assert server.source.closed == 1
    assert server.account
    assert server.account.password == SECRET
    assert AuditEntry.objects.get().details == {"act": "test"}


def test_a_mailbox_that_is_read_already_is_not_begun_with_again(
    scene: Scene, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = make_mailbox(scene, begun_at=timezone.now(), state=ConnectionState.CONNECTED)
    meet(Server(), monkeypatch)
    monkeypatch.setattr(collect, "begin", None)
    page = "".join(pieces(admin, mailbox))
    assert "The connection works." in page
    assert "Take them too" not in page
    assert Mailbox.objects.get().revision == mailbox.revision
    assert not ConnectionEvent.objects.exists()


def test_one_that_was_down_is_tried_by_the_poller_at_once(
    scene: Scene, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = timezone.now() + timedelta(hours=1)
    mailbox = make_mailbox(
        scene, begun_at=timezone.now(), state=ConnectionState.RETRYING, next_try_at=later
    )
    meet(Server(), monkeypatch)
    assert "The connection works." in "".join(pieces(admin, mailbox))
    assert Mailbox.objects.get().next_try_at is None


def test_a_failed_step_is_explained_in_our_words_and_the_servers(
    scene: Scene, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Fault(Problem.SIGN_IN_REFUSED, f"NO {HOSTILE}", step=Step.SIGN_IN)
    server, mailbox = Server(fault, after=3), make_mailbox(scene)
    meet(server, monkeypatch)
    page = "".join(pieces(admin, mailbox))
    assert '<li class="failed"><b>Sign-in</b>' in page
    for word in ("Sign-in refused", "refuses this user name and password", "an app password"):
        assert word in page
    assert "<pre><bdi>NO &lt;script&gt;" in page
    assert "<script>alert" not in page
    for step in (Step.FOLDER, Step.RIGHTS):
        assert f'<li class="untried"><b>{STEP_WORDS[step]}</b>' in page
    assert f'action="{url(mailbox)}"' in page
    assert url(mailbox, "channel-mailbox") in page
    found = Mailbox.objects.get()
    assert (found.state, found.begun_at) == (ConnectionState.NEW, None)
    assert server.ended


def test_a_permission_that_is_gone_leads_back_to_the_provider(
    scene: Scene, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(mailbox: Mailbox) -> Account:
        raise Fault(Problem.GRANT_REVOKED, "invalid_grant")

    meet(Server(), monkeypatch)
    monkeypatch.setattr(access, "account", gone)
    mailbox = make_mailbox(scene, provider="google")
    page = "".join(pieces(admin, mailbox))
    assert '<li class="failed"><b>Sign-in</b>' in page
    assert f'action="{url(mailbox, "channel-authorise")}"' in page
    assert page.count('class="untried"') == 5


@pytest.mark.parametrize("after", [0, 2, 5])
def test_an_error_of_ours_ends_the_page_with_an_id_and_no_secret(
    scene: Scene,
    admin: Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    after: int,
) -> None:
    caplog.set_level(logging.ERROR)
    meet(Server(RuntimeError(SECRET), after=after), monkeypatch)
    page = "".join(pieces(admin, make_mailbox(scene)))
    assert "Internal error" in page
    assert SECRET not in page
    assert page.rstrip().endswith("</html>")
    error_id = page.split("<code>")[-1].split("</code>")[0]
    assert error_id in caplog.text


def test_the_way_in_is_closed_when_the_reader_leaves(
    scene: Scene, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server()
    meet(server, monkeypatch)
    response = admin.post(url(make_mailbox(scene)))
    content = iter(response.streaming_content)  # type: ignore[attr-defined]
    while len(server.asked) < 3:
        next(content)
    monkeypatch.setattr(request_finished, "send", lambda **_: None)  # it would close the database
    response.close()
    assert server.ended
    assert Mailbox.objects.get().begun_at is None


def test_tests_leave_threads_for_the_rest_of_the_site(
    scene: Scene, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, mailbox = Server(), make_mailbox(scene)
    meet(server, monkeypatch)
    others = [pieces(admin, mailbox) for _ in range(settings.DESKPOST["WEB_THREADS"] // 2)]
    for other in others:
        while "Trying" not in next(other):
            pass
    server.asked.clear()
    page = "".join(pieces(admin, mailbox))
    assert "Other tests are running" in page
    assert page.rstrip().endswith("</html>")
    assert server.asked == []
    for other in others:
        assert "".join(other).rstrip().endswith("</html>")
    assert "The connection works." in "".join(pieces(admin, mailbox))


def test_the_page_speaks_the_readers_language_to_its_end(
    scene: Scene, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet(Server(), monkeypatch)
    scene.admin.language = "ja"
    scene.admin.save(update_fields=["language"])
    page = "".join(pieces(admin, make_mailbox(scene)))
    assert '<html lang="ja"' in page
    assert "2031/5/6" in page  # the last day of the certificate, found while it streams


def test_it_is_offered_before_anything_is_tried(
    scene: Scene, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, mailbox = Server(), make_mailbox(scene)
    meet(server, monkeypatch)
    response = admin.get(url(mailbox))
    assert response.text.count('class="untried"') == 6
    assert server.asked == []


@pytest.mark.parametrize(("who", "status"), [("agent", 403), ("stranger", 404), ("nobody", 302)])
def test_only_admins_test(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, who: str, status: int
) -> None:
    server, mailbox = Server(), make_mailbox(scene)
    meet(server, monkeypatch)
    assert scene.browser(who).post(url(mailbox)).status_code == status
    assert scene.browser("admin").post(url(mailbox).replace("IT", "XX")).status_code == 404
    assert server.asked == []
