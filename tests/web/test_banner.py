"""The strip on admins' pages while something about sending needs them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deskpost.config_relay import Relay
from deskpost.models import Project, SiteNotice
from deskpost.outbound import notices
from deskpost.outcomes import Trouble
from tests.web import scene as scenes
from tests.web.scene import Scene

pytestmark = pytest.mark.django_db
KEY = "mail.example.test:25"
DAY = "2026-11-27"
EVERY = ("site_admin", "admin", "agent", "customer")


def relay(host: str) -> Relay:
    return Relay(host=host, port=25, tls="none", username="", password="")


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


@pytest.fixture(autouse=True)
def way(settings: Any) -> None:
    ways = {"RELAY": relay("mail.example.test"), "PROJECT_RELAYS": {}}
    settings.DESKPOST = settings.DESKPOST | ways


def strip(scene: Scene, who: str, path: str = "/projects/IT/") -> str:
    """Return the words of the strip on a page; its link stands in brackets."""
    text = scene.browser(who).get(path, follow=True).content.decode()
    found = re.search(r'<div class="banner[^>]*id="sending-notices">.*?</div>', text, re.DOTALL)
    marked = re.sub(r'<a [^>]*href="([^"]+)"', r"[\1] <a", found[0] if found else "")
    return " ".join(re.sub(r"<[^>]+>", " ", marked).split())


def facts(**span: float) -> dict[str, Any]:
    return {"sent": 9_000, "limit": 10_000, "resets": _later(**span)}


def _later(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


def test_while_all_is_well_there_is_none(scene: Scene) -> None:
    assert [strip(scene, who) for who in EVERY] == [""] * 4


def test_relay_down_is_told_to_admins_in_one_line_and_to_nobody_else(scene: Scene) -> None:
    for _ in range(50):
        notices.note(Trouble.RELAY_DOWN, KEY, {})
    to_site = strip(scene, "site_admin")
    assert to_site.startswith("Notifications wait since ")
    assert f": {KEY} cannot be used. Nothing is lost." in to_site
    assert to_site.endswith("[/sending/] Outgoing email")
    to_project = strip(scene, "admin")
    assert to_project.endswith(": the relay does not answer. Nothing is lost.")
    assert KEY not in to_project
    assert "[" not in to_project
    assert [strip(scene, who) for who in ("agent", "customer")] == ["", ""]


def test_it_goes_when_the_relay_works_again(scene: Scene) -> None:
    notices.note(Trouble.RELAY_DOWN, KEY, {})
    notices.over(Trouble.RELAY_DOWN, KEY)
    assert [strip(scene, who) for who in EVERY] == [""] * 4


def test_a_projects_admin_hears_only_of_the_way_that_the_project_takes(
    scene: Scene, settings: Any
) -> None:
    own = {"PROJECT_RELAYS": {"IT": relay("own.example.test")}}
    settings.DESKPOST = settings.DESKPOST | own
    notices.note(Trouble.RELAY_DOWN, KEY, {})
    assert strip(scene, "admin") == ""
    assert KEY in strip(scene, "site_admin")
    notices.note(Trouble.RELAY_DOWN, "own.example.test:25 (IT)", {})
    assert "the relay does not answer" in strip(scene, "admin")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Trouble.POLICY, "Notifications are refused by policy: x.test."),
        (Trouble.OWN_FAULT, "1 internal error while sending, since "),
    ],
)
def test_what_only_the_site_can_mend_is_told_to_site_admins_only(
    scene: Scene, kind: Trouble, said: str
) -> None:
    notices.note(kind, "x.test", {})
    assert said in strip(scene, "site_admin")
    assert strip(scene, "admin") == ""


def test_a_template_is_told_to_the_admins_of_its_project(scene: Scene) -> None:
    Project.objects.create(key="HR", name="People")
    notices.note(Trouble.TEMPLATE, "HR", {})
    assert "A template fails, and the standard one is sent: HR." in strip(scene, "site_admin")
    assert strip(scene, "admin") == ""
    notices.note(Trouble.TEMPLATE, "IT", {})
    assert strip(scene, "admin").endswith("the standard one is sent: IT.")


def test_a_limit_that_is_near_or_reached_is_told_to_all_admins(scene: Scene) -> None:
    notices.note(Trouble.LIMIT_NEAR, DAY, facts(hours=3))
    for who in ("site_admin", "admin"):
        assert "The site’s limit is near: 9,000 of 10,000 notifications" in strip(scene, who)
    notices.note(Trouble.LIMIT_REACHED, DAY, facts(hours=3))
    for who in ("site_admin", "admin"):
        said = strip(scene, who)
        assert "The site’s limit is reached: notifications fail until it resets" in said
        assert "near" not in said
    assert strip(scene, "customer") == ""


def test_a_limit_whose_reset_is_past_is_told_no_more(scene: Scene) -> None:
    notices.note(Trouble.LIMIT_REACHED, DAY, facts(hours=-1))
    assert strip(scene, "site_admin") == ""


def test_many_domains_are_one_line(scene: Scene) -> None:
    for n in range(40):
        notices.note(Trouble.POLICY, f"d{n}.test", {})
    SiteNotice.objects.update(last_at=timezone.now())
    said = strip(scene, "site_admin")
    assert said.count(".test") == 3
    assert "and 37 more" in said


def test_several_kinds_stand_in_one_strip_the_gravest_first(scene: Scene) -> None:
    notices.note(Trouble.POLICY, "x.test", {})
    notices.note(Trouble.RELAY_DOWN, KEY, {})
    said = strip(scene, "site_admin")
    assert said.index("Notifications wait") < said.index("refused by policy")


def test_the_page_that_it_leads_to_does_not_say_it_twice(scene: Scene) -> None:
    notices.note(Trouble.RELAY_DOWN, KEY, {})
    assert strip(scene, "site_admin", "/sending/") == ""
    assert strip(scene, "site_admin", "/suppression/") != ""


@pytest.mark.parametrize(
    ("who", "asked"), [("site_admin", 1), ("admin", 1), ("agent", 0), ("customer", 0)]
)
def test_it_costs_admins_one_query_and_others_none(scene: Scene, who: str, asked: int) -> None:
    for n in range(5):
        notices.note(Trouble.RELAY_DOWN, f"r{n}.test:25", {})
    browser = scene.browser(who)
    with CaptureQueriesContext(connection) as caught:
        assert browser.get("/projects/IT/", follow=True).status_code == 200
    found = [query for query in caught.captured_queries if "sitenotice" in query["sql"]]
    assert len(found) == asked
