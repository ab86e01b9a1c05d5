"""`deskpost receive`: the SMTP and LMTP listener alone."""

import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand

from deskpost.inbound.channels import smtp
from deskpost.inbound.channels.directory import Directory
from deskpost.inbound.intake import Intake
from deskpost.supervisor import die_with_parent


class Command(BaseCommand):
    help = "Run the SMTP and LMTP listener alone."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        die_with_parent()
        intake = Intake()
        intake.start()
        try:
            asyncio.run(_serve(intake))
        finally:
            intake.close()


async def _serve(intake: Intake) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    listener = smtp.Listener(
        intake=intake,
        directory=Directory(),
        limits=smtp.limits_from_settings(),
        tls=smtp.tls_context(),
    )
    await smtp.serve(listener, stop)
