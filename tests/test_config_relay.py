"""DESKPOST_RELAY and DESKPOST_PROJECT_RELAYS: which way mail goes out, checked at the start."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskpost import config
from deskpost.config_relay import PROVIDERS, Provider, Relay, project_relays, relay

KEY = "hush-hush-0123456789"


def read(**values: str) -> dict[str, Any]:
    return config.read_all({f"DESKPOST_{name}": value for name, value in values.items()})


def refused(**values: str) -> str:
    with pytest.raises(config.ConfigError) as caught:
        read(**values)
    said = str(caught.value)
    assert "hush" not in said
    return said


def test_nothing_is_the_outbox_folder() -> None:
    values = read()
    assert (values["RELAY"], values["PROJECT_RELAYS"]) == (None, {})


def test_a_relay_is_read_and_shows_no_password() -> None:
    found = read(RELAY="smtp://user%40x:hush%2Fhush@mail.test?tls=starttls")["RELAY"]
    assert found == Relay(
        host="mail.test", port=587, tls="starttls", username="user@x", password="hush/hush"
    )
    assert "hush" not in repr(found)


@pytest.mark.parametrize(
    ("value", "name", "options"),
    [
        ("postmark://T@", "postmark", {"server_token": "T"}),
        (
            "mailgun://K@?sender_domain=mg.example.test&api_url=https://api.eu.mailgun.net/v3",
            "mailgun",
            {
                "api_key": "K",
                "sender_domain": "mg.example.test",
                "api_url": "https://api.eu.mailgun.net/v3",
            },
        ),
        ("mailjet://K:S@", "mailjet", {"api_key": "K", "secret_key": "S"}),
        (
            "amazon_ses://AKIA:a/b+c%40@?region=eu-west-1",
            "amazon_ses",
            {
                "aws_access_key_id": "AKIA",
                "aws_secret_access_key": "a/b+c@",
                "region": "eu-west-1",
            },
        ),
        ("amazon_ses://@?region=eu-west-1", "amazon_ses", {"region": "eu-west-1"}),
        (
            "postal://K@?api_url=http%3A%2F%2F10.0.0.1%3A5000",
            "postal",
            {"api_key": "K", "api_url": "http://10.0.0.1:5000"},
        ),
    ],
)
def test_a_provider_is_read(value: str, name: str, options: dict[str, str]) -> None:
    found = read(RELAY=value)["RELAY"]
    assert found == Provider(name=name, options=options)


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_a_provider_shows_no_key(name: str) -> None:
    form = PROVIDERS[name]
    needs = "&".join(f"{one}=https://x.test" for one in form.needs)
    found = relay(f"{name}://{':'.join(f'{KEY}{n}' for n in range(len(form.keys)))}@?{needs}")
    assert isinstance(found, Provider)
    assert len(found.secrets) == len(form.keys)
    assert "hush" not in f"{found!r} {found}"


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("postmark://", "postmark needs its key and an @, as in postmark://SERVER_TOKEN@"),
        (f"postmark://{KEY}", "postmark needs its key and an @, as in postmark://SERVER_TOKEN@"),
        ("postmark://@", "postmark needs server_token"),
        (f"mailjet://{KEY}@", "mailjet needs secret_key, as in mailjet://API_KEY:SECRET_KEY@"),
        (f"amazon_ses://{KEY}@?region=eu", "amazon_ses needs aws_secret_access_key"),
        (f"amazon_ses://A:{KEY}@", "amazon_ses needs the option region"),
        (f"postal://{KEY}@", "postal needs the option api_url, as in postal://API_KEY@?api_url=…"),
        (f"unisender_go://{KEY}@", "unisender_go needs the option api_url"),
        (f"scaleway://{KEY}@", "scaleway needs the option project_id"),
        (f"postmark://{KEY}@?{KEY}=1", "postmark has an unknown option: known are message_stream"),
        (f"postmark://{KEY}@api.test", "after the @ there can only be ? and options"),
        (f"postmark://{KEY} x@", "its server_token holds a blank"),
        (f"postmark://{KEY}@?api_url=ftp://x.test", "api_url is not an http or https address"),
        (f"postmark://{KEY}@?api_url=http://[", "api_url is not an http or https address"),
        (f"postmark://{KEY}@?message_stream=", "message_stream is empty"),
        (f"mailjet://{KEY}:b@?envelope_sender=maybe", "envelope_sender is neither on nor off"),
        (f"pigeon://{KEY}@", "it begins with none of smtp://, amazon_ses://"),
        (KEY, "it begins with none of smtp://"),
        (f"smtp://u:{KEY}#x@mail.test:587", "its host or port cannot be read"),
        (f"smtp://u:p@mail.test?{KEY}=1", "it has an unknown option: only tls is known"),
        ("smtp://", "it does not begin with smtp:// and a host"),
        ("smtp://mail.test:0", "port 0 cannot be used"),
    ],
)
def test_what_is_missing_is_said_and_no_secret_is_repeated(value: str, fault: str) -> None:
    said = refused(RELAY=value)
    assert said.startswith("DESKPOST_RELAY cannot be used: ")
    assert fault in said
    assert "Example: DESKPOST_RELAY=smtp://" in said


def test_projects_may_go_another_way() -> None:
    value = "IT=postmark://T@  HR=smtp://u:p@hr.test:25\nOPS1=mailgun://K@?api_url=https://x.test"
    found = read(PROJECT_RELAYS=value)["PROJECT_RELAYS"]
    assert set(found) == {"IT", "HR", "OPS1"}
    assert found["IT"] == relay("postmark://T@")
    assert found["HR"] == relay("smtp://u:p@hr.test:25")


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (f"it=postmark://{KEY}@", "entry 1 does not begin with a project’s key in capitals and ="),
        (f"IT=postmark://T@ {KEY}", "entry 2 does not begin with"),
        (f"IT=postmark://{KEY}@ IT=postmark://T@", "it names IT twice"),
        ("IT=", "IT has nothing after its ="),
        (f"IT=postal://{KEY}@", "of IT: postal needs the option api_url"),
    ],
)
def test_a_projects_way_is_checked_alike(value: str, fault: str) -> None:
    said = refused(PROJECT_RELAYS=value)
    assert said.startswith("DESKPOST_PROJECT_RELAYS cannot be used: ")
    assert fault in said


pieces = st.lists(
    st.sampled_from(
        [*(f"{one}://" for one in PROVIDERS), *"@?=&:[]#%é\x00 ", "smtp://", KEY, "IT=", "api_url"]
    ),
    max_size=9,
).map("".join)


@given(pieces)
def test_no_value_is_too_strange_and_none_is_repeated(value: str) -> None:
    for reader in (relay, project_relays):
        try:
            reader(value)
        except ValueError as error:
            assert "hush" not in str(error)
