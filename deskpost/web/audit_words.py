"""What an entry of the audit log says, and where it leads. Only what it names is shown: values that
were changed, and what machines said, stay in the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from deskpost.logs import words
from deskpost.logs.explain import entry_id
from deskpost.models import AuditEntry
from deskpost.outcomes import OUTCOMES, Outcome
from deskpost.web import audit_kept
from deskpost.web.audit_kept import Kept, facts, job_of

Act = AuditEntry.Act

ACT_WORDS = {
    Act.RAW_DOWNLOAD: gettext_lazy("Raw message downloaded"),
    Act.UNBLOCK: gettext_lazy("Address unblocked"),
    Act.BLOCK: gettext_lazy("Address blocked"),
    Act.SEND_AGAIN: gettext_lazy("Sent again"),
    Act.REPROCESS: gettext_lazy("Processed again"),
    Act.SETTINGS: gettext_lazy("Settings changed"),
    Act.INVITE: gettext_lazy("Person invited"),
    Act.EXPORT: gettext_lazy("Exported"),
}
# Acts on a channel's settings page, by the `act` of their details.
CHANNEL_ACTS = {
    "pause": gettext_lazy("Channel paused"),
    "resume": gettext_lazy("Channel resumed"),
    "try": gettext_lazy("Channel tried at once"),
    "test": gettext_lazy("Connection tested"),
    "take_old": gettext_lazy("Old mail taken"),
}
TEMPLATE_ACTS = {
    "saved": gettext_lazy("Template saved"),
    "standard": gettext_lazy("Standard template restored"),
    "test": gettext_lazy("Test message sent"),
}
DKIM_ACTS = {
    "made": gettext_lazy("DKIM key made"),
    "on": gettext_lazy("DKIM signing switched on"),
    "off": gettext_lazy("DKIM signing switched off"),
    "removed": gettext_lazy("DKIM key removed"),
}
LISTS = {
    "block_list": gettext_lazy("Block list changed"),
    "allow_list": gettext_lazy("Allow list changed"),
}
EXPORTED = {
    "in": gettext_lazy("Incoming emails"),
    "req": gettext_lazy("Request notifications"),
    "inv": gettext_lazy("Customer invitations"),
    "search": gettext_lazy("Search"),
    "audit": gettext_lazy("Audit log"),
}
SUBJECTS = {
    "senders": gettext_lazy("Senders"),
    "notifications": gettext_lazy("Notifications"),
}
NAMES_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the page. `subject` is what was acted upon, `url` where it is found (empty: it is
    gone, or has no page), `more` what else is to be said."""

    entry: AuditEntry
    act: str
    subject: str
    url: str = ""
    more: str = ""


def lines(entries: Sequence[AuditEntry]) -> list[Line]:
    """Return the entries in words, with links to what is there still."""
    kept = Kept.of(entries)
    return [_line(entry, kept) for entry in entries]


def _line(entry: AuditEntry, kept: Kept) -> Line:
    """An act of a later version is shown as it is stored."""
    if entry.act not in Act.values:
        return Line(entry=entry, act=words.outside(entry.act), subject=entry.subject)
    if job_of(entry) is not None:
        return _job(entry, kept)
    return _WAYS[Act(entry.act)](entry, kept)


def _words(entry: AuditEntry) -> str:
    return str(ACT_WORDS[Act(entry.act)])


def _person(entry: AuditEntry, kept: Kept) -> Line:
    """An entry about an address: it leads to the page about it."""
    told = facts(entry)
    act, more = _words(entry), ""
    if told.get("request"):
        act, more = _("Participant added"), words.outside(str(told["request"])[:24])
    if isinstance(told.get("imported"), int) and not isinstance(told["imported"], bool):
        number = told["imported"]
        said = ngettext("%(count)s address from a file", "%(count)s addresses from a file", number)
        more = said % {"count": words.count(number)}
        return Line(entry=entry, act=act, subject="", url=reverse("suppression"), more=more)
    return Line(
        entry=entry, act=act, subject=entry.subject, url=audit_kept.person(entry.subject), more=more
    )


