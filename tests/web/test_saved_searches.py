"""Saved searches: each person's own, in one project, and never an address of another page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse

from deskpost.logs.search_help import help_rows
from deskpost.models import Membership, Person, Project, Role, SavedSearch
from deskpost.web.saved import LISTS, MOST, Saved, address, saved
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

pytestmark = pytest.mark.django_db

QUERY = urlencode({"q": "from:ann status:failed 件名:プリンター"})


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


def save(client: Client, name: str = "Ann", page: str = "in", **fields: Any) -> HttpResponse:
    values = {"name": name, "page": page, "query": QUERY} | fields
    return client.post(reverse("saved-search-save", args=["IT"]), values)  # type: ignore[return-value]


def delete(client: Client, pk: int, **fields: str) -> HttpResponse:
    path = reverse("saved-search-delete", args=["IT", pk])
    return client.post(path, fields)  # type: ignore[return-value]


def names(person: Person, project: Project) -> list[str]:
    return [row.name for row in saved(person, project, "in", "").rows]


def menu(project: Project, shown: Saved) -> str:
    request = RequestFactory().get("/")
    values = {"saved": shown, "project": project}
    return render_to_string("email_logs/parts/saved_searches.html", values, request)


# --- Saving --------------------------------------------------------------------------------------


def test_a_search_is_saved_and_leads_back_to_its_list(scene: Scene) -> None:
    admin = scene.browser("admin")
    answer = save(admin)
    here = reverse("email-logs-incoming", args=["IT"]) + "?" + QUERY
    assert (answer.status_code, answer["Location"]) == (302, here)
    (row,) = saved(scene.admin, scene.project, "in", "?" + QUERY).rows
    assert (row.name, row.url, row.current) == ("Ann", here, True)
    assert not saved(scene.admin, scene.project, "req", QUERY).is_saved
    assert not saved(scene.admin, scene.project, "in", "q=bob").is_saved


@pytest.mark.parametrize("page", sorted(LISTS))
def test_each_list_has_its_own_address(scene: Scene, page: str) -> None:
    save(scene.browser("admin"), page=page)
    (row,) = saved(scene.admin, scene.project, page, "").rows
    assert row.url == reverse(LISTS[page], args=["IT"]) + "?" + QUERY


def test_what_belongs_to_one_visit_is_not_kept(scene: Scene) -> None:
    save(scene.browser("admin"), query=f"?{QUERY}&before=0193&entry=7&empty=")
    assert SavedSearch.objects.get().query == QUERY
    assert saved(scene.admin, scene.project, "in", QUERY + "&before=0194").is_saved


def test_a_search_of_the_same_name_is_replaced_only_if_asked(scene: Scene) -> None:
    admin = scene.browser("admin")
    save(admin)
    asked = save(admin, query="q=bob")
    assert asked.status_code == 422
    assert "Replace the search of this name" in asked.content.decode()
    assert 'value="q=bob"' in asked.content.decode()
    assert SavedSearch.objects.get().query == QUERY
    assert save(admin, query="q=bob", page="req", replace="1").status_code == 302
    kept = SavedSearch.objects.get()
    assert (kept.query, kept.page) == ("q=bob", "req")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": "  \x00 "}, "Give the search a name."),
        ({"name": "x" * 81}, "longer than 80 characters"),
        ({"query": "q=" + "x" * 2000}, "too long to be saved"),
        ({"query": "&".join(f"a{n}=1" for n in range(40))}, "too long to be saved"),
    ],
)
def test_what_cannot_be_saved_is_said_and_not_saved(
    scene: Scene, fields: dict[str, str], says: str
) -> None:
    answer = save(scene.browser("admin"), **fields)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not SavedSearch.objects.exists()


def test_a_person_has_at_most_so_many_in_a_project(scene: Scene) -> None:
    admin = scene.browser("admin")
    for n in range(MOST):
        SavedSearch.objects.create(
            person=scene.admin, project=scene.project, name=f"S{n}", page="in", query="q=a"
        )
    answer = save(admin, "One more")
    assert answer.status_code == 422
    assert "Delete one first" in answer.content.decode()
    assert saved(scene.admin, scene.project, "in", "").full
    # Another one of a name that is there takes no more room, nor does another person's.
    assert save(admin, "S1", replace="1").status_code == 302
    assert save(scene.browser("site_admin"), "One more").status_code == 302


# --- Whose they are ------------------------------------------------------------------------------


def test_only_their_own_person_sees_and_deletes_them(scene: Scene) -> None:
    save(scene.browser("admin"))
    assert names(scene.site_admin, scene.project) == []
    pk = SavedSearch.objects.get().pk
    assert delete(scene.browser("site_admin"), pk).status_code == 404
    assert names(scene.admin, scene.project) == ["Ann"]
    answer = delete(scene.browser("admin"), pk, page="req", query="q=bob")
    assert answer["Location"] == reverse("email-logs", args=["IT"]) + "?q=bob"
    assert names(scene.admin, scene.project) == []


def test_they_are_of_one_project(scene: Scene) -> None:
    other = Project.objects.create(key="HR", name="HR")
    Membership.objects.create(project=other, person=scene.admin, role=Role.ADMIN)
    admin = scene.browser("admin")
    save(admin)
    assert names(scene.admin, other) == []
    pk = SavedSearch.objects.get().pk
    assert admin.post(reverse("saved-search-delete", args=["HR", pk])).status_code == 404
    assert SavedSearch.objects.exists()


@pytest.mark.parametrize(
    ("who", "status"), [("agent", 403), ("customer", 403), ("stranger", 404), ("nobody", 302)]
)
def test_who_may_not_read_the_log_saves_and_deletes_nothing(
    scene: Scene, who: str, status: int
) -> None:
    save(scene.browser("admin"))
    pk = SavedSearch.objects.get().pk
    for answer in (save(scene.browser(who), "B"), delete(scene.browser(who), pk)):
        assert answer.status_code == status
    assert [one.name for one in SavedSearch.objects.all()] == ["Ann"]


def test_a_team_managed_project_has_none(scene: Scene) -> None:
    Project.objects.update(kind=Project.Kind.TEAM)
    assert save(scene.browser("admin")).status_code == 404
    assert not SavedSearch.objects.exists()


def test_only_a_post_with_a_token_of_the_page_saves(scene: Scene) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(scene.admin)
    assert save(strict).status_code == 403
    assert strict.get(reverse("saved-search-save", args=["IT"])).status_code == 405
    assert strict.get(reverse("saved-search-delete", args=["IT", 1])).status_code == 405
    assert (
        scene.browser("admin")
        .post(reverse("saved-search-delete", args=["IT", 1 << 63]))
        .status_code
        == 404
    )


# --- Where they lead -----------------------------------------------------------------------------

ELSEWHERE = ["//evil.example/", "https://evil.example/?q=a", "/\\evil.example", "#x", "a\r\nB: c=d"]


@pytest.mark.parametrize("query", ELSEWHERE)
def test_a_query_never_leads_to_another_page(scene: Scene, query: str) -> None:
    answer = save(scene.browser("admin"), query=query)
    here = reverse("email-logs-incoming", args=["IT"])
    assert answer["Location"].partition("?")[0] == here
    assert not set(answer["Location"]) & {"#", "\r", "\n", "\\"}
    # Not even where the row was written by another hand.
    SavedSearch.objects.update(query=query)
    (row,) = saved(scene.admin, scene.project, "in", "").rows
    assert row.url.partition("?")[0] == here
    assert not set(row.url) & {"#", "\r", "\n", "\\"}


@pytest.mark.parametrize("page", ["", "https://evil.example/", "home", "../"])
def test_a_list_that_there_is_not_is_not_found(scene: Scene, page: str) -> None:
    assert save(scene.browser("admin"), page=page).status_code == 404
    assert address(scene.project, page, "q=a") == ""
    SavedSearch.objects.create(
        person=scene.admin, project=scene.project, name="Old", page=page[:16], query="q=a"
    )
    assert names(scene.admin, scene.project) == []
    pk = SavedSearch.objects.get().pk
    answer = delete(scene.browser("admin"), pk, page=page, query="q=a")
    assert answer["Location"] == reverse("email-logs", args=["IT"])


# --- The menu and the help -----------------------------------------------------------------------


def test_the_menu_lists_saves_and_deletes(scene: Scene) -> None:
    save(scene.browser("admin"))
    save(scene.browser("admin"), "Bob", query="q=bob")
    shown = saved(scene.admin, scene.project, "in", "q=bob")
    text = menu(scene.project, shown)
    assert text.index(">Ann<") < text.index(">Bob<")
    assert text.count('aria-current="true"') == 1
    for one in SavedSearch.objects.all():
        assert reverse("saved-search-delete", args=["IT", one.pk]) in text
    assert reverse("saved-search-save", args=["IT"]) in text
    assert '<input type="hidden" name="query" value="q=bob">' in text
    assert text.count("csrfmiddlewaretoken") == 3


def test_names_and_queries_from_outside_are_only_text(scene: Scene) -> None:
    admin = scene.browser("admin")
    save(admin, HOSTILE[:80], query=urlencode({"q": HOSTILE}))
    text = menu(scene.project, saved(scene.admin, scene.project, "in", urlencode({"q": HOSTILE})))
    text += save(admin, HOSTILE[:80]).content.decode()
    assert "&lt;script&gt;" in text
    assert "<script>alert" not in text
    assert "<img" not in text


def test_the_help_shows_every_prefix(scene: Scene) -> None:
    text = render_to_string(
        "email_logs/parts/search_help.html", {"search_help": help_rows(scene.project)}
    )
    for said in ("<code>from:ann@</code>", "key:IT-42", "reason:dmarc", "status:withheld", "500"):
        assert said in text
    assert "from:&lt;ann@desk.example&gt;" in text
