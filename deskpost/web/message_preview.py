"""A template with sample values: as it would look, and as a mail to the one who writes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from email.utils import formataddr
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone
from django.utils.translation import gettext as _

from deskpost.mail import address
from deskpost.models import AuditEntry, Channel, Person, Project
from deskpost.outbound import templates, templates_values
from deskpost.outbound.compose import inlined, one_line
from deskpost.outbound.templates_check import Source
from deskpost.outbound.templates_liquid import TemplateError

MOST_TESTS, WITHIN = 3, timedelta(minutes=1)
# Inside of the frame: nothing runs, nothing is fetched.
POLICY = (
    '<!doctype html><meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
    '<meta name="referrer" content="no-referrer">'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A message with sample values: `page` is HTML for a sandboxed frame only."""

    subject: str
    text: str
    page: str


def preview(kind: str, language: str, source: Source, project: Project) -> Preview | None:
    """Return the message as it would look, or None if the template does not work after all."""
    try:
        made = _made(kind, language, source, project)
    except TemplateError:
        return None
    return Preview(subject=made.subject, text=made.text, page=POLICY + inlined(made.html))


def _made(kind: str, language: str, source: Source, project: Project) -> templates.Rendered:
    sender = sender_of(project) or "help@desk.example"
    values = templates_values.sample(kind, language, project, sender)
    return templates.apply(source, language, values)


def sender_of(project: Project) -> str | None:
    """Return the address from which the project's notifications come, if it has one."""
    rows = Channel.objects.filter(project=project, removed_at=None).order_by("id")
    return rows.values_list("address", flat=True).first()


def is_too_often(person: Person) -> bool:
    """Return whether the person has sent as many tests as a minute allows."""
    since = timezone.now() - WITHIN
    sent = AuditEntry.objects.filter(
        person=person, act=AuditEntry.Act.SETTINGS, at__gte=since, details__template="test"
    )
    return sent.count() >= MOST_TESTS


def send(kind: str, language: str, source: Source, project: Project, person: Person) -> str:
    """Send the message with sample values to the person; return why it could not be, or ""."""
    sender = sender_of(project)
    if sender is None:
        return _("This project has no channel to send from.")
    if address.problem(person.email, smtputf8=True):
        return _("Your own address is malformed.")
    try:
        made = _made(kind, language, source, project)
    except TemplateError as error:
        return error.said
    mail = EmailMultiAlternatives(
        subject=one_line(made.subject),
        body=made.text,
        from_email=formataddr((one_line(project.name)[:120], sender)),
        to=[person.email],
        headers={
            "Auto-Submitted": "auto-generated",  # RFC 3834, section 5
            "X-Auto-Response-Suppress": "All",
            "X-Deskpost-Site": settings.DESKPOST["DOMAIN"],
        },
    )
    mail.attach_alternative(inlined(made.html), "text/html")
    try:
        mail.send()
    except (OSError, SMTPException) as error:
        return one_line(str(error))[:300]
    return ""
