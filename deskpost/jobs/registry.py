"""Which act is done by what. A new one: its name in Job.Act, its `Doing`, and a line here."""

from __future__ import annotations

from typing import Final

from django.utils.module_loading import import_string

from deskpost.jobs.doing import Doing
from deskpost.models import Job
from deskpost.models.permission import Act

PLACES: Final = {
    Job.Act.PROCESS_AGAIN: "deskpost.jobs.process_again.DOING",
    Job.Act.SEND_AGAIN: "deskpost.jobs.send_again.DOING",
    Job.Act.EXPORT_MBOX: "deskpost.jobs.export.MBOX",
    Job.Act.EXPORT_ZIP: "deskpost.jobs.export.ZIP",
}
# What the one who asks must be allowed to do, when it is asked for and while it runs.
NEEDS: Final = {
    Job.Act.PROCESS_AGAIN: Act.REPROCESS,
    Job.Act.SEND_AGAIN: Act.SEND_AGAIN,
    Job.Act.EXPORT_MBOX: Act.EXPORT,
    Job.Act.EXPORT_ZIP: Act.EXPORT,
}


def doing(job: Job) -> Doing:
    """Return how the job's messages are acted upon."""
    found = import_string(PLACES[Job.Act(job.act)])
    assert isinstance(found, Doing)
    return found
