"""Unblock the addresses of many notifications: which they are, and the act."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deskpost.logs import explain_reasons, words
from deskpost.mail import address
from deskpost.models import Notification, Person, Project, Suppression
from deskpost.outbound import suppress
from deskpost.outcomes import NotificationStatus, Reason

MOST: Final = 200  # addresses in one act: each is a person who may have complained


def plan(project: Project, ids: Sequence[uuid.UUID]) -> dict[str, Any]:
    """Return what the page shows before the act: the addresses with their causes, how many there
    are besides, and how many of the notifications did not fail for a blocked address."""
    every = _blocked(project, ids)
    causes = explain_reasons.CAUSE_WORDS
    return {
        "addresses": [(one, causes[Suppression.Cause(one.cause)]) for one in every[:MOST]],
        "addresses_more": max(0, len(every) - MOST),
        "others": len(ids) - _failures(project, ids).count(),
    }


def unblock(project: Project, ids: Sequence[uuid.UUID], by: Person) -> str:
    """Unblock the addresses, each with its own entry in the audit log; say how many."""
    some = _blocked(project, ids)[:MOST]
    done = sum(suppress.unblock(one.address, by, project) for one in some)
    if not done:
        return _("None of the addresses was blocked. Nothing was changed.")
    said = ngettext(
        "%(count)s address can get mail again. Nothing was resent.",
        "%(count)s addresses can get mail again. Nothing was resent.",
        done,
    )
    return said % {"count": words.count(done)}


def _failures(project: Project, ids: Sequence[uuid.UUID]) -> Any:
    return Notification.objects.filter(
        project=project,
        pk__in=ids,
        status=NotificationStatus.FAILED,
        reason=Reason.SUPPRESSION_LIST,
    )


def _blocked(project: Project, ids: Sequence[uuid.UUID]) -> list[Suppression]:
    keys = {
        address.normalise(one) for one in _failures(project, ids).values_list("address", flat=True)
    }
    return list(suppress.in_force().filter(address_key__in=keys).order_by("address_key"))
