import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskpost.mail.html import to_text
from deskpost.mail.quotes import split, split_html
from tests.mail import samples

QUOTED = "> old words\n> and more\n"


@pytest.mark.parametrize(
    "attribution",
    [
        "On Mon, Jan 5, 2026 at 10:00 AM Support <support@desk.example> wrote:",
        "On Mon, Jan 5, 2026 at 10:00 AM Support\n<support+r.abc@desk.example> wrote:",
        "Am 05.01.2026 um 10:00 schrieb Support:",
        "Am Mo., 5. Jan. 2026 um 10:00 Uhr schrieb Support <support@desk.example>:",
        "Le lun. 5 janv. 2026 à 10:00, Support <support@desk.example> a écrit :",
        "El lun, 5 ene 2026 a las 10:00, Support (<support@desk.example>) escribió:",
        "Em seg., 5 de jan. de 2026 às 10:00, Support <support@desk.example> escreveu:",
        "Il giorno lun 5 gen 2026 alle ore 10:00 Support <support@desk.example> ha scritto:",
        "Op ma 5 jan 2026 om 10:00 schreef Support <support@desk.example>:",
        "Den mån 5 jan. 2026 kl 10:00 skrev Support <support@desk.example>:",
        "W dniu 5.01.2026 o 10:00 Support pisze:",
        "2026年1月5日(月) 10:00 サポート <support@desk.example>:",
        "2026/01/05 10:00、サポート <support@desk.example>のメール:",
        "2026年1月5日 10:00、サポート <support@desk.example>のメール：",
        "在 2026年1月5日，10:00，Support 写道：",
    ],
)
def test_an_attribution_and_what_it_quotes_is_cut(attribution: str) -> None:
    found = split(f"It works.\n\nThanks\n\n{attribution}\n\n{QUOTED}")
    assert found.new == "It works.\n\nThanks"
    assert found.rest.endswith("> and more")


@pytest.mark.parametrize(
    "block",
    [
        "________________________________\nFrom: Support\nSent: Monday\nTo: Ann\nSubject: Re: x\n",
        "-----Original Message-----\nFrom: Support\n",
        "*From:* Support\n*Sent:* Monday\n*To:* Ann\n",
        "Von: Support\nGesendet: Montag\nAn: Ann\nBetreff: x\n",
        "差出人: サポート\n送信日時: 2026年1月5日\n宛先: Ann\n件名: x\n",
        "De : Support\nEnvoyé : lundi\nÀ : Ann\nObjet : x\n",
    ],
)
def test_outlooks_header_block_is_cut(block: str) -> None:
    assert split(f"It works.\n\n{block}\nold words").new == "It works."


@pytest.mark.parametrize(
    "marker",
    [
        "## Reply above this line ##",
        "> --- Reply above this line ---",
        "> > reply above this line",
        "この行より上に返信してください",
        "> ## この行より上に返信してください。 ##",
    ],
)
@pytest.mark.parametrize(
    "above",
    [
        "",
        "On Mon, Jan 5, 2026 Support <support@desk.example> wrote:\n",
        "Kirjoittaja Support <support@desk.example> 5.1.2026:\n\n",
        "From: Support\nSent: Monday\nTo: Ann\n\n",
    ],
)
def test_our_marker_and_the_attribution_above_it_is_cut(marker: str, above: str) -> None:
    assert split(f"It works.\n\n{above}{marker}\nold words").new == "It works."


def test_another_marker() -> None:
    assert split("New\n* * * above * * *\nold", marker_lines=["above"]).new == "New"


@pytest.mark.parametrize("signature", ["-- \nAnn\n+1 555", "--\nAnn", "Sent from my phone"])
def test_a_signature_is_cut(signature: str) -> None:
    found = split(f"It works.\n\nThanks\n{signature}\n")
    assert (found.new, found.rest) == ("It works.\n\nThanks", signature)


def test_html_replies_are_split_after_they_are_made_text() -> None:
    assert split(to_text(samples.REPLY_HTML)).new == "It works now, thanks!"


