"""OAuth 2 for mailboxes: asking for permission, and the whole road to a real Dovecot."""

from __future__ import annotations

import imaplib
from collections.abc import Iterator

import pytest
from django.utils import timezone
from pytest_django import Settings

from deskpost.inbound.channels import access, oauth
from deskpost.inbound.channels.source import finish_opening
from deskpost.models import Mailbox
from deskpost.net import Fault
from deskpost.problems import Problem
from tests.inbound.channels.oauth_scene import (
    ADDRESS,
    BACK,
    as_google,
    asked_by,
    came_back,
    new_mailbox,
    permit,
    run_out,
)
from tests.parts.authority import Authority
from tests.parts.dovecot import PASSWORD, Dovecot


@pytest.fixture
def authority(settings: Settings) -> Iterator[Authority]:
    with as_google(settings) as part:
        yield part


def test_only_a_provider_with_a_client_id_is_offered(settings: Settings) -> None:
    assert oauth.offered() == []
    settings.DESKPOST = {**settings.DESKPOST, "MICROSOFT_CLIENT_ID": "m", "GOOGLE_CLIENT_ID": "g"}
    google, microsoft = oauth.offered()
    assert (google.name, microsoft.name) == ("google", "microsoft")
    assert google.server("imap") == ("imap.gmail.com", 993)
    assert microsoft.server("pop3") == ("outlook.office365.com", 995)
    assert oauth.find("google") == google
    assert oauth.find("") is None


def test_google_is_asked_for_offline_access_to_the_mailbox_with_pkce(
    settings: Settings,
) -> None:
    settings.DESKPOST = {**settings.DESKPOST, "GOOGLE_CLIENT_ID": "g"}
    begun = oauth.begin(oauth.offered()[0], ADDRESS, "imap", BACK)
    assert begun.url.startswith("https://accounts.google.com/o/oauth2/v2/auth?")
    told = asked_by(begun.url)
    assert told == {
        "client_id": "g",
        "response_type": "code",
        "redirect_uri": BACK,
        "scope": "https://mail.google.com/",
        "access_type": "offline",
        "prompt": "consent",
        "login_hint": ADDRESS,
        "state": begun.state,
        "code_challenge": told["code_challenge"],
        "code_challenge_method": "S256",
    }
    assert begun.verifier not in begun.url
    another = oauth.begin(oauth.offered()[0], ADDRESS, "imap", BACK)
    assert len({begun.state, another.state, begun.verifier, another.verifier}) == 4


@pytest.mark.parametrize(("protocol", "what"), [("imap", "IMAP"), ("pop3", "POP")])
def test_microsoft_is_asked_for_the_protocol_that_is_used(
    settings: Settings, protocol: str, what: str
) -> None:
    settings.DESKPOST = {**settings.DESKPOST, "MICROSOFT_CLIENT_ID": "m"}
    begun = oauth.begin(oauth.offered()[0], ADDRESS, protocol, BACK)
    scope = asked_by(begun.url)["scope"]
    assert scope == f"https://outlook.office.com/{what}.AccessAsUser.All offline_access"


def test_a_permission_becomes_tokens(authority: Authority) -> None:
    authority.give_tokens_for(1800)
    tokens = permit(authority)
    assert tokens.refresh in authority.grants
    left = (tokens.until - timezone.now()).total_seconds()
    assert 1700 < left <= 1800
    assert tokens.access not in repr(tokens)
    assert tokens.refresh not in repr(tokens)


def test_a_code_without_its_verifier_is_worth_nothing(authority: Authority) -> None:
    (provider,) = oauth.offered()
    begun, other = (oauth.begin(provider, ADDRESS, "imap", BACK) for _ in range(2))
    state, code = came_back(authority.visit(begun.url))
    wrong = oauth.Begun(url="", state=state, verifier=other.verifier)
    with pytest.raises(Fault) as caught:
        oauth.complete(provider, wrong, state=state, code=code, redirect_uri=BACK)
    assert caught.value.problem == Problem.GRANT_REVOKED
    assert caught.value.said == "invalid_grant: Code challenge failed."
    assert authority.grants == {}


def test_a_code_holds_once(authority: Authority) -> None:
    (provider,) = oauth.offered()
    begun = oauth.begin(provider, ADDRESS, "imap", BACK)
    state, code = came_back(authority.visit(begun.url))
    oauth.complete(provider, begun, state=state, code=code, redirect_uri=BACK)
    with pytest.raises(Fault) as caught:
        oauth.complete(provider, begun, state=state, code=code, redirect_uri=BACK)
    assert caught.value.problem == Problem.GRANT_REVOKED


@pytest.mark.parametrize("state", ["", "x", "é"])
def test_an_answer_with_another_state_is_not_followed(authority: Authority, state: str) -> None:
    (provider,) = oauth.offered()
    begun = oauth.begin(provider, ADDRESS, "imap", BACK)
    _, code = came_back(authority.visit(begun.url))
    with pytest.raises(oauth.OtherState):
        oauth.complete(provider, begun, state=state, code=code, redirect_uri=BACK)
    assert authority.asked == []


# --- The whole road -------------------------------------------------------------------------------


@pytest.mark.dovecot
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_dovecot_takes_the_tokens_of_a_permission_and_those_that_follow(
    db: None, dovecot: Dovecot, settings: Settings, protocol: str
) -> None:
    with as_google(settings, dovecot.token_key) as authority:
        settings.DESKPOST = {**settings.DESKPOST, "CA_FILE": dovecot.ca_file}
        mailbox = new_mailbox()
        port = dovecot.imaps_port if protocol == "imap" else dovecot.pop3s_port
        Mailbox.objects.update(protocol=protocol, host="localhost", port=port)
        oauth.keep(mailbox, permit(authority, protocol))
        assert looked(run_out(mailbox)) == 0
        dovecot.deliver(b"Subject: one\r\n\r\none\r\n", ADDRESS)
        assert looked(run_out(mailbox)) == 1
        assert len(authority.asked) == 3
        authority.give_tokens_for(-5)
        with pytest.raises(Fault) as caught:
            looked(run_out(mailbox))
        assert caught.value.problem == Problem.SIGN_IN_REFUSED
        empty(dovecot)


def looked(mailbox: Mailbox) -> int:
    """Sign in with the token that holds now; return how many messages lie there."""
    source = finish_opening(access.opening(access.account(mailbox)))
    try:
        return source.look().total
    finally:
        source.close()


def empty(dovecot: Dovecot) -> None:
    """Leave the mailbox as it was for the tests that come after."""
    with imaplib.IMAP4("127.0.0.1", dovecot.imap_port, timeout=20) as client:
        client.login(ADDRESS, PASSWORD)
        client.select()
        client.store("1:*", "+FLAGS", "\\Deleted")
        client.expunge()
