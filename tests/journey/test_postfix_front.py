"""A real Postfix in front of the site, set up by the very lines of docs/operate.md."""

from __future__ import annotations

import email
import email.policy
import re
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from deskpost import config, config_values
from tests.parts.postfix import Postfix
from tests.parts.process import wait_until
from tests.parts.site import ROOT, Site, letter, wire
from tests.parts.world import OutsideWorld

pytestmark = [pytest.mark.database, pytest.mark.slow, pytest.mark.postfix]

DOMAIN = "desk.example.test"
TO = f"it@{DOMAIN}"
# What Debian's Postfix sets besides: it must not take the token from a reply address.
DEBIAN = "recipient_delimiter = +"
OUTCOMES = "SELECT status, outcome, envelope_to, transport FROM deskpost_inboundemail ORDER BY id"


@pytest.fixture
def front(world: OutsideWorld) -> Iterator[tuple[Site, Postfix]]:
    site = Site(relay=f"smtp://127.0.0.1:{world.port}", env={"DESKPOST_DOMAIN": DOMAIN})
    with Postfix(relay_to=world.port, settings=documented(site.lmtp_port)) as postfix, site:
        yield site, postfix


def documented(lmtp_port: int) -> str:
    """The lines of main.cf in docs/operate.md, leading to this port."""
    text = (ROOT / "docs" / "operate.md").read_text("utf-8")
    (lines,) = re.findall(r"^```postfix\n(.*?)^```", text, re.M | re.S)
    assert lines.count(":2424") == 1
    return f"{DEBIAN}\n{lines.replace(':2424', f':{lmtp_port}')}"


def offer(
    postfix: Postfix,
    message: EmailMessage,
    to: str = TO,
    sender: str = "ann@x.test",
    options: tuple[str, ...] = (),
) -> None:
    """Hand a message to Postfix as another mail server would; raises what smtplib raises."""
    with smtplib.SMTP("127.0.0.1", postfix.smtp_port, timeout=60) as client:
        client.sendmail(sender, [to], wire(message), options)


def wait_empty(postfix: Postfix) -> None:
    assert wait_until(lambda: not any(postfix.queue().values()), seconds=40), postfix.log_text()


def test_a_message_comes_through_postfix_and_has_its_row_and_outcome(
    front: tuple[Site, Postfix],
) -> None:
    site, postfix = front
    message = letter(to=TO)
    message.set_payload("It goes on and on" * 300 + "\n")  # longer than a line of SMTP may be
    offer(postfix, message)
    site.wait_settled(1)
    assert site.sql(OUTCOMES) == [("success", "request_created", TO, "lmtp")]
    ((key,),) = site.sql("SELECT raw_key FROM deskpost_inboundemail")
    raw = (site.data / "raw" / key).read_bytes()
    assert raw.endswith(wire(message))
    assert b"by relay.test (Postfix)" in raw
    wait_empty(postfix)


def test_an_address_of_no_channel_is_refused_at_once_and_not_bounced_later(
    front: tuple[Site, Postfix], world: OutsideWorld
) -> None:
    site, postfix = front
    for local in ("nobody", "it+r.aaaaaaaaaaaaaaaaaaaaaaaaaa", "it+anything"):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            offer(postfix, letter(), to=f"{local}@{DOMAIN}")
        ((code, words),) = refused.value.recipients.values()
        assert code == 550, words
    wait_empty(postfix)
    assert "status=bounced" not in postfix.log_text()
    assert world.messages == []
    assert site.sql(OUTCOMES) == []


def test_an_answer_to_a_signed_address_comes_through_whole(
    front: tuple[Site, Postfix], world: OutsideWorld
) -> None:
    site, postfix = front
    offer(postfix, letter(to=TO))
    (sent,) = world.wait_for(1)
    receipt = email.message_from_bytes(sent.content, policy=email.policy.default)
    reply_to = receipt["Reply-To"].addresses[0].addr_spec
    assert re.fullmatch(rf"it\+r\.[a-z2-7]+@{re.escape(DOMAIN)}", reply_to)
    offer(postfix, letter("Re: whatever", "It works again.", to=reply_to), to=reply_to)
    offer(postfix, bounce_of(sent.rcpt_tos[0]), to=sent.mail_from, sender="")
    site.wait_settled(3)
    assert sorted(site.sql(OUTCOMES)) == sorted(
        [
            ("success", "request_created", TO, "lmtp"),
            ("success", "comment_added", reply_to, "lmtp"),
            ("skipped", "delivery_status", sent.mail_from, "lmtp"),
        ]
    )


