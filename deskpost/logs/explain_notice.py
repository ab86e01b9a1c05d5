"""What the connectivity log tells besides problems: that it works, and what people did."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from deskpost.logs import connection_facts as read
from deskpost.logs import words
from deskpost.logs.connection_facts import Facts
from deskpost.problems import Notice


def notice(code: Notice, facts: Facts) -> str:
    """Say what was, in a sentence or two."""
    return NOTICES[code](facts)


def _connected(facts: Facts) -> str:
    old = read.number(facts, "old")
    if not old:
        return _("Connected.")
    said = ngettext(
        "Connected. %(count)s message was there before and is left alone.",
        "Connected. %(count)s messages were there before and are left alone.",
        old,
    )
    return said % {"count": words.count(old)}


def _again(facts: Facts) -> str:
    down, taken = read.number(facts, "down_seconds"), read.number(facts, "taken")
    if down is None:
        said = _("Connected again.")
        return said if not taken else words.sentences([said, _taken(taken)])
    span = {"span": words.length(down)}
    if taken is None:
        return _("Connected again after %(span)s.") % span
    if taken == 0:
        return _("Connected again after %(span)s: nothing had come meanwhile.") % span
    whole = ngettext(
        "Connected again after %(span)s: %(count)s message taken.",
        "Connected again after %(span)s: %(count)s messages taken.",
        taken,
    )
    return whole % (span | {"count": words.count(taken)})


def _taken(taken: int) -> str:
    said = ngettext("%(count)s message taken.", "%(count)s messages taken.", taken)
    return said % {"count": words.count(taken)}


def _renumbered(facts: Facts) -> str:
    looked, new = read.number(facts, "looked"), read.number(facts, "new")
    if looked is None or new is None:
        return _("The server numbered the mailbox anew.")
    said = ngettext(
        "The server numbered the mailbox anew: %(looked)s message was looked at again, %(new)s.",
        "The server numbered the mailbox anew: %(looked)s messages were looked at again, %(new)s.",
        looked,
    )
    return said % {"looked": words.count(looked), "new": _new(new)}


def _new(new: int) -> str:
    if not new:
        return pgettext("of the messages", "none of them was new")
    said = ngettext("%(count)s of them was new", "%(count)s of them were new", new)
    return said % {"count": words.count(new)}


def _old_taken(facts: Facts) -> str:
    taken = read.number(facts, "taken")
    if taken is None:
        taken = read.number(facts, "old")
    if taken is None:
        return _("The messages that were there before are taken too.")
    said = ngettext(
        "%(count)s message that was there before was taken too.",
        "%(count)s messages that were there before were taken too.",
        taken,
    )
    return said % {"count": words.count(taken)}


def _by(facts: Facts, somebody: str, nobody: str) -> str:
    by = read.text(facts, "by")
    return somebody % {"name": by} if by else nobody


def _changed(facts: Facts) -> str:
    named = _("%(name)s changed how to get into the mailbox.")
    return _by(facts, named, _("How to get into the mailbox was changed."))


def _paused(facts: Facts) -> str:
    named = _("%(name)s paused the channel. What comes waits in the mailbox.")
    return _by(facts, named, _("The channel was paused. What comes waits in the mailbox."))


def _resumed(facts: Facts) -> str:
    return _by(facts, _("%(name)s resumed the channel."), _("The channel was resumed."))


NOTICES: Mapping[Notice, Callable[[Facts], str]] = {
    Notice.CONNECTED: _connected,
    Notice.CONNECTED_AGAIN: _again,
    Notice.RENUMBERED: _renumbered,
    Notice.OLD_MAIL_TAKEN: _old_taken,
    Notice.SETTINGS_CHANGED: _changed,
    Notice.PAUSED: _paused,
    Notice.RESUMED: _resumed,
}
