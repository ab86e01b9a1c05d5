"""What a row of the connectivity log says: from the code and its facts to words that a person can
act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from deskpost.logs import connection_facts as read
from deskpost.logs import words
from deskpost.logs.connection_facts import SAID_LENGTH, Facts
from deskpost.logs.explain_notice import notice
from deskpost.models import ConnectionEvent
from deskpost.problems import PROBLEMS, STATE_WORDS, ConnectionState, Notice, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A row in words. `lead` says what was; `said` are a machine's own words, not ours, and
    `said_by` whose; `repeated` is empty unless it was more than once."""

    status: str
    lead: str
    sentences: tuple[str, ...] = ()
    repeated: str = ""
    said: str = ""
    said_by: str = ""
    remedy: str = ""

    @property
    def text(self) -> str:
        """Return what was, as one text."""
        return words.sentences([self.lead, *self.sentences])


def event(row: ConnectionEvent) -> Told:
    """Explain a row of the connectivity log."""
    facts: Facts = row.facts if isinstance(row.facts, dict) else {}
    status = state_words(row.status)
    if row.code in set(Problem):
        problem = Problem(row.code)
        lead, *rest = because(problem, facts)
        said, said_by = evidence(problem, facts)
        return Told(
            status=status,
            lead=lead,
            sentences=tuple(rest),
            repeated=_repeated(row),
            said=said,
            said_by=said_by,
            remedy=str(PROBLEMS[problem].remedy),
        )
    lead = notice(Notice(row.code), facts) if row.code in set(Notice) else status
    return Told(status=status, lead=lead, repeated=_repeated(row))


def state_words(state: str) -> str:
    """Name a state; one that is not known is shown as it is stored."""
    known = state in set(ConnectionState)
    return str(STATE_WORDS[ConnectionState(state)]) if known else words.outside(state)


def because(problem: Problem, facts: Facts, *, named: bool = True) -> list[str]:
    """Say what was the matter: first with the particulars, or else what it means, then where and
    when next. Without `named` the problem's own name stands beside this already."""
    lead, rest = PARTICULARS.get(problem, _nothing)(facts), []
    if not lead:
        lead = str(PROBLEMS[problem].meaning)
        if named:
            lead, rest = _("%(problem)s.") % {"problem": PROBLEMS[problem].words}, [lead]
    if problem in TOLD_WITH_STEP and (step := read.step(facts)):
        rest.append(_("It was at this step: %(step)s.") % {"step": step})
    minutes = read.number(facts, "minutes")
    if minutes and problem != Problem.RATE_LIMITED:
        retry = ngettext("Retrying in %(count)s minute.", "Retrying in %(count)s minutes.", minutes)
        rest.append(retry % {"count": words.count(minutes)})
    return [lead, *rest]


def evidence(problem: Problem, facts: Facts) -> tuple[str, str]:
    """Return a machine's own words, and whose they are; both empty if nothing was said."""
    if problem == Problem.INTERNAL_ERROR:
        found = [read.text(facts, name, SAID_LENGTH) for name in ("error", "error_id")]
        text, by = "\n".join(one for one in found if one), _("The error, and its id to quote")
    elif problem in {Problem.TOKEN_NOT_REFRESHED, Problem.GRANT_REVOKED}:
        text, by = read.text(facts, "said", SAID_LENGTH), _("The provider says")
    else:
        text, by = read.text(facts, "said", SAID_LENGTH), _("The server says")
    return (text, by) if text else ("", "")


def _repeated(row: ConnectionEvent) -> str:
    """Say how often a failure was, and when last."""
    if not isinstance(row.count, int) or row.count < 2:
        return ""
    same_day = timezone.localdate(row.at) == timezone.localdate(row.last_at)
    if same_day:
        last = pgettext("last …", "at %(time)s") % {"time": words.moment(row.last_at, "time")}
    else:
        last = words.said_at(row.last_at)
    times = ngettext("%(count)s time, last %(when)s", "%(count)s times, last %(when)s", row.count)
    return times % {"count": words.count(row.count), "when": last}


