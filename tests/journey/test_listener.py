"""The listener's answers, asked over SMTP and LMTP of a running site."""

from __future__ import annotations

import hashlib
import smtplib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journey.test_site import child
from tests.parts import certificates
from tests.parts.process import wait_until
from tests.parts.site import Site, letter

pytestmark = [pytest.mark.database, pytest.mark.slow]
LIMIT = 1024 * 1024


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    settings = {
        "DESKPOST_INBOUND_LIMIT": str(LIMIT),
        "DESKPOST_SMTP_RECIPIENTS": "3",
        "DESKPOST_SMTP_CONNECTIONS": "5",
        "DESKPOST_SMTP_IDLE": "2",
    }
    with Site(env=settings) as running:
        yield running


@pytest.fixture
def client(site: Site) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", site.smtp_port, timeout=20) as connection:
        connection.ehlo("x.test")
        yield connection


def rows(site: Site) -> int:
    return int(site.sql("SELECT count(*) FROM deskpost_inboundemail")[0][0])


def newest(site: Site, columns: str) -> tuple[object, ...]:
    return site.sql(f"SELECT {columns} FROM deskpost_inboundemail ORDER BY id DESC LIMIT 1")[0]


def test_it_offers_size_and_smtputf8_and_no_sign_in(client: smtplib.SMTP) -> None:
    assert client.esmtp_features["size"] == str(LIMIT)
    assert {"8bitmime", "smtputf8", "enhancedstatuscodes"} <= set(client.esmtp_features)
    assert "auth" not in client.esmtp_features


@pytest.mark.parametrize(
    "recipient",
    ["nobody@desk.test", "it@elsewhere.test", "it+r.aaaaaaaaaaaaaaaaaaaaaaaa@desk.test"],
)
def test_it_takes_mail_for_its_channels_only(client: smtplib.SMTP, recipient: str) -> None:
    client.mail("ann@x.test")
    code, words = client.rcpt(recipient)
    assert code == 550
    assert words.startswith(b"5.1.1")


def test_an_address_is_known_however_it_is_written(client: smtplib.SMTP) -> None:
    client.mail("ann@x.test")
    assert client.rcpt("IT@DESK.test")[0] == 250


def test_a_null_sender_is_taken(site: Site, client: smtplib.SMTP) -> None:
    client.docmd("MAIL FROM:<>")
    client.rcpt("it@desk.test")
    assert client.data(letter("from nobody").as_bytes())[0] == 250
    assert newest(site, "envelope_from") == ("",)


def test_a_size_declared_too_large_is_refused_at_rcpt_and_leaves_a_row(
    site: Site, client: smtplib.SMTP
) -> None:
    before = rows(site)
    assert client.mail("ann@x.test", ["SIZE=99999999"])[0] == 250
    assert client.rcpt("it@desk.test")[0] == 552
    assert rows(site) == before + 1
    assert newest(site, "envelope_from, envelope_to, oversize_bytes") == (
        "ann@x.test",
        "it@desk.test",
        99999999,
    )
    assert wait_until(lambda: newest(site, "outcome") == ("too_large",), seconds=10)


def test_what_turns_out_too_large_is_refused_and_its_headers_are_kept(
    site: Site, client: smtplib.SMTP
) -> None:
    client.mail("ann@x.test")
    client.rcpt("it@desk.test")
    film = b"From: ann@x.test\r\nSubject: my holiday film\r\n\r\n" + b"A" * 78 * 20_000
    assert client.data(film)[0] == 552
    assert wait_until(lambda: newest(site, "outcome") == ("too_large",), seconds=10)
    assert newest(site, "subject, oversize_bytes > 1000000") in {
        ("my holiday film", True),
        ("my holiday film", 1),
    }


def test_more_recipients_than_allowed_are_put_off(client: smtplib.SMTP) -> None:
    client.mail("ann@x.test")
    codes = [client.rcpt("it@desk.test")[0] for _ in range(4)]
    assert codes == [250, 250, 250, 452]


def test_more_connections_than_allowed_are_put_off(site: Site) -> None:
    held = [smtplib.SMTP("127.0.0.1", site.smtp_port, timeout=20) for _ in range(5)]
    try:
        with pytest.raises(smtplib.SMTPConnectError) as refused:
            smtplib.SMTP("127.0.0.1", site.smtp_port, timeout=20)
        assert refused.value.smtp_code == 421
    finally:
        for connection in held:
            connection.close()
    assert wait_until(lambda: can_connect(site), seconds=10)


def can_connect(site: Site) -> bool:
    try:
        smtplib.SMTP("127.0.0.1", site.smtp_port, timeout=20).close()
    except smtplib.SMTPException:
        return False
    return True


def test_an_idle_connection_is_closed(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.smtp_port), timeout=20) as idle:
        assert idle.recv(100).startswith(b"220")
        assert idle.recv(100) == b""


