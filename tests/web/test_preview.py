"""The preview of a message in its drawer: what it shows, to whom, and what it takes out."""

from __future__ import annotations

import base64
from email.message import EmailMessage

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from deskpost.mail import address
from deskpost.models import AuditEntry, InboundEmail, Notification, Project
from deskpost.outbound import links
from deskpost.outcomes import Outcome
from deskpost.web import signin
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.letters import PIXEL, letter, with_image
from tests.web.scene import Scene

VIEWS = ("preview", "formatted", "headers", "attachments")
POLICY = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'"
)
REMOTE = "<p>Hi</p><img src='https://cdn.shop.test/one.png'><img src='http://track.test/two.gif'>"


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


def arrive(scene: Scene, message: EmailMessage | bytes, **fields: object) -> InboundEmail:
    raw = message if isinstance(message, bytes) else message.as_bytes()
    return rows.mail(scene.channel, raw=raw, **fields)  # type: ignore[arg-type]


def view(row: InboundEmail | Notification, name: str) -> str:
    prefix = "incoming" if isinstance(row, InboundEmail) else "notification"
    return reverse(f"{prefix}-{name}", args=["IT", row.pk])


def drawer(client: Client, row: InboundEmail | Notification, name: str = "preview") -> str:
    response = client.get(view(row, name))
    assert response.status_code == 200
    return response.text.partition('<aside class="drawer"')[2].partition("</aside>")[0]


def sent(scene: Scene, raw: bytes, **fields: object) -> Notification:
    """Make a notification whose raw was kept."""
    note = rows.note(scene.project, scene.customer, status="delivered", **fields)  # type: ignore[arg-type]
    note.raw_key, note.raw_size = f"{note.created_at:%Y%m%d}/{note.pk}.out.eml", len(raw)
    storages["raw"].save(note.raw_key, ContentFile(raw))
    note.save()
    return note


# --- The four views ------------------------------------------------------------------------------


def test_the_account_leads_to_each_view_and_each_view_back(scene: Scene, admin: Client) -> None:
    row = arrive(scene, letter())
    here = reverse("incoming", args=["IT", row.pk])
    said = admin.get(here).text
    for name in VIEWS:
        assert view(row, name) in said
        page = drawer(admin, row, name)
        assert f'href="{here}' in page
        assert page.count('aria-current="page"') == 1
        assert reverse("raw", args=["IT", row.pk]) in page


def test_the_filters_of_the_list_stay_in_force(scene: Scene, admin: Client) -> None:
    row = arrive(scene, letter())
    said = admin.get(view(row, "preview") + "?status=success").text
    assert f"{view(row, 'headers')}?status=success" in said
    assert f"{reverse('incoming', args=['IT', row.pk])}?status=success" in said


def test_text_is_shown_as_text(scene: Scene, admin: Client) -> None:
    row = arrive(scene, letter(text="<script>alert(1)</script> \u202etxt.exe"))
    said = drawer(admin, row)
    assert "&lt;script&gt;alert(1)" in said
    assert "[U+202E]txt.exe" in said


def test_a_message_without_text_shows_that_of_its_html(scene: Scene, admin: Client) -> None:
    message = EmailMessage()
    message.set_content("<p>Only <b>this</b></p>", subtype="html")
    said = drawer(admin, arrive(scene, message))
    assert "Only this" in said
    assert "made of its HTML" in said


def test_a_long_text_is_cut_and_says_so(scene: Scene, admin: Client) -> None:
    said = drawer(admin, arrive(scene, letter(text="word and " * 50_000)))
    assert len(said) < 300_000
    assert "The text goes on" in said


def test_headers_are_decoded_and_as_they_were_sent(scene: Scene, admin: Client) -> None:
    raw = (
        b"Received: from b.test by c.test with ESMTP; Mon, 23 Nov 2026 14:00:09 +0000\r\n"
        b"Received: from a.test by b.test with ESMTPS; Mon, 23 Nov 2026 15:00:02 +0100\r\n"
        b"From: =?utf-8?q?J=C3=BCrgen?= <j@x.test>\r\nX-Odd: <b>bold</b>\r\n\r\nHi\r\n"
    )
    said = drawer(admin, arrive(scene, raw), "headers")
    assert "Jürgen" in said
    assert "=?utf-8?q?J=C3=BCrgen?=" in said
    assert "&lt;b&gt;bold&lt;/b&gt;" in said
    way = said.partition('class="attempts hops"')[2].partition("</table>")[0]
    assert way.index("a.test") < way.index("c.test")
    assert "7 s" in way


