"""The drawer of an entry, whole: its order, its facts, and links between what belongs together."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from deskpost.models import Attempt, InboundEmail, Notification, Project, SentAgain
from deskpost.outcomes import Outcome, Reason, Rule
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import HOSTILE, Scene


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


@pytest.fixture
def admin(scene: Scene) -> Client:
    return scene.browser("admin")


def url(entry: InboundEmail | Notification) -> str:
    name = "incoming" if isinstance(entry, InboundEmail) else "notification"
    return reverse(name, args=["IT", entry.pk])


def drawer(client: Client, entry: InboundEmail | Notification) -> str:
    response = client.get(url(entry))
    assert response.status_code == 200
    return response.text.partition('<aside class="drawer"')[2].partition("</aside>")[0]


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def section(said: str, title: str) -> str:
    return said.partition(f"<h3>{title}")[2].partition("</section>")[0]


ORDER = ["What happened", "Why", "What to do", "Facts", "Trail"]


# --- Order and facts -----------------------------------------------------------------------------


def test_each_drawer_tells_its_story_in_one_order(scene: Scene, admin: Client) -> None:
    row = rows.mail(
        scene.channel, Outcome.BULK, trail=rows.trail_to(Rule.BULK, because="List-Id: x")
    )
    trail = [{"guard": "validation", "answer": "stopped", "facts": {}}]
    note = rows.note(scene.project, scene.customer, Reason.VALIDATION_ERROR, trail=trail)
    for entry, order in ((row, ORDER), (note, [*ORDER, "Attempts"])):
        found = re.findall(r"<h3>([^<]+)<", drawer(admin, entry))
        assert found == order


def test_an_incoming_message_has_its_facts_and_each_stage(scene: Scene, admin: Client) -> None:
    at = rows.ago(minutes=5)
    row = rows.mail(
        scene.channel,
        at=at,
        settled_at=rows.ago(minutes=4),
        sender_name="Ann",
        message_id="<one@x.test>",
        client="192.0.2.9 mail.x.test",
        request_key=scene.request().key,
    )
    facts = section(drawer(admin, row), "Facts")
    said = plain(facts)
    for words in (
        "Ann ann@x.test",
        "Printer",
        "it@desk.test",
        "192.0.2.9 mail.x.test",
        "&lt;one@x.test&gt;",
        row.raw_sha256,
        str(row.pk),
        "by SMTP",
    ):
        assert words in said
    stages = [said.index(stage) for stage in ("Arrived", "Stored", "Processed")]
    assert stages == sorted(stages)
    assert reverse("channel-settings", args=["IT", scene.channel.pk]) in facts
    assert reverse("request", args=["IT", row.request_key]) in facts
    assert reverse("person", args=["ann@x.test"]) in facts


def test_a_notification_has_each_stage_of_its_way(scene: Scene, admin: Client) -> None:
    times = {name: rows.ago(minutes=m) for name, m in (("made", 9), ("try", 8), ("in", 7))}
    note = rows.note(
        scene.project,
        scene.customer,
        status="delivered",
        at=times["made"],
        first_try_at=times["try"],
        arrived_at=rows.ago(minutes=6),
    )
    Attempt.objects.create(
        notification=note,
        started_at=times["try"],
        ended_at=times["in"],
        result="accepted",
        server="mx.x.test",
        code=250,
        answer="2.0.0 queued as ABC",
    )
    said = drawer(admin, note)
    facts = plain(section(said, "Facts"))
    stages = [
        facts.index(stage) for stage in ("Made", "First try", "Taken by a server", "Delivered")
    ]
    assert stages == sorted(stages)
    assert "2.0.0 queued as ABC" in section(said, "Attempts")
    assert reverse("person", args=[scene.customer.email]) in said


def test_a_sender_whom_no_address_can_name_has_no_link(scene: Scene, admin: Client) -> None:
    row = rows.mail(scene.channel, sender="", envelope_from="")
    assert "/people/" not in section(drawer(admin, row), "Facts")


# --- The trail -----------------------------------------------------------------------------------


def test_the_trail_says_what_each_rule_looked_at_and_where_to_change_it(
    scene: Scene, admin: Client
) -> None:
    trail = rows.trail_to(Rule.LOOP, count=10, minutes=10)
    by_rule = {step["rule"]: step for step in trail}
    by_rule[Rule.BLOCK_LIST]["facts"] = {"entries": 3}
    by_rule[Rule.DMARC] |= {"facts": {"domain": "x.test", "policy": "none", "spf": "fail"}}
    by_rule[Rule.BULK] |= {"answer": "passed", "facts": {"because": "List-Id: <n.x.test>"}}
    row = rows.mail(scene.channel, Outcome.TOO_MANY, trail=trail, facts={"count": 10})
    said = section(drawer(admin, row), "Trail")
    lines = {plain(line)[:12]: line for line in said.split("<li")[1:]}
    assert len(lines) >= 9
    dmarc = next(line for line in said.split("<li") if "x.test" in line and "SPF" in line)
    assert reverse("channel-settings", args=["IT", scene.channel.pk]) in dmarc
    bulk = next(line for line in said.split("<li") if "List-Id" in line)
    assert "&lt;n.x.test&gt;" in bulk
    assert reverse("senders", args=["IT"]) in bulk
    decided = said.partition('class="decides"')[2].partition("</li>")[0]
    assert "Messages 10" in plain(decided)
    assert "Within minutes 10" in plain(decided)


def test_the_guards_lead_to_what_decides_them(scene: Scene, admin: Client) -> None:
    trail = [
        {"guard": "validation", "answer": "passed", "facts": {}},
        {"guard": "limit", "answer": "passed", "facts": {"sent": 3, "limit": 1000}},
        {"guard": "size", "answer": "stopped", "facts": {"bytes": 7_000_000, "limit": 6_291_456}},
    ]
    facts = {"bytes": 7_000_000, "limit": 6_291_456}
    note = rows.note(
        scene.project, scene.customer, Reason.TEMPLATE_TOO_LARGE, trail=trail, facts=facts
    )
    said = section(drawer(admin, note), "Trail")
    assert reverse("customers", args=["IT"]) in said
    assert reverse("notification-limits") in said
    assert reverse("templates", args=["IT"]) in said.partition('class="decides"')[2]
    assert "Limit 6 MiB" in plain(said)


def test_what_a_rule_looked_at_is_text(scene: Scene, admin: Client) -> None:
    trail = rows.trail_to(Rule.BULK, because=HOSTILE, entry=HOSTILE, domain=HOSTILE, where="\u202e")
    facts = {"because": HOSTILE}
    run = {"run": 1, "at": HOSTILE, "outcome": "bulk", "facts": facts, "trail": trail}
    row = rows.mail(scene.channel, Outcome.BULK, trail=trail, facts=facts, runs=[run])
    said = drawer(admin, row)
    assert "<script>alert" not in said
    assert "<img src=x" not in said
    assert "[U+202E]" in said


# --- What belongs together -----------------------------------------------------------------------


def copies(scene: Scene) -> tuple[InboundEmail, InboundEmail]:
    first = rows.mail(scene.channel, message_id="<one@x.test>", at=rows.ago(minutes=9))
    facts = {"first": str(first.pk), "key": "IT-1"}
    trail = rows.trail_to(Rule.SEEN, **facts)
    twice = rows.mail(
        scene.channel, Outcome.DUPLICATE, message_id="<one@x.test>", facts=facts, trail=trail
    )
    return first, twice


def test_a_copy_leads_to_the_first_and_the_first_to_its_copies(scene: Scene, admin: Client) -> None:
    first, twice = copies(scene)
    other = rows.mail(scene.channel, message_id="<two@x.test>")
    assert url(first) in drawer(admin, twice)
    assert url(twice) in drawer(admin, first).partition('class="related"')[2].partition("</ul>")[0]
    assert 'class="related"' not in drawer(admin, other)


def test_the_same_message_id_alone_makes_no_copy(scene: Scene, admin: Client) -> None:
    first, _twice = copies(scene)
    facts = {"first": str(first.pk)}
    rows.mail(scene.channel, Outcome.DUPLICATE, message_id="<one@x.test>", facts={"first": "x"})
    rows.mail(scene.channel, Outcome.DUPLICATE, message_id="<other@x.test>", facts=facts)
    assert drawer(admin, first).count("The same message came again") == 1


def test_under_email_channels_a_copy_leads_to_the_first_there(scene: Scene, admin: Client) -> None:
    first, twice = copies(scene)
    Project.objects.update(kind=Project.Kind.TEAM)
    logs = reverse("channel-logs", args=["IT", scene.channel.pk])
    said = admin.get(f"{logs}?entry={twice.pk}").text
    assert f"{logs}?entry={first.pk}" in said.partition('class="related"')[2]


def test_a_bounce_and_its_notification_lead_to_each_other(scene: Scene, admin: Client) -> None:
    report = rows.mail(scene.channel, Outcome.DELIVERY_STATUS)
    facts = {"server": "mx.x.test", "answer": "5.1.1 no", "incoming": str(report.pk)}
    note = rows.note(scene.project, scene.customer, Reason.SERVICE_PROVIDER_ERROR, facts=facts)
    report.facts = {"notification": str(note.pk), "recipient": note.address, "proof": "address"}
    report.save()
    related = drawer(admin, note).partition('class="related"')[2].partition("</ul>")[0]
    assert url(report) in related
    assert url(note) in drawer(admin, report).partition('class="related"')[2]


def test_what_is_no_longer_kept_has_no_link(scene: Scene, admin: Client) -> None:
    gone = rows.mail(scene.channel, Outcome.DELIVERY_STATUS)
    facts = {"incoming": str(gone.pk), "delayed": {"incoming": "no id"}}
    note = rows.note(scene.project, scene.customer, status="delivered", facts=facts)
    report = rows.mail(scene.channel, Outcome.DELIVERY_STATUS, facts={"notification": "no id"})
    InboundEmail.objects.filter(pk=gone.pk).delete()
    for entry in (note, report):
        assert 'class="related"' not in drawer(admin, entry)


def test_an_original_and_its_repetition_lead_to_each_other(scene: Scene, admin: Client) -> None:
    note = rows.note(scene.project, scene.customer)
    again = rows.note(scene.project, scene.customer, status="delivered", again_of=note.pk)
    SentAgain.objects.create(
        original=note.pk, notification=again.pk, by=scene.admin, at=rows.ago(minutes=1)
    )
    assert url(again) in drawer(admin, note)
    assert url(note) in drawer(admin, again)


def test_a_message_that_was_processed_again_tells_its_earlier_runs(
    scene: Scene, admin: Client
) -> None:
    trail = rows.trail_to(Rule.SIGNUP, signup="closed")
    run = {
        "run": 1,
        "at": rows.ago(days=1).isoformat(),
        "outcome": Outcome.SIGNUP_CLOSED,
        "facts": {"because": "From: ann@x.test"},
        "trail": trail,
    }
    row = rows.mail(scene.channel, runs=[run])
    said = plain(section(drawer(admin, row), "Earlier runs"))
    assert "Signup is not currently available" in said
    assert "Looked at: From: ann@x.test" in said
