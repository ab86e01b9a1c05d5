"""Each project's mail leaves by its own way, with its own account, also where the host is one."""

from __future__ import annotations

import base64

import pytest
from django.conf import settings
from django.utils import timezone

from deskpost.config_relay import Relay, project_relays
from deskpost.desk import people
from deskpost.models import Project
from deskpost.outbound.carriers import make
from tests.outbound.sending import Sending
from tests.parts.refusing import Refusing


def test_two_accounts_at_one_host_are_two_ways_and_name_no_secret() -> None:
    ways = project_relays(
        "IT=smtp://it:secret-it@smtp.example.test:587?tls=starttls "
        "HR=smtp://hr:secret-hr@smtp.example.test:587?tls=starttls"
    )
    keys = {make(way, key).key for key, way in ways.items()}
    assert len(keys) == 2
    assert not any("secret" in key for key in keys)


def test_the_sites_own_way_has_another_key_than_a_projects_at_the_same_host() -> None:
    way = Relay(host="smtp.example.test", port=587, tls="none", username="it", password="it")
    assert make(way).key == "smtp.example.test:587"
    assert make(way, "IT").key == "smtp.example.test:587 (IT)"


def test_each_project_signs_in_with_its_own_account(
    sending: Sending, server: Refusing, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.offers.append("AUTH PLAIN")
    other = Project.objects.create(key="HR", name="People")
    sending.desk.add_channel("hr@desk.test", other)
    own = Relay(host="127.0.0.1", port=server.port, tls="none", username="hr", password="hr")
    monkeypatch.setitem(settings.DESKPOST, "PROJECT_RELAYS", {"HR": own})
    sending.connections(1)
    sending.through(server.port, user="site")
    sending.invite("ann@x.test")
    people.invite(other, "bob@y.test", "", sending.desk.agent, timezone.now())
    sending.desk.announce()
    sending.work_until_sent(2)
    assert accounts_by_recipient(server) == {"ann@x.test": {"site"}, "bob@y.test": {"hr"}}


def accounts_by_recipient(server: Refusing) -> dict[str, set[str]]:
    """Return with which accounts the connection was signed in that named each recipient."""
    found: dict[str, set[str]] = {}
    for dialogue in server.dialogues:
        lines = [said.line for said in dialogue.commands]
        signed_in = {user(line) for line in lines if line.startswith("AUTH PLAIN ")}
        for line in lines:
            if line.upper().startswith("RCPT TO:<"):
                found.setdefault(line[9:].partition(">")[0], set()).update(signed_in)
    return found


def user(line: str) -> str:
    """Return who signs in by AUTH PLAIN (RFC 4616)."""
    return base64.b64decode(line.split()[2]).split(b"\0")[1].decode()
