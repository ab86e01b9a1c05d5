"""The strip above a project's log of notifications: what the site's limit stopped on days that are
over, while nobody has sent it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import ngettext

from deskpost.logs import words
from deskpost.models import Project
from deskpost.outbound import again_limit
from deskpost.outbound.again_limit import Stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """One day of which the project still has something to send again."""

    said: str
    url: str


def values(project: Project) -> dict[str, Any]:
    """Return what email_logs/limit_strip.html shows, as `limit_strips`: no more once a person has
    sent again all of a day that could go."""
    days = again_limit.what(project)
    over = again_limit.dealt_with(project, [one.day for one in days]) if days else set()
    return {"limit_strips": [_strip(project, one) for one in days if one.day not in over]}


def _strip(project: Project, one: Stopped) -> Strip:
    said = ngettext(
        "%(count)s notification was stopped by the site’s limit on %(day)s.",
        "%(count)s notifications were stopped by the site’s limit on %(day)s.",
        one.left,
    ) % {"count": words.count(one.left), "day": words.short_day(one.day)}
    return Strip(said=said, url=reverse("limit-again", args=[project.key, one.day.isoformat()]))
