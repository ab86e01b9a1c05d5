"""Who looked at or changed what: kept longer than the log itself."""

from django.db import models

from deskpost.models.desk import Person, Project


class AuditEntry(models.Model):
    """One act of a person that others may ask about later."""

    class Act(models.TextChoices):
        UNBLOCK = "unblock"
        RAW_DOWNLOAD = "raw_download"
        INVITE = "invite"
        REPROCESS = "reprocess"
        SETTINGS = "settings"
        BLOCK = "block"
        SEND_AGAIN = "send_again"
        EXPORT = "export"

    at = models.DateTimeField(auto_now_add=True)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    project = models.ForeignKey(Project, models.PROTECT, null=True, related_name="+")
    act = models.CharField(max_length=16, choices=Act)
    subject = models.CharField(max_length=320)  # the address, or the id of the row
    details = models.JSONField(default=dict)
