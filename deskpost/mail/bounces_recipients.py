"""Whom a bounce is about: the addresses in its words, each with the words that concern it.

Few general forms are read: a line that begins with an address; an address after words such as
"deliver to" or "recipient"; the commands of a transcript.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MAX_FOUND: Final = 100
MAX_SEGMENT: Final = 40  # lines after an address that are taken as words about it

_NOT = r"\s\x00-\x1f\x7f-\x9f\u2028\u2029<>()\[\]{},;:\"|@=：；，。、（）「」『』【】《》"
_ADDRESS = rf"[^{_NOT}]{{1,64}}@[^{_NOT}'/\\]{{1,255}}"
_ANY = re.compile(rf"(?<![^{_NOT}'])({_ADDRESS})")
# A line that begins with an address, perhaps in brackets or as an item of a list.
_LEADING = re.compile(rf"[\s>*•\"'<\[(|-]{{0,20}}({_ADDRESS})")
# An address after words that announce a recipient.
_NAMED = re.compile(
    r"\b(?:(?:deliver\w*|message|mail|undeliverable|addressed|sent|send|reach(?:ed)?)\s{1,3}to"
    r"|addressed(?: to(?: email address)?)?|recipients?|rcpt(?: to)?|error-for|user|userid|for"
    r"|failed|address|account|mailbox|full|attempts|reach|local user|generated from|e-?mail"
    r"|destinatari[oia]|destinataires?|empfänger|ontvanger|宛先|送信先|アドレス|收件人|地址|получател\w*)"
    rf"\W{{1,12}}(?:(?:smtp|rfc822)[:;])?<?({_ADDRESS})",
    re.IGNORECASE,
)
# The line of a transcript that sums up: "550 <ann@a.example>... User unknown" (Sendmail).
_REPLY = re.compile(rf"\s{{0,8}}[45]\d\d (?:[45]\.\d\.\d{{1,3}} )?<?({_ADDRESS})>?\.\.\.")
# Words, a colon, and an address at the line's end.
_LABELLED = re.compile(
    rf"[\s>*-]{{0,12}}\w[^:：@\n]{{2,80}}[:：]\s{{0,8}}<?({_ADDRESS})>?\W{{0,5}}$"
)
_X400 = re.compile(rf"smtp[=:]({_ADDRESS})", re.IGNORECASE)
_GENERATED = re.compile(rf"\(generated from ({_ADDRESS})", re.IGNORECASE)
# Lines whose addresses are not the recipient's: header fields, and where help is to be had.
_OTHER = re.compile(
    r"[\s>*-]{0,12}(?:(?:from|cc|reply-to|return-path|envelope-from|sender|subject|sent|date"
    r"|message-id|original sender|mail from|in: +mail|von|de|da|van|件名|差出人)\s{0,3}:"
    r"|>>> ?mail from|hello |hi |dear )",
    re.IGNORECASE,
)
_HELP = re.compile(
    r"\b(?:contact|help|assistance|questions?|support|reply to|respond to|write to|send mail to)\b",
    re.IGNORECASE,
)
_LIST = re.compile(r"following (?:recipients?|address|users?)", re.IGNORECASE)
_NAME = re.compile(r"[ \t]{1,20}[\w.+-]{1,64}\s{0,4}")
_TO = re.compile(r"[\s>*-]{0,12}(?:to|an|à|para|a|aan|宛先)\s{0,3}:", re.IGNORECASE)
_SENDER = re.compile(rf"(?:mail )?from:? ?<?{_ADDRESS}>?", re.IGNORECASE)
_STAFF = re.compile(r"(?:post[-_]?master|mailer-daemon|abuse|hostmaster|help-?desk|support)@", re.I)


@dataclass(slots=True)
class Found:
    """An address and the lines that concern it."""

    address: str
    lines: list[str] = field(default_factory=list)


def find(lines: tuple[str, ...], own: frozenset[str]) -> list[Found]:
    """The recipients that the lines name, in order, each once; not `own` (in lower case), the
    addresses to which the report itself went, save where there are no others."""
    found: dict[str, Found] = {}
    current: Found | None = None
    for line in lines:
        if current is not None and _GENERATED.search(line):
            found.pop(current.address.lower(), None)  # of an alias, what was written to counts
        for address in _addresses(line):
            key = address.lower()
            if key not in found and len(found) < MAX_FOUND:
                found[key] = Found(address)
            current = found.get(key, current)
        if current is not None and len(current.lines) < MAX_SEGMENT:
            current.lines.append(line)
        if _REPLY.match(line):
            current = None  # a line that sums up; the next is of another recipient
    return _likely(list(found.values()), own) or _sole(lines, own)


def _sole(lines: tuple[str, ...], own: frozenset[str]) -> list[Found]:
    """The only address that the lines mention at all, but for the sender's and the staff's."""
    text = "\n".join(_SENDER.sub(" ", line) for line in lines if not _OTHER.match(line))
    mentioned = {_clean(address).lower(): _clean(address) for address in _ANY.findall(text)}
    others = [it for key, it in mentioned.items() if key not in own and not _STAFF.match(it)]
    return [Found(others[0], list(lines)[:MAX_SEGMENT])] if len(others) == 1 else []


def bare_names(lines: tuple[str, ...], domain: str) -> list[str]:
    """Names without a domain, each on a line of its own below "the following recipients": they are
    at the domain of the server that reports."""
    names: list[str] = []
    listing = False
    for line in lines if domain else ():
        if _LIST.search(line):
            listing = True
        elif listing and _NAME.fullmatch(line):
            names.append(f"{line.strip()}@{domain}")
        elif names and line.strip():
            break
    return list(dict.fromkeys(names))[:MAX_FOUND]


def _likely(found: list[Found], own: frozenset[str]) -> list[Found]:
    for unlikely in (lambda it: it.address.lower() in own, lambda it: _STAFF.match(it.address)):
        others = [it for it in found if not unlikely(it)]
        found = others or found
    return found


def _addresses(line: str) -> Iterator[str]:
    if "@" not in line:
        return
    if generated := _GENERATED.search(line):
        yield _clean(generated[1])
        return
    if _OTHER.match(line) or _TO.match(line):
        return
    if _HELP.search(line) and not _LEADING.match(line):
        return
    line = _SENDER.sub(" ", line)
    if leading := _LEADING.match(line) or _REPLY.match(line):
        yield _clean(leading[1])
        return
    for pattern in (_X400, _NAMED, _LABELLED):
        if matches := pattern.findall(line):
            yield from map(_clean, matches)
            return


def _clean(address: str) -> str:
    return address.strip(".'`\"!?*").rstrip("。、")
