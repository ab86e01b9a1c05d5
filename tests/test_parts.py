"""Each part starts, does one real thing, and is gone afterwards."""

import os
import shutil
import smtplib
import ssl
import subprocess
import sys
import tempfile
from imaplib import IMAP4, IMAP4_SSL
from pathlib import Path
from poplib import POP3_SSL

import psycopg
import pytest
from django.conf import settings

from tests.parts import ports
from tests.parts.chromium import Chromium
from tests.parts.dovecot import PASSWORD, Dovecot
from tests.parts.postfix import Postfix
from tests.parts.postgres import Postgres
from tests.parts.process import PartFailed, PartMissing, Process, alive, program, wait_until
from tests.parts.world import OutsideWorld

MAIL = b"From: ann@desk.test\r\nTo: bob@far.test\r\nSubject: Hello\r\n\r\nGood morning.\r\n"


def send(port: int, *recipients: str) -> dict[str, tuple[int, bytes]]:
    """Send MAIL through the server on `port`; return the recipients that it refused."""
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as smtp:
        return smtp.sendmail("ann@desk.test", recipients, MAIL)


def gone(pid: int) -> bool:
    return wait_until(lambda: not alive(pid), seconds=10)


@pytest.mark.slow
def test_postgres_answers_a_query_and_ends() -> None:
    with Postgres() as server:
        pid = server.pid
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        with psycopg.connect(server.create("second")) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("second",)
    assert gone(pid)
    assert not server.folder.exists()


def test_the_world_takes_refuses_delays_and_drops(world: OutsideWorld) -> None:
    world.refuse("no@far.test", "550 5.1.1 no such user")
    world.delay("later@far.test")
    assert send(world.port, "bob@far.test", "no@far.test", "later@far.test") == {
        "no@far.test": (550, b"5.1.1 no such user"),
        "later@far.test": (451, b"4.7.1 try again later"),
    }
    [message] = world.wait_for(1)
    assert message.mail_from == "ann@desk.test"
    assert message.rcpt_tos == ["bob@far.test"]
    assert message.content == MAIL
    world.drop("gone@far.test")
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(world.port, "gone@far.test")


def test_the_world_is_gone_after_its_test() -> None:
    with OutsideWorld() as outside:
        assert ports.answers(outside.port)
    assert not ports.answers(outside.port)


@pytest.mark.slow
@pytest.mark.postfix
def test_a_message_goes_through_postfix_to_the_world(postfix: Postfix, world: OutsideWorld) -> None:
    assert send(postfix.smtp_port, "bob@far.test") == {}
    [message] = world.wait_for(1)
    assert message.rcpt_tos == ["bob@far.test"]
    assert b"Good morning." in message.content
    assert wait_until(lambda: not sum(postfix.queue().values()), seconds=10)
    assert "status=sent" in postfix.log_text()


@pytest.mark.slow
@pytest.mark.postfix
def test_postfix_bounces_what_the_world_refuses_and_ends() -> None:
    with OutsideWorld() as world, OutsideWorld() as desk:
        world.refuse("no@far.test")
        routes = {"desk.test": f"127.0.0.1:{desk.port}"}
        with Postfix(relay_to=world.port, transport=routes, discard="void.test") as server:
            pid = server.pid
            send(server.smtp_port, "no@far.test", "any@void.test")
            [bounce] = desk.wait_for(1)
            assert wait_until(lambda: "relay=none" in server.log_text(), seconds=10)
    assert bounce.mail_from == ""
    assert b"Status: 5.1.1" in bounce.content
    assert gone(pid)
    assert not ports.answers(server.smtp_port)
    assert not server.folder.exists()


@pytest.mark.slow
@pytest.mark.dovecot
def test_lmtp_into_dovecot_and_imap_and_pop3_out() -> None:
    with Dovecot("support@desk.test") as server:
        pid = server.pid
        server.deliver(MAIL)
        [raw] = server.raw_messages("support@desk.test")
        trusted = ssl.create_default_context(cafile=server.ca_file)
        with IMAP4("localhost", server.imap_port) as plain:
            plain.starttls(trusted)
            assert first_message(plain) == raw
        with IMAP4_SSL("localhost", server.imaps_port, ssl_context=trusted) as secure:
            assert first_message(secure) == raw
        pop3 = POP3_SSL("localhost", server.pop3s_port, context=trusted)
        pop3.user("support@desk.test")
        pop3.pass_(PASSWORD)
        assert pop3.retr(1)[1] == raw.splitlines()
        pop3.quit()
    assert gone(pid)
    assert not ports.answers(server.imap_port)
    assert not server.folder.exists()


