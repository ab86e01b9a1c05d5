"""A wrong value stops the start with its name, its fault and an example, and shows no secret."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from deskpost import config, config_values

WRONG = [
    ("ALLOW_PRIVATE_HOSTS", "10.0.0.0/99"),
    ("ALLOW_PRIVATE_HOSTS", "localhost"),
    ("CA_FILE", "/no/such/file"),
    ("GOOGLE_ENDPOINTS", "https://login.example.test/authorize"),
    ("GOOGLE_SERVERS", "imap.example.test"),
    ("MICROSOFT_ENDPOINTS", "ftp://a.test/x ftp://a.test/y"),
    ("POLLERS", "many"),
    ("WEBHOOKS", "postmark,pigeon"),
]
SECRET = [
    ("SECRET_KEYS", "hush-hush"),
    ("WEBHOOK_SECRET", "hush-hush"),
    ("RESEND_SIGNING_SECRET", "whsec_hush-hush"),
    ("RESEND_SIGNING_SECRET", "whsec_"),
    ("POSTAL_WEBHOOK_KEY", "hush-hush"),
]


def refused(**values: str) -> str:
    with pytest.raises(config.ConfigError) as caught:
        config.read_all({f"DESKPOST_{name}": value for name, value in values.items()})
    return str(caught.value)


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_named_with_an_example(name: str, value: str) -> None:
    said = refused(**{name: value})
    assert f"DESKPOST_{name} cannot be used ({value!r})" in said
    assert f"Example: DESKPOST_{name}=" in said


@pytest.mark.parametrize(("name", "value"), SECRET)
def test_a_wrong_secret_is_named_and_not_shown(name: str, value: str) -> None:
    said = refused(**{name: value})
    assert f"DESKPOST_{name} cannot be used:" in said
    assert "hush" not in said


@pytest.mark.parametrize("provider", sorted(config_values.WEBHOOKS))
def test_a_webhook_whose_calls_nobody_could_tell_from_anyones_stops_the_start(
    provider: str,
) -> None:
    said = refused(WEBHOOKS=provider)
    assert f"DESKPOST_WEBHOOKS names {provider}, which needs DESKPOST_" in said


def test_networks_are_read_and_on_is_all_of_them() -> None:
    some = config_values.networks("10.0.0.0/8, fd00::/8")
    assert [str(one) for one in some] == ["10.0.0.0/8", "fd00::/8"]
    every = config_values.networks("on")
    assert all(any(ip_address(ip) in one for one in every) for ip in ("127.0.0.1", "::1"))
    assert config_values.networks("off") == config_values.networks("") == ()
