"""Bounces in words for people: most servers of the last forty years, without RFC 3464.

What decides that a message is one: who sent it (a daemon, a postmaster, nobody, a machine), what
its subject is about, and what its words announce. A person who forwards or quotes a bounce writes
as a person, and is believed to be one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from deskpost.mail.answers import MOST_SPECIFIC, enhanced_code, specificity
from deskpost.mail.bounces_notice import Notice, read_notice
from deskpost.mail.bounces_recipients import Found, bare_names, find
from deskpost.mail.bounces_senders import is_daemon, is_mail_system, is_null
from deskpost.mail.bounces_signs import announces, is_delayed, may_be
from deskpost.mail.mailboxes import parse_mailboxes
from deskpost.mail.mime import ParsedEmail
from deskpost.mail.reports_codes import Said, diagnose, more_specific, severity_of
from deskpost.mail.reports_fields import MAX_ADDRESS, MAX_VALUE
from deskpost.mail.reports_model import Report, ReportRecipient
from deskpost.mail.reports_original import original_fields, original_id
from deskpost.mail.reports_status import read_status
from deskpost.mail.words import one_line

MAX_RECIPIENTS: Final = 100

_FIELDS = re.compile(
    r"^([> \t]{0,8})(?:reporting-mta|final-recipient|original-recipient|action) ?:", re.I | re.M
)
_INDENT = re.compile(r"^[> \t]{1,8}", re.MULTILINE)
_SERVER = re.compile(
    r"(?:(?:at|from) host|program at|mail (?:server|agent)[^.\n]{0,20} (?:at|on)|server at) "
    r"([A-Za-z0-9][\w.-]{0,200})",
    re.IGNORECASE,
)
_REMOTE = re.compile(
    r"(?:\bhost|talking to|\bserver|\bby|smtp;) <?([A-Za-z0-9][\w-]{0,62}(?:\.[\w-]{1,63}){1,8})",
    re.IGNORECASE,
)


def read(parsed: ParsedEmail, envelope_from: str | None = None) -> Report | None:
    """Read a bounce by its sender and its words, or None. `recipients` is empty where they name
    nobody. Never raises."""
    if not may_be(parsed, envelope_from):
        return None
    notice = read_notice(parsed)
    if not announces(parsed, envelope_from, notice):
        return None
    recipients = _recipients(parsed, notice)
    server = _SERVER.search(notice.text)
    return Report(
        kind="bounce",
        recipients=recipients,
        original_message_id=original_id(parsed, notice.original),
        reporting_server=server[1].rstrip(".") if server else None,
        free_text=True,
    )


def with_words(
    parsed: ParsedEmail, recipients: tuple[ReportRecipient, ...]
) -> tuple[ReportRecipient, ...]:
    """Recipients of a report's fields, those whose status says little with what its text says."""
    if all(_is_specific(recipient) for recipient in recipients):
        return recipients
    notice = read_notice(parsed)
    whole = diagnose(notice.text)
    found = {it.address.lower(): it for it in find(notice.lines, frozenset())}
    return tuple(
        it if _is_specific(it) else _better(it, found.get(it.address.lower()), notice, whole)
        for it in recipients
    )


def _is_specific(recipient: ReportRecipient) -> bool:
    """Whether the fields say all: the code of the server itself, or one that tells something."""
    if recipient.severity == "delivered":
        return True
    own = enhanced_code(recipient.diagnostic)
    return specificity(recipient.status) == MOST_SPECIFIC or (
        own == recipient.status and specificity(own) > 1
    )


def _better(
    recipient: ReportRecipient, found: Found | None, notice: Notice, whole: Said
) -> ReportRecipient:
    said = _about(found, notice, whole) if found else whole
    action = recipient.action or "failed"
    status = more_specific(recipient.status, said.enhanced)
    if not status:
        status = said.derived(delayed=action == "delayed")
    diagnostic = recipient.diagnostic or one_line(said.text)[:MAX_VALUE]
    return replace(
        recipient,
        status=status,
        diagnostic=diagnostic,
        action=action,
        severity=severity_of(action, status, diagnostic, said.text),
    )


