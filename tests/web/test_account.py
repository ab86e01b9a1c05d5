"""Signing in by password, preferences, unsubscribing."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

from deskpost.models import Person
from deskpost.outbound import links, suppress
from tests.web.scene import HOSTILE

pytestmark = pytest.mark.django_db
PASSWORD = "a-good-long-one"


@pytest.fixture(autouse=True)
def _no_limits_from_before() -> None:
    cache.clear()


@pytest.fixture
def person() -> Person:
    return Person.objects.create_person("mara@desk.test", PASSWORD, name="Mara")


def sign_in(client: Client, password: str = PASSWORD, **more: str) -> int:
    data = {"login": "mara@desk.test", "password": password, **more}
    return client.post("/accounts/login/", data).status_code


def test_password_sign_in_leads_back_within_the_site_only(person: Person) -> None:
    for wanted, led in (("/help/notification-limits/",) * 2, ("https://evil.test/", "/")):
        data = {"login": "Mara@desk.test", "password": PASSWORD, "next": wanted}
        assert Client().post("/accounts/login/", data)["Location"] == led


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(
    client: Client, person: Person
) -> None:
    answers = []
    for login in ("mara@desk.test", "nobody@desk.test"):
        page = client.post("/accounts/login/", {"login": login, "password": "wrong"})
        text = page.content.decode().replace(login, "")
        answers.append(re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text))
    assert answers[0] == answers[1]
    assert "not correct" in answers[0]


def test_five_failures_lock_that_address_and_say_for_how_long(
    client: Client, person: Person
) -> None:
    Person.objects.create_person("other@desk.test", PASSWORD)
    for _ in range(4):
        assert sign_in(client, "wrong") == 200
    locked = client.post("/accounts/login/", {"login": "mara@desk.test", "password": "wrong"})
    assert locked.status_code == 429
    assert "15 minutes" in locked.content.decode()
    assert sign_in(client) == 429, "even with the right password"
    other = client.post("/accounts/login/", {"login": "other@desk.test", "password": PASSWORD})
    assert other.status_code == 302, "one person's lock-out is not everyone's"


@pytest.mark.parametrize("name", ["signup", "email", "confirm-email", "reauthenticate"])
@pytest.mark.parametrize("is_signed_in", [False, True])
def test_pages_that_are_not_offered_are_not_there(
    client: Client, person: Person, name: str, is_signed_in: bool
) -> None:
    if is_signed_in:
        client.force_login(person)
    assert client.get(f"/accounts/{name}/").status_code == 404
    data = {"email": "boss@desk.test", "password1": PASSWORD, "action_add": "", "login": "x"}
    assert client.post(f"/accounts/{name}/", data).status_code == 404
    assert not Person.objects.filter(email="boss@desk.test").exists()


@pytest.mark.parametrize("path", ["login/", "password/reset/", "password/reset/done/", "inactive/"])
def test_entrance_pages_are_ours_in_the_chosen_theme(client: Client, path: str) -> None:
    client.cookies["deskpost_theme"] = "dark"
    page = client.get(f"/accounts/{path}").content.decode()
    assert 'data-theme="dark"' in page
    assert 'class="sign"' in page
    assert "signup" not in page


def test_a_password_is_set_and_then_changed(client: Client) -> None:
    person = Person.objects.create_person("mara@desk.test")
    client.force_login(person)
    short = client.post("/accounts/password/set/", {"password1": "short", "password2": "short"})
    assert short.status_code == 200
    assert 'aria-invalid="true"' in short.content.decode()
    both = {"password1": PASSWORD, "password2": PASSWORD}
    assert client.post("/accounts/password/set/", both)["Location"] == "/"
    assert sign_in(Client()) == 302
    changed = {
        "oldpassword": PASSWORD,
        "password1": "another-good-one",
        "password2": "another-good-one",
    }
    assert client.post("/accounts/password/change/", changed)["Location"] == "/"
    assert sign_in(Client(), "another-good-one") == 302


def test_a_forgotten_password_is_replaced_by_a_mail(
    client: Client, person: Person, settings: Settings
) -> None:
    answer = client.post("/accounts/password/reset/", {"email": "mara@desk.test"})
    assert answer["Location"] == "/accounts/password/reset/done/"
    [message] = mail.outbox
    assert message.subject == "Deskpost: Choose a new password"
    found = re.search(rf"{re.escape(settings.BASE_URL)}(/\S+)", str(message.body))
    assert found, message.body
    form = client.get(found[1], follow=True)
    both = {"password1": "another-good-one", "password2": "another-good-one"}
    client.post(form.redirect_chain[-1][0], both)
    assert sign_in(Client(), "another-good-one") == 302


def test_no_mail_about_passwords_to_strangers_or_blocked_addresses(
    client: Client, person: Person
) -> None:
    suppress.block(person.email, "by_hand", {})
    for email in ("stranger@elsewhere.test", person.email):
        answer = client.post("/accounts/password/reset/", {"email": email})
        assert answer["Location"] == "/accounts/password/reset/done/"
    assert mail.outbox == []


# --- Preferences ------------------------------------------------------------------------------


def test_a_persons_preferences_are_kept_with_the_person(client: Client, person: Person) -> None:
    client.force_login(person)
    data = {"language": "ja", "theme": "dark", "time_zone": "Asia/Tokyo", "next": "/?a=1"}
    assert client.post("/preferences/", data)["Location"] == "/?a=1"
    person.refresh_from_db()
    assert (person.language, person.theme, person.time_zone) == ("ja", "dark", "Asia/Tokyo")


@pytest.mark.parametrize(
    "data",
    [
        {"language": "xx"},
        {"theme": HOSTILE},
        {"time_zone": "../etc/passwd"},
        {"time_zone": "\0"},
        {},
    ],
)
def test_unknown_preferences_change_nothing(
    client: Client, person: Person, data: dict[str, str]
) -> None:
    client.force_login(person)
    assert client.post("/preferences/", data).status_code == 302
    person.refresh_from_db()
    assert (person.language, person.theme, person.time_zone) == ("", "", "")


def test_signed_out_the_browser_keeps_them(client: Client) -> None:
    answer = client.post("/preferences/", {"language": "ja", "theme": "light"})
    assert answer.cookies["deskpost_language"].value == "ja"
    assert answer.cookies["deskpost_theme"].value == "light"
    page = client.get("/help/notification-limits/").content.decode()
    assert '<html lang="ja" data-theme="light">' in page


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "javascript:alert(1)",
        "https:evil.test",
        "",
    ],
)
def test_preferences_never_lead_elsewhere(client: Client, wanted: str) -> None:
    assert client.post("/preferences/", {"theme": "dark", "next": wanted})["Location"] == "/"


def test_preferences_are_set_by_post_with_a_csrf_token_only(client: Client) -> None:
    assert client.get("/preferences/").status_code == 405
    assert Client(enforce_csrf_checks=True).post("/preferences/", {}).status_code == 403


# --- Unsubscribing ----------------------------------------------------------------------------


def unsubscribe_path(person: Person) -> str:
    return links.unsubscribe_url(person)[links.unsubscribe_url(person).index("/unsubscribe/") :]


def test_get_shows_what_would_happen_and_changes_nothing(client: Client, person: Person) -> None:
    page = client.get(unsubscribe_path(person))
    assert page.status_code == 200
    assert person.email in page.content.decode()
    assert client.get(unsubscribe_path(person), {"act": "unsubscribe"}).status_code == 200
    assert client.head(unsubscribe_path(person)).status_code == 200
    person.refresh_from_db()
    assert person.unsubscribed_at is None


def test_one_click_needs_no_cookie_and_no_csrf_token(person: Person) -> None:
    machine = Client(enforce_csrf_checks=True)
    answer = machine.post(unsubscribe_path(person), {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    person.refresh_from_db()
    first = person.unsubscribed_at
    assert first
    machine.post(unsubscribe_path(person), {"List-Unsubscribe": "One-Click"})
    person.refresh_from_db()
    assert person.unsubscribed_at == first, "asking twice keeps the date"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        (
            b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
            b"One-Click\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
        ),
        (b"", "application/x-www-form-urlencoded"),
        (b"", ""),
        (b"\xff\x00&&==", "text/plain"),
    ],
)
def test_whatever_a_mail_program_posts_unsubscribes(
    person: Person, body: bytes, content_type: str
) -> None:
    machine = Client(enforce_csrf_checks=True, headers={"referer": "https://mail.elsewhere.test/"})
    answer = machine.generic("POST", unsubscribe_path(person), body, content_type)
    assert answer.status_code == 200
    assert settings.SESSION_COOKIE_NAME not in answer.cookies
    person.refresh_from_db()
    assert person.unsubscribed_at


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_no_other_method_unsubscribes(client: Client, person: Person, method: str) -> None:
    assert getattr(client, method)(unsubscribe_path(person)).status_code == 405
    person.refresh_from_db()
    assert person.unsubscribed_at is None


def test_the_same_page_subscribes_again(person: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.post(unsubscribe_path(person), {"act": "unsubscribe"}).content.decode()
    assert 'value="subscribe"' in page
    client.post(unsubscribe_path(person), {"act": "subscribe"})
    person.refresh_from_db()
    assert person.unsubscribed_at is None


def test_a_token_that_is_not_ours_says_so(client: Client, person: Person) -> None:
    good = unsubscribe_path(person)
    for bad in (good[:-3] + "/", "/unsubscribe/x/", "/unsubscribe/%00/"):
        for answer in (client.get(bad), client.post(bad)):
            assert answer.status_code == 404
            assert "not known here" in answer.content.decode()
    person.refresh_from_db()
    assert person.unsubscribed_at is None


def test_a_hostile_name_is_only_text(client: Client) -> None:
    person = Person.objects.create_person(f'"{HOSTILE}"@desk.test', name=HOSTILE)
    assert "<script>alert" not in client.get(unsubscribe_path(person)).content.decode()
