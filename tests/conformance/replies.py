"""The new text of a reply, as the tests of five other projects expect it.

What they agree on is compared as it is. Where they differ among themselves, these are our terms:

- White space does not count, nor does a line that is only drawn ("-----") at the end.
- Some count a signature as part of the reply, some do not: the new text with or without the
  signature right below it is right, where that begins with a delimiter, a device or "-Name".
- A closing ("Regards, Ann") is text here: whether upstream counts it as signature does not count.
- Fragments that upstream hides have to be in the rest, those it shows in the new text; where
  there is only one, all has to be new.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from deskpost.mail import html, mime, quotes
from tests.conformance.checks import Check, Goal
from tests.conformance.corpus import Item

AREA: Final = "reply text"
GOALS: Final = {AREA: Goal(rate=0.90, group_rate=0.85)}
DELIBERATE: Final = {
    "talon/reply-separated-by-hr.html": (
        "upstream drops the last written line, because it stands in one element with the <hr>"
    ),
}
SOURCES: Final = frozenset(
    {"crisp_reply_parser", "email_reply_parser", "mail_parser_reply", "talon", "chatwoot"}
)
MAX_SIGNATURE: Final = 20  # lines
MAX_CLOSING: Final = 6  # lines, with the name below

_SPACE = re.compile(r"\s+")
_RULERS = re.compile(r"(?:\n\s*[-_=*]{3,}\s*)+\Z")
_SIGNATURE = re.compile(r"[-_—–/]|sent (?:from|with) ", re.IGNORECASE)
_CLOSING = re.compile(
    r"[>\s]*(?:(?:\w+[ ,]+){0,3}(?:hälsning\w*|hilsen|hilsner|regards|wishes|grüße\w*|grüsse|gruß|"
    r"cordialement|salutations|saludos?|saluti|cumprimentos|groet\w*|pozdrav\w*|pozdr\w+|"
    r"poważaniem|powazaniem|уважением|terveisin)|mvh|vh|kind|sincerely|thanks|thank you|cheers|"
    r"bien à vous|atentamente|distinti|atenciosamente|obrigad|abraço|ystäväll|よろしく|以上|敬具|"
    r"此致|감사|mfg|lg|vg)\b",
    re.IGNORECASE,
)
_NAMES: Final = {
    "danish": "da", "swedish": "sv", "norwegian": "no", "german": "de", "french": "fr",
    "italian": "it", "spanish": "es", "portuguese": "pt", "russian": "ru", "polish": "pl",
    "dutch": "nl", "finnish": "fi", "czech": "cs", "japanese": "ja", "korean": "ko",
    "chinese": "zh", "hungarian": "hu", "turkish": "tr", "greek": "el", "hebrew": "he",
    "arabic": "ar", "ukrainian": "uk", "romanian": "ro", "vietnamese": "vi",
}  # fmt: skip
_CODES: Final = frozenset(_NAMES.values())
_SEEN: Final = (
    ("ja", r"[ぁ-ヿ]"),
    ("ko", r"[가-힣]"),
    ("zh", r"写道|寫道|发件人|寄件者|发自"),
    ("ar", r"[\u0621-\u064a]"),
    ("he", r"[\u05d0-\u05ea]"),
    ("el", r"[α-ω]{3}"),
    ("ru", r"[а-я]{3}"),
    ("hu", r"\bírta\b|keltezéssel"),
    ("pl", r"napisał|Wysłano|użytkownik"),
    ("cs", r"napsal|odesílatel"),
    ("it", r"ha scritto|Inviato|Oggetto"),
    ("fr", r"a écrit|Envoyé|Objet|Sujet :"),
    ("es", r"escribió|Asunto"),
    ("pt", r"escreveu|Assunto"),
    ("de", r"schrieb|Gesendet|Betreff"),
    ("nl", r"schreef|Verzonden|Onderwerp"),
    ("fi", r"kirjoitti|Lähettäjä"),
    ("no", r"\bkl\. .*skrev"),
    ("sv", r"\bkl .*skrev|Skickat"),
    ("tr", r"yazdı|Gönderen"),
    ("vi", r"đã viết"),
    ("ro", r"a scris"),
)


def checks(items: Iterable[Item]) -> Iterator[Check]:
    """Compare every fact that upstream states of the text of a reply."""
    for item in items:
        if item.source in SOURCES and _says_something(item):
            yield from _of_item(item)


def _says_something(item: Item) -> bool:
    return bool(item.expect or item.cases)


def _of_item(item: Item) -> Iterator[Check]:
    whole = _whole(item)
    started = time.process_time()
    found = _split(item)
    seconds = time.process_time() - started
    group = _language(item, whole)
    for wanted, ok in _facts(item, whole, found, seconds):
        yield Check(
            area=AREA,
            source=item.source,
            name=item.name,
            ok=ok,
            wanted=wanted,
            got=found.new,
            group=group,
        )


def _whole(item: Item) -> str:
    """The text before it is split."""
    if item.kind == "html-fragment":
        return html.to_text(item.text())
    if item.kind == "body-text":
        return item.text()
    email = mime.parse(item.raw())
    return email.text or html.to_text(email.html or "")


def _split(item: Item) -> quotes.SplitText:
    if item.kind == "html-fragment":
        return quotes.split_html(item.text())
    if item.kind == "body-text":
        return quotes.split(item.text())
    email = mime.parse(item.raw())
    if email.text and email.text.strip():
        return quotes.split(email.text)
    return quotes.split_html(email.html or "")


def _language(item: Item, whole: str) -> str:
    for part in re.split(r"[_.-]", item.path.name.lower()):
        if part in _NAMES or part in _CODES:
            return _NAMES.get(part, part)
    for code, pattern in _SEEN:
        if re.search(pattern, whole):
            return code
    return "en"


Fact = tuple[str, bool]


def _facts(item: Item, whole: str, found: quotes.SplitText, seconds: float) -> Iterator[Fact]:
    yield from _expected(item, whole, found)
    for case in item.cases:
        if "note" not in case:  # a setting that we do not have
            yield from _of_fragments(case, whole, found)
            yield from _of_replies(case, found)
        if "max_seconds" in case:
            yield f"in {case['max_seconds']} s", seconds <= case["max_seconds"]


def _expected(item: Item, whole: str, found: quotes.SplitText) -> Iterator[Fact]:
    expect = item.expect
    for key in (
        "reply_text",
        "reply_text_stripped",
        "reply_text_ignoring_whitespace",
        "body_text",
        "body_text_full",
    ):
        if key in expect:
            yield f"= {expect[key]}", _is_new(expect[key] or "", found)
    yield from _contained(expect, found)
    if "reply_text_startswith" in expect:
        wanted = expect["reply_text_startswith"]
        yield f"{wanted}...", _bare(found.new).startswith(_bare(wanted))
    for wanted in expect.get("html_reply_contains", []):
        source = mime.parse(item.raw()).html or ""
        yield f"... {wanted}", _bare(wanted) in _bare(quotes.split_html(source).new)
    if "signature" in expect:  # where it begins is for upstream to guess; above is text
        above = whole[: whole.find(expect["signature"])]
        yield "all above the signature", _bare(found.new).startswith(_bare(above))


def _contained(expect: dict[str, Any], found: quotes.SplitText) -> Iterator[Fact]:
    for wanted in [*expect.get("reply_text_contains", []), *expect.get("body_contains", [])]:
        yield f"... {wanted}", _bare(wanted) in _bare(found.new)
    for unwanted in expect.get("reply_text_not_contains", []):
        if not _CLOSING.match(unwanted):
            yield f"not {unwanted}", _bare(unwanted) not in _bare(found.new)
    if expect.get("reply_text_not_empty"):
        yield "something", bool(found.new)


def _of_fragments(case: dict[str, Any], whole: str, found: quotes.SplitText) -> Iterator[Fact]:
    """Facts of parsers that return fragments: some are hidden, some are shown."""
    count = case.get("fragments_count")
    if count == 1:
        yield f"= {whole}", _is_new(whole, found)
    hidden = case.get("fragments_hidden")
    shown = dict.fromkeys(["0"], True) if hidden is None else {}
    if hidden is None and count in (None, 2):
        shown["1"] = False
    shown |= {str(number): not hides for number, hides in enumerate(hidden or [])}
    for number, patterns in case.get("fragment_matches_regex", {}).items():
        if number in shown:
            text = found.new if shown[number] else found.rest
            for pattern in patterns:
                where = "new" if shown[number] else "rest"
                yield f"{where} has {pattern}", bool(re.search(pattern, text, re.MULTILINE))
    for number, wanted in case.get("fragment_text", {}).items():
        yield from _of_fragment(wanted, first=number == "0", shown=shown.get(number), found=found)


def _of_fragment(
    wanted: str, *, first: bool, shown: bool | None, found: quotes.SplitText
) -> Iterator[Fact]:
    if shown and first:
        new = _bare(found.new)
        yield f"{wanted}...", new.startswith(_bare(wanted)) or _is_new(wanted, found)
    elif shown is not None:
        yield f"... {wanted}", _bare(wanted) in _bare(found.new if shown else found.rest)


def _of_replies(case: dict[str, Any], found: quotes.SplitText) -> Iterator[Fact]:
    """Facts of a parser that returns every reply of the conversation, the newest first."""
    if case.get("replies_count") == 1 and found.rest:
        yield "no history", _is_signature(found.rest)
    for check in case.get("checks", []):
        wanted = check["value"]
        if check["reply"] >= 1 and check["op"] in ("contains", "equals"):
            yield f"rest has {wanted}", _bare(wanted) in _bare(found.rest)
        elif (check["field"], check["op"]) == ("signatures", "contains"):
            found_in = found.new if _CLOSING.match(wanted) else found.rest
            yield f"found {wanted}", _bare(wanted) in _bare(found_in)


def _is_new(wanted: str, found: quotes.SplitText) -> bool:
    """Whether this is the new text, that with the signature below it, or without its closing."""
    target, new = _bare(_RULERS.sub("", wanted)), _bare(found.new)
    return target in {new, _bare(_without_closing(found.new)), *_with_signature(new, found.rest)}


def _with_signature(new: str, rest: str) -> Iterator[str]:
    lines = rest.split("\n")[:MAX_SIGNATURE]
    if _is_signature(rest):
        for number in range(1, len(lines) + 1):
            yield new + _bare("\n".join(lines[:number]))


def _without_closing(new: str) -> str:
    lines = new.split("\n")
    for number in range(max(1, len(lines) - MAX_CLOSING), len(lines)):
        if _CLOSING.match(lines[number]):
            return "\n".join(lines[:number])
    return new


def _is_signature(rest: str) -> bool:
    return _SIGNATURE.match(rest) is not None


def _bare(text: str) -> str:
    return _SPACE.sub("", text)
