"""The one Django application."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class DeskpostConfig(AppConfig):
    name = "deskpost"
    verbose_name = "Deskpost"

    def ready(self) -> None:
        from deskpost.logs import search_sqlite

        connection_created.connect(search_sqlite.register)
