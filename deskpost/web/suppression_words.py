"""What is wrong with an imported file, in words."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from deskpost.logs import words
from deskpost.logs.explain_reasons import PROBLEMS
from deskpost.models import Suppression
from deskpost.outbound.suppress_csv import LARGEST, MOST_ROWS, Fault

FAULTS = {
    "too_big": gettext_lazy("The file is larger than %(size)s."),
    "not_utf8": gettext_lazy("It is not UTF-8 text."),
    "no_header": gettext_lazy("The first line must name the columns: address[,cause][,expires]."),
    "too_many": gettext_lazy("The file has more than %(rows)s lines."),
    "not_csv": gettext_lazy("It is no CSV: a quotation mark is not closed, or a cell is too long."),
    "too_wide": gettext_lazy("It has more cells than the first line names."),
    "cause": gettext_lazy("The cause is none of: %(causes)s."),
    "expires": gettext_lazy("It expires at no date such as 2027-01-31."),
    "past": gettext_lazy("It expires in the past."),
}


def faults(found: Iterable[Fault]) -> list[str]:
    """Return a sentence or two for each fault: the line's number, what is wrong, and the cell."""
    return [_fault(fault) for fault in found]


def _fault(fault: Fault) -> str:
    pattern = FAULTS.get(fault.code)
    said = str(pattern) % _values() if pattern else str(PROBLEMS[fault.code])
    if not fault.line:
        return said
    shown = {"line": words.count(fault.line), "fault": said, "cell": words.outside(fault.value)}
    if fault.value:
        return _("Line %(line)s: %(fault)s (“%(cell)s”)") % shown
    return _("Line %(line)s: %(fault)s") % shown


def _values() -> dict[str, str]:
    return {
        "size": words.size(LARGEST),
        "rows": words.count(MOST_ROWS),
        "causes": ", ".join(Suppression.Cause.values),
    }