@pytest.mark.parametrize(
    "text",
    [
        "FYI\n\n------ Forwarded message -----\nFrom: Carl\nDate: x\nSubject: y\nTo: z\n\nBroken",
        "見てください\n\n---- 転送メッセージ ----\n差出人: Carl\n宛先: z\n件名: y\n\nBroken",
        "On Mon, Jan 5, 2026 Support wrote:\n> one?\nyes\n> two?\nno",
        "> one?\nyes\n> two?\nno",
        "The meeting:\nFrom: 10:00\nTo: 12:00\n\nOk?",
        "On the door she wrote:\nplease knock",
        "Data: 5\nDo: it\n",
        "- one\n- two\n--- \nthree",
        "> only\n> quoted",
        "-- \nAnn",
        "On Mon, Jan 5, 2026 Support wrote:\n> old words",
        "",
    ],
)
def test_in_doubt_all_is_kept(text: str) -> None:
    found = split(text)
    assert (found.new, found.rest) == (text.strip(), "")


TAGS = [
    "<div class=gmail_quote>", "<blockquote type=cite>", "<blockquote>", "</blockquote>", "<hr>",
    "<div id=divRplyFwdMsg>", "<div id=appendonsend>", "</div>", "<br>", "<p>", "words", "On 5 ",
    "<div class=gmail_signature>", "-- <br>", "<div class=moz-cite-prefix>", "wrote:", "<pre>\n",
    "<b>From:</b> a@a.example<br>", "Subject: x<br>", "Sent: y<br>", "<table><tr><td>", "</table>",
]  # fmt: skip
LINES = [
    "", " ", "words", "> quoted", "> > deep", "-- ", "--", "From: a@a.example", "To: b", "Date: x",
    "Subject: y", "On Jan 5, 2026 Ann <a@a.example> wrote:", "Reply above this line",
    "---------- Forwarded message", "-----Original Message-----", "_" * 32, "Sent from my phone",
    "2026年1月5日 Ann <a@a.example>:", "\u3042" * 300, ":", "\x0c",
]  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.sampled_from(LINES) | st.text(max_size=30)).map("\n".join))
def test_nothing_is_lost(text: str) -> None:
    found = split(text)
    assert found.new in text.replace("\r\n", "\n").replace("\r", "\n")
    assert Counter("".join((found.new + found.rest).split())) == Counter("".join(text.split()))
    assert found.new or not text.strip()


@settings(deadline=None)
@given(st.lists(st.sampled_from(TAGS) | st.text("ab <>&;:", max_size=9)).map("".join))
def test_nothing_of_html_is_lost(html: str) -> None:
    found = split_html(html)
    both = f"{found.new}\n{found.rest}".replace(">", "")
    assert Counter("".join(both.split())) == Counter(
        "".join(to_text(html).replace(">", "").split())
    )


@pytest.mark.parametrize(
    "line",
    [
        "_" * 99 + "\n",
        *("\n", "> ", ">\n", "> a\n", "-- \n", "--\n", ":\n", " ", "\t", " " * 999),
        *("a", ">", ":", "-", "|", "*", "@", "<", "1", "あ", "\u202a", "\u0307", "\x0c", "\xa0"),
        *("| a\n", "|\n", "On \n", "On " * 80 + ":\n", "On x, 1:00 wrote\n b:\n", "wrote:\n"),
        ("On 1 On " * 20) + "wrote:\n",
        *("From: " + "a" * 200 + "\n", "From: a@b\n", "Subject: x\n", "To:\n\n", "-a\n\n"),
        "2026年1月5日" + "1:00 " * 30 + "<@>:\n",
        "On Jan 5, 2026 Ann wrote:\n> a\nb\n",
        "> On Jan 5, 2026 Ann wrote:\n",
        "Jan 5, 2026 10:00\n<a@a.example>:\n\n",
        "> " + "a" * 70 + "\nb\n",
        "Sent from my phone\n\n",
        "---- Original Message ----\n> a\n",
        "--- Forwarded message\n",
        "—\n\n",
        "__\n\na@a.example\n",
        "Reply above this line\n",
        "> Reply above this line\n",
    ],
)  # fmt: skip
def test_time_is_linear(line: str) -> None:
    text = line * (1_000_000 // len(line))
    started = time.process_time()
    split(text)
    split(f"words\n{text[:50_000]}\n> words\nwords")
    assert time.process_time() - started < 1