NASTY = {
    "nothing": b"",
    "a lone line": b"hello\r\n",
    "no line end": b"Subject: x\r\n\r\nno line end",
    "every byte": bytes(range(256)) * 40,
    "bare line feeds": b"From: ann@x.test\nSubject: unix\n\nhello\n",
    "dots": b"Subject: dots\r\n\r\n.\r.\n..\r\n...\r\n.hidden\r\n",
    "a line of a megabyte": b"Subject: long\r\n\r\n" + b"x" * 900_000 + b"\r\n",
    "nul": b"From: ann@x.test\r\nSubject: a\x00b\r\n\r\n\x00\x00\r\n",
    "header bomb": b"X: y\r\n" * 20_000 + b"\r\nbody\r\n",
    "nested": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(5000)
    ),
}


@pytest.mark.parametrize("name", NASTY)
def test_a_message_of_any_bytes_is_kept_as_it_came_and_gets_an_outcome(
    site: Site, name: str
) -> None:
    content = NASTY[name]
    with socket.create_connection(("127.0.0.1", site.smtp_port), timeout=20) as wire:
        talk = wire.makefile("rwb")
        for command in (
            b"",
            b"HELO x.test",
            b"MAIL FROM:<ann@x.test>",
            b"RCPT TO:<it@desk.test>",
            b"DATA",
        ):
            if command:
                talk.write(command + b"\r\n")
                talk.flush()
            assert talk.readline()[:3] in {b"220", b"250", b"354"}
        stuffed = content.replace(b"\r\n.", b"\r\n..")
        if stuffed.startswith(b"."):
            stuffed = b"." + stuffed
        ended = not content or content.endswith(b"\r\n")
        talk.write(stuffed + (b"" if ended else b"\r\n") + b".\r\n")
        talk.flush()
        assert talk.readline().startswith(b"250")
    expected = content if ended else content + b"\r\n"
    key, size, digest = newest(site, "raw_key, raw_size, raw_sha256")
    if expected:
        kept = (site.data / "raw" / str(key)).read_bytes()
        assert kept == expected
        assert (size, digest) == (len(expected), hashlib.sha256(expected).hexdigest())
    assert wait_until(lambda: newest(site, "settled_at IS NOT NULL")[0] in {1}, seconds=20)
    assert newest(site, "outcome")[0] != "internal_error"


def test_a_client_whose_name_is_no_text_is_heard_all_the_same(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.smtp_port), timeout=20) as wire:
        talk = wire.makefile("rwb")
        for command in (
            b"",
            b"EHLO x\xff\x00\xed\xa0\x80.test",
            b"MAIL FROM:<ann@x.test>",
            b"RCPT TO:<it@desk.test>",
            b"DATA",
            b"Subject: odd name\r\n\r\nhello\r\n.",
        ):
            if command:
                talk.write(command + b"\r\n")
                talk.flush()
            while (answer := talk.readline())[3:4] == b"-":
                pass
            assert answer[:3] in {b"220", b"250", b"354"}
    (client,) = newest(site, "client")
    assert str(client).startswith("127.0.0.1 x")
    assert str(client).endswith(".test")


def test_large_messages_do_not_make_a_listener_grow() -> None:
    film = b"From: ann@x.test\r\n\r\n" + (b"." + b"A" * 76 + b"\r\n") * 310_000  # 24 MiB
    with Site() as site:
        listener = child(site, "receive")
        for _ in range(3):
            site.send(film)
        before = resident(listener, "VmRSS")
        for _ in range(8):
            site.send(film)
        assert resident(listener, "VmRSS") < before + 30
        assert resident(listener, "VmHWM") < 200


def resident(pid: int, name: str) -> float:
    """The memory that a process holds, or (VmHWM) has held at most, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(name))) / 1024


def test_lmtp_answers_for_each_recipient(site: Site) -> None:
    with smtplib.LMTP("127.0.0.1", site.lmtp_port, timeout=20) as client:
        client.ehlo("mx.x.test")  # smtplib's LMTP says LHLO
        client.mail("ann@x.test")
        assert client.rcpt("it@desk.test")[0] == 250
        assert client.rcpt("facilities@desk.test")[0] == 250
        assert client.rcpt("nobody@desk.test")[0] == 550
        client.docmd("DATA")
        client.send(b"Subject: by lmtp\r\nFrom: ann@x.test\r\n\r\nhello\r\n.\r\n")
        assert [client.getreply()[0], client.getreply()[0]] == [250, 250]
    projects = site.sql("SELECT project_id FROM deskpost_inboundemail WHERE transport = 'lmtp'")
    assert len(set(projects)) == 2


def test_starttls_when_a_certificate_is_set(tmp_path: Path) -> None:
    trusted = certificates.make(tmp_path)
    settings = {
        "DESKPOST_TLS_CERT": str(tmp_path / "server.pem"),
        "DESKPOST_TLS_KEY": str(tmp_path / "server.key"),
    }
    with Site(env=settings) as site, smtplib.SMTP("localhost", site.smtp_port) as client:
        client.ehlo("x.test")
        client.starttls(context=ssl.create_default_context(cafile=str(trusted)))
        client.ehlo("x.test")
        client.sendmail("ann@x.test", ["it@desk.test"], letter("by tls").as_bytes())
        site.wait_settled(1)
