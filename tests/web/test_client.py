"""Whose address counts behind a proxy."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from django.test import Client

from deskpost.models import Person
from deskpost.web.client import client_of

PROXIES = [ip_network("127.0.0.1/32"), ip_network("::1/128"), ip_network("10.0.0.5/32")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.7", "", "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),  # no proxy of ours: its claim is nothing
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("::1", " 2001:db8::7 ", "2001:db8::7"),
        ("127.0.0.1", "198.51.100.1, 192.0.2.7", "192.0.2.7"),  # the first is the browser's claim
        ("127.0.0.1", "192.0.2.7, 10.0.0.5", "192.0.2.7"),  # two proxies of ours
        ("127.0.0.1", "<script>", "127.0.0.1"),
        ("127.0.0.1", "," * 10_000, "127.0.0.1"),
        ("", "192.0.2.7", ""),
    ],
)
def test_the_last_address_that_is_no_proxy_of_ours(peer: str, forwarded: str, client: str) -> None:
    assert client_of(peer, forwarded, PROXIES) == client


@pytest.mark.django_db
def test_wrong_passwords_from_one_browser_lock_out_no_other_behind_the_same_proxy() -> None:
    Person.objects.create_person("mara@desk.test", "a good password")
    form = {"login": "mara@desk.test", "password": "wrong"}
    stranger, mara = (
        Client(REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR=ip)
        for ip in ("198.51.100.66", "192.0.2.7")
    )
    for _ in range(6):
        answer = stranger.post("/accounts/login/", form)
    assert answer.status_code == 429
    right = form | {"password": "a good password"}
    assert stranger.post("/accounts/login/", right).status_code == 429
    assert mara.post("/accounts/login/", right).status_code == 302
