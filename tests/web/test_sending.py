"""The page Outgoing email: how mail leaves, whether it can, and what needs attention."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from deskpost.config_relay import Provider, Relay
from deskpost.models import Project, SiteNotice
from deskpost.outbound import notices
from deskpost.outcomes import Kind, Trouble
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene

pytestmark = pytest.mark.django_db
PAGE = "/sending/"
SECRET = "correct-horse-battery"
RELAY = Relay(
    host="mail.example.test", port=587, tls="starttls", username="desk-login", password=SECRET
)
OWN = Relay(host="hr.example.test", port=25, tls="none", username="", password="")
KEY = "mail.example.test:587"
TOLD = {"server": KEY, "code": 421, "enhanced": "4.3.2", "answer": "4.3.2 Closing", "pause": 60.0}


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


@pytest.fixture
def root(scene: Scene) -> Client:
    return scene.browser("site_admin")


@pytest.fixture(autouse=True)
def relay(settings: Any) -> None:
    settings.DESKPOST = settings.DESKPOST | {"RELAY": RELAY, "PROJECT_RELAYS": {}}


def page(client: Client) -> str:
    response = client.get(PAGE)
    assert response.status_code == 200
    return response.content.decode()


def plain(markup: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


def cards(client: Client, mark: str) -> list[str]:
    """Return the words of each card of a kind: data-way, data-notice or data-closed."""
    found = re.findall(rf"<li[^>]* {mark}>.*?</li>", page(client), re.DOTALL)
    return [plain(card) for card in found]


def pk() -> int:
    return SiteNotice.objects.get(closed_at=None).pk


def dismiss(client: Client, number: int) -> Any:
    return client.post(reverse("sending-dismiss", args=[number]), follow=True)


# --- Who may open it -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "status"),
    [("site_admin", 200), ("admin", 403), ("agent", 403), ("customer", 403), ("nobody", 302)],
)
def test_only_site_admins_open_it(scene: Scene, who: str, status: int) -> None:
    assert scene.browser(who).get(PAGE).status_code == status


def test_the_pane_names_it_to_site_admins_before_the_suppression_list(
    scene: Scene, root: Client
) -> None:
    entries = root.get("/projects/IT/requests/").context["site"].admin_entries
    assert [entry.url for entry in entries][:2] == [PAGE, "/suppression/"]
    assert not scene.browser("admin").get("/projects/IT/requests/").context["site"].admin_entries


# --- How mail leaves -----------------------------------------------------------------------------


def test_a_relay_without_a_notice_works_and_nothing_of_its_sign_in_is_shown(root: Client) -> None:
    (way,) = cards(root, "data-way")
    for text in (KEY, "Works", "encrypted (STARTTLS)", "Waiting 0", "Last success none yet"):
        assert text in way
    assert SECRET not in page(root)
    assert "desk-login" not in page(root)
    assert "Nothing about sending needs attention." in page(root)


def test_without_a_relay_it_names_the_folder(root: Client, settings: Any) -> None:
    settings.DESKPOST = settings.DESKPOST | {"RELAY": None}
    (way,) = cards(root, "data-way")
    assert "Outbox folder Mail stays on this machine" in way
    assert str(settings.OUTBOX) in way


def test_the_last_success_is_the_newest_that_was_sent(scene: Scene, root: Client) -> None:
    rows.note(scene.project, scene.customer, status="delivered", at=rows.ago(hours=5))
    sent = rows.note(scene.project, scene.customer, status="delivered", at=rows.ago(hours=3))
    rows.note(scene.project, scene.customer, at=rows.ago(hours=1))
    way = root.get(PAGE).context["ways"][0]
    assert way.last_success == sent.settled_at


def test_relay_down_shows_one_row_not_thousands(scene: Scene, root: Client) -> None:
    for _ in range(30):
        due = rows.ago(minutes=1)
        rows.note(scene.project, scene.customer, status="queued", due_at=due)
        notices.note(Trouble.RELAY_DOWN, KEY, TOLD)
    (way,) = cards(root, "data-way")
    assert "Cannot be used since" in way
    assert "421 4.3.2 Closing" in way
    assert "what waits goes out once the relay works again" in way
    for text in ("Waiting 30", "Tried in vain 30 times", "Next try"):
        assert text in way
    assert cards(root, "data-notice") == []
    assert "Nothing about sending needs attention." not in page(root)
    row = SiteNotice.objects.get()
    assert root.get(PAGE).context["ways"][0].next_try == row.last_at + timedelta(seconds=60)


def test_when_the_relay_works_again_its_notice_is_among_the_closed_ones(root: Client) -> None:
    notices.note(Trouble.RELAY_DOWN, KEY, TOLD)
    notices.over(Trouble.RELAY_DOWN, KEY)
    (way,) = cards(root, "data-way")
    assert "Works" in way
    assert "Cannot be used" not in way
    (closed,) = cards(root, "data-closed")
    assert f"The relay cannot be used : {KEY}" in closed
    assert "dismissed" not in closed


def test_a_project_with_its_own_way_is_told_apart(
    scene: Scene, root: Client, settings: Any
) -> None:
    other = Project.objects.create(key="HR", name="People")
    settings.DESKPOST = settings.DESKPOST | {"PROJECT_RELAYS": {"HR": OWN}}
    rows.note(other, scene.customer, status="queued", due_at=rows.ago(minutes=1))
    notices.note(Trouble.RELAY_DOWN, "hr.example.test:25 (HR)", TOLD)
    site, own = cards(root, "data-way")
    assert "Works" in site
    assert "Waiting 0" in site
    assert "hr.example.test:25 (HR) Cannot be used since" in own
    assert "Only for People" in own
    assert "not encrypted" in own
    assert "Waiting 1" in own


def test_a_providers_account_is_shown_by_its_name_and_never_by_its_key(
    root: Client, settings: Any
) -> None:
    of_site, own = (
        Provider(name="postmark", options={"server_token": SECRET}),
        Provider(name="resend", options={"api_key": SECRET}),
    )
    settings.DESKPOST = settings.DESKPOST | {"RELAY": of_site, "PROJECT_RELAYS": {"IT": own}}
    notices.note(Trouble.RELAY_DOWN, "resend (IT)", {"answer": "401 API key is invalid"})
    site, its = cards(root, "data-way")
    assert site.startswith("Postmark Works For this site · Email service provider")
    assert its.startswith("Resend Cannot be used since")
    assert "401 API key is invalid" in its
    assert SECRET not in page(root)
    assert "Resend (IT) cannot be used" in plain(root.get("/projects/IT/requests/").text)


def test_the_limit_of_the_day_has_its_part_on_the_page(root: Client) -> None:
    assert 'id="limit"' in page(root)


def test_a_relay_that_is_set_no_more_still_has_its_notice(root: Client) -> None:
    notices.note(Trouble.RELAY_DOWN, "old.example.test:25", TOLD)
    (notice,) = cards(root, "data-notice")
    assert "The relay cannot be used old.example.test:25" in notice
    assert "Dismiss" not in notice


# --- Notices -------------------------------------------------------------------------------------


def policy(scene: Scene, times: int = 1) -> str:
    """Let messages to one domain be refused by policy; return the address of the last one."""
    note = rows.note(scene.project, scene.customer, "service_provider_error")
    facts = {
        "code": 550,
        "enhanced": "5.7.1",
        "answer": "5.7.1 no SPF",
        "notification": str(note.pk),
    }
    for _ in range(times):
        notices.note(Trouble.POLICY, "x.test", facts)
    return reverse("notification", args=["IT", note.pk])


def test_a_notice_says_of_what_how_often_in_whose_words_and_leads_to_the_last_one(
    scene: Scene, root: Client
) -> None:
    url = policy(scene, times=7)
    (notice,) = cards(root, "data-notice")
    for text in ("Refused by policy x.test", "550 5.7.1 no SPF", "How often 7 times", "Since"):
        assert text in notice
    assert "Check SPF, DKIM and DMARC" in notice
    assert f'href="{url}"' in page(root)


def test_where_a_team_managed_project_has_no_drawer_there_is_no_link(
    scene: Scene, root: Client
) -> None:
    url = policy(scene)
    Project.objects.update(kind=Project.Kind.TEAM)
    assert url not in page(root)
    assert "Refused by policy x.test" in cards(root, "data-notice")[0]


def test_an_internal_error_shows_its_name_and_id(root: Client) -> None:
    notices.note(Trouble.OWN_FAULT, "", {"error": "ZeroDivisionError", "id": "0192-quote-me"})
    (notice,) = cards(root, "data-notice")
    assert "ZeroDivisionError 0192-quote-me" in notice


def test_a_template_that_fails_is_named_and_led_to(root: Client) -> None:
    facts = {"kind": Kind.COMMENT_ADDED, "language": "en", "line": 3, "said": "unexpected tag"}
    notices.note(Trouble.TEMPLATE, "IT", facts)
    (notice,) = cards(root, "data-notice")
    assert "It is “Comment added” (en), line 3." in notice
    assert "unexpected tag" in notice
    assert reverse("template", args=["IT", "comment_added", "en"]) in page(root)


@pytest.mark.parametrize("kind", Trouble)
@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"kind": "comment_added", "language": None, "line": "x", "said": []},
        {"sent": "many", "limit": None, "resets": "soon", "pause": "long", "notification": "x"},
        {"answer": HOSTILE, "server": HOSTILE, "said": HOSTILE, "error": HOSTILE},
    ],
)
def test_odd_facts_and_hostile_words_do_no_harm(root: Client, kind: Trouble, facts: Any) -> None:
    notices.note(kind, HOSTILE[:60], facts)
    notices.note(kind, KEY, facts)
    assert "<script>alert" not in page(root)
    assert "<img src=x" not in page(root)
    assert "<script>alert" not in root.get("/projects/IT/requests/").content.decode()


def test_a_kind_that_is_not_known_is_passed_over(root: Client) -> None:
    notices.note("of_a_later_version", "x", {})  # type: ignore[arg-type]
    assert cards(root, "data-notice") == []


# --- Dismissing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Trouble.POLICY, Trouble.OWN_FAULT, Trouble.TEMPLATE])
def test_what_nothing_else_ends_is_dismissed_and_opens_again(
    scene: Scene, root: Client, kind: Trouble
) -> None:
    notices.note(kind, "x.test", {})
    said = dismiss(root, pk()).text
    assert "Dismissed. It is said again if it happens again." in said
    row = SiteNotice.objects.get()
    assert (row.closed_at is not None, row.closed_by) == (True, scene.site_admin)
    assert cards(root, "data-notice") == []
    assert "dismissed by The site_admin" in cards(root, "data-closed")[0]
    notices.note(kind, "x.test", {})
    assert len(cards(root, "data-notice")) == 1


@pytest.mark.parametrize("kind", [Trouble.RELAY_DOWN, Trouble.LIMIT_NEAR, Trouble.LIMIT_REACHED])
def test_what_ends_by_itself_cannot_be_dismissed(root: Client, kind: Trouble) -> None:
    notices.note(kind, "2026-11-27", {})
    assert "/dismiss/" not in page(root)
    assert "goes by itself" in dismiss(root, pk()).text
    assert SiteNotice.objects.get().closed_at is None


def test_dismissing_twice_changes_nothing(root: Client) -> None:
    notices.note(Trouble.POLICY, "x.test", {})
    number = pk()
    dismiss(root, number)
    before = SiteNotice.objects.get()
    assert "closed already" in dismiss(root, number).text
    assert SiteNotice.objects.get().closed_at == before.closed_at


def test_nobody_else_dismisses_nor_does_a_get_nor_a_post_without_its_token(scene: Scene) -> None:
    notices.note(Trouble.POLICY, "x.test", {})
    path = reverse("sending-dismiss", args=[pk()])
    for who, status in (("admin", 403), ("customer", 403), ("nobody", 302)):
        assert scene.browser(who).post(path).status_code == status
    assert scene.browser("site_admin").get(path).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(scene.site_admin)
    assert strict.post(path).status_code == 403
    assert SiteNotice.objects.get().closed_at is None
    assert scene.browser("site_admin").post(f"{PAGE}notices/0/dismiss/").status_code == 404
    assert scene.browser("site_admin").post(f"{PAGE}notices/{2**70}/dismiss/").status_code == 404


def test_what_was_closed_long_ago_is_not_listed(root: Client) -> None:
    notices.note(Trouble.POLICY, "x.test", {})
    SiteNotice.objects.update(closed_at=timezone.now() - timedelta(weeks=5))
    assert cards(root, "data-closed") == []