@pytest.mark.slow
@pytest.mark.dovecot
def test_dovecot_keeps_ports_and_mail_when_it_is_stopped_and_started() -> None:
    with Dovecot("support@desk.test") as server:
        server.fill("support@desk.test", 3)
        before = (server.imap_port, server.raw_messages("support@desk.test"))
        server.stop()
        assert not ports.answers(server.imap_port)
        server.start()
        with IMAP4("127.0.0.1", server.imap_port) as imap:
            assert b"Letter 0" in first_message(imap)
            validity = imap.untagged_responses["UIDVALIDITY"]
        server.renumber("support@desk.test")
        with IMAP4("127.0.0.1", server.imap_port) as imap:
            first_message(imap)
            assert imap.untagged_responses["UIDVALIDITY"] != validity
        assert before == (server.imap_port, server.raw_messages("support@desk.test"))


@pytest.mark.slow
@pytest.mark.dovecot
def test_dovecot_takes_new_users_new_passwords_and_good_tokens_only() -> None:
    with Dovecot("support@desk.test") as server:
        server.add_user("bob@desk.test")
        server.set_password("support@desk.test", "changed")
        assert not signs_in(server, "support@desk.test", PASSWORD)
        assert signs_in(server, "support@desk.test", "changed")
        assert signs_in(server, "bob@desk.test", PASSWORD)
        assert signs_in(server, "bob@desk.test", token=server.token("bob@desk.test"))
        assert not signs_in(server, "bob@desk.test", token=server.token("support@desk.test"))
        old = server.token("bob@desk.test", seconds=-5)
        assert not signs_in(server, "bob@desk.test", token=old)
        with Dovecot("bob@desk.test", token_key=server.token_key) as other:
            assert signs_in(other, "bob@desk.test", token=server.token("bob@desk.test"))


@pytest.mark.slow
@pytest.mark.dovecot
def test_dovecot_may_refuse_passwords_that_are_not_encrypted() -> None:
    with Dovecot("support@desk.test", plaintext=False) as server:
        with IMAP4("127.0.0.2", server.imap_port) as imap:
            assert "LOGINDISABLED" in imap.capabilities
        assert signs_in(server, "support@desk.test", PASSWORD)


def signs_in(server: Dovecot, user: str, password: str = "", token: str = "") -> bool:
    """Say whether Dovecot lets the user in, by IMAP."""
    with IMAP4("127.0.0.1", server.imap_port) as imap:
        try:
            if token:
                said = f"user={user}\x01auth=Bearer {token}\x01\x01".encode()
                # An empty answer to the challenge in which the server says why not.
                imap.authenticate("XOAUTH2", lambda challenge: b"" if challenge else said)
            else:
                imap.login(user, password)
        except IMAP4.error:
            return False
        return True


def first_message(imap: IMAP4) -> bytes:
    """Sign in as support@desk.test and return the first message of the inbox."""
    imap.login("support@desk.test", PASSWORD)
    imap.select("INBOX")
    _, parts = imap.fetch("1", "(RFC822)")
    assert isinstance(parts[0], tuple)
    return parts[0][1]


@pytest.mark.slow
@pytest.mark.browser
def test_chromium_renders_a_page_and_ends() -> None:
    with Chromium() as browser:
        pid = browser.pid
        assert alive(pid)
        with browser.page() as page:
            page.goto("data:text/html,<h1>Good morning</h1>")
            assert page.get_by_role("heading").inner_text() == "Good morning"
    assert gone(pid)


def test_a_missing_program_is_named_with_its_package() -> None:
    with pytest.raises(PartMissing, match="apt-get install postfix"):
        program("no-such-program", "postfix")


def test_a_program_that_ends_at_once_shows_its_last_words(tmp_path: Path) -> None:
    process = Process(
        ["/bin/sh", "-c", "echo out of paper; exit 3"], log=tmp_path / "log", cwd=tmp_path
    )
    with pytest.raises(PartFailed, match=r"(?s)status 3.*out of paper"):
        process.wait_ready(lambda: False)


def test_a_program_that_does_not_listen_to_requests_is_killed(tmp_path: Path) -> None:
    command = ["/bin/sh", "-c", "trap '' TERM; touch ready; while :; do sleep 0.1; done"]
    process = Process(command, log=tmp_path / "log", cwd=tmp_path)
    process.wait_ready((tmp_path / "ready").exists)
    process.stop(seconds=0.5)
    assert gone(process.pid)


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not installed")
def test_a_server_does_not_outlive_tests_that_are_killed(tmp_path: Path) -> None:
    script = (
        "import os, signal; from pathlib import Path; from tests.parts.process import Process;"
        "server = Process(['/bin/sleep', '60'], log=Path('log'), cwd=Path());"
        "cmdline = Path(f'/proc/{server.pid}/cmdline');"
        "server.wait_ready(lambda: cmdline.read_text().startswith('/bin/sleep'));"
        "print(server.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert wait_until(lambda: not runs(int(killed.stdout)), seconds=10)


def runs(pid: int) -> bool:
    """Say whether a process exists that is more than a remnant nobody has asked about."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_the_tests_have_a_folder_of_their_own() -> None:
    folder = Path(os.environ["DESKPOST_DATA"])
    assert folder.is_relative_to(tempfile.gettempdir())
    assert folder == settings.DATA