# --- Problems ------------------------------------------------------------------------------------

# Where it helps to know how far it came.
TOLD_WITH_STEP = {Problem.TIMED_OUT, Problem.STRANGE_ANSWER, Problem.TLS_FAILED}


def _nothing(facts: Facts) -> str:
    return ""


def _no_name(facts: Facts) -> str:
    host = read.text(facts, "host")
    return _("Server name not found: %(host)s.") % {"host": host} if host else ""


def _unreachable(facts: Facts) -> str:
    place = read.place(facts)
    return _("Server cannot be reached: %(place)s.") % {"place": place} if place else ""


def _refused(facts: Facts) -> str:
    place = read.place(facts)
    said = _("Connection refused: nothing answers at %(place)s.")
    return said % {"place": place} if place else ""


def _late(facts: Facts) -> str:
    place = read.place(facts)
    return _("No answer in time from %(place)s.") % {"place": place} if place else ""


def _dropped(facts: Facts) -> str:
    taken = read.number(facts, "taken")
    if not taken:
        return ""
    said = ngettext("Dropped after %(count)s message.", "Dropped after %(count)s messages.", taken)
    return said % {"count": words.count(taken)}


def _limited(facts: Facts) -> str:
    minutes = read.number(facts, "minutes")
    if not minutes:
        return ""
    said = ngettext(
        "Rate limited, retrying in %(count)s minute.",
        "Rate limited, retrying in %(count)s minutes.",
        minutes,
    )
    return said % {"count": words.count(minutes)}


def _private(facts: Facts) -> str:
    host, address = read.text(facts, "host"), read.text(facts, "address")
    if not host or not address:
        return ""
    said = _("Private address not allowed: %(host)s leads to %(address)s.")
    return said % {"host": host, "address": address}


def _untrusted(facts: Facts) -> str:
    issuer = read.text(facts, "issuer")
    said = _("Certificate not trusted: it was made by %(issuer)s.")
    return said % {"issuer": issuer} if issuer else ""


def _expired(facts: Facts) -> str:
    until = read.day(facts, "valid_until")
    return _("Certificate expired: it held until %(day)s.") % {"day": until} if until else ""


def _other_name(facts: Facts) -> str:
    names, host = read.names(facts, "names"), read.text(facts, "host")
    if not names or not host:
        return ""
    said = _("Certificate for another name: it holds for %(names)s, not for %(host)s.")
    return said % {"names": names, "host": host}


def _no_folder(facts: Facts) -> str:
    folder, others = read.text(facts, "folder"), read.names(facts, "others")
    if not folder:
        return ""
    if not others:
        return _("Folder missing: there is no “%(folder)s”.") % {"folder": folder}
    said = _("Folder missing: there is no “%(folder)s”. There are: %(others)s.")
    return said % {"folder": folder, "others": others}


def _read_only(facts: Facts) -> str:
    folder = read.text(facts, "folder")
    said = _("No right to change the folder “%(folder)s”: it is read-only for this account.")
    return said % {"folder": folder} if folder else ""


PARTICULARS: Mapping[Problem, Callable[[Facts], str]] = {
    Problem.NAME_NOT_FOUND: _no_name,
    Problem.UNREACHABLE: _unreachable,
    Problem.REFUSED: _refused,
    Problem.TIMED_OUT: _late,
    Problem.DROPPED: _dropped,
    Problem.RATE_LIMITED: _limited,
    Problem.PRIVATE_ADDRESS: _private,
    Problem.CERTIFICATE_UNTRUSTED: _untrusted,
    Problem.CERTIFICATE_EXPIRED: _expired,
    Problem.CERTIFICATE_OTHER_NAME: _other_name,
    Problem.FOLDER_MISSING: _no_folder,
    Problem.READ_ONLY: _read_only,
}
