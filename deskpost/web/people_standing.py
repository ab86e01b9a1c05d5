"""What stands with an address: one sentence for the head of its page, and what can be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from deskpost.logs import timeline_recent, words
from deskpost.logs.timeline_recent import Recent
from deskpost.mail import address
from deskpost.models import Membership, Notification, Person, Project, Suppression
from deskpost.outbound import suppress

# Each says that nothing is sent, since when, and why.
BLOCKED = {
    Suppression.Cause.HARD_BOUNCE: gettext_lazy("Blocked since %(when)s after a hard bounce."),
    Suppression.Cause.SOFT_BOUNCES: gettext_lazy(
        "Blocked since %(when)s after several soft bounces in a row."
    ),
    Suppression.Cause.COMPLAINT: gettext_lazy("Blocked since %(when)s after a complaint of spam."),
    Suppression.Cause.BY_HAND: gettext_lazy("Blocked since %(when)s, by hand."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """What the address missed in a project: how many of its last notifications, and the newest,
    from whose page they can be sent again."""

    project: Project
    number: int
    newest: Notification


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of an address in some projects. `person` is set only where those projects know
    the person, not the site alone; `blocked` is what blocks the address now."""

    email: str
    person: Person | None
    memberships: tuple[Membership, ...]
    blocked: Suppression | None
    recent: Recent

    @property
    def name(self) -> str:
        """The person's name, or else the address."""
        return (self.person.name if self.person else "") or self.email

    @property
    def known(self) -> bool:
        """Whether these projects know the address at all."""
        return bool(self.person or self.recent.told or self.recent.wrote)

    @property
    def good(self) -> bool:
        """Whether mail to it goes out."""
        return not self._hindrance()

    @property
    def sentence(self) -> str:
        """Say whether the address can get mail, what it got last, and when it wrote."""
        name = {"name": words.outside(self.name)}
        can = self._hindrance() or _("%(name)s can get mail.") % name
        return words.sentences([can, self._went(), self._wrote(), *self._account()])

    def missed(self) -> list[Missed]:
        """Return what was missed, by project."""
        numbers = Counter(note.project_id for note in self.recent.missed)
        newest: dict[int, Notification] = {}
        for note in self.recent.missed:
            newest.setdefault(note.project_id, note)
        return [
            Missed(project=note.project, number=numbers[pk], newest=note)
            for pk, note in newest.items()
        ]

    def _hindrance(self) -> str:
        """Say why nothing goes to the address, the first that a notification would meet."""
        if address.problem(self.email, smtputf8=True):
            return _("The address is malformed: nothing can be sent to it.")
        if self.blocked:
            return _blocked(self.blocked)
        if self.person and self.person.address_private:
            return _("%(name)s has set the address to private: nothing is sent to it.") % {
                "name": words.outside(self.name)
            }
        if self.person and self.person.unsubscribed_at:
            return _("%(name)s has unsubscribed, on %(when)s: nothing is sent.") % {
                "name": words.outside(self.name),
                "when": words.moment(self.person.unsubscribed_at, "date"),
            }
        return ""

    def _went(self) -> str:
        note = self.recent.went
        if note is None:
            return _("Nothing has gone to this address lately.")
        if note.arrived_at:
            return _("Last delivered %(when)s.") % {"when": words.said_at(note.arrived_at)}
        at = note.settled_at
        return _("Last sent %(when)s.") % {"when": words.said_at(at)} if at else ""

    def _wrote(self) -> str:
        if self.recent.wrote is None:
            return _("Never wrote, as far as the log is kept.")
        return _("Last wrote %(when)s.") % {"when": words.said_at(self.recent.wrote.received_at)}

    def _account(self) -> list[str]:
        return [] if self.person else [_("There is no account with this address.")]


def _blocked(blocked: Suppression) -> str:
    cause = Suppression.Cause(blocked.cause)
    since = str(BLOCKED[cause]) % {"when": words.moment(blocked.created_at, "date")}
    if blocked.expires_at is None:
        return since
    ends = _("Until %(when)s.") % {"when": words.moment(blocked.expires_at, "date")}
    return words.sentences([since, ends])


def of(email: str, projects: Sequence[Project], *, whole_site: bool) -> Standing:
    """Return what these projects know of the address. With `whole_site` (for site admins) also what
    only the site does: an account without a part in them, a block."""
    key = address.normalise(email)
    keys = [project.pk for project in projects]
    recent = timeline_recent.of(keys, email)
    person = Person.objects.filter(email_key=key).first()
    parts = Membership.objects.filter(person__email_key=key, project__in=keys)
    memberships = tuple(parts.select_related("project").order_by("project__key"))
    ours = bool(memberships or recent.told or whole_site)
    if not ours:  # anybody can write, in anybody's name: that shows nothing of the site
        person = None
    return Standing(
        email=person.email if person else email,
        person=person,
        memberships=memberships,
        blocked=suppress.in_force().filter(address_key=key[:320]).first() if ours else None,
        recent=recent,
    )
