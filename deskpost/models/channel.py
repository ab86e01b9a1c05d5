"""Channels: the addresses at which a project takes mail."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from deskpost.mail import address
from deskpost.models.desk import Project, RequestType


class Living(models.Manager["Channel"]):
    """The channels that were not removed."""

    def get_queryset(self) -> models.QuerySet[Channel]:
        return super().get_queryset().filter(removed_at__isnull=True)


class Channel(models.Model):
    """An address of a project, and what mail to it becomes."""

    class Kind(models.TextChoices):
        ON_DEMAND = "on_demand", _("on-demand")
        CUSTOM = "custom", _("custom")

    project = models.ForeignKey(Project, models.PROTECT, related_name="channels")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.ON_DEMAND)
    address = models.CharField(max_length=320)
    address_key = models.CharField(max_length=320, editable=False)
    request_type = models.ForeignKey(RequestType, models.PROTECT, related_name="+")
    # Whether From must be vouched for by its domain (RFC 7489). Where a server of ours stands
    # before this one, it has seen who delivers: its Authentication-Results are believed then.
    checks_dmarc = models.BooleanField(default=True)
    trusted_upstream = models.CharField(max_length=255, blank=True)
    # The loop threshold: so many messages of one sender, by time of arrival. No list lifts it.
    most_in_10_minutes = models.PositiveSmallIntegerField(default=10)
    most_in_60_minutes = models.PositiveSmallIntegerField(default=60)
    created_at = models.DateTimeField(auto_now_add=True)
    # A removed channel takes no more mail and is listed no more; its log and requests stay.
    removed_at = models.DateTimeField(null=True)

    objects = Living()
    all_objects = models.Manager["Channel"]()

    class Meta:
        # The log and the requests of a removed channel still lead to it.
        base_manager_name = "all_objects"
        constraints = [
            models.UniqueConstraint(
                fields=["address_key"],
                condition=models.Q(removed_at__isnull=True),
                name="channel_address_once",
            )
        ]

    def save(self, *args: object, **kwargs: object) -> None:
        self.address_key = address.normalise(self.address)
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def __str__(self) -> str:
        return self.address
