"""What a step of the test found, in words: each fact with its name, none of them trusted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from deskpost.logs import words

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as Words

MOST_LISTED = 30
MOST_SHOWN = 200


def told(facts: Mapping[str, Any]) -> Sequence[tuple[Words, str]]:
    """Return those of the facts that are known, as (name, value), in the order of reading."""
    return [
        (name, said)
        for key, (name, tell) in _KNOWN.items()
        if key in facts and (said := tell(facts[key]))
    ]


def _text(value: Any) -> str:
    return words.visible(str(value)[:MOST_SHOWN]) if value not in (None, "") else ""


def _listed(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    return words.listed(_text(one) for one in list(value or ())[:MOST_LISTED])


def _day(value: Any) -> str:
    try:
        return words.short_day(date.fromisoformat(str(value)[:10]))
    except ValueError:
        return _text(value)


def _number(value: Any) -> str:
    return words.count(value) if isinstance(value, int) else ""


_KNOWN: Mapping[str, tuple[Words, Callable[[Any], str]]] = {
    "host": (_("Server"), _text),
    "addresses": (_("Addresses"), _listed),
    "address": (_("Address"), _text),
    "port": (_("Port"), _text),
    "protocol": (_("Version"), _text),
    "plain": (_("Encryption"), lambda value: gettext("none") if value else ""),
    "subject": (_("Certificate"), _text),
    "names": (pgettext_lazy("certificate", "For"), _listed),
    "issuer": (pgettext_lazy("certificate", "Made by"), _text),
    "valid_from": (pgettext_lazy("certificate", "First day"), _day),
    "valid_until": (pgettext_lazy("certificate", "Last day"), _day),
    "mechanism": (pgettext_lazy("sign-in", "By"), _text),
    "capabilities": (pgettext_lazy("server", "Can do"), _listed),
    "folder": (_("Folder"), _text),
    "messages": (_("Messages"), _number),
    "rights": (pgettext_lazy("folder", "Rights"), _listed),
    "error": (_("Error"), _text),
}
