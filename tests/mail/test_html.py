import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskpost.mail.html import sanitise, sanitise_counted, to_text
from tests.mail import samples

PIECES = [
    "<", ">", "/", '"', "'", "=", " ", "&lt;", "&#60;", "\x00", "<!--", "-->", "<![CDATA[", "]]>",
    "<script>", "</script>", "<img ", "src=x ", "src=cid:a ", "onerror=alert(1) ", "<svg>",
    "<math>", "<style>", "</style>", "<a href=", "javascript:alert(1)", "java\tscript:x",
    "data:text/html,x", "style=", "color:url(//x)", "background:url(//x)", "<template>",
    "<noscript>", "<title>", "<textarea>", "<iframe ", "srcdoc=x", "<form ", "<base href=//x>",
    "<meta http-equiv=refresh>", "<p ", "<table>", "<mi>", "alert(1)", "\ud800", "<div ",
    "onclick=x", "</div>", "<select><option>", "<link rel=stylesheet>",
]  # fmt: skip
SAFE_TAGS = """
a abbr address b blockquote br caption center cite code col colgroup dd del details div dl
dt em figcaption figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt
ruby s samp small span strike strong sub summary sup table tbody td tfoot th thead time tr
tt u ul var wbr
"""
SAFE_ATTRIBUTES = """
align alt bgcolor border cellpadding cellspacing color colspan datetime dir height href
lang rel rowspan size span src start style title valign width
"""


