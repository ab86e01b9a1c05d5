"""`deskpost run`: the whole site in one command."""

from __future__ import annotations

import fcntl
import os
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from deskpost.desk import firststart
from deskpost.models import Person, Request, partitions
from deskpost.supervisor import Child, Supervisor, is_free
from deskpost.web import signin

DEMO = ".venv/bin/deskpost demo"


class Command(BaseCommand):
    help = "Run the site: web, SMTP and LMTP listener, workers. Ctrl-C stops it."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        only_one_per_data_folder()
        for name in ("WEB", "SMTP", "LMTP"):
            require_free(name)
        call_command("migrate", interactive=False, verbosity=0)
        partitions.ensure_ahead()
        admin = firststart.prepare()
        self.greet(admin)
        Supervisor(children()).run()
        self.stdout.write("Deskpost has stopped.")

    def greet(self, admin: Person | None) -> None:
        smtp = f"{settings.DESKPOST['SMTP_HOST']}:{settings.DESKPOST['SMTP_PORT']}"
        lines = ["", f"  Deskpost       {settings.BASE_URL}/", f"  Mail (SMTP)    {smtp}"]
        if settings.DESKPOST["RELAY"] is None:
            lines.append(f"  Outgoing mail  no relay is set: see {settings.OUTBOX}")
        if admin and not admin.has_usable_password():
            lines += ["", "  Sign in as the site admin (once, within 15 minutes):"]
            lines.append(f"  {signin.make_link(admin)}")
        elif admin:
            lines.append("  Sign in        with your password; deskpost signin_link makes a link")
        if settings.DESKPOST["RELAY"] is None and not Request.objects.exists():
            lines += ["", "  Fill every page with a demo, in a second terminal: " + DEMO]
        self.stdout.write("\n".join([*lines, "", "  Ctrl-C stops it.", ""]))
        self.stdout.flush()


def children() -> list[Child]:
    """Return the processes of the site."""
    listeners = range(1, settings.DESKPOST["LISTENERS"] + 1)
    workers = range(1, settings.DESKPOST["WORKERS"] + 1)
    senders = range(1, settings.DESKPOST["OUTBOUND_WORKERS"] + 1)
    return [
        Child("web", ["web"]),
        *(Child(f"listener {n}", ["receive"]) for n in listeners),
        *(Child(f"inbound worker {n}", ["work", "inbound"]) for n in workers),
        *(Child(f"outbound worker {n}", ["work", "announce", "outbound", "jobs"]) for n in senders),
        *(Child(f"poller {n}", ["poll"]) for n in range(1, settings.DESKPOST["POLLERS"] + 1)),
    ]


def require_free(name: str) -> None:
    """Raise CommandError with what to do if the port of that listener is taken."""
    host, port = settings.DESKPOST[f"{name}_HOST"], settings.DESKPOST[f"{name}_PORT"]
    if port and not is_free(host, port):
        raise CommandError(
            f"Port {port} on {host} cannot be used for {name}: another program listens there, "
            f"or it is not allowed. Choose another, for example: DESKPOST_{name}_PORT={port + 1000}"
        )


_held: list[Any] = []


def only_one_per_data_folder() -> None:
    """Hold a lock for as long as this process lives; raise CommandError if another holds it."""
    folder = settings.RUN
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / "run.lock").open("a+")
    except OSError as error:
        raise CommandError(
            f"The data folder {settings.DATA} cannot be written ({error.strerror}). "
            "Choose another, for example: DESKPOST_DATA=/var/lib/deskpost"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise CommandError(
            f"Deskpost runs already on the data folder {settings.DATA} (process {lock.read()}). "
            "Stop it, or choose another folder with DESKPOST_DATA."
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    _held.append(lock)
