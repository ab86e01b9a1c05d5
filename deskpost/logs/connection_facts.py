"""The facts on a row of the connectivity log, read without trust: any may be missing, or be of
another kind than it should, and is then passed over. All text comes back short and visible."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from deskpost.logs import words
from deskpost.problems import STEP_WORDS, Step

Facts = Mapping[str, Any]

NAME_LENGTH = 120  # of a name from outside within a sentence
SAID_LENGTH = 1_000  # of a machine's own words
NAMES_AT_MOST = 5


def number(facts: Facts, name: str) -> int | None:
    """Read a number that is not negative, rounded; None if there is none."""
    found = facts.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or found != found:
        return None
    return round(found) if 0 <= found < 2**53 else None


def text(facts: Facts, name: str, most: int = NAME_LENGTH) -> str:
    """Read a text, cut to a length; "" if there is none."""
    found = facts.get(name)
    if not isinstance(found, str | int) or isinstance(found, bool):
        return ""
    return words.outside(str(found)[:most])


def names(facts: Facts, name: str) -> str:
    """Read a list of names, the first few of them; "" if there are none."""
    found = facts.get(name)
    if isinstance(found, str):
        found = [found]
    if not isinstance(found, list | tuple):
        return ""
    shown = [words.outside(one[:NAME_LENGTH]) for one in found if isinstance(one, str) and one]
    more = ["…"] if len(shown) > NAMES_AT_MOST else []
    return words.listed([*shown[:NAMES_AT_MOST], *more])


def place(facts: Facts) -> str:
    """Name the server, with its port where that is known."""
    host, port = text(facts, "host"), number(facts, "port")
    if host and port:
        return _("%(host)s, port %(port)s") % {"host": host, "port": port}
    return host


def step(facts: Facts) -> str:
    """Name the step of getting in at which it was."""
    found = str(facts.get("step"))
    return str(STEP_WORDS[Step(found)]) if found in set(Step) else ""


def day(facts: Facts, name: str) -> str:
    """Read a moment, or a day, and write its day."""
    written = str(facts.get(name) or "")
    at = words.parsed(written)
    if at:
        return words.moment(at, "date")
    try:
        return words.short_day(datetime.fromisoformat(written).date())
    except ValueError:
        return ""
