"""Messages for the tests of this folder, each written for them."""

REPLY_HTML = (
    '<div dir="ltr">It works now, thanks!</div><br><div class="quote"><div>'
    "On Mon, Jan 5, 2026 at 10:00 AM Support &lt;support@desk.example&gt; wrote:<br></div>"
    "<blockquote>Have you tried again?</blockquote></div>"
)

PLAIN = """\
Return-Path: <ann@customer.example>
Received: from mx.customer.example by desk.example; Mon, 5 Jan 2026 10:00:02 +0000
From: "Berg, Ann" <ann@customer.example>
To: Support <support@desk.example>, bob@customer.example
Cc: carl@customer.example
Subject: =?utf-8?q?Printer_on_the_3rd_floor_is_?=
 =?utf-8?b?5aOK44KM44Gm44GE44G+44GZ?=
Date: Mon, 5 Jan 2026 11:00:00 +0100
Message-ID: <one.two@customer.example>
In-Reply-To: <zero@desk.example>
References: <first@desk.example>
 <zero@desk.example>
Content-Type: text/plain; charset=utf-8

The printer says "PC LOAD LETTER".
"""

MIXED = """\
From: ann@customer.example
To: support@desk.example
Subject: with files
Message-ID: <mixed@customer.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="outer"

--outer
Content-Type: multipart/alternative; boundary="inner"

--inner
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe
--inner
Content-Type: multipart/related; boundary="related"

--related
Content-Type: text/html; charset=utf-8

<p>Gr&uuml;&szlig;e <img src="cid:logo"></p>
--related
Content-Type: image/png
Content-ID: <logo>
Content-Disposition: inline; filename=logo.png
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--related--
--inner--
--outer
Content-Type: application/pdf
Content-Disposition: attachment; filename*=utf-8''%E8%A6%8B%E7%A9%8D.pdf
Content-Transfer-Encoding: base64

JVBERi0xLjQ=
--outer
Content-Type: message/rfc822

From: carl@customer.example
Subject: inner

forwarded
--outer--
"""

BOUNCE = """\
Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@relay.example>
To: support+b.token@desk.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary="r"

--r
Content-Type: text/plain

I am sorry.
--r
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example
Arrival-Date: Mon, 5 Jan 2026 10:00:00 +0000

Final-Recipient: rfc822; ann@customer.example
Original-Recipient: rfc822;ann@customer.example
Action: {action}
Status: {status}
Remote-MTA: dns; mx.customer.example
Diagnostic-Code: smtp; {diagnostic}

--r
Content-Type: text/rfc822-headers

From: support@desk.example
To: ann@customer.example
Message-ID: <dp.original@desk.example>
Subject: IT-1 Printer

--r--
"""

COMPLAINT = """\
From: feedback@provider.example
To: abuse@desk.example
Subject: complaint about message
Content-Type: multipart/report; report-type=feedback-report; boundary="f"

--f
Content-Type: text/plain

This is an email abuse report.
--f
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Provider-FBL/1.0
Version: 1
Original-Rcpt-To: <ann@customer.example>
Reporting-MTA: dns; fbl.provider.example

--f
Content-Type: message/rfc822

From: support@desk.example
To: ann@customer.example
Message-ID: <dp.original@desk.example>
Subject: IT-1 Printer

Hello
--f--
"""


def encode(message: str) -> bytes:
    """The message as it travels: UTF-8, with CRLF."""
    return message.replace("\n", "\r\n").encode()


def bounce(action: str = "failed", status: str = "5.1.1", diagnostic: str = "") -> bytes:
    words = diagnostic or f"550 {status} <ann@customer.example>: User unknown"
    return encode(BOUNCE.format(action=action, status=status, diagnostic=words))


def complaint(kind: str = "abuse") -> bytes:
    return encode(COMPLAINT.format(kind=kind))


def simple(headers: str = "", body: str = "Hello\n") -> bytes:
    """A message of a person, with further header lines."""
    start = "From: ann@customer.example\nTo: support@desk.example\nSubject: Hello\n"
    return encode(
        f"{start}{headers}{chr(10) if headers and headers[-1:] != chr(10) else ''}\n{body}"
    )
