"""What pages say of jobs: their names, their states, and why messages were left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from deskpost.jobs import send_again
from deskpost.jobs.process_again import LeftOut
from deskpost.logs import words
from deskpost.models import Job
from deskpost.outbound.again_rules import Obstacle, Stale
from deskpost.web.again_words import STALE, WHY_NOT

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = {
    Job.Act.PROCESS_AGAIN: gettext_lazy("Process again"),
    Job.Act.SEND_AGAIN: gettext_lazy("Send again"),
    Job.Act.EXPORT_MBOX: gettext_lazy("Export as mbox"),
    Job.Act.EXPORT_ZIP: gettext_lazy("Export as ZIP"),
}
STATES = {
    Job.State.WAITING: gettext_lazy("Waiting for a worker"),
    Job.State.RUNNING: gettext_lazy("Running"),
    Job.State.DONE: gettext_lazy("Done"),
    Job.State.CANCELLED: gettext_lazy("Cancelled"),
    Job.State.FAILED: gettext_lazy("Failed"),
}
TONES = {
    Job.State.WAITING: "wait",
    Job.State.RUNNING: "wait",
    Job.State.DONE: "good",
    Job.State.CANCELLED: "skip",
    Job.State.FAILED: "fail",
}
_OF_JOBS: dict[str, Any] = {
    LeftOut.GONE: gettext_lazy("Their days in the log are over."),
    LeftOut.WAITING: gettext_lazy("They wait to be processed anyway."),
    LeftOut.MADE: gettext_lazy("They have become a request or a comment: that happens once."),
    LeftOut.SINCE: gettext_lazy("They were processed in the meantime."),
    LeftOut.NO_RAW: gettext_lazy("Nothing of them was kept that could be read."),
    LeftOut.UNREADABLE: gettext_lazy("Their raw messages cannot be read just now."),
    LeftOut.ERROR: gettext_lazy("Deskpost failed on them. The server’s log says how."),
    "raw_gone": gettext_lazy("Their raw messages are gone."),
    "over_limit": gettext_lazy("They do not fit into one file any more."),
    send_again.NO_PLACES: gettext_lazy("Today’s limit has no places left."),
    Obstacle.NOT_FAILED: gettext_lazy("They did not fail."),
    Obstacle.SENT_AGAIN: gettext_lazy("They were sent again already."),
}
LEFT_OUT = {str(why): said for one in (_OF_JOBS, WHY_NOT, STALE) for why, said in one.items()}


def left_out(sums: Mapping[str, int], *, stale: bool | None = None) -> list[tuple[str, int]]:
    """Return why messages were left out, with how many each, the most first. With `stale` only
    what may be of no use any more, or only the rest."""
    which = [(why, number) for why, number in sums.items() if stale in {None, why in set(Stale)}]
    ordered = sorted(which, key=lambda one: -one[1])
    return [(str(LEFT_OUT.get(why, _("Another reason."))), number) for why, number in ordered]


def made(job: Job) -> str:
    """Say how many messages the job has acted upon."""
    if job.state == Job.State.DONE and not job.total:
        return _("Nothing matches what was asked for any more.")
    if job.act == Job.Act.PROCESS_AGAIN:
        said = ngettext(
            "%(count)s message was processed again.",
            "%(count)s messages were processed again.",
            job.made,
        )
    elif job.act == Job.Act.SEND_AGAIN:
        said = ngettext(
            "%(count)s notification is sent again.",
            "%(count)s notifications are sent again.",
            job.made,
        )
    else:
        said = ngettext(
            "%(count)s message was exported.", "%(count)s messages were exported.", job.made
        )
    return said % {"count": words.count(job.made)}


def failure(job: Job) -> str:
    """Say why a job has failed, with an id to quote where it is a fault of ours."""
    if job.state != Job.State.FAILED:
        return ""
    if job.error == "NotAllowed":
        return _("The person who asked for it may not do this here any more.")
    if job.error.startswith("TooSlow"):
        return _("Its search took too long. Narrow the dates and ask again.")
    return _("Deskpost failed on it. To quote: %(error)s") % {"error": job.error}
