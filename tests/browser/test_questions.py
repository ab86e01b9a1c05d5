"""The questions for which the Email logs page exists, asked in Chromium of a running site: real
mail comes in, real mail goes out. Each is asked in English and in Japanese."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from deskpost.outcomes import OUTCOMES, REASONS, RULE_WORDS, Outcome, Reason, Rule
from deskpost.problems import PROBLEMS, STATE_WORDS, ConnectionState, Problem
from tests.browser.reader import CHANNELS, LOGS, Reader
from tests.browser.town import Town
from tests.parts.imap_server import CLOSE, SELECTED, imap_server

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BOTH_WAYS = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])


# --- Did Ann get our answer? ---------------------------------------------------------------------


@BOTH_WAYS
def test_did_ann_get_our_answer(reader: Reader, town: Town) -> None:
    say, page, ann = reader.say, reader.page, reader.who("ann")
    key = opened_by(ann, reader, town)
    answer(reader, key, "Please start it again.")
    town.notified(ann, 2)

    reader.open_logs()
    reader.follow("Search everything")
    reader.search(f"to:{ann}", found=2)
    drawer = reader.open(reader.row(say("Comment added")))
    expect(drawer.locator("h2")).to_have_text(say("%(name)s was sent this comment.", name="Ann"))
    expect(drawer).to_contain_text(say("The server took it. No bounce has come back."))
    attempts = drawer.locator("table.attempts tbody tr")
    expect(attempts).to_have_count(1)
    expect(attempts).to_contain_text("127.0.0.1")
    expect(attempts).to_contain_text(say("Taken"))
    expect(attempts).to_contain_text("250 2.0.0 OK")
    assert attempts.locator("time").get_attribute("datetime")

    drawer.get_by_role("link", name=ann).click()
    expect(page.locator("h1")).to_have_text("Ann")
    standing = page.locator("main .banner").first
    expect(standing).to_contain_text(say("%(name)s can get mail.", name="Ann"))
    expect(standing).to_contain_text(start_of(say("Last sent %(when)s.")))

    page.goto(f"/projects/IT/requests/{key}/")
    page.locator(".tabs").get_by_role("link", name=say("Email", "tab"), exact=True).click()
    lines = page.locator("#line .who li")
    expect(lines.filter(has_text=say("Sent", "notification"))).to_have_count(2)
    expect(page.locator("#line")).to_contain_text(say("Comment added"))
    assert len(town.world.to(ann)) == 2


def opened_by(customer: str, reader: Reader, town: Town, subject: str = "No ink") -> str:
    """Have a customer write; return the key of what it became."""
    reader.let_strangers_write(True)
    town.writes(customer, subject)
    town.notified(customer, 1)
    return town.requests_of(customer)[-1]


def answer(reader: Reader, key: str, text: str) -> None:
    """Answer a request as an agent does."""
    reader.page.goto(f"/projects/IT/requests/{key}/")
    reader.page.fill("textarea", text)
    reader.press("Send answer")
    reader.sees(text)


def start_of(said: str) -> str:
    """Return the words before the first value, or those after it where it comes first."""
    return next(part for part in re.split(r"%\(\w+\)s", said) if part)


# --- Why is Bob's email no request? --------------------------------------------------------------


@BOTH_WAYS
def test_why_is_bobs_email_no_request(reader: Reader, town: Town) -> None:
    say, page, bob = reader.say, reader.page, reader.who("bob")
    reader.let_strangers_write(False)
    town.writes(bob, "A new chair")

    reader.open_logs("Incoming emails")
    reader.search(f"from:{bob}", found=1)
    expect(reader.rows).to_contain_text(say("Failed", "incoming"))
    drawer = reader.open(reader.rows)
    account = OUTCOMES[Outcome.SIGNUP_CLOSED]
    expect(drawer).to_contain_text(say(account.words))
    expect(drawer).to_contain_text(say(account.remedy))
    deciding = drawer.locator(".trail li.decides")
    expect(deciding).to_have_count(1)
    expect(deciding).to_contain_text(say(RULE_WORDS[Rule.SIGNUP]))
    entry = page.url
    reader.follow("What would happen now?", drawer)
    reader.sees(say("The same would happen again, with today’s settings."))

    page.goto(entry)
    deciding.get_by_role("link").click()
    page.get_by_label(say("Strangers may write"), exact=True).check()
    reader.press("Save")
    page.goto(entry)
    reader.follow("What would happen now?", drawer)
    reader.sees(say("With today’s settings it would end otherwise."), say("a new request"))
    assert town.requests_of(bob) == []

    reader.press("Process again")
    expect(page.locator(".toast").first).to_contain_text(say("Request created"))
    town.notified(bob, 1)
    town.all_told()
    assert len(town.requests_of(bob)) == 1
    assert len(town.world.to(bob)) == 1
    page.goto(entry)
    expect(drawer).to_contain_text(town.requests_of(bob)[0])
    again = drawer.get_by_role("button", name=say("Process again"), exact=True)
    expect(again).to_have_count(0)


# --- Is the mailbox connected? -------------------------------------------------------------------

EMPTY = SELECTED.replace(b"* 3 EXISTS", b"* 0 EXISTS").replace(b"UIDNEXT 10", b"UIDNEXT 1")


def test_is_the_mailbox_connected(reader: Reader) -> None:
    say, page = reader.say, reader.page
    address = f"support-{say.language}@shop.test"
    answers = {"SELECT": EMPTY, "UID SEARCH": b"* SEARCH\r\n%T OK done\r\n"}
    with imap_server(answers) as server:
        number = connect(page, address, server.port)
        log = f"{LOGS}connectivity/?channel={number}"
        state = page.locator("section.health .numbers .badge")
        up, dropped = STATE_WORDS[ConnectionState.CONNECTED], PROBLEMS[Problem.DROPPED]
        until(page, log, lambda: expect(state).to_have_text(say(up), timeout=1_000))

        server.answers[""] = CLOSE
        server.hang_up()
        until(page, log, lambda: expect(page.locator("main .banner")).to_be_visible(timeout=1_000))
        expect(reader.rows.first).to_contain_text(say(dropped.words))
        page.goto(CHANNELS)
        card = page.locator("li.channel").filter(has_text=address)
        expect(card).to_contain_text(say(dropped.remedy))
        page.goto(f"{LOGS}incoming/")
        summary = page.locator("#overview > summary")
        expect(summary.locator(".badge-fail")).to_be_visible()
        summary.click()
        line = page.locator(".overview-channels li").filter(has_text=address)
        expect(line).not_to_contain_text(say(up))

        server.answers[""] = b"* OK ready\r\n"
        page.goto(log)
        reader.press("Try now")
        until(page, log, lambda: expect(state).to_have_text(say(up), timeout=1_000))
        page.goto(f"{LOGS}incoming/")
        expect(line).to_contain_text(say(up))


def connect(page: Page, address: str, port: int) -> str:
    """Add a mailbox as a custom channel; return its number."""
    page.goto(f"{CHANNELS}add/?kind=mailbox")
    page.fill("#id_address", address)
    page.fill("#id_host", "127.0.0.1")
    page.fill("#id_port", str(port))
    page.select_option("#id_security", "none")
    page.fill("#id_password", "hush")
    page.click("form.settings button.btn-main")
    page.wait_for_url("**/test/")
    return str(re.findall(r"channels/(\d+)/test/", page.url)[0])


def until(page: Page, path: str, holds: Callable[[], None], *, tries: int = 30) -> None:
    """Load a page again and again until it says what is waited for."""
    for left in reversed(range(tries)):
        page.goto(path)
        try:
            holds()
        except AssertionError:
            if not left:
                raise
        else:
            return


# --- Unblock Carol, and send her what she missed -------------------------------------------------


def test_unblock_carol_and_send_her_what_she_missed(reader: Reader, town: Town) -> None:
    say, page, carol = reader.say, reader.page, reader.who("carol")
    town.world.refuse(carol, "550 5.1.1 User unknown")
    key = opened_by(carol, reader, town)
    for n, text in enumerate(["We look into it.", "It is mended."], 2):
        answer(reader, key, text)
        town.notified(carol, n)
    town.world.accept(carol)

    reader.open_logs()
    reader.search(f"to:{carol}", found=3)
    blocked = say(REASONS[Reason.SUPPRESSION_LIST].words)
    expect(reader.row(blocked)).to_have_count(2)
    drawer = reader.open(reader.row(blocked).first)
    expect(drawer).to_contain_text("550 5.1.1 User unknown")
    reader.press("Unblock email address", drawer)
    expect(page.locator("h1")).to_have_text(say("What %(address)s missed", address=carol))
    assert town.world.to(carol) == []

    missed = page.locator("ul.missed li")
    expect(missed).to_have_count(3)
    expect(missed.locator("input:checked")).to_have_count(3)
    reader.press("Send those ticked")
    expect(page.locator(".toast")).to_contain_text(again_number(reader, 3))
    town.notified(carol, 6)
    town.all_told()
    got = [message.content for message in town.world.to(carol)]
    assert len(got) == 3
    assert sum(b"We look into it." in content for content in got) == 1
    assert sum(b"It is mended." in content for content in got) == 1


def again_number(reader: Reader, number: int) -> str:
    one, many = "%(count)s notification is sent again.", "%(count)s notifications are sent again."
    return reader.say.number(one, many, number, count=number)
