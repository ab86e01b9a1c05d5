"""`deskpost prune`: drop what is past its days now (the worker does it by itself)."""

from typing import Any

from django.core.management.base import BaseCommand

from deskpost.logs import retention


class Command(BaseCommand):
    help = "Drop log rows and raw messages that are past their days."

    def handle(self, *args: Any, **options: Any) -> None:
        retention.prune()
