"""Project settings › Email: senders and channels."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from deskpost.models import AuditEntry, Channel, Project
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


def senders() -> str:
    return reverse("senders", args=["IT"])


def channel(scene: Scene) -> str:
    return reverse("channel-settings", args=["IT", scene.channel.pk])


@pytest.mark.parametrize(("who", "status"), [("agent", 403), ("stranger", 404), ("nobody", 302)])
def test_only_admins_open_and_change_them(scene: Scene, who: str, status: int) -> None:
    for url in (senders(), channel(scene)):
        assert scene.browser(who).get(url).status_code == status
        assert scene.browser(who).post(url, {}).status_code == status


def test_lists_are_kept_an_entry_a_line(admin: Client) -> None:
    sent = {"signup_open": "on", "block_list": " *.spam.test,ann@x.test  x.test ", "allow_list": ""}
    assert admin.post(senders(), sent).status_code == 302
    project = Project.objects.get(key="IT")
    assert project.block_list == "*.spam.test\nann@x.test\nx.test"
    assert (project.signup_open, project.copies_become_participants) == (True, False)
    entry = AuditEntry.objects.get(act="settings")
    assert set(entry.details) == {"copies_become_participants", "block_list"}


@pytest.mark.parametrize("entry", ["ann", "*", HOSTILE])
def test_an_entry_that_matches_nothing_is_refused_and_nothing_is_lost(
    admin: Client, entry: str
) -> None:
    sent = {"block_list": f"x.test {entry}", "allow_list": "y.test"}
    response = admin.post(senders(), sent)
    assert response.status_code == 422
    assert "is no address, domain or *.domain" in response.text
    assert "y.test" in response.text
    assert "<script>alert" not in response.text
    assert Project.objects.get(key="IT").block_list == ""


def test_each_entry_says_what_it_would_have_matched(scene: Scene, admin: Client) -> None:
    for sender in ("a@x.test", "b@mail.x.test", "c@notx.test"):
        rows.mail(scene.channel, sender_key=sender, sender=sender, envelope_from="")
    Project.objects.update(block_list="*.x.test\nx.test\na@x.test\nnobody.test")
    page = "".join(admin.get(senders()).text.split())
    for entry, count in (("*.x.test", 1), ("x.test", 1), ("a@x.test", 1)):
        assert f"<dt><bdi>{entry}</bdi></dt><dd>{count}message</dd>" in page
    assert "<dt><bdi>nobody.test</bdi></dt><dd>0messages</dd>" in page


def test_a_channel_takes_its_thresholds_and_its_upstream(scene: Scene, admin: Client) -> None:
    sent = {
        "trusted_upstream": " MX.desk.test ",
        "most_in_10_minutes": "25",
        "most_in_60_minutes": "100",
    }
    assert admin.post(channel(scene), sent).status_code == 302
    found = Channel.objects.get(pk=scene.channel.pk)
    assert (found.checks_dmarc, found.trusted_upstream) == (False, "mx.desk.test")
    assert (found.most_in_10_minutes, found.most_in_60_minutes) == (25, 100)


@pytest.mark.parametrize("wrong", [{"most_in_10_minutes": "0"}, {"trusted_upstream": "a b;c"}])
def test_what_cannot_be_is_refused(scene: Scene, admin: Client, wrong: dict[str, str]) -> None:
    sent = {"trusted_upstream": "", "most_in_10_minutes": "5", "most_in_60_minutes": "9"} | wrong
    response = admin.post(channel(scene), sent)
    assert response.status_code == 422
    assert Channel.objects.get(pk=scene.channel.pk).most_in_10_minutes == 10


def test_the_channel_of_another_project_is_not_found(scene: Scene, admin: Client) -> None:
    assert admin.get(reverse("channel-settings", args=["IT", 9999])).status_code == 404