def test_attachments_are_listed_and_taken_one_by_one(scene: Scene, admin: Client) -> None:
    message = letter()
    message.add_attachment(b"<script>", "text", "html", filename="..\\evil\u202e.html")
    row = arrive(scene, message)
    said = drawer(admin, row, "attachments")
    assert "text/html" in said
    response = admin.get(reverse("incoming-part", args=["IT", row.pk, 1]))
    assert response.content == b"<script>"
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert "no-store" in response["Cache-Control"]
    assert AuditEntry.objects.get(act="raw_download").subject == str(row.pk)
    assert admin.get(reverse("incoming-part", args=["IT", row.pk, 2])).status_code == 404


# --- The page in the frame -----------------------------------------------------------------------


def test_the_page_is_framed_where_it_may_do_nothing(scene: Scene, admin: Client) -> None:
    row = arrive(scene, letter("<p>Hello <b>you</b></p>"))
    said = drawer(admin, row, "formatted")
    frame = said.partition("<iframe")[2].partition(">")[0]
    assert 'sandbox=""' in frame
    assert f'src="{view(row, "frame")}"' in frame
    response = admin.get(view(row, "frame"))
    assert response["Content-Security-Policy"] == POLICY
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in response["Cache-Control"]
    assert "<b>you</b>" in response.text


def test_an_own_image_is_put_into_the_page(scene: Scene, admin: Client) -> None:
    row = arrive(scene, with_image("<img src='cid:one@x.test'><img src='cid:other@x.test'>"))
    page = admin.get(view(row, "frame")).text
    assert f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}" in page
    assert "cid:" not in page
    assert "1 image was left out." in drawer(admin, row, "formatted")


def test_an_own_image_of_a_kind_that_could_run_is_left_out(scene: Scene, admin: Client) -> None:
    message = letter("<img src='cid:s@x.test'>")
    part = message.get_payload()[1]  # type: ignore[index]
    assert isinstance(part, EmailMessage)
    part.add_related(b"<svg onload='x()'/>", "image", "svg+xml", cid="<s@x.test>")
    assert "svg" not in admin.get(view(arrive(scene, message), "frame")).text


def test_what_was_taken_out_is_said(scene: Scene, admin: Client) -> None:
    row = arrive(scene, letter(REMOTE + "<a href='https://bank.test/login'>Your bank</a>"))
    said = drawer(admin, row, "formatted")
    assert "2 remote images were not loaded (cdn.shop.test, track.test)." in said
    assert "1 link is shown as text." in said
    page = admin.get(view(row, "frame")).text
    assert "Remote image, not loaded · cdn.shop.test" in page
    assert "href=" not in page
    assert 'title="https://bank.test/login"' in page


def test_remote_images_are_loaded_by_a_click_and_only_then(scene: Scene, admin: Client) -> None:
    row = arrive(scene, letter(REMOTE))
    answer = admin.post(view(row, "frame"))
    assert 'src="https://cdn.shop.test/one.png"' in answer.text
    assert 'src="http://track.test/two.gif"' in answer.text
    assert answer["Content-Security-Policy"] == POLICY.replace(
        "img-src data:", "img-src https: http: data:"
    )
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    later = admin.get(view(row, "frame"))
    assert "src=" not in later.text
    assert later["Content-Security-Policy"] == POLICY


def test_the_click_cannot_be_made_by_another_site(scene: Scene) -> None:
    row = arrive(scene, letter(REMOTE))
    client = Client(enforce_csrf_checks=True)
    client.force_login(scene.admin)
    assert client.post(view(row, "frame")).status_code == 403


@pytest.mark.parametrize(
    "source",
    [
        "http://127.0.0.1/x.gif",
        "http://localhost/x.gif",
        "http://10.0.0.1/x.gif",
        "http://2130706433/x.gif",
        "http://127.1/x.gif",
        "http://0x7f.0x1/x.gif",
        "http://intranet/x.gif",
        "https://good.test@127.0.0.1/x.gif",
        "https://good.test\\@127.0.0.1/x.gif",
        "http://[::1]/x.gif",
        "ftp://good.test/x.gif",
        "javascript:alert(1)",
        "/accounts/logout/",
    ],
)
def test_an_image_of_this_site_or_of_no_public_host_is_never_loaded(
    scene: Scene, admin: Client, source: str
) -> None:
    row = arrive(scene, letter(f'<p>x</p><img src="{source}">'))
    assert "<img" not in admin.post(view(row, "frame")).text


