"""What one piece of a search asks of each list: something of its messages, always, or never."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import gettext as _

from deskpost.logs import search_values, words
from deskpost.logs.search import Field, Is, Not, Part, Property, Size, Words
from deskpost.logs.search_grammar import SearchError, Token, shown
from deskpost.logs.search_words import Prefix, vocabulary
from deskpost.mail import address
from deskpost.models import Channel, Log, Project
from deskpost.outcomes import IncomingStatus, Kind, NotificationStatus, Outcome, Reason, Withheld

Holds = Part | bool  # a bool: for every message, or for none

NOTICES = (Log.REQUESTS, Log.INVITATIONS)
_STATUSES = {
    Log.INCOMING: frozenset(IncomingStatus),
    **dict.fromkeys(NOTICES, frozenset(NotificationStatus)),
}
_CODES = {
    Log.INCOMING: frozenset(Outcome),
    **dict.fromkeys(NOTICES, frozenset({*Reason, *Withheld})),
}
_KINDS = {
    Log.INCOMING: frozenset(),
    Log.INVITATIONS: frozenset({Kind.CUSTOMER_INVITED}),
    Log.REQUESTS: frozenset(Kind) - {Kind.CUSTOMER_INVITED},
}
NAMED = 5  # channels in an error


@dataclass(kw_only=True)
class Scope:
    """The project that is searched. Its channels are read when they are asked for."""

    project: Project

    @cached_property
    def channels(self) -> list[Channel]:
        """All of them: a removed one's log stays."""
        return list(Channel.all_objects.filter(project=self.project).order_by("id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a piece asks of each list, and the codes that its values stand for."""

    holds: Mapping[Log, Holds]
    codes: frozenset[str] = frozenset()


def asked(token: Token, scope: Scope) -> Asked:
    """Return what a piece asks, turned round if it has a minus. Raises SearchError."""
    meant = _MEANINGS[token.prefix](token, scope)
    if not token.negated or token.prefix in _DAYS:
        return meant
    return Asked(holds={log: _not(part) for log, part in meant.holds.items()}, codes=meant.codes)


def _not(part: Holds) -> Holds:
    if isinstance(part, bool):
        return not part
    if isinstance(part, Is) and not part.values:
        return True
    assert not isinstance(part, Not)
    return Not(part=part)


# --- People and texts ----------------------------------------------------------------------------


def _free(token: Token, scope: Scope) -> Asked:
    """A key that has too little to be looked for in texts, as IT-7, is only looked for as a key."""
    if key := search_values.short_key(token.values[0]):
        return _everywhere(_is(Property.KEY, [key]))
    return _everywhere(Words(text=search_values.words(token, token.values[0])))


def _subject(token: Token, scope: Scope) -> Asked:
    text = search_values.words(token, token.values[0])
    return _everywhere(Words(text=text, fields=(Field.SUBJECT,)))


def _from(token: Token, scope: Scope) -> Asked:
    """Our own mail comes from no customer."""
    return Asked(holds={log: log == Log.INCOMING and _who(token) for log in Log})


def _to(token: Token, scope: Scope) -> Asked:
    """Incoming messages are to a channel."""
    who = _who(token)
    if isinstance(who, Is):
        found = [c.pk for c in scope.channels if c.address_key in who.values]
    else:
        found = [c.pk for c in scope.channels if _in_address(who.text, c)]
    return Asked(holds={Log.INCOMING: _is(Property.CHANNEL, found), **dict.fromkeys(NOTICES, who)})


def _who(token: Token) -> Words | Is:
    """In angle brackets stands a whole address; else it is a part of a name or address."""
    value = search_values.folded(token.values[0])
    if value.startswith("<") and value.endswith(">") and "@" in value.strip("<@>"):
        return _is(Property.ADDRESS, [address.normalise(value[1:-1])[:320]])
    return Words(text=search_values.words(token, value), fields=(Field.WHO,))


def _channel(token: Token, scope: Scope) -> Asked:
    found: list[int] = []
    for value in token.values:
        text = search_values.folded(value)
        of_value = [c.pk for c in scope.channels if str(c.pk) == text]
        of_value = of_value or [c.pk for c in scope.channels if _in_address(text, c)]
        if not of_value:
            known = [c.address for c in scope.channels if not c.removed_at]
            raise SearchError(
                token.source,
                token.offset,
                _("No channel has “%(word)s” in its address.") % {"word": shown(value)},
                _("Channels are: %(known)s")
                % {"known": words.listed(known[:NAMED] + ["…"] * (len(known) > NAMED)) or "–"},
            )
        found += of_value
    is_one = _is(Property.CHANNEL, sorted(set(found)))
    return Asked(
        holds={log: log == Log.INCOMING and is_one for log in Log}, codes=frozenset(is_one.values)
    )


def _in_address(text: str, channel: Channel) -> bool:
    return text in channel.address_key or text in search_values.folded(channel.address)


# --- Closed lists --------------------------------------------------------------------------------


def _codes(token: Token) -> frozenset[str]:
    known = vocabulary(token.prefix)
    found: set[str] = set()
    for value in token.values:
        codes = known.find(value)
        if not codes:
            raise SearchError(token.source, token.offset, *_unknown(token, value))
        found |= codes
    return frozenset(found)


def _unknown(token: Token, value: str) -> tuple[str, str]:
    known = vocabulary(token.prefix)
    why = {
        Prefix.STATUS: _("There is no status “%(word)s”."),
        Prefix.REASON: _("There is no reason “%(word)s”."),
        Prefix.NAME: _("There is no notification “%(word)s”."),
        Prefix.IN: _("There is no list “%(word)s”."),
    }[token.prefix]
    if token.prefix == Prefix.REASON:
        near = known.near(value)
        todo = _("Did you mean: %(known)s") if near else _("The help of the search lists them all.")
    else:
        near, todo = known.said(known.words), _("Known are: %(known)s")
    return why % {"word": shown(value)}, todo % {"known": words.listed(near)}


def _of_list(
    property: Property, known: Mapping[Log, frozenset[str]]
) -> Callable[[Token, Scope], Asked]:
    """Return the meaning of a prefix with a closed list, of which each log knows a part."""

    def meaning(token: Token, scope: Scope) -> Asked:
        codes = _codes(token)
        holds: dict[Log, Holds] = {}
        for log in Log:
            here = {str(code) for code in known[log]}
            found = sorted(codes & here)
            holds[log] = _is(property, found) if 0 < len(found) < len(here) else bool(found)
        return Asked(holds=holds, codes=codes)

    return meaning


def _in(token: Token, scope: Scope) -> Asked:
    codes = _codes(token)
    return Asked(holds={log: log in codes for log in Log}, codes=codes)


def _reason(token: Token, scope: Scope) -> Asked:
    """Not every message has one, so all reasons together are not always."""
    codes = _codes(token)
    found = {log: sorted(codes & {str(code) for code in _CODES[log]}) for log in Log}
    return Asked(
        holds={log: _is(Property.CODE, here) if here else False for log, here in found.items()},
        codes=codes,
    )


# --- The rest ------------------------------------------------------------------------------------


def _key(token: Token, scope: Scope) -> Asked:
    keys = [search_values.key(token, value, scope.project.key) for value in token.values]
    is_one = _is(Property.KEY, sorted(set(keys)))
    return Asked(holds=dict.fromkeys(Log, is_one), codes=frozenset(is_one.values))


def _id(token: Token, scope: Scope) -> Asked:
    return _everywhere(_is(Property.MESSAGE_ID, [search_values.message_id(token)]))


def _larger(token: Token, scope: Scope) -> Asked:
    size = search_values.size(token)
    return Asked(holds=dict.fromkeys(Log, Size(at_least=size)), codes=frozenset({str(size)}))


def _smaller(token: Token, scope: Scope) -> Asked:
    size = search_values.size(token)
    return Asked(holds=dict.fromkeys(Log, Size(at_most=size)), codes=frozenset({str(size)}))


def _day(token: Token, scope: Scope) -> Asked:
    """Days bound the whole search; see search_language."""
    return _everywhere(True)


def _everywhere(part: Holds) -> Asked:
    return Asked(holds=dict.fromkeys(Log, part))


def _is(property: Property, values: Iterable[object]) -> Is:
    return Is(property=property, values=tuple(str(value) for value in values))


_DAYS = frozenset({Prefix.AFTER, Prefix.BEFORE, Prefix.ON})
_MEANINGS: Mapping[Prefix, Callable[[Token, Scope], Asked]] = {
    Prefix.FREE: _free,
    Prefix.FROM: _from,
    Prefix.TO: _to,
    Prefix.SUBJECT: _subject,
    Prefix.STATUS: _of_list(Property.STATUS, _STATUSES),
    Prefix.REASON: _reason,
    Prefix.NAME: _of_list(Property.KIND, _KINDS),
    Prefix.KEY: _key,
    Prefix.CHANNEL: _channel,
    Prefix.ID: _id,
    Prefix.IN: _in,
    **dict.fromkeys(_DAYS, _day),
    Prefix.LARGER: _larger,
    Prefix.SMALLER: _smaller,
}
