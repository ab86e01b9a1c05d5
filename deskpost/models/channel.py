"""Channels: the addresses at which a project takes mail."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from deskpost.mail import address
from deskpost.models.desk import Project, RequestType


class Channel(models.Model):
    """An address of a project, and what mail to it becomes."""

    class Kind(models.TextChoices):
        ON_DEMAND = "on_demand", _("on-demand")
        CUSTOM = "custom", _("custom")

    project = models.ForeignKey(Project, models.PROTECT, related_name="channels")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.ON_DEMAND)
    address = models.CharField(max_length=320)
    address_key = models.CharField(max_length=320, unique=True, editable=False)
    request_type = models.ForeignKey(RequestType, models.PROTECT, related_name="+")
    # Whether From must be vouched for by its domain (RFC 7489). Where a server of ours stands
    # before this one, it has seen who delivers: its Authentication-Results are believed then.
    checks_dmarc = models.BooleanField(default=True)
    trusted_upstream = models.CharField(max_length=255, blank=True)
    # The loop threshold: so many messages of one sender, by time of arrival. No list lifts it.
    most_in_10_minutes = models.PositiveSmallIntegerField(default=10)
    most_in_60_minutes = models.PositiveSmallIntegerField(default=60)
    created_at = models.DateTimeField(auto_now_add=True)

    def save(self, *args: object, **kwargs: object) -> None:
        self.address_key = address.normalise(self.address)
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def __str__(self) -> str:
        return self.address