# --- Tokens of this site -------------------------------------------------------------------------


def tokens(scene: Scene) -> dict[str, str]:
    """Return each secret of this site that a message may quote, by what it is."""
    token = address.ReplyToken(request=7, person=scene.customer.pk)
    reply = address.reply_address("it@desk.test", token, b"k" * 32)
    return {
        "reply": reply.partition("+r.")[2].partition("@")[0],
        "unsubscribe": links.unsubscribe_token(scene.customer.pk),
        "mute": links.mute_token(7, scene.customer.pk),
        "sign-in": signin.make_link(scene.customer).rstrip("/").rpartition("/")[2],
    }


@pytest.mark.parametrize("name", ["preview", "formatted", "headers", "attachments", "frame"])
def test_no_view_shows_a_token_of_this_site(scene: Scene, admin: Client, name: str) -> None:
    known = tokens(scene)
    urls = [
        links.unsubscribe_at(known["unsubscribe"]),
        links.mute_at(known["mute"]),
        signin.make_link(scene.customer),
    ]
    known["sign-in"] = urls[2].rstrip("/").rpartition("/")[2]
    reply = f"it+r.{known['reply']}@desk.test"
    quoted = "\n".join([f"> {url}" for url in urls] + [f"> From: {reply}"])
    html = "".join(f'<p><a href="{url}">x</a> {url}</p>' for url in urls)
    html += f'<a href="mailto:{reply}">y</a> {reply}'
    message = letter(html, quoted, List_Unsubscribe=f"<{urls[0]}>", Reply_To=reply)
    message.add_attachment(quoted.encode(), "text", "plain", filename="quoted.txt")
    row = arrive(scene, message, envelope_to=reply)
    page = admin.get(view(row, name)).text
    for what, token in known.items():
        assert token not in page, what
    if name in {"preview", "headers", "frame"}:
        assert "(private link)" in page
        assert "it+r.(private)@desk.test" in page


def test_a_rewritten_or_broken_link_does_not_show_its_token_either(
    scene: Scene, admin: Client
) -> None:
    token = links.unsubscribe_token(scene.customer.pk)
    url = links.unsubscribe_at(token)
    escaped = url.replace(":", "%3A").replace("/", "%2F")
    half = len(url) - 20
    text = f"https://guard.test/?u={escaped}&x=1\n> {url[:half]}\n> {url[half:]}\n"
    said = drawer(admin, arrive(scene, letter(text=text)))
    for piece in token.split(":"):
        assert len(piece) < 6 or piece not in said
    assert token[-15:] not in said


def test_a_header_that_spells_a_token_is_not_shown_as_it_was_sent(
    scene: Scene, admin: Client
) -> None:
    token = tokens(scene)["reply"]
    encoded = base64.b64encode(f"it+r.{token}@desk.test".encode()).decode()
    said = drawer(admin, arrive(scene, f"X-To: =?utf-8?b?{encoded}?=\r\n\r\nx".encode()), "headers")
    assert "it+r.(private)@desk.test" in said
    assert token not in said
    assert encoded not in said


def test_the_drawer_itself_shows_no_signed_address(scene: Scene, admin: Client) -> None:
    token = tokens(scene)["reply"]
    row = arrive(scene, letter(), envelope_to=f"it+r.{token}@desk.test")
    row.trail = [{"rule": "thread", "answer": "yes", "facts": {"because": f"To: it+r.{token}@d.t"}}]
    row.save()
    said = admin.get(reverse("incoming", args=["IT", row.pk])).text
    assert token not in said
    assert "it+r.(private)@desk.test" in said


# --- Notifications -------------------------------------------------------------------------------

KEPT = (
    b"From: IT <it@desk.test>\r\nReply-To: IT <it+r.TOKEN@desk.test>\r\nSubject: IT-1 Printer\r\n"
    b"Content-Type: text/plain\r\n\r\nNo more: %s/unsubscribe/TOKEN/\r\n"
)


