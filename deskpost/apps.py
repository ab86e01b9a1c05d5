"""The one Django application."""

from django.apps import AppConfig


class DeskpostConfig(AppConfig):
    name = "deskpost"
    verbose_name = "Deskpost"
