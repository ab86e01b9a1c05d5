"""The misbehaving mail server does what it is told, and keeps what it heard."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts import certificates, misdeeds
from tests.parts.misdeeds import NONSENSE, Act
from tests.parts.refusing import Refusing

MAIL = b"From: it@desk.test\r\nSubject: Hello\r\n\r\n.Good\r\n..morning.\r\n"


@pytest.fixture
def server() -> Iterator[Refusing]:
    with Refusing() as part:
        yield part


def client(server: Refusing) -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", server.port, timeout=5)


def send(server: Refusing, *recipients: str) -> dict[str, tuple[int, bytes]]:
    with client(server) as smtp:
        return smtp.sendmail("it@desk.test", recipients or ["ann@x.test"], MAIL)


def test_it_keeps_the_message_byte_for_byte_and_the_dialogue(server: Refusing) -> None:
    assert send(server) == {}
    (message,) = server.messages
    assert (message.mail_from, message.recipients) == ("it@desk.test", ("ann@x.test",))
    assert message.content == MAIL
    assert message.dialogue.verbs == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]
    assert not message.dialogue.is_pipelined


def test_it_refuses_one_recipient_and_takes_the_other(server: Refusing) -> None:
    server.at("rcpt", "550 5.1.1 no such user", of="bob@x.test")
    assert send(server, "ann@x.test", "bob@x.test") == {"bob@x.test": (550, b"5.1.1 no such user")}
    assert server.messages[0].recipients == ("ann@x.test",)


def test_an_act_is_done_as_often_as_it_was_told(server: Refusing) -> None:
    server.at("dot", "451 4.3.0 later", times=1)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(server)
    assert refused.value.smtp_code == 451
    send(server)
    assert [one.code for one in server.received] == [451, 250]
    assert len(server.messages) == 1


def talk_on(port: int) -> None:
    """Say all that a client says without waiting, then listen for a while."""
    with socket.create_connection(("127.0.0.1", port), timeout=0.05) as sock:
        sock.sendall(b"EHLO x\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@x.test>\r\nDATA\r\n")
        sock.sendall(MAIL + b".\r\n")
        for _ in range(100):
            if not sock.recv(1 << 16):
                return


@pytest.mark.parametrize("point", ["greeting", "ehlo", "mail", "rcpt", "data", "content", "dot"])
@pytest.mark.parametrize("act", [misdeeds.hang_up(), *NONSENSE.values()])
def test_it_misbehaves_at_each_point_and_ends_by_itself(point: str, act: Act) -> None:
    with Refusing() as server:
        server.at(point, act)
        with contextlib.suppress(OSError):  # it waits for more, or the connection ends
            talk_on(server.port)
    assert not any(thread.is_alive() for thread in server._threads)


def test_it_sees_who_speaks_on_without_an_answer(server: Refusing) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock:
        assert sock.recv(4096).startswith(b"220 ")
        sock.sendall(b"EHLO x\r\n")
        while b"250 " not in sock.recv(4096):
            pass
        sock.sendall(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@x.test>\r\nDATA\r\n")
        heard = b""
        while b"354" not in heard:
            heard += sock.recv(4096)
    said = server.dialogues[0].commands
    assert [(one.verb, one.ahead) for one in said] == [
        ("EHLO", False),
        ("MAIL", False),
        ("RCPT", True),
        ("DATA", True),
    ]


def test_it_speaks_tls_and_takes_a_sign_in(tmp_path: Path) -> None:
    trusted = ssl.create_default_context(cafile=certificates.make(tmp_path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    offers = ["AUTH PLAIN LOGIN"]
    with Refusing(context=context, offers=offers) as server, client(server) as smtp:
        smtp.starttls(context=trusted)
        assert smtp.login("it", "secret")[0] == 235
        smtp.sendmail("it@desk.test", ["ann@x.test"], MAIL)
        assert server.dialogues[0].verbs[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]
        assert len(server.messages) == 1


def test_slow_answers_come_whole(server: Refusing) -> None:
    server.at("mail", misdeeds.dripping("250 2.1.0 OK", every=0.001))
    server.at("rcpt", misdeeds.late(0.05, "250 2.1.5 OK"))
    assert send(server) == {}
    assert len(server.messages) == 1


def test_a_message_without_an_answer_is_kept_as_such(server: Refusing) -> None:
    server.at("dot", misdeeds.hang_up())
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(server)
    assert [one.code for one in server.to("ann@x.test")] == [0]
    assert server.messages == []
