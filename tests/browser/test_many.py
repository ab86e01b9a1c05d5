"""Many messages at once, their files, and new ones that come while somebody looks: in Chromium, of
a running site, in English and in Japanese."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Download, Locator, Page, expect

from tests.browser.reader import CHANNELS, LOGS, Reader
from tests.browser.town import Town

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FORTY = 40


# --- The setting is mended: process the forty that failed ----------------------------------------


def test_the_setting_is_mended_and_the_forty_that_failed_are_processed(
    reader: Reader, town: Town
) -> None:
    say, page = reader.say, reader.page
    domain = f"forty-{say.language}.test"
    reader.let_strangers_write(False)
    for n in range(FORTY):
        town.posts(f"p{n}.x@{domain}", f"Chair {n}")
    town.settled(f"%@{domain}", FORTY)
    reader.let_strangers_write(True)

    reader.open_logs("Incoming emails")
    reader.search(f"from:{domain} status:failed", found=FORTY)
    listed = page.url
    confirm_all(reader)
    one, many = "message can be processed again.", "messages can be processed again."
    reader.sees(say.number(f"%(said)s {one}", f"%(said)s {many}", FORTY))
    with page.context.expect_page() as another:
        page.evaluate("open(location.origin)")
    second = Reader(page=another.value, say=say, scripts=True)
    second.page.goto(f"{LOGS}incoming/?q=from:{domain}")
    confirm_all(second)

    start(reader)
    job = page.locator("#job")
    expect(job).to_contain_text(processed(reader, FORTY), timeout=60_000)
    looked = {"looked": str(FORTY), "total": str(FORTY)}
    expect(job).to_contain_text(say("%(looked)s of %(total)s looked at", **looked))
    expect(job.locator("progress")).to_have_count(0)
    assert_each_has_one(town, domain)
    # Whoever had the same page open, and presses the button too, does nothing.
    start(second)
    expect(second.page.locator("#job")).to_contain_text(
        say("They have become a request or a comment: that happens once."), timeout=60_000
    )
    assert_each_has_one(town, domain)
    second.page.close()

    page.goto(listed)
    expect(reader.rows).to_have_count(0)
    page.goto("/audit/?act=reprocess")
    expect(reader.row(domain)).to_have_count(FORTY)
    expect(reader.row(domain).first).to_contain_text(say("Processed again"))


def confirm_all(reader: Reader) -> None:
    """Ask for all rows of the filter to be processed; the next page asks for a yes."""
    reader.page.locator("#bulk details.bulk-all summary").click()
    reader.press("Process all again")
    expect(reader.page.locator("h1")).to_have_text(reader.say("Process again"))


def start(reader: Reader) -> None:
    """Say yes."""
    one, many = "Process %(said)s message again", "Process %(said)s messages again"
    reader.page.get_by_role("button", name=reader.say.number(one, many, FORTY)).click()
    expect(reader.page.locator("#job")).to_be_visible()


def processed(reader: Reader, number: int) -> str:
    """What the page of a job says once it has processed so many."""
    one, many = "%(count)s message was processed again.", "%(count)s messages were processed again."
    return reader.say.number(one, many, number, count=number)


def assert_each_has_one(town: Town, domain: str) -> None:
    town.all_told()
    assert len(town.requests_of(f"%@{domain}")) == FORTY
    for n in range(FORTY):
        assert len(town.world.to(f"p{n}.x@{domain}")) == 1


# --- Files ---------------------------------------------------------------------------------------


def test_the_export_has_the_rows_of_the_filter_and_the_raw_file_is_the_same_everywhere(
    reader: Reader, town: Town, tmp_path: Path
) -> None:
    say, page, dora = reader.say, reader.page, reader.who("dora")
    reader.let_strangers_write(True)
    sent = [town.writes(dora, f"Grüße {n}, =1+1") for n in range(3)]
    town.writes(reader.who("erik"))

    reader.open_logs("Incoming emails")
    reader.search(f"from:{dora}", found=3)
    page.locator(".export-menu summary").click()
    with page.expect_download() as export:
        reader.follow("CSV")
    rows = list(csv.DictReader(io.StringIO(saved(export.value, tmp_path).decode("utf-8-sig"))))
    shown = [str(row.get_attribute("id")).removeprefix("e-") for row in reader.rows.all()]
    assert [row["id"] for row in rows] == shown
    assert {row["sender"] for row in rows} == {dora}
    assert {row["status_words"] for row in rows} == {say("Success", "incoming")}

    newest = download(page, reader.rows.first, tmp_path)
    assert newest == sent[-1]
    page.goto(CHANNELS)
    page.locator("li.channel").filter(has_text="it@desk.test").get_by_role(
        "link", name=say("View logs")
    ).click()
    assert download(page, page.locator(f"#e-{shown[0]}"), tmp_path) == newest


def download(page: Page, row: Locator, folder: Path) -> bytes:
    with page.expect_download() as raw:
        row.locator(".act a").click()
    return saved(raw.value, folder)


def saved(download: Download, folder: Path) -> bytes:
    file = folder / str(download.suggested_filename)
    download.save_as(file)
    return file.read_bytes()


# --- New mail while one is looking ---------------------------------------------------------------


def test_new_mail_is_announced_and_nothing_jumps(reader: Reader, town: Town) -> None:
    say, page, finn = reader.say, reader.page, reader.who("finn")
    reader.let_strangers_write(True)
    for n in range(3):
        town.writes(finn, f"Older {n}")
    page.clock.install()
    reader.open_logs("Incoming emails")
    reader.search(f"from:{finn}", found=3)
    drawer = reader.open(reader.row("Older 1"))
    before, titles = drawer.locator("h2").text_content(), reader.rows.all_inner_texts()
    for n in range(3):
        town.writes(finn, f"Newer {n}")
    page.clock.run_for(21_000)
    expect(page.locator(".news")).to_have_text(say.number("%(said)s new", "%(said)s new", 3))
    assert reader.rows.all_inner_texts() == titles
    assert drawer.locator("h2").text_content() == before
    page.locator(".news a").click()
    expect(reader.rows).to_have_count(6)
    expect(reader.rows.first).to_contain_text("Newer 2")
    expect(drawer.locator("h2")).to_have_text(before or "")
