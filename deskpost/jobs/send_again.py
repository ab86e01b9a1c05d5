"""SEND AGAIN many notifications: the rules are those of outbound/again.py, asked of each when its
turn comes. What is stale goes only if it was asked for (option `stale`)."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from deskpost.jobs.doing import Doing, Done, Pace
from deskpost.models import Job, Notification, Project
from deskpost.outbound import again, again_limit
from deskpost.outbound.again_rules import Obstacle, obstacles, stales

GONE: Final = "gone"  # its days are over
NO_PLACES: Final = "no_places"  # the site's limit for today is used up


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Those that can go, and how many cannot, for which reason."""

    free: tuple[Notification, ...]
    left_out: Mapping[str, int]


def sort(project: Project, ids: Sequence[uuid.UUID], *, stale: bool) -> Sorted:
    """Say which notifications can be sent again now."""
    rows = Notification.objects.select_related("person", "request").filter(project=project)
    notes = list(rows.filter(pk__in=ids).order_by("-id"))
    left_out = Counter({GONE: len(set(ids)) - len(notes)})
    hindered = obstacles(notes)
    old = {} if stale else stales(notes)
    free = []
    for note in notes:
        if why := hindered[note.pk] or old.get(note.pk):
            left_out[str(why)] += 1
        else:
            free.append(note)
    return Sorted(free=tuple(free), left_out=+left_out)


def chunk(job: Job, ids: Sequence[uuid.UUID], pace: Pace) -> Done:
    """Send again those that can be. The transaction around it holds the job's sums as well."""
    found = sort(job.project, ids, stale=bool(job.options.get("stale")))
    left_out = Counter(found.left_out)
    going = found.free[: again_limit.places()]
    left_out[NO_PLACES] += len(found.free) - len(going)
    made = again.send(going, job.by)
    left_out[str(Obstacle.SENT_AGAIN)] += len(going) - len(made)  # another was quicker
    return Done(looked=len(ids), made=len(made), left_out=+left_out)


DOING: Final = Doing(chunk=chunk, atomic=True, oldest_first=True)
