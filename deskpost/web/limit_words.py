"""What pages say of the site's limit, and of sending again what it has stopped."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deskpost.logs import words
from deskpost.outbound import quota
from deskpost.outbound.again_limit import Hindrance, Tally
from deskpost.outbound.again_rules import Obstacle, Stale
from deskpost.web.again_words import STALE, WHY_NOT


def reset_rule() -> str:
    """Say when the day of the limit begins anew, in its own zone: 06:00 (Asia/Tokyo)."""
    said = {"time": f"{settings.DESKPOST['LIMIT_RESET']:%H:%M}", "zone": quota.zone().key}
    return _("%(time)s (%(zone)s)") % said


def why(hindrance: Hindrance) -> str:
    """Say why a notification is left out."""
    if isinstance(hindrance, Stale):
        return str(STALE[hindrance])
    return str(WHY_NOT.get(hindrance, _("It was sent again already.")))


def reasons(tally: Tally, which: type[Obstacle] | type[Stale]) -> list[tuple[str, int]]:
    """Return why notifications are left out, of that kind of reason, with how many each; the most
    first."""
    return [
        (why(one), number) for one, number in tally.left_out.most_common() if isinstance(one, which)
    ]


def done(tally: Tally) -> str:
    """Say what an act has sent, what it left out and why, and what remains."""
    return words.sentences(_done(tally))


def _done(tally: Tally) -> Iterable[str]:
    if tally.sent:
        said = ngettext(
            "%(count)s notification is sent again.",
            "%(count)s notifications are sent again.",
            tally.sent,
        )
        yield said % {"count": words.count(tally.sent)}
    else:
        yield _("Nothing was sent again.")
    for one, number in tally.left_out.most_common():
        said = ngettext("%(count)s was left out.", "%(count)s were left out.", number)
        yield said % {"count": words.count(number)}
        yield why(one)
    if tally.remain:
        said = ngettext(
            "%(count)s remains: one act, and the day’s limit, have a bound.",
            "%(count)s remain: one act, and the day’s limit, have a bound.",
            tally.remain,
        )
        yield said % {"count": words.count(tally.remain)}
