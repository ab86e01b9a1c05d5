"""`deskpost import_mail`: old mail comes in whole, once, and nobody hears of it."""

from __future__ import annotations

import mailbox
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts.process import wait_until
from tests.parts.site import ROOT, Site, letter

pytestmark = [pytest.mark.database, pytest.mark.slow]
MESSAGES = 2000


def write_mbox(path: Path, count: int) -> None:
    """An mbox of short letters, one in ten an answer to the one before, all of 2019."""
    box = mailbox.mbox(path, create=True)
    before = ""
    for number in range(count):
        message = letter(f"old letter {number}", f"It is number {number}.\nFrom then on.\n")
        message.replace_header("From", f"p{number // 2}@x.test")
        message.replace_header("Date", "Tue, 05 Mar 2019 09:00:00 +0000")
        if number % 10 == 9:
            message["In-Reply-To"] = before
            message.replace_header("From", f"p{(number - 1) // 2}@x.test")
        before = str(message["Message-ID"])
        box.add(mailbox.mboxMessage(message.as_bytes()))
    box.close()


def command(site: Site, path: Path, channel: str = "it@desk.test") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "deskpost", "import_mail", str(path), "--channel", channel],
        cwd=ROOT,
        env=os.environ | site.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, errors = process.communicate(timeout=120)
    return process.returncode, out, errors


def rows(site: Site) -> int:
    return int(site.sql("SELECT count(*) FROM deskpost_inboundemail")[0][0])


def test_killed_half_way_and_run_again_leaves_each_message_once(tmp_path: Path) -> None:
    path = tmp_path / "old.mbox"
    write_mbox(path, MESSAGES)
    with Site() as site:
        first = command(site, path)
        assert wait_until(lambda: rows(site) > MESSAGES // 4, seconds=60)
        os.kill(first.pid, signal.SIGKILL)
        first.communicate(timeout=30)
        assert rows(site) < MESSAGES
        code, out, errors = said(command(site, path))
        assert code == 0, errors
        assert f"{MESSAGES:,} read:" in out
        site.wait_settled(MESSAGES, seconds=120)
        assert rows(site) == MESSAGES
        outcomes = dict(
            site.sql("SELECT outcome, count(*) FROM deskpost_inboundemail GROUP BY outcome")
        )
        assert outcomes == {"request_created": 1800, "comment_added": 200}
        assert site.sql("SELECT count(DISTINCT summary) FROM deskpost_request") == [(1800,)]
        # Old mail mails nobody, and looks as old as it is.
        assert site.sql("SELECT count(*) FROM deskpost_event") == [(0,)]
        assert site.sql("SELECT count(*) FROM deskpost_notification") == [(0,)]
        oldest = str(site.sql("SELECT max(created_at) FROM deskpost_request")[0][0])
        assert oldest.startswith("2019-03-05")
        code, out, _ = said(command(site, path))
        assert f"0 taken, {MESSAGES:,} there already" in out
        assert rows(site) == MESSAGES


def test_stopped_and_run_again_while_the_site_does_not_run(tmp_path: Path) -> None:
    path = tmp_path / "old.mbox"
    write_mbox(path, MESSAGES)
    with Site() as site:
        assert site.process is not None
        site.process.stop()
        first = command(site, path)
        assert wait_until(lambda: rows(site) > 0, seconds=60)
        first.send_signal(signal.SIGINT)
        code, out, errors = said(first)
        assert code == 130
        assert "They are processed when the site runs." in out
        assert errors.endswith("Run it again to go on.\n")
        there = rows(site)
        assert 0 < there < MESSAGES
        _, out, _ = said(command(site, path))
        assert f"{MESSAGES - there:,} taken, {there:,} there already, 0 too large" in out
        site.start()
        site.wait_settled(MESSAGES, seconds=120)
        assert rows(site) == MESSAGES
        assert site.sql("SELECT count(*) FROM deskpost_request") == [(1800,)]


def test_what_is_no_mail_or_no_channel_is_said_clearly(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with Site() as site:
        for path, channel, words in (
            (tmp_path / "nothing", "it@desk.test", "does not exist"),
            (picture, "it@desk.test", "is not mail"),
            (picture, "hr@desk.test", "There is no channel hr@desk.test. There are: "),
        ):
            if channel == "hr@desk.test":
                picture.write_bytes(b"Subject: x\n\nx\n")
            code, _, errors = said(command(site, path, channel))
            assert code == 1
            assert words in errors
            assert "Traceback" not in errors
        assert rows(site) == 0
