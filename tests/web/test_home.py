"""The way in: where each person is led."""

from __future__ import annotations

import pytest

from deskpost.models import Membership, Project, Role
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back(scene: Scene) -> None:
    nobody = scene.browser("nobody")
    assert nobody.get("/")["Location"] == "/accounts/login/?next=/"
    assert nobody.get("/projects/IT/")["Location"] == "/accounts/login/?next=/projects/IT/"


@pytest.mark.parametrize("name", ["site_admin", "admin", "agent", "customer"])
def test_one_project_is_led_to(scene: Scene, name: str) -> None:
    assert scene.browser(name).get("/")["Location"] == "/projects/IT/"


def test_several_are_listed_each_for_those_who_have_a_part_in_it(scene: Scene) -> None:
    hr = Project.objects.create(key="HR", name=HOSTILE)
    Project.objects.create(key="FAC", name="Facilities")
    Membership.objects.create(project=hr, person=scene.agent, role=Role.CUSTOMER)
    shown = {
        name: scene.browser(name).get("/").content.decode() for name in ("agent", "site_admin")
    }
    assert "<script>alert" not in shown["agent"]
    assert 'href="/projects/HR/"' in shown["agent"]
    assert 'href="/projects/FAC/"' not in shown["agent"]
    assert 'href="/projects/FAC/"' in shown["site_admin"]


def test_who_has_no_part_anywhere_learns_what_to_do(scene: Scene) -> None:
    assert "no part in a project" in scene.browser("stranger").get("/").content.decode()


@pytest.mark.parametrize("name", ["site_admin", "admin", "agent"])
def test_a_project_leads_its_workers_to_the_requests(scene: Scene, name: str) -> None:
    assert scene.browser(name).get("/projects/IT/")["Location"] == "/projects/IT/requests/"


def test_a_project_tells_its_customers_where_to_write(scene: Scene) -> None:
    page = scene.browser("customer").get("/projects/IT/")
    assert page.status_code == 200
    assert 'href="mailto:it@desk.test"' in page.content.decode()
    assert "/projects/IT/requests/" not in page.content.decode()


def test_a_project_is_not_there_for_strangers(scene: Scene) -> None:
    stranger = scene.browser("stranger")
    answers = [stranger.get(f"/projects/{key}/") for key in ("IT", "NONE", "%00")]
    assert [answer.status_code for answer in answers] == [404] * 3
