"""A relay or provider that repeats what it was told does not put our password on a page."""

from __future__ import annotations

import base64

import pytest

from deskpost.config_relay import Relay
from deskpost.mail.answers import Answer
from deskpost.mail.answers_provider_body import MAX_WORDS
from deskpost.mail.hidden import LEAST
from deskpost.outbound.relay import RelayCarrier
from tests.outbound.providers import KEY, lane, small
from tests.parts.provider_api import ProviderApi, Told
from tests.parts.refusing import Refusing

PASSWORD = "hush-hush-0123456789"
REPEATED = [
    PASSWORD,
    base64.b64encode(PASSWORD.encode()).decode(),
    base64.b64encode(f"\0it\0{PASSWORD}".encode()).decode(),
]


def refused(server: Refusing, password: str) -> Answer:
    """Sign in at a server that does not let us, and return what is kept of it."""
    way = Relay(host="127.0.0.1", port=server.port, tls="none", username="it", password=password)
    lane = RelayCarrier(way).lane()
    try:
        answer = lane.ready()
    finally:
        lane.close()
    assert answer
    assert answer.kind == "down"
    return answer


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("repeated", REPEATED)
def test_a_relay_that_repeats_the_command_shows_no_password(mechanism: str, repeated: str) -> None:
    with Refusing() as server:
        server.offers.append(f"AUTH {mechanism}")
        server.at("auth", f"500 5.5.2 unrecognised command: AUTH {mechanism} {repeated} (it)")
        answer = refused(server, PASSWORD)
    assert f"unrecognised command: AUTH {mechanism} *** (it)" in answer.text


def test_a_password_that_cannot_be_sent_is_not_told_a_letter_at_a_time() -> None:
    with Refusing() as server:
        server.offers.append("AUTH PLAIN")
        answer = refused(server, "aé")
    assert "xe9" not in answer.text
    assert "é" not in answer.text


def test_a_key_at_the_edge_of_what_is_kept_is_not_kept_in_part() -> None:
    edges = range(MAX_WORDS - len(KEY) + 1, MAX_WORDS - LEAST + 1)
    with ProviderApi() as api:
        for before in edges:
            said = "x" * before + f"{KEY}0 is wrong"
            api.told = Told(status=401, body={"ErrorCode": 10, "Message": said})
            way = lane("postmark", api.url)
            answer = way.send(small())
            way.close()
            assert "x" * before + "***" in answer.text
            assert KEY[:LEAST] not in answer.text