def _message(entry: AuditEntry, kept: Kept) -> Line:
    """An entry about one message: it leads to its drawer while that is kept."""
    told, pk = facts(entry), entry_id(entry.subject)
    more = ""
    if entry.act == Act.REPROCESS:
        before, after = (_outcome(told.get(name)) for name in ("before", "after"))
        more = f"{before} → {after}"
    named = str(told.get("sender") or told.get("recipient") or "")[:320]
    subject = named or (kept.mails.get(pk) if pk else "") or entry.subject
    url = kept.mail(entry.project, pk) or kept.note(entry.project, pk)
    return Line(entry=entry, act=_words(entry), subject=subject, url=url, more=more)


def _outcome(code: Any) -> str:
    return str(OUTCOMES[Outcome(code)].words) if code in set(Outcome) else "–"


def _again(entry: AuditEntry, kept: Kept) -> Line:
    told = facts(entry)
    if isinstance(sent := told.get("sent"), int):
        said = ngettext("%(count)s notification", "%(count)s notifications", sent)
        more = said % {"count": words.count(sent)}
        return Line(entry=entry, act=_words(entry), subject=entry.subject, more=more)
    url = kept.note(entry.project, entry_id(told.get("notification")))
    url = url or audit_kept.person(entry.subject)
    return Line(entry=entry, act=_words(entry), subject=entry.subject, url=url)


def _job(entry: AuditEntry, kept: Kept) -> Line:
    """An act on many messages, or its file: it leads to the page of the job."""
    told, pk = facts(entry), job_of(entry)
    more = ""
    if told.get("cancelled"):
        more = _("cancelled")
    elif isinstance(told.get("messages"), int):
        more = _messages(told["messages"])
    elif told.get("asked"):
        more = _("for many messages")
    url = kept.job(entry.project, pk)
    subject = _("Job %(number)s") % {"number": pk}
    return Line(entry=entry, act=_words(entry), subject=subject, url=url, more=more)


def _messages(number: int) -> str:
    said = ngettext("%(count)s message", "%(count)s messages", number)
    return said % {"count": words.count(number)}


def _settings(entry: AuditEntry, kept: Kept) -> Line:
    act, more = _setting(entry, facts(entry))
    subject = str(SUBJECTS.get(entry.subject, entry.subject))
    return Line(entry=entry, act=act, subject=subject, url=kept.setting(entry), more=more)


def _setting(entry: AuditEntry, told: Mapping[str, Any]) -> tuple[str, str]:
    """Return the words of a change, and what else is to be said of it."""
    for name, known in (("act", CHANNEL_ACTS), ("template", TEMPLATE_ACTS), ("dkim", DKIM_ACTS)):
        if str(told.get(name)) in known:
            return str(known[str(told[name])]), ""
    if entry.subject == "senders" and (told.get("added") or told.get("removed")):
        name = "block_list" if "block_list" in told else "allow_list"
        return str(LISTS[name]), _listed(told)
    if "removed" in told:
        return _("Channel removed"), ""
    if "authorised" in told:
        return _("Mailbox authorised"), ""
    return _words(entry), _fields(told)


def _listed(told: Mapping[str, Any]) -> str:
    for name, said in (("added", _("%(entry)s added")), ("removed", _("%(entry)s taken off"))):
        if told.get(name):
            return said % {"entry": words.outside(str(told[name])[:320])}
    return ""


def _fields(told: Mapping[str, Any]) -> str:
    """Name what was changed, never to what."""
    names = [words.outside(str(name)[:40]) for name in list(told)[:NAMES_SHOWN]]
    return words.listed([*names, "…"] if len(told) > NAMES_SHOWN else names)


def _export(entry: AuditEntry, kept: Kept) -> Line:
    told = facts(entry)
    number = told.get("number")
    more = _messages(number) if isinstance(number, int) else ""
    subject = str(EXPORTED.get(entry.subject, entry.subject))
    url = audit_kept.exported(entry)
    return Line(entry=entry, act=_words(entry), subject=subject, url=url, more=more)


_WAYS = {
    Act.RAW_DOWNLOAD: _message,
    Act.REPROCESS: _message,
    Act.UNBLOCK: _person,
    Act.BLOCK: _person,
    Act.INVITE: _person,
    Act.SEND_AGAIN: _again,
    Act.SETTINGS: _settings,
    Act.EXPORT: _export,
}
