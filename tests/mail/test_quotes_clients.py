"""What mail programs put around a quote, in plain text and in HTML; and what only looks like it."""

import pytest

from deskpost.mail.quotes import split, split_html

TEXT = "It works.\n\nBye"
OLD = "old words\nand more"
QUOTED = "> old words\n> and more"
HEADERS = "From: Desk [mailto:desk@desk.example]\nSent: Monday\nTo: Ann\nSubject: Printer"

ABOVE_ANYTHING = {
    "apple": "On Jan 5, 2026, at 10:00 AM, Desk <desk@desk.example> wrote:",
    "apple, wrapped twice": "On Jan 5, 2026,\nat 10:00,\nDesk <desk@desk.example> wrote:",
    "gmail, wrapped": "On Mon, Jan 5, 2026 at 10:00 AM The Desk of Example <\n"
    "desk@desk.example> wrote:",
    "gmail, wrapped at the verb": "On Mon, Jan 5, 2026 at 10:00 AM Desk <desk@desk.example>\n"
    "wrote:",
    "gmail, wrapped at the end": "man. 5. jan. 2026 kl. 10:00 skrev Desk <desk@desk.example\n"
    ">:",
    "gmail, old": "2026-01-05 10:00 GMT+01:00 Desk <desk@desk.example>:",
    "thunderbird": "On 05/01/2026 10:00, Desk wrote:",
    "thunderbird, de": "Am 05.01.2026 um 10:00 schrieb Desk:",
    "thunderbird, fi": "Desk kirjoitti 5.1.2026 klo 10.00 <desk@desk.example>:",
    "thunderbird, cs": "Dne 05. 01. 26 v 10:00 Desk napsal(a):",
    "thunderbird, hu": "2026. 01. 05. 10:00 keltezéssel, Desk írta:",
    "thunderbird, ja": "2026/01/05 10:00、デスクさんは書きました:",
    "evolution": "On Mon, 2026-01-05 at 10:00 +0000, Desk wrote:",
    "kmail": "On Monday, January 5, 2026 10:00:00 AM CET Desk wrote:",
    "roundcube": "W dniu 2026-01-05 10:00, Desk napisał(a):",
    "yahoo": "On Monday, January 5, 2026, 10:00:00 AM GMT, Desk <desk@desk.example> wrote:",
    "yahoo, old": "--- On Mon, 1/5/26, Desk <desk@desk.example> wrote:",
    "zoho": "---- On Mon, 05 Jan 2026 10:00:00 +0530 desk@desk.example wrote ----",
    "no colon": "On Mon, 5 Jan 2026 10:00:00 -0200 Desk <desk@desk.example> wrote",
    "yandex": '05.01.2026, 10:00, "Desk" <desk@desk.example>:',
    "yandex, en": '10:00 AM, January 5, 2026, "Desk" <desk@desk.example>:',
    "mail.ru": "Monday, 5 January 2026, 10:00 AM +0300 from Desk <desk@desk.example>:",
    "proton": "------- Original Message -------\nOn Monday, January 5th, 2026 at "
    "10:00, Desk wrote:",
    "spark": "On 5 Jan 2026, 10:00 +0100, Desk <desk@desk.example>, wrote:",
    "you": "On Jan 5, 2026 you wrote:",
    "apple, pl": "Wiadomość napisana przez Desk <d@d.example> w dniu 5 sty 2026, o godz. 10:00:",
    "apple, ru": "5 янв. 2026 г., в 10:00, Desk <d@d.example> написал(а):",
    "apple, zh": "在 2026年1月5日，10:00，Desk <d@d.example> 写道：",
    "gmx": "Gesendet: Montag, 5. Januar 2026 um 10:00 Uhr\nVon: Desk <d@d.example>\nAn: Ann",
    "date in arabic digits": "في ٥ يناير ٢٠٢٦، الساعة ١٠:٠٠، كتب Desk <d@d.example>:",
    "becky": "On Mon, 05 Jan 2026 10:00:00 +0900\nDesk <d@d.example> wrote:",
    "outlook": HEADERS,
    "outlook, indented": "\n".join(f"   {line}" for line in HEADERS.split("\n")),
    "outlook, spaced": HEADERS.replace("\n", "\n\n"),
    "outlook, wrapped": HEADERS.replace("Desk [", "The Desk\n["),
    "outlook, bold": "\n".join(f"*{line.replace(':', ':*', 1)}" for line in HEADERS.split("\n")),
    "outlook, ruler": f"{'_' * 32}\n{HEADERS}",
    "outlook, mobile": f"Get Outlook for iOS<https://aka.example/o0>\n{'_' * 32}\n{HEADERS}",
    "outlook, old": f"-----Original Message-----\n{HEADERS}",
    "hotmail": "Date: Mon, 5 Jan 2026 10:00:00 +0100\nSubject: Printer\nFrom: "
    "d@d.example\nTo: a@a.example",
    "samsung": f"-------- Original message --------\n{HEADERS}",
    "qq": "------------------ Original ------------------\nFrom: "
    "\"Desk\";<d@d.example>;\nTo: \"Ann\";",
    "orange": "====\n\nMessage du : 05/01/2026 10:00\nDe : Desk <d@d.example>\nA : "
    "a@a.example\nSujet : x",
    "outlook for mac": "From: Desk <desk@desk.example>\nDate: Monday, 5 January 2026\nTo: "
    "Ann\nSubject: x",
    "lotus": "From: Desk <desk@desk.example>\nTo: Ann <ann@a.example>\nDate: "
    "05/01/2026\nSubject: x",
}  # fmt: skip
ABOVE_QUOTED = {
    "gnus": "Desk <desk@desk.example> writes:",
    "horde": "Quoting Desk <desk@desk.example>:",
    "horde, de": "Zitat von Desk <desk@desk.example>:",
    "name only": "Desk wrote:",
    "em client": "Desk wrote on 1/5/2026 10:00 AM:",
    "mutt": "* Desk <desk@desk.example> [2026-01-05 10:00]:",
    "unknown language": "Idatzi du Desk-ek <desk@desk.example> 2026-01-05 10:00:",
}


