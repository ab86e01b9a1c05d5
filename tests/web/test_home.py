"""The way in: where each person is led."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from deskpost.logs import counts
from deskpost.models import Membership, Project, Role
from deskpost.outcomes import Kind, Outcome
from deskpost.problems import ConnectionState
from tests.logs import rows
from tests.logs.connections import custom
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


# --- How the mail of each project stands ---------------------------------------------------------


def lines_of(page: str) -> dict[str, list[str]]:
    """The cells of each project of the list, by its key."""
    rows_of_page = HTMLParser(page).css("tr[data-row]")
    cells = [[" ".join(cell.text().split()) for cell in row.css("td")] for row in rows_of_page]
    return {key: others for key, *others in cells}


@pytest.fixture
def others(scene: Scene) -> Project:
    """Two projects more: another company-managed one, and a team-managed one."""
    Project.objects.create(key="TEAM", name="Team", kind=Project.Kind.TEAM)
    return Project.objects.create(key="HR", name="HR")


def test_a_site_admin_sees_what_failed_and_waits_in_each_project(
    scene: Scene, others: Project
) -> None:
    rows.mail(scene.channel, Outcome.DMARC)
    rows.mail(scene.channel, Outcome.DMARC, at=rows.ago(days=2))
    rows.mail(scene.channel, Outcome.BULK)
    rows.mail(scene.channel, None, at=rows.ago(days=1), due_at=timezone.now())
    counts.fold()
    for _ in range(2):
        rows.note(scene.project, scene.customer)
    page = scene.browser("site_admin").get("/").content.decode()
    lines = lines_of(page)
    assert lines["IT"][0] == "IT help"
    assert lines["IT"][1] == "2 notifications 1 it@desk.test"
    assert lines["IT"][2].startswith("1 since ")
    assert lines["IT"][3] == "1 failed it@desk.test"
    assert lines["HR"][1:] == ["0", "0", "–"]
    assert lines["TEAM"][1:] == ["–", "–", "–"]


def test_each_of_those_numbers_leads_to_exactly_its_rows(scene: Scene, others: Project) -> None:
    rows.mail(scene.channel, Outcome.DMARC)
    rows.mail(scene.channel, Outcome.BULK)
    for kind in (Kind.CUSTOMER_INVITED, Kind.COMMENT_ADDED, Kind.COMMENT_ADDED):
        rows.note(scene.project, scene.customer, kind=kind)
    rows.note(scene.project, scene.customer, at=rows.ago(days=2))
    browser = scene.browser("site_admin")
    links = HTMLParser(browser.get("/").content.decode()).css("a.above")
    found = {link.text(): str(link.attributes["href"]) for link in links}
    assert set(found) == {"2 notifications", "1 invitation", "1 it@desk.test"}
    for said, path in found.items():
        shown = HTMLParser(browser.get(path).content.decode())
        assert len(shown.css("tr[data-row]")) == int(said.split()[0])


def test_a_channel_that_takes_no_mail_is_worse_than_messages_that_failed(
    scene: Scene, others: Project
) -> None:
    rows.mail(scene.channel, Outcome.DMARC)
    custom(scene.project, "a@harbour.test", state=ConnectionState.CONNECTED)
    custom(scene.project, "b@harbour.test", state=ConnectionState.RETRYING)
    page = scene.browser("site_admin").get("/").content.decode()
    assert lines_of(page)["IT"][3] == "Retrying b@harbour.test"
    custom(scene.project, "c@harbour.test", state=ConnectionState.ATTENTION)
    page = scene.browser("site_admin").get("/").content.decode()
    assert lines_of(page)["IT"][3] == "Needs attention c@harbour.test"


def test_who_may_read_no_logs_sees_no_numbers(scene: Scene, others: Project) -> None:
    Membership.objects.create(project=others, person=scene.agent, role=Role.AGENT)
    rows.note(scene.project, scene.customer)
    page = scene.browser("agent").get("/").content.decode()
    assert "Failed today" not in page
    assert "it@desk.test" in page


def test_an_admin_sees_the_numbers_of_their_own_projects_only(
    scene: Scene, others: Project
) -> None:
    Membership.objects.create(project=others, person=scene.admin, role=Role.AGENT)
    for project in (scene.project, others):
        rows.note(project, scene.customer)
    lines = lines_of(scene.browser("admin").get("/").content.decode())
    assert lines["IT"][1] == "1 notification"
    assert lines["HR"][1:] == ["–", "–", "–"]


def test_many_projects_cost_no_more_queries_than_two(scene: Scene, others: Project) -> None:
    browser = scene.browser("site_admin")

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert browser.get("/").status_code == 200
        return len(queries)

    before = asked()
    for n in range(5):
        project = Project.objects.create(key=f"P{n}", name=f"P{n}")
        rows.note(project, scene.customer)
    assert asked() == before