def test_a_notification_is_shown_with_words_in_place_of_its_links(
    scene: Scene, admin: Client, settings: Settings
) -> None:
    note = sent(scene, KEPT % str(settings.BASE_URL).encode())
    text, headers = drawer(admin, note), drawer(admin, note, "headers")
    assert "/unsubscribe/(private link)/" in text
    assert "it+r.(private)@desk.test" in headers
    assert "TOKEN" not in text + headers


def test_the_raw_of_a_notification_is_taken_as_it_was_kept(scene: Scene, admin: Client) -> None:
    note = sent(scene, KEPT)
    url = reverse("notification-raw", args=["IT", note.pk])
    assert url in admin.get(reverse("notification", args=["IT", note.pk])).text
    response = admin.get(url)
    assert response.content == KEPT
    assert response["Content-Type"] == "message/rfc822"
    assert response["Content-Disposition"] == f'attachment; filename="deskpost-{note.pk}.eml"'
    assert "no-store" in response["Cache-Control"]
    entry = AuditEntry.objects.get(act="raw_download")
    assert (entry.person, entry.subject) == (scene.admin, str(note.pk))


def test_a_notification_that_was_never_composed_says_so(scene: Scene, admin: Client) -> None:
    note = rows.note(scene.project, scene.customer)
    assert "No raw message was kept" in drawer(admin, note)
    response = admin.get(reverse("notification-raw", args=["IT", note.pk]))
    assert response.status_code == 404
    assert "No raw message was kept" in response.text


# --- What cannot be shown, and to whom -----------------------------------------------------------


@pytest.mark.parametrize("name", VIEWS)
def test_a_raw_that_is_gone_says_so(scene: Scene, admin: Client, name: str) -> None:
    row = arrive(scene, letter())
    storages["raw"].delete(row.raw_key)
    assert "The raw message is gone" in drawer(admin, row, name)
    assert admin.get(view(row, "frame")).status_code == 404


@pytest.mark.parametrize("name", VIEWS)
def test_a_message_of_which_nothing_was_kept_says_so(
    scene: Scene, admin: Client, name: str
) -> None:
    row = rows.mail(scene.channel, Outcome.TOO_LARGE, raw=b"", oversize_bytes=99_000_000)
    assert "No raw message was kept" in drawer(admin, row, name)


def test_a_store_that_fails_says_so(
    scene: Scene, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = arrive(scene, letter())

    def fail(*_args: object) -> None:
        raise OSError("away")

    monkeypatch.setattr(type(storages["raw"]), "open", fail)
    assert "does not give the raw message out" in drawer(admin, row)


ALL = (*VIEWS, "frame")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("who", ["agent", "customer", "stranger", "nobody"])
def test_only_admins_see_what_a_message_says(scene: Scene, who: str, name: str) -> None:
    row, note = arrive(scene, letter()), sent(scene, KEPT)
    for message in (row, note):
        status = scene.browser(who).get(view(message, name)).status_code
        assert status == {"nobody": 302, "stranger": 404}.get(who, 403)


@pytest.mark.parametrize("name", ALL)
def test_a_message_of_another_project_is_not_found(scene: Scene, name: str) -> None:
    other = Project.objects.create(key="HR", name="HR")
    row, note = arrive(scene, letter()), sent(scene, KEPT)
    browser = scene.browser("site_admin")
    for prefix, pk in (("incoming", row.pk), ("notification", note.pk)):
        url = reverse(f"{prefix}-{name}", args=[other.key, pk])
        assert browser.get(url).status_code == 404


def test_a_team_managed_project_has_it_under_its_channels(scene: Scene, admin: Client) -> None:
    Project.objects.update(kind=Project.Kind.TEAM)
    row, note = arrive(scene, letter("<p>Hi</p>")), sent(scene, KEPT)
    logs = reverse("channel-logs", args=["IT", scene.channel.pk])
    said = admin.get(f"{logs}?entry={row.pk}").text
    assert f"{view(row, 'preview')}?under=channels" in said
    page = admin.get(f"{view(row, 'preview')}?under=channels").text
    assert "Hello" in page
    assert f"{logs}?entry={row.pk}" in page
    assert "Hi" in admin.get(view(row, "frame")).text
    assert admin.get(view(note, "preview")).status_code == 404
