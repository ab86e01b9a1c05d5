"""The site's suppression list: who sees it, the search, by hand, and CSV."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from deskpost.models import AuditEntry, Notification, Suppression
from deskpost.outbound import suppress
from deskpost.outcomes import NotificationStatus
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

pytestmark = pytest.mark.django_db
LIST = "/suppression/"
ADD, TAKE, EXPORT = f"{LIST}add/", f"{LIST}import/", f"{LIST}export/"
SEEN = {"site_admin": 200, "admin": 403, "agent": 403, "customer": 403, "stranger": 403}


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


@pytest.fixture
def root(scene: Scene) -> Client:
    return scene.browser("site_admin")


def table(client: Client, query: str = "") -> list[str]:
    """Return the words of each row."""
    page = client.get(LIST + query).content.decode()
    found = re.findall(r"<tr data-row.*?</tr>", page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in found]


def csv_file(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("list.csv", text.encode(), content_type="text/csv")


@pytest.mark.parametrize("name", [*SEEN, "nobody"])
def test_only_site_admins_see_and_change_it(scene: Scene, name: str) -> None:
    suppress.block("ann@x.test", "hard_bounce", {})
    entry = Suppression.objects.get()
    browser, status = scene.browser(name), SEEN.get(name, 302)
    assert browser.get(LIST).status_code == status
    assert browser.get(EXPORT).status_code == status
    if status == 200:
        return
    for path, data in (
        (ADD, {"address": "new@x.test"}),
        (TAKE, {"file": csv_file("address\nnew@x.test\n")}),
        (f"{LIST}{entry.pk}/remove/", {}),
    ):
        assert browser.post(path, data).status_code == status
    assert list(Suppression.objects.all()) == [entry]


def test_a_post_without_its_token_changes_nothing(scene: Scene) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(scene.site_admin)
    assert strict.post(ADD, {"address": "new@x.test"}).status_code == 403
    assert not Suppression.objects.exists()


def test_the_pane_names_it_to_site_admins_only(scene: Scene, root: Client) -> None:
    site = root.get("/projects/IT/requests/").context["site"]
    assert LIST in [entry.url for entry in site.admin_entries]
    entries = root.get(LIST).context["site"].admin_entries
    assert [entry.url for entry in entries if entry.current] == [LIST]
    assert not scene.browser("admin").get("/projects/IT/requests/").context["site"].admin_entries


def test_each_line_shows_cause_evidence_who_and_until_when(scene: Scene, root: Client) -> None:
    suppress.block(
        "ann@x.test",
        "hard_bounce",
        {"server": "mx.x.test", "code": 550, "enhanced": "5.1.1", "answer": "5.1.1 no such user"},
    )
    until = timezone.now() + timedelta(days=9)
    suppress.block("bea@x.test", "by_hand", {"note": "Asked"}, by=scene.agent, expires_at=until)
    bea, ann = table(root)
    assert "ann@x.test Hard bounce" in ann
    assert "mx.x.test 550 5.1.1 no such user Deskpost never" in ann
    assert "bea@x.test By hand" in bea
    assert "Asked The agent" in bea
    assert "never" not in bea


def test_what_servers_and_people_wrote_is_escaped(scene: Scene, root: Client) -> None:
    suppress.block(f'"{HOSTILE}"@x.test', "complaint", {"server": HOSTILE, "answer": HOSTILE})
    page = root.get(LIST).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_the_search_looks_for_an_address_a_domain_and_a_cause(scene: Scene, root: Client) -> None:
    for email, cause in (
        ("ann@x.test", "complaint"),
        ("bea@Y.test", "complaint"),
        ("c@x.test", "by_hand"),
    ):
        suppress.block(email, cause, {})

    def found(query: str) -> set[str]:
        return {row.split()[0] for row in table(root, query)}

    assert found("?q=X.test") == {"ann@x.test", "c@x.test"}
    assert found("?q=bea@y.test") == {"bea@Y.test"}
    assert found("?q=@x.test&cause=complaint") == {"ann@x.test"}
    assert found("?cause=nonsense") == {"ann@x.test", "bea@Y.test", "c@x.test"}
    assert "No blocked address fits." in root.get(f"{LIST}?q=z").text


def test_a_long_list_has_pages_and_entries_that_are_over_are_not_in_it(root: Client) -> None:
    for n in range(51):
        suppress.block(f"a{n}@x.test", "complaint", {})
    over = timezone.now() - timedelta(days=1)
    Suppression.objects.filter(address="a50@x.test").update(expires_at=over)
    assert len(table(root)) == 50
    suppress.block("b@x.test", "complaint", {})
    assert table(root)[0].startswith("b@x.test")
    assert [row.split()[0] for row in table(root, "?page=2")] == ["a0@x.test"]


# --- By hand ---


def test_an_address_is_blocked_by_hand_for_some_days(scene: Scene, root: Client) -> None:
    data = {"address": " New@x.test ", "days": "30", "note": "On leave"}
    response = root.post(ADD, data, follow=True)
    assert response.redirect_chain == [(LIST, 302)]
    entry = Suppression.objects.get()
    assert (entry.address, entry.cause, entry.by) == ("New@x.test", "by_hand", scene.site_admin)
    assert entry.evidence == {"note": "On leave"}
    assert entry.expires_at is not None
    assert timedelta(days=29) < entry.expires_at - timezone.now() <= timedelta(days=30)
    audit = AuditEntry.objects.get()
    assert (audit.act, audit.person, audit.project) == ("block", scene.site_admin, None)
    assert suppress.is_blocked("new@x.test")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"address": ""}, "There is no address."),
        ({"address": "ann.x.test"}, "It has no @."),
        ({"address": "ann@x.test", "days": "0"}, "A number from 1 to 3,650, or nothing."),
        ({"address": "ann@x.test", "days": "-1"}, "A number from 1 to 3,650, or nothing."),
        ({"address": "ann@x.test", "days": "９"}, "A number from 1 to 3,650, or nothing."),
        ({"address": "ann@x.test", "note": "n" * 501}, "The note is longer than 500 characters."),
        ({"address": "gone@x.test"}, "gone@x.test is blocked already."),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    root: Client, data: dict[str, str], said: str
) -> None:
    suppress.block("gone@x.test", "hard_bounce", {})
    response = root.post(ADD, data)
    assert response.status_code == 422
    assert said in response.text
    assert Suppression.objects.count() == 1
    assert not AuditEntry.objects.exists()


def test_removing_unblocks_and_resends_nothing(scene: Scene, root: Client) -> None:
    note = scenes.note(
        scene.request().comments.get(),
        scene.customer,
        NotificationStatus.FAILED,
        reason="suppression_list",
    )
    suppress.block(scene.customer.email, "hard_bounce", {})
    path = f"{LIST}{Suppression.objects.get().pk}/remove/?q=desk"
    response = root.post(path, follow=True)
    assert response.redirect_chain == [(f"{LIST}?q=desk", 302)]
    assert "Nothing was resent." in response.text
    assert not Suppression.objects.exists()
    audit = AuditEntry.objects.get()
    assert (audit.act, audit.person, audit.project) == ("unblock", scene.site_admin, None)
    assert list(Notification.objects.all()) == [note]
    assert "Nothing was changed." in root.post(path, follow=True).text
    assert root.post(f"{LIST}{1 << 63}/remove/").status_code == 404
    assert root.get(path).status_code == 405


# --- CSV ---


def test_the_export_is_streamed_as_it_is_filtered_and_has_no_formula(root: Client) -> None:
    suppress.block("=cmd|' /C calc'!A0@x.test", "complaint", {"answer": "=1+1"})
    suppress.block("bea@y.test", "complaint", {})
    response = root.get(f"{EXPORT}?q=x.test")
    assert response.streaming
    assert response["Content-Disposition"].startswith("attachment")
    text = response.getvalue().decode()
    header, line = text.splitlines()
    assert header == "address,cause,expires,since,server,code,answer,by"
    assert line.startswith("'=cmd")
    assert ",'=1+1," in line


def test_an_import_says_what_it_took(root: Client) -> None:
    suppress.block("ann@x.test", "complaint", {})
    file = csv_file("address\nann@x.test\nbea@x.test\n")
    response = root.post(TAKE, {"file": file}, follow=True)
    assert "1 address was blocked." in response.text
    assert "Doubles passed over: 1." in response.text
    assert Suppression.objects.count() == 2


def test_one_bad_line_and_nothing_is_taken(root: Client) -> None:
    bad = "".join(f"<b>{n}\n" for n in range(60))
    response = root.post(TAKE, {"file": csv_file(f"address\ngood@x.test\n{bad}")})
    assert response.status_code == 422
    assert "Line 3: It has a bracket or quotation mark. (“&lt;b&gt;0”)" in response.text
    assert "and 10 more" in response.text
    assert not Suppression.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_file_that_is_too_large_or_missing_is_refused(root: Client) -> None:
    big = csv_file("address\n" + "a@x.test\n" * 250_000)
    assert "The file is larger than 2 MB." in root.post(TAKE, {"file": big}).text.replace(
        "MiB", "MB"
    )
    assert "No file was chosen." in root.post(TAKE).text
    assert not Suppression.objects.exists()
