"""The title of a notification's drawer: the answer to "did they get it?"."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from deskpost.logs import words
from deskpost.models import Notification, Suppression
from deskpost.outcomes import Kind, NotificationStatus, Reason

NOT_GOT = {
    Kind.CUSTOMER_INVITED: gettext_lazy("%(name)s did not get this invitation."),
    Kind.REQUEST_CREATED: gettext_lazy("%(name)s was not told that the request was created."),
    Kind.COMMENT_ADDED: gettext_lazy("%(name)s did not get this comment."),
    Kind.COMMENT_EDITED: gettext_lazy("%(name)s was not told that the comment was edited."),
    Kind.PARTICIPANT_ADDED: gettext_lazy("%(name)s was not told that they now take part."),
    Kind.STATUS_CHANGED: gettext_lazy("%(name)s was not told that the status has changed."),
    Kind.REQUEST_RESOLVED: gettext_lazy("%(name)s was not told that the request is resolved."),
    Kind.REQUEST_REOPENED: gettext_lazy("%(name)s was not told that the request is open again."),
}
SENT = {
    Kind.CUSTOMER_INVITED: gettext_lazy("%(name)s was sent this invitation."),
    Kind.REQUEST_CREATED: gettext_lazy("%(name)s was told that the request was created."),
    Kind.COMMENT_ADDED: gettext_lazy("%(name)s was sent this comment."),
    Kind.COMMENT_EDITED: gettext_lazy("%(name)s was told that the comment was edited."),
    Kind.PARTICIPANT_ADDED: gettext_lazy("%(name)s was told that they now take part."),
    Kind.STATUS_CHANGED: gettext_lazy("%(name)s was told that the status has changed."),
    Kind.REQUEST_RESOLVED: gettext_lazy("%(name)s was told that the request is resolved."),
    Kind.REQUEST_REOPENED: gettext_lazy("%(name)s was told that the request is open again."),
}
WAITS = {
    Kind.CUSTOMER_INVITED: gettext_lazy("This invitation waits to be sent to %(name)s."),
    Kind.REQUEST_CREATED: gettext_lazy("This notification waits to be sent to %(name)s."),
    Kind.COMMENT_ADDED: gettext_lazy("This comment waits to be sent to %(name)s."),
    Kind.COMMENT_EDITED: gettext_lazy("The edited comment waits to be sent to %(name)s."),
    Kind.PARTICIPANT_ADDED: gettext_lazy("This notification waits to be sent to %(name)s."),
    Kind.STATUS_CHANGED: gettext_lazy("This notification waits to be sent to %(name)s."),
    Kind.REQUEST_RESOLVED: gettext_lazy("This notification waits to be sent to %(name)s."),
    Kind.REQUEST_REOPENED: gettext_lazy("This notification waits to be sent to %(name)s."),
}
NOT_MEANT = {
    Kind.CUSTOMER_INVITED: gettext_lazy("This invitation was not meant for %(name)s."),
    Kind.REQUEST_CREATED: gettext_lazy("This notification was not meant for %(name)s."),
    Kind.COMMENT_ADDED: gettext_lazy("This comment was not meant for %(name)s."),
    Kind.COMMENT_EDITED: gettext_lazy("The edited comment was not meant for %(name)s."),
    Kind.PARTICIPANT_ADDED: gettext_lazy("This notification was not meant for %(name)s."),
    Kind.STATUS_CHANGED: gettext_lazy("This notification was not meant for %(name)s."),
    Kind.REQUEST_RESOLVED: gettext_lazy("This notification was not meant for %(name)s."),
    Kind.REQUEST_REOPENED: gettext_lazy("This notification was not meant for %(name)s."),
}
TITLES = {
    NotificationStatus.FAILED: NOT_GOT,
    NotificationStatus.DELIVERED: SENT,
    NotificationStatus.QUEUED: WAITS,
    NotificationStatus.WITHHELD: NOT_MEANT,
}
BRIEFLY = {
    Reason.INTERNAL_ERROR: gettext_lazy("Deskpost failed."),
    Reason.VALIDATION_ERROR: gettext_lazy("The address is malformed."),
    Reason.TEMPLATE_TOO_LARGE: gettext_lazy("The message was too large."),
    Reason.LIMIT_REACHED: gettext_lazy("The site’s limit was used up."),
    Reason.SUPPRESSION_LIST: gettext_lazy("The address is blocked."),
    Reason.PRIVATE_ADDRESS: gettext_lazy("The address is set to private."),
    Reason.SERVICE_PROVIDER_ERROR: gettext_lazy("The mail server refused it."),
    Reason.UNKNOWN_ERROR: gettext_lazy("It was refused, and the cause is not known."),
    Reason.UNSUBSCRIBED: gettext_lazy("They have unsubscribed."),
}
NO_LONGER = gettext_lazy("The address was blocked, and is no longer.")
CONFIRMED = gettext_lazy("The server of the address has confirmed it.")
COMPLAINED = gettext_lazy("They called it spam.")


def title(note: Notification, blocked: Suppression | None) -> str:
    """Say whether the person got it; `blocked` is what blocks their address now."""
    name = words.outside(note.person.name or note.address)
    status = NotificationStatus(note.status)
    said = [str(TITLES[status][Kind(note.kind)]) % {"name": name}]
    if status == NotificationStatus.FAILED:
        said.append(_briefly(note, blocked))
    if status == NotificationStatus.DELIVERED and note.arrived_at:
        said.append(str(CONFIRMED))
    if isinstance(note.facts, dict) and note.facts.get("complained"):
        said.append(str(COMPLAINED))
    return words.sentences(said)


def _briefly(note: Notification, blocked: Suppression | None) -> str:
    if note.reason == Reason.SUPPRESSION_LIST and blocked is None:
        return str(NO_LONGER)
    return str(BRIEFLY[Reason(note.reason)])