def bounce_of(address: str) -> EmailMessage:
    """A report as other servers send it (RFC 3464), with what Deskpost needs of it."""
    report = (
        "From: mailer-daemon@x.test\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nNo.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.x.test\r\n\r\n"
        f"Final-Recipient: rfc822; {address}\r\nAction: failed\r\nStatus: 4.2.2\r\n\r\n--b--\r\n"
    )
    found = email.message_from_string(report, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_a_sender_beyond_ascii_comes_through(front: tuple[Site, Postfix]) -> None:
    site, postfix = front
    message = letter(sender="jörg@bücher.test", to=TO)
    with smtplib.SMTP("127.0.0.1", postfix.smtp_port, timeout=60) as client:
        client.ehlo()
        client.command_encoding = "utf-8"
        client.mail("jörg@bücher.test", ["SMTPUTF8", "BODY=8BITMIME"])
        client.rcpt(TO)
        code, words = client.data(message.as_bytes(policy=email.policy.SMTPUTF8))
    assert code == 250, words
    site.wait_settled(1)
    assert site.sql("SELECT outcome, envelope_from FROM deskpost_inboundemail") == [
        ("request_created", "jörg@bücher.test")
    ]


def test_while_the_site_is_stopped_postfix_queues_and_then_delivers_once(
    front: tuple[Site, Postfix],
) -> None:
    site, postfix = front
    offer(postfix, letter(to=TO))
    site.wait_settled(1)
    assert site.process is not None
    site.process.stop()
    offer(postfix, letter("While you were away", to=TO))
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        offer(postfix, letter(), to=f"never-seen@{DOMAIN}")
    ((code, words),) = refused.value.recipients.values()
    assert code == 450, words  # nobody can be asked: its sender's server tries again
    assert wait_until(lambda: postfix.queue()["deferred"] == 1, seconds=20), postfix.log_text()
    site.start()
    site.wait_settled(2)
    wait_empty(postfix)
    assert [row[1] for row in site.sql(OUTCOMES)] == ["request_created", "request_created"]
    assert "status=bounced" not in postfix.log_text()


def test_the_limits_of_postfix_and_site_are_in_step(front: tuple[Site, Postfix]) -> None:
    site, postfix = front
    (setting,) = (one for one in config.SETTINGS if one.name == "DESKPOST_INBOUND_LIMIT")
    limit = config_values.size(setting.default)
    # What Postfix adds to a message itself (Received, its envelope) counts too.
    offer(postfix, sized(limit - 4096))
    site.wait_settled(1)
    with pytest.raises(smtplib.SMTPSenderRefused) as declared:
        offer(postfix, sized(limit + 1))
    assert declared.value.smtp_code == 552
    with smtplib.SMTP("127.0.0.1", postfix.smtp_port, timeout=60) as client:
        client.ehlo()
        client.mail("ann@x.test")
        client.rcpt(TO)
        code, words = client.data(wire(sized(limit + 4096)))
    assert code == 552, words
    wait_empty(postfix)
    assert [row[1] for row in site.sql(OUTCOMES)] == ["request_created"]
    assert "status=bounced" not in postfix.log_text()


def sized(octets: int) -> EmailMessage:
    """A letter of that size as it travels, in lines of 78 octets with their CRLF."""
    message = letter(to=TO, body="")
    message.set_payload("")
    lines, rest = divmod(octets - len(wire(message)), 78)
    message.set_payload(("x" * 76 + "\n") * (lines - 1) + "y" * (76 + rest) + "\n")
    assert len(wire(message)) == octets
    return message