def _recipients(parsed: ParsedEmail, notice: Notice) -> tuple[ReportRecipient, ...]:
    if recipients := _fields(notice.text):
        return recipients
    return _with_diagnoses(_found(parsed, notice), parsed, notice)


def _fields(text: str) -> tuple[ReportRecipient, ...]:
    """The recipients of a status part's fields that stand in a text."""
    found = _FIELDS.search(text)
    if found is None:
        return ()
    body = text[found.start() :]
    if found[1]:  # quoted, or set in
        body = _INDENT.sub("", body)
    return read_status(body.encode())[0]


def _found(parsed: ParsedEmail, notice: Notice) -> list[Found]:
    """X-Failed-Recipients (Exim, Gmail), else whom the words name."""
    boxes = (*parsed.to, *((parsed.from_,) if parsed.from_ else ()))
    found = find(notice.lines, frozenset(box.address.lower() for box in boxes))
    by_address = {it.address.lower(): it for it in found}
    if failed := parse_mailboxes(parsed.header("X-Failed-Recipients") or ""):
        named = [box.address for box in failed]
        return [by_address.get(address.lower(), Found(address)) for address in named]
    return found


def of_original(
    parsed: ParsedEmail, report: Report, envelope_from: str | None = None
) -> Report | None:
    """A bounce whose words name nobody by an address: it is about the original's sole recipient,
    if it quotes that, or about names at the daemon's own domain. None where it is nobody's."""
    notice = read_notice(parsed)
    if wrapped := _fields(notice.original):
        return replace(report, recipients=wrapped)
    named = _of_original(parsed, notice) or bare_names(notice.lines, _domain(parsed))
    if named:
        found = [Found(name) for name in named]
        return replace(report, recipients=_with_diagnoses(found, parsed, notice))
    # A postmaster may be a person who writes about deliveries; nobody is not.
    if is_daemon(parsed) or (is_mail_system(parsed) and is_null(parsed, envelope_from)):
        return report
    return None


def _of_original(parsed: ParsedEmail, notice: Notice) -> list[str]:
    original = original_fields(parsed).get("to")
    to = parse_mailboxes(original or _quoted_to(notice.original) or _quoted_to(notice.text))
    return [to[0].address] if len(to) == 1 else []


def _domain(parsed: ParsedEmail) -> str:
    return parsed.from_.address.rpartition("@")[2] if parsed.from_ else ""


def _quoted_to(original: str) -> str:
    found = re.search(r"^[>\s]{0,8}to:([^\n]{1,500})$", original[:20_000], re.I | re.M)
    return found[1] if found else ""


def _with_diagnoses(
    found: list[Found], parsed: ParsedEmail, notice: Notice
) -> tuple[ReportRecipient, ...]:
    delayed, whole = is_delayed(parsed, notice), diagnose(notice.text)
    made: dict[Said, ReportRecipient] = {}  # many may share one diagnosis
    recipients = []
    for it in found[:MAX_RECIPIENTS]:
        said = _about(it, notice, whole)
        if said not in made:
            made[said] = _recipient(it.address, said, delayed=delayed)
        recipients.append(replace(made[said], address=it.address[:MAX_ADDRESS]))
    return tuple(recipients)


def _recipient(address: str, said: Said, *, delayed: bool) -> ReportRecipient:
    status = said.derived(delayed=delayed)
    action = "delayed" if delayed else "failed"
    diagnostic = one_line(said.text)[:MAX_VALUE]
    remote = _REMOTE.search(said.text)
    return ReportRecipient(
        address=address[:MAX_ADDRESS],
        action=action,
        status=status,
        diagnostic=diagnostic,
        remote_server=remote[1] if remote else "",
        severity=severity_of(action, status, diagnostic),
    )


def _about(found: Found, notice: Notice, whole: Said) -> Said:
    """The words that concern a recipient: its own where they tell something, else all."""
    own = diagnose("\n".join(found.lines))
    if own.is_telling:
        return own
    key = found.address.lower()
    lines = diagnose("\n".join(line for line in notice.lines if key in line.lower()))
    return lines if lines.is_telling else whole
