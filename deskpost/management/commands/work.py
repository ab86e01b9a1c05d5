"""`deskpost work`: a worker alone, for the stages named."""

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from deskpost.supervisor import die_with_parent
from deskpost.wake import Stage
from deskpost.worker import Worker

# Mailboxes are looked after by `deskpost poll`.
STAGES = [Stage.INBOUND, Stage.ANNOUNCE, Stage.OUTBOUND, Stage.JOBS]


class Command(BaseCommand):
    help = "Run a worker for the given stages (all of them, if none is given)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("stages", nargs="*", choices=[*STAGES, []], default=[])

    def handle(self, *args: Any, **options: Any) -> None:
        die_with_parent()
        worker = Worker([Stage(name) for name in options["stages"] or STAGES])

        def stop(number: int, frame: object) -> None:
            worker.stopping = True

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        worker.run()
