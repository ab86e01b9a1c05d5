"""Email channels: the list, and View logs, which shows what the Email logs page shows."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from deskpost.models import Channel, Project
from deskpost.outcomes import Outcome
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import Scene


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


def url(name: str, *args: Any) -> str:
    return reverse(name, args=["IT", *args])


def test_project_settings_lead_to_the_channels(admin: Client) -> None:
    response = admin.get(url("settings"))
    assert (response.status_code, response["Location"]) == (302, url("channels"))


@pytest.mark.parametrize("name", ["settings", "channels"])
@pytest.mark.parametrize(("who", "status"), [("agent", 403), ("stranger", 404), ("nobody", 302)])
def test_only_admins_open_it(scene: Scene, name: str, who: str, status: int) -> None:
    assert scene.browser(who).get(url(name)).status_code == status


def test_a_card_says_how_the_channel_does(scene: Scene, admin: Client) -> None:
    rows.mail(scene.channel, Outcome.TOO_LARGE)
    rows.mail(scene.channel, None)
    rows.mail(scene.channel)
    page = " ".join(admin.get(url("channels")).text.split())
    for text in (
        "it@desk.test",
        "Taking mail",
        "becomes “Get IT help”",
        "<dt>Backlog</dt><dd>1</dd>",
        "<dt>Taken, 21 days</dt><dd>3</dd>",
        "<dt>Failed</dt><dd><b>1</b></dd>",
        url("channel-logs", scene.channel.pk),
        "3 in all, 1 failed, most of them (1) on",
    ):
        assert text in page
    assert "Add channel" not in page


def test_a_project_without_an_address_says_so(scene: Scene) -> None:
    Project.objects.create(key="NEW", name="New")
    page = scene.browser("site_admin").get(reverse("channels", args=["NEW"])).text
    assert "no address yet" in page


def test_view_logs_is_the_same_log_with_the_same_raw_file(scene: Scene, admin: Client) -> None:
    row = rows.mail(scene.channel)
    page = admin.get(url("channel-logs", scene.channel.pk)).text
    assert url("raw", row.pk) in page
    assert url("raw", row.pk) in admin.get(url("email-logs-incoming")).text
    assert "Project settings" in page
    assert "Email channels" in page


def test_filters_and_entries_stay_under_the_channel(scene: Scene, admin: Client) -> None:
    row = rows.mail(scene.channel)
    path = url("channel-logs", scene.channel.pk)
    page = admin.get(f"{path}?q=printer").text
    assert f"{path}?q=printer&amp;entry={row.pk}" in page
    page = admin.get(f"{path}?q=printer&entry={row.pk}").text
    assert "has-drawer" in page
    assert f'href="{path}?q=printer#e-{row.pk}"' in page
    assert f'href="{url("incoming", row.pk)}"' not in page


def test_a_channel_or_entry_of_another_project_is_not_found(scene: Scene, admin: Client) -> None:
    other = Project.objects.create(key="HR", name="People")
    channel = Channel.objects.create(
        project=other, address="hr@desk.test", request_type=scene.channel.request_type
    )
    row = rows.mail(channel)
    assert admin.get(url("channel-logs", channel.pk)).status_code == 404
    path = url("channel-logs", scene.channel.pk)
    assert admin.get(f"{path}?entry={row.pk}").status_code == 404
    assert admin.get(f"{path}?entry=nonsense").status_code == 200


def test_an_empty_channel_says_where_to_write(scene: Scene, admin: Client) -> None:
    page = admin.get(url("channel-logs", scene.channel.pk)).text
    assert "No mail yet" in page
    assert 'href="mailto:it@desk.test"' in page


def test_an_agent_reads_no_logs(scene: Scene) -> None:
    agent = scene.browser("agent")
    assert agent.get(url("channel-logs", scene.channel.pk)).status_code == 403
