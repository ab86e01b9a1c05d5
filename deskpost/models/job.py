"""What a person has asked to be done to many messages, in the background."""

from django.db import models
from django.db.models import Q

from deskpost.models.desk import Person, Project
from deskpost.models.queue import Queued


class Job(Queued):
    """One act on many messages, taken up by a worker chunk by chunk. A death loses a chunk at the
    most, and what it has done is never done twice: each act sees to that by itself."""

    class Act(models.TextChoices):
        PROCESS_AGAIN = "process_again"
        SEND_AGAIN = "send_again"
        EXPORT_MBOX = "export_mbox"
        EXPORT_ZIP = "export_zip"

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        CANCELLED = "cancelled"
        FAILED = "failed"

    act = models.CharField(max_length=16, choices=Act)
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    # Which messages: {"log": a Log, "query": the query string of a list} or {"log": …, "ids": […]}.
    what = models.JSONField()
    options = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    total = models.PositiveIntegerField(default=0)  # messages, as counted when it began
    looked_at = models.PositiveIntegerField(default=0)
    made = models.PositiveIntegerField(default=0)  # those that were acted upon
    left_out = models.JSONField(default=dict)  # why: how many
    last = models.UUIDField(null=True)  # the message that was looked at last
    finished_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=64, blank=True)  # the name of an exception, and an id
    file_key = models.CharField(max_length=120, blank=True)  # of an export, in storages["default"]
    file_size = models.PositiveBigIntegerField(default=0)
    file_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="job_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["project", "-id"], name="job_by_project"),
        ]