@pytest.mark.parametrize("above", ABOVE_ANYTHING.values(), ids=ABOVE_ANYTHING)
def test_history_is_cut(above: str) -> None:
    for old in (OLD, QUOTED):
        found = split(f"{TEXT}\n\n{above}\n\n{old}")
        assert (found.new, found.rest) == (TEXT, f"{above}\n\n{old}".strip())


@pytest.mark.parametrize("above", ABOVE_QUOTED.values(), ids=ABOVE_QUOTED)
def test_history_is_cut_where_it_is_quoted(above: str) -> None:
    for end in ("", "\n\n-- \nAnn", "\n_______________\nlist\nlist@list.example"):
        found = split(f"{TEXT}\n\n{above}\n\n{QUOTED}{end}")
        assert found.new == TEXT
    text = f"{TEXT}\n\n{above}\n\n{OLD}"
    assert split(text).new == text


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("Yes.\n| On Jan 5, 2026 Ann <a@a.example> wrote:\n| old\n", "Yes."),
        ("Yes.\n\nOn Jan 5, 2026 Ann <a@a.example> wrote:\n| old\n| more\n", "Yes."),
        ("On Jan 5, 2026 Ann <a@a.example> wrote:\n| old\n\nYes.\n", "Yes."),
        ("> old\n> more\n\nYes.\nAnn\n", "Yes.\nAnn"),
        ("＞古い\n＞文\n\nはい。", "はい。"),
        ("-----Original Message-----\n> old\n\nYes.", "Yes."),
        ("> From: a@a.example\n> Subject: x\n> To: b\n>\n> old\n\nYes.", "Yes."),
        ("Yes.\n\n> Subject: x\n> From: a@a.example\n> To: b\n>\n> old", "Yes."),
        ("Hello\n> On 5 Jan 2026, at 10:00, Ann <a@a.example> wrote:\n>\n> old\n", "Hello"),
        # A signature, a quote and the footer of a list below each other.
        ("Yes.\n\nOn 5/1/26 10:00, Ann wrote:\n> old\n\n__\nlist\nlist@l.example\n", "Yes."),
        ("Yes.\n\n-- \nAnn\n\nOn 5/1/26 10:00, Ann wrote:\n> old\n", "Yes."),
        ("Yes.\n\nSent from my phone\n\n> On 5/1/26 10:00, Ann wrote:\n>\n> old\n", "Yes."),
        # Quoted lines that were wrapped on their way.
        (
            "Yes.\n\nOn 5/1/26 10:00, Ann wrote:\n> " + "words " * 12 + "and\nmore\n> old\n",
            "Yes.",
        ),
        ("Yes.\n\n—\nAnn Berg\nExample Ltd\nann@a.example", "Yes."),
        ("Yes.\n\n-Ann", "Yes."),
        ("Yes.\n\n/Ann", "Yes."),
        ("Yes.\n\n-Ann\n\n____________\nlist\nlist@l.example", "Yes."),
    ],
)
def test_new_text(text: str, new: str) -> None:
    assert split(text).new == new