class Checker(HTMLParser):
    """Reads what came out with another parser than the ones that made it."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SAFE_TAGS.split()
        for name, value in attrs:
            assert name in SAFE_ATTRIBUTES.split()
            if name == "src":
                assert (value or "").lower().startswith("cid:")
            if name == "href":
                scheme = re.match(r"\s*([a-z][a-z0-9+.-]*):", value or "", re.IGNORECASE)
                assert not scheme or scheme[1].lower() in {"http", "https", "mailto", "tel", "cid"}
            if name == "style":
                assert "url(" not in (value or "").lower()

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment")


class TestSanitise:
    @pytest.mark.parametrize(
        ("html", "safe"),
        [
            ("<p>Hello <b>Ann</b></p>", "<p>Hello <b>Ann</b></p>"),
            ("a<script>alert(1)</script>b", "ab"),
            ("<p onclick=x>a</p>", "<p>a</p>"),
            ("<style>p{}</style><title>t</title>a", "a"),
            ("<form action=x><input name=a><button>Go</button></form>", "Go"),
            ("<p style='color:red;position:fixed'>a</p>", '<p style="color:red">a</p>'),
            ("<svg><script>alert(1)</script></svg>a", "a"),
            ("<iframe src=//x.example></iframe>a", "a"),
            ('<img src="cid:logo" alt="x">', '<img src="cid:logo" alt="x">'),
            ("<td background=//x.example>a", "a"),
        ],
    )
    def test_keeps_the_text_and_no_more(self, html: str, safe: str) -> None:
        assert sanitise(html) == safe

    def test_links_open_without_telling_from_where(self) -> None:
        assert 'rel="noopener noreferrer nofollow"' in sanitise("<a href=https://a.example>x</a>")
        assert "href" not in sanitise("<a href=' javascript:alert(1)'>x</a>")

    @pytest.mark.parametrize(
        "image",
        [
            "<img src=https://t.example/p.gif>",
            '<img alt="a > b" src="//t.example/p.gif">',
            "<img>",
            "<img src=data:image/gif;base64,R0lGODlhAQABAAAAACw=>",
            "<img srcset='https://t.example/p.gif 2x'>",
        ],
    )
    def test_counts_removed_images(self, image: str) -> None:
        safe = sanitise_counted(f'a{image}<img src="cid:b">c{image}')
        assert safe.html == 'a<img src="cid:b">c'
        assert safe.removed_images == 2

    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5)).map("".join))
    def test_nothing_runs_and_nothing_is_fetched(self, html: str) -> None:
        safe = sanitise(html)
        safe.encode()
        Checker().feed(safe)

    @pytest.mark.parametrize(
        "style",
        [
            *("font-size:0", "font-size:0px;color:red", "font-size:0.0em", "font-size:1px"),
            *("font-size:900px", "font-size:40em", "font-size:100vw", "font-size:900%"),
            *("color:transparent", "position:fixed", "display:none"),
            *("opacity:0", "background:url(https://t.example/p.gif)", "color:url(cid:x)"),
            *("background-image:url(https://t.example/p.gif)", "margin-left:-9999px"),
        ],
    )
    def test_a_style_that_hides_or_covers_is_dropped(self, style: str) -> None:
        safe = sanitise(f'<p style="{style}">a</p>')
        assert re.sub(r' style="(?:color:red)?"', "", safe) == "<p>a</p>"

    @pytest.mark.parametrize(
        "style",
        [
            *("font-size:0.8em", "font-size:12px", "font-size:100%", "font-size:10.5pt"),
            *("color:rgb(1, 2, 3)", "background-color:transparent", "vertical-align:top"),
        ],
    )
    def test_a_plain_style_stays(self, style: str) -> None:
        assert sanitise(f'<p style="{style}">a</p>') == f'<p style="{style}">a</p>'

    def test_is_stable(self) -> None:
        once = sanitise(samples.REPLY_HTML)
        assert sanitise(once) == once


class TestToText:
    @pytest.mark.parametrize(
        ("html", "text"),
        [
            ("<p>One</p><p>Two<br>Three</p>", "One\n\nTwo\nThree"),
            ("<ul><li>a<li>b<ol><li>x<li>y</ol></ul>", "- a\n- b\n  1. x\n  2. y"),
            ('<a href="https://a.example/x">here</a>', "here (https://a.example/x)"),
            ('<a href="https://a.example/">a.example</a>', "a.example"),
            ('<a href="mailto:ann@a.example">ann@a.example</a>', "ann@a.example"),
            ("<a href='javascript:x'>here</a>", "here"),
            ("a<blockquote>b<blockquote>c</blockquote></blockquote>d", "a\n\n> b\n>\n> > c\n>\nd"),
            ("<pre>a  b\n  c</pre>", "a  b\n  c"),
            ("<style>x</style><script>y</script><title>z</title>a", "a"),
            ("<p style='display:none'>hidden</p>seen", "seen"),
            ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
            ("&lt;b&gt; &amp; &nbsp;x", "<b> & \u00a0x"),
            ("a \n\t  b", "a b"),
            (
                "a<blockquote style='margin:0 0 0 40px;border:none'>b</blockquote>c",
                "a\n\nb\n\nc",
            ),
            ("a<blockquote type=cite style='border:none'>b</blockquote>c", "a\n\n> b\n\nc"),
            ("", ""),
        ],
    )
    def test_reads_well(self, html: str, text: str) -> None:
        assert to_text(html) == text

    @settings(deadline=None)
    @given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5)).map("".join))
    def test_never_raises(self, html: str) -> None:
        to_text(html).encode()


WILD = {
    "nested": '"<div>" * 100_000',
    "nested and closed": '"<div>" * 100_000 + "</div>" * 100_000',
    "closed by another": '"<div></x>" * 100_000',
    "tables": '"<table><tr><td>" * 50_000',
    "formats": '"".join(f"<p><b id={n}>" for n in range(60_000))',
    "quotes": '"<blockquote>" * 100_000',
    "attributes": '"<a " + " ".join(f"a{n}" for n in range(150_000)) + ">x</a>"',
    "quoted attributes": '"<a x=\\">\\" " + " ".join(f"a{n}" for n in range(150_000)) + ">x</a>"',
    "options": '"<select>" + "<option>" * 100_000',
    "angles": '"<" * 300_000',
    "open tags": '"<a" * 500_000',
    "comments": '"<!--" * 250_000',
    "svg": '"<svg><g>" * 120_000',
    "items": '"<li>" * 100_000',
    "entities": '"&amp" * 250_000',
}


@pytest.mark.parametrize("made_of", WILD.values(), ids=WILD.keys())
def test_wild_html_does_not_end_the_process(made_of: str) -> None:
    code = (
        "from deskpost.mail.html import sanitise, to_text\n"
        f"html = {made_of}\nsanitise(html)\nto_text(html)\nprint('alive')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "alive\n", done.stderr[-500:]


def test_wild_html_is_shown_as_text() -> None:
    html = "<div>" * 5_000 + "<script>alert(1)</script>words"
    assert sanitise(html).startswith("<pre>")
    assert "<script" not in sanitise(html)
    assert "words" in to_text(html)
