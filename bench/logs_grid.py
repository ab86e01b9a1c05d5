"""What is asked of a large log: each list without and with filters, alone and in pairs, and every
kind of search."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from deskpost.logs.search import Field, Is, Not, Part, Property, Query, Size, Words
from deskpost.models import Log

# Words by how common they are in the subjects of logs_words.py.
COMMON, MIDDLE, RARE, NONE = "the", "calendar", "denominated", "zzqxvj"
COMMON_JAPANESE, RARE_JAPANESE = "印刷", "駐車"
IN_WORDS = "rinte"  # a part of `printer`, and in no other common word
PHRASE = "for the"  # two common words side by side
TWO_LETTERS = "pr"  # at the beginning of a word
BOTH_FIELDS = (Field.WHO, Field.SUBJECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the data hold: the project that is asked, its busier channel, a request of many
    messages, a busy address and one with few messages, a day in the midst and the end."""

    project_id: int
    channel_id: int
    key: str
    busy: str
    quiet: str
    day: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One query of the grid."""

    name: str
    query: Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The parts of a query, and over which days it goes (of Known: `day` or `end` and back)."""

    parts: tuple[Part, ...] = ()
    days: int = 0  # 0: all; 1: the day in the midst; else so many up to the end


def cells(log: Log, known: Known) -> Iterable[Cell]:
    """Return the queries for one list. The processing log is always that of a channel."""
    always: tuple[Part, ...] = ()
    if log == Log.INCOMING:
        always = (_is(Property.CHANNEL, str(known.channel_id)),)
    for name, asked in (_alone(log, known) | _pairs(log, known)).items():
        yield Cell(name=name, query=_query(log, known, asked, always))


def _query(log: Log, known: Known, asked: Asked, always: tuple[Part, ...]) -> Query:
    since = until = None
    if asked.days == 1:
        since, until = known.day, known.day + timedelta(days=1)
    elif asked.days:
        since, until = known.end - timedelta(days=asked.days), known.end
    return Query(
        project_id=known.project_id,
        log=log,
        parts=(*asked.parts, *always),
        since=since,
        until=until,
    )


def _is(name: Property, *values: str) -> Is:
    return Is(property=name, values=values)


def _word(text: str, *fields: Field) -> Words:
    return Words(text=text, fields=fields) if fields else Words(text=text)


_BAD = _is(Property.STATUS, "failed")
_DELIVERED = _is(Property.STATUS, "delivered", "success")  # nearly all
_SET_ASIDE = _is(Property.STATUS, "withheld", "skipped")


def _code(log: Log, *, rare: bool = False) -> Is:
    if log == Log.INCOMING:
        return _is(Property.CODE, "required_fields" if rare else "auto_reply")
    return _is(Property.CODE, "template_too_large" if rare else "suppression_list")


def _alone(log: Log, known: Known) -> dict[str, Asked]:
    """Return the filters alone, and every kind of search."""
    asked: dict[str, tuple[Part, ...]] = {
        "no filter": (),
        "status: nearly all": (_DELIVERED,),
        "status: failed": (_BAD,),
        "status: set aside": (_SET_ASIDE,),
        "reason": (_code(log),),
        "reason: rare": (_code(log, rare=True),),
        "exact address, busy": (_is(Property.ADDRESS, known.busy),),
        "exact address, quiet": (_is(Property.ADDRESS, known.quiet),),
        "part of an address": (_word(known.quiet[:9], Field.WHO),),
        "domain": (_word(known.busy.partition("@")[2], Field.WHO),),
        "from:part of a name": (_word("tanaka", Field.WHO),),
        "from:two kanji": (_word("田中", Field.WHO),),
        "key": (_is(Property.KEY, known.key),),
        "size: 1 MB or more": (Size(at_least=1 << 20),),
        "subject: common": (_word(COMMON, Field.SUBJECT),),
        "subject: rare": (_word(RARE, Field.SUBJECT),),
        "word: common": (_word(COMMON),),
        "word: middle": (_word(MIDDLE),),
        "word: rare": (_word(RARE),),
        "word: none": (_word(NONE),),
        "part of a word": (_word(IN_WORDS),),
        "two letters": (_word(TWO_LETTERS),),
        "one kanji": (_word(COMMON_JAPANESE[:1]),),
        "Japanese: common": (_word(COMMON_JAPANESE),),
        "Japanese: rare": (_word(RARE_JAPANESE),),
        "phrase": (_word(PHRASE),),
        "key as a word": (_word(known.key),),
        "address as a word": (_word(known.busy),),
        "not: common": (Not(part=_word(COMMON)),),
        "not: rare": (Not(part=_word(RARE)),),
    }
    dated = {"one day": Asked(days=1), "seven days": Asked(days=7)}
    return {name: Asked(parts=parts) for name, parts in asked.items()} | dated


def _pairs(log: Log, known: Known) -> dict[str, Asked]:
    """Return two filters at once, and more."""
    failed_rare = (_BAD, _word(RARE))
    asked: dict[str, tuple[Part, ...]] = {
        "failed + common word": (_BAD, _word(COMMON)),
        "failed + middle word": (_BAD, _word(MIDDLE)),
        "failed + rare word": failed_rare,
        "nearly all + common word": (_DELIVERED, _word(COMMON)),
        "reason + common word": (_code(log), _word(COMMON)),
        "rare reason + common word": (_code(log, rare=True), _word(COMMON)),
        "address + failed": (_is(Property.ADDRESS, known.busy), _BAD),
        "name + reason": (_word("tanaka", Field.WHO), _code(log)),
        "address + common word": (_is(Property.ADDRESS, known.busy), _word(COMMON)),
        "name + subject": (_word("田中", Field.WHO), _word(COMMON_JAPANESE, Field.SUBJECT)),
        "two common words": (_word(COMMON), _word("for")),
        "common + rare word": (_word(COMMON), _word(RARE)),
        "two middle words": (_word(MIDDLE), _word("scanner")),
        "word + not word": (_word(MIDDLE), Not(part=_word(COMMON))),
        "common word + not common": (_word(COMMON), Not(part=_word("for"))),
        "Japanese + failed": (_word(COMMON_JAPANESE), _BAD),
        "two Japanese words": (_word(COMMON_JAPANESE), _word("請求")),
        "five words": tuple(_word(word) for word in ("the", "for", "not", "with", "please")),
        "failed + reason + word": (_BAD, _word(MIDDLE), _code(log)),
    }
    dated = {
        "reason + one day": Asked(parts=(_code(log),), days=1),
        "failed + seven days": Asked(parts=(_BAD,), days=7),
        "common word + one day": Asked(parts=(_word(COMMON),), days=1),
        "rare word + seven days": Asked(parts=(_word(RARE),), days=7),
        "address + seven days": Asked(parts=(_is(Property.ADDRESS, known.busy),), days=7),
    }
    return {name: Asked(parts=parts) for name, parts in asked.items()} | dated