@pytest.mark.parametrize(
    "text",
    [
        "Hi,\nOn Jan 5, 2026 Ann <a@a.example> wrote:\n> old\n\nYes.",
        "Yes.\n\nOn Jan 5, 2026 Ann <a@a.example> wrote:\n> one?\nYes.\n> two?\nNo.",
        "Yes.\n\n> one?\n\nYes.\n\n> two?\n\nNo.",
        "-----Original Message-----\n> one?\nYes.\n> two?\nNo.",
        "The line\n>From now on\nis not quoted, nor is\n>From here",
        "| a | b |\n| 1 | 2 |\n\nIs this right?",
        "Is this right?\n\n| a | b |\n| 1 | 2 |",
        "Source:\n\nReceived: by a.example\nFrom: a@a.example\nTo: b\nSubject: x\n\nOk?",
        "Trip:\nFrom: Rome\nTo: Oslo\nDate: 5 May\n\nOk?",
        "I mean From: our base, not From: others.\n\nTo: do: nothing.",
        "On the surface it is fine.\n\nOn the other hand:\n\nOn average, no.",
        "On Thursday:\n\nI wrote:\n\nplease help.",
        "On Thursday at 10:00 I called and she wrote:\nplease help.",
        "Formats:\n\n2026-01-05 10:00:30\n5.1.2026 10:00:\n\nAll of them.",
        "Since 2.10 there is no mail to ann@a.example:\nwhy?",
        "Sent from my desk, it is easier.\n\nBye",
        "This was sent from my phone app to all.\n\nSent from the main server, not mine.",
        "Look:\n----\n\n1. one\n2. two\n\n----\n\nThe lines are mine.\n\n====\n\nSo is this.",
        "Because of\n-- this\n-- that\n\nBye",
        "Things\n\n-one\n\n-two",
        "Choose:\n\n-Yes",
        "See\n\n/usr/bin",
        "Regards,\n\nAnn Berg\nExample Ltd",
        "Code:\n```\nsign('--\\nAnn');\n```\nBye",
        "Dear Ann:\n\nService expires:\n--------------------\nOne Jan 5, 2026 a.example\n\nBye",
        "```\n>>> print(1)\n1\n```",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_is_kept(text: str) -> None:
    found = split(text)
    assert (found.new, found.rest) == (text, "")


@pytest.mark.parametrize("subject", ["Fwd: x", "FW: x", "WG: x", "TR : x", "転送: x", "RV: x"])
def test_what_outlook_passes_on_is_text(subject: str) -> None:
    text = f"See below\n\n{HEADERS}\n\n{OLD}"
    assert split(text, subject=subject).new == text
    assert split(text, subject=f"Re: {subject}").new == "See below"
    assert split(f"{text}\nReply above this line\nx", subject=subject).new == "See below"
    html = f'See below<hr id="stopSpelling">{WAS}'
    assert split_html(html, subject=subject).new == "See below\n---\n\nold words"


SAID = "<div>It works.</div><div><br></div><div>Bye</div>"
WAS = "<p>old words</p>"
HTML_HEADERS = "<b>Foo:</b> Desk<br><b>Bar:</b> Monday<br>"
ODD = "Idatzi du Desk-ek:"  # no language that we know
HTML = {
    "gmail": f'{SAID}<div class="gmail_quote"><div dir="ltr" class="gmail_attr">{ODD}<br></div>'
    f'<blockquote class="gmail_quote" style="border-left:1px #ccc solid">{WAS}</blockquote></div>',
    "gmail, new": f'{SAID}<br><div class="gmail_quote gmail_quote_container">{ODD}{WAS}</div>',
    "thunderbird": f'{SAID}<div class="moz-cite-prefix">{ODD}</div>'
    f'<blockquote type="cite">{WAS}</blockquote>',
    "apple": f'{SAID}<div><blockquote type="cite"><div>{ODD}</div>{WAS}</blockquote></div>',
    "yahoo": f'{SAID}<div id="yahoo_quoted_1234" class="yahoo_quoted"><div>{ODD}</div>{WAS}</div>',
    "outlook on the web": f'{SAID}<div id="appendonsend"></div><hr><div id="divRplyFwdMsg">'
    f"{HTML_HEADERS}</div>{WAS}",
    "outlook, quoted again": f'{SAID}<hr><div id="x_divRplyFwdMsg">{HTML_HEADERS}</div>{WAS}',
    "outlook": f'<div class="WordSection1">{SAID}<div><div style="border:none;border-top:solid '
    f'#E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in">{HTML_HEADERS}</div></div>{WAS}</div>',
    "outlook 2007": f"<div class=Section1>{SAID}<div style='border:none;border-top:solid #B5C4DF "
    f"1.0pt;padding:3.0pt 0cm 0cm 0cm'>{HTML_HEADERS}</div>{WAS}</div>",
    "outlook, mobile": f'{SAID}<div id="mail-editor-reference-message-container">'
    f"<div>{HTML_HEADERS}</div>{WAS}</div>",
    "outlook for mac": f'{SAID}<span id="OLK_SRC_BODY_SECTION">{HTML_HEADERS}{WAS}</span>',
    "outlook express": f'{SAID}<div class="OutlookMessageHeader">{HTML_HEADERS}</div>{WAS}',
    "hotmail": f'{SAID}<hr id="stopSpelling">{HTML_HEADERS}{WAS}',
    "hotmail, skydrive": f'{SAID}<div id="SkyDrivePlaceholder"></div>&gt; Foo: x<br>&gt; old',
    "hotmail, quoted": f'{SAID}<hr id="ecxstopSpelling">{HTML_HEADERS}{WAS}',
    "windows mail": f'{SAID}<div style="padding-top: 5px; border-top-color: rgb(229, 229, 229); '
    f'border-top-width: 1px; border-top-style: solid;">{HTML_HEADERS}</div>{WAS}',
    "zimbra": f'{SAID}<hr id="zwchr" data-marker="__DIVIDER__">{HTML_HEADERS}{WAS}',
    "zoho": f'{SAID}<div class="zmail_extra"><div>{ODD}</div><blockquote>{WAS}</blockquote></div>',
    "proton": f'{SAID}<div class="protonmail_quote">{ODD}<br><blockquote class="protonmail_quote"'
    f' type="cite">{WAS}</blockquote></div>',
    "aol": f'{SAID}<div class="aolReplacedBody">{ODD}{WAS}</div>',
    "spark": f'{SAID}<div name="messageReplySection">{ODD}<blockquote>{WAS}</blockquote></div>',
    "mail.ru": f"{SAID}<div>Mon, 5 Jan 2026 10:00 +0300 от Desk &lt;d@d.example&gt;:</div>"
    f'<blockquote style="border-left:1px solid #0857A6">{WAS}</blockquote>',
    "qq": f"{SAID}<div>------------------&nbsp;原始邮件&nbsp;------------------</div>{WAS}",
    "text only": f"{SAID}<div>On 5 Jan 2026 at 10:00, Desk wrote:</div>{WAS}",
}  # fmt: skip


@pytest.mark.parametrize("html", HTML.values(), ids=HTML)
def test_html(html: str) -> None:
    found = split_html(f"<html><body>{html}</body></html>")
    assert found.new == TEXT
    assert "old" in found.rest


@pytest.mark.parametrize(
    ("html", "new"),
    [
        # Answered below, and within.
        (
            f'<div class="gmail_quote"><div class="gmail_attr">{ODD}</div><blockquote '
            f'class="gmail_quote">{WAS}</blockquote></div>{SAID}',
            TEXT,
        ),
        (
            f'Hi<div class="gmail_quote"><div class="gmail_attr">{ODD}</div>'
            "<blockquote>one?</blockquote>Yes.<blockquote>two?</blockquote>No.</div>",
            f"Hi\n{ODD}\n\n> one?\n\nYes.\n\n> two?\n\nNo.",
        ),
        # Passed on.
        (
            'See<div class="gmail_quote"><div>---------- Forwarded message ---------<br>'
            "From: Carl &lt;c@c.example&gt;<br>Subject: x<br>To: Desk</div>Broken</div>",
            "See\n---------- Forwarded message ---------\nFrom: Carl <c@c.example>\nSubject: x\n"
            "To: Desk\nBroken",
        ),
        # Only moved to the right.
        (
            '<div>Do</div><blockquote style="margin:0 0 0 40px;border:none;padding:0px">this'
            "</blockquote>",
            "Do\n\nthis",
        ),
        ('Yes.<div class="gmail_signature">Ann<br>Example Ltd</div>', "Yes."),
        ('Yes.<div>-- <br></div><div class="gmail_signature">Ann</div>', "Yes."),
        ('<div class="gmail_signature">Ann</div>Yes.', "Ann\nYes."),
        ('<div id="Signature">Yes.</div>', "Yes."),
        ("", ""),
        ('<div class="gmail_quote">old</div>', "old"),
    ],
)  # fmt: skip
def test_what_html_says_otherwise(html: str, new: str) -> None:
    assert split_html(html).new == new


def test_wild_html_is_split_as_text() -> None:
    html = "Yes.<br>\nOn 5 Jan 2026, Ann &lt;a@a.example&gt; wrote:\n" + "<div>" * 5_000 + "\nold"
    assert split_html(html).new.startswith("Yes.")
