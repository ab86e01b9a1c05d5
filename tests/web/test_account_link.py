"""The sign-in link: single use, 15 minutes, spent by POST."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from urllib.parse import urlsplit

import pytest
from django.core import signing
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from deskpost.models import Person
from deskpost.web import signin

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> Person:
    return Person.objects.create_person("mara@desk.test", name="Mara", is_site_admin=True)


def path_of(link: str) -> str:
    return urlsplit(link).path


def token_of(link: str) -> str:
    return path_of(link).strip("/").split("/")[-1]


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_get_spends_nothing_and_post_signs_in(client: Client, person: Person) -> None:
    address = path_of(signin.make_link(person))
    for _ in range(3):
        shown = client.get(address)
        assert shown.status_code == 200
        assert "no-store" in shown["Cache-Control"]
        assert not is_signed_in(client)
    assert client.head(address).status_code == 200
    done = client.post(address)
    assert (done.status_code, done["Location"]) == (302, "/")
    assert is_signed_in(client)


def test_a_used_link_says_how_to_make_another(client: Client, person: Person) -> None:
    address = path_of(signin.make_link(person))
    client.post(address)
    for answer in (Client().get(address), Client().post(address)):
        assert answer.status_code == 410
        assert "deskpost signin_link" in answer.content.decode()


def test_an_old_link_is_worthless(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    token = token_of(signin.make_link(person))
    later = time.time() + 15 * 60
    monkeypatch.setattr(time, "time", lambda: later - 1)
    assert signin.read(token) == person
    monkeypatch.setattr(time, "time", lambda: later + 1)
    assert signin.read(token) is None
    assert signin.spend(token) is None


def test_signing_in_ends_every_earlier_link(person: Person) -> None:
    first, second = (token_of(signin.make_link(person)) for _ in range(2))
    assert signin.spend(second) == person
    assert signin.spend(first) is None


def test_links_made_and_spent_within_one_second_are_told_apart(person: Person) -> None:
    for _ in range(5):
        person.refresh_from_db()
        token = token_of(signin.make_link(person))
        assert signin.spend(token) == person
        assert signin.spend(token) is None


def test_a_clock_that_goes_back_brings_no_link_back(person: Person) -> None:
    person.last_login = timezone.now() + timedelta(hours=1)
    person.save(update_fields=["last_login"])
    token = token_of(signin.make_link(person))
    assert signin.spend(token) == person
    assert signin.spend(token) is None


def test_a_new_password_ends_the_link(person: Person) -> None:
    token = token_of(signin.make_link(person))
    person.set_password("a-good-long-one")
    person.save()
    assert signin.spend(token) is None


def test_nobody_switched_off_and_no_forged_token_gets_in(client: Client, person: Person) -> None:
    token = token_of(signin.make_link(person))
    forged = signing.dumps([person.pk, "0" * 32], salt=signin.SALT)
    for bad in (token[:-1], "x", token.swapcase(), forged):
        assert client.post(f"/sign-in/{bad}/").status_code == 410
    person.is_active = False
    person.save()
    assert signin.read(token) is None


def test_the_post_needs_a_csrf_token(person: Person) -> None:
    strict = Client(enforce_csrf_checks=True)
    address = path_of(signin.make_link(person))
    assert strict.post(address).status_code == 403
    strict.get(address)
    token = strict.cookies["deskpost_csrf"].value
    assert strict.post(address, {"csrfmiddlewaretoken": token}).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_many_at_one_time_one_gets_in(person: Person) -> None:
    token = token_of(signin.make_link(person))

    def spend(_: int) -> bool:
        try:
            return signin.spend(token) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(spend, range(16))) == 1


def test_who_has_no_password_is_offered_one(client: Client, person: Person) -> None:
    client.post(path_of(signin.make_link(person)))
    page = client.get("/accounts/password/set/").content.decode()
    assert 'href="/accounts/password/set/"' in page
    person.refresh_from_db()
    person.set_password("a-good-long-one")
    person.save()
    again = Client()
    again.post(path_of(signin.make_link(person)))
    assert "/accounts/password/set/" not in again.get("/").content.decode()


def test_the_command_prints_a_link_for_the_first_site_admin(client: Client, person: Person) -> None:
    Person.objects.create_person("second@desk.test", is_site_admin=True)
    assert signin.read(token_of(printed())) == person


def test_the_command_prints_a_link_for_an_address(person: Person) -> None:
    other = Person.objects.create_person("ann@desk.test")
    assert signin.read(token_of(printed("--email", "Ann@Desk.test"))) == other
    Person.objects.create_person("off@desk.test", is_active=False)
    for wrong in ("nobody@desk.test", "off@desk.test"):
        with pytest.raises(CommandError):
            printed("--email", wrong)


def test_the_command_says_that_there_is_no_site_admin() -> None:
    with pytest.raises(CommandError, match="deskpost run"):
        printed()


def printed(*arguments: str) -> str:
    out = StringIO()
    call_command("signin_link", *arguments, stdout=out)
    return out.getvalue().strip()
