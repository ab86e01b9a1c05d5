"""`deskpost poll`: a poller alone, for the mailboxes of custom channels."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from deskpost.inbound.channels.poller import Poller
from deskpost.supervisor import die_with_parent


class Command(BaseCommand):
    help = "Run a poller, which takes the mail of custom channels from their mailboxes."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        die_with_parent()
        poller = Poller()

        def stop(number: int, frame: object) -> None:
            poller.stop()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        poller.run()
