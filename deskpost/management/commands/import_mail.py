"""`deskpost import_mail`: bring old mail into a project."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from rich.console import Console
from rich.progress import Progress, TextColumn

from deskpost.inbound.channels import importing
from deskpost.management.channel import chosen, first_line

LINE_EACH = 500  # messages, where there is no terminal
AGAIN = "Run it again to go on."
WORKER_SECONDS = 2.0  # within which a running worker takes something up


class Command(BaseCommand):
    help = (
        "Bring old mail into a project: an mbox, a Maildir, a message (.eml) or a folder of them. "
        "Nobody is notified. It can be stopped and run again: nothing is taken twice."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="the mbox, Maildir, .eml file or folder")
        parser.add_argument("--channel", required=True, help="the address that it is to come in by")

    def handle(self, *args: Any, **options: Any) -> None:
        channel, source = chosen(options["channel"]), found(options["path"])
        importer = importing.Importer(source, channel)
        with _stoppable() as stop, ThreadPoolExecutor(4) as pool:
            try:
                self._run(importer, source, pool, stop)
            except (OSError, DatabaseError) as error:
                raise CommandError(
                    f"It failed after {importer.tally}. {first_line(error)}\n"
                    f"What was taken stays. {AGAIN}"
                ) from error
            except KeyboardInterrupt:
                raise CommandError(AGAIN, returncode=128 + signal.SIGINT) from None
        self._conclude(importer, stop)

    def _run(
        self,
        importer: importing.Importer,
        source: importing.Source,
        pool: ThreadPoolExecutor,
        stop: _Stop,
    ) -> None:
        steps = importer.run(pool)
        shown = (
            self._with_bar(steps, importer.tally, source.total)
            if self.stdout.isatty()
            else self._with_lines(steps, importer.tally)
        )
        for _ in shown:
            if stop.number:
                break

    def _with_bar(self, steps: Iterator[int], tally: importing.Tally, total: int) -> Iterator[int]:
        columns = (*Progress.get_default_columns(), TextColumn("{task.fields[read]:,} read"))
        with Progress(*columns, console=Console(), transient=True) as bar:
            task = bar.add_task("Importing", total=total, read=0)
            for done in steps:
                bar.update(task, completed=done, read=tally.read)
                yield done

    def _with_lines(self, steps: Iterator[int], tally: importing.Tally) -> Iterator[int]:
        lines = 0
        for done in steps:
            if tally.read // LINE_EACH > lines:
                lines = tally.read // LINE_EACH
                self.stdout.write(f"{tally.read:,} read …")
                self.stdout.flush()
            yield done

    def _conclude(self, importer: importing.Importer, stop: _Stop) -> None:
        self.stdout.write(str(importer.tally))
        if importer.tally.taken and not _is_worked_on(importer):
            self.stdout.write("They are processed when the site runs.")
        if stop.number:
            raise CommandError(AGAIN, returncode=128 + stop.number)


def found(path: Path) -> importing.Source:
    """Return what mail is at the path, or raise CommandError."""
    try:
        return importing.find(path)
    except importing.NotMail as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"It cannot be read. {first_line(error)}") from error


def _is_worked_on(importer: importing.Importer) -> bool:
    end = time.monotonic() + WORKER_SECONDS
    with suppress(DatabaseError):  # then it is not known, and nothing is said
        while not importer.is_worked_on():
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
    return True


class _Stop:
    """The signal that asked for the end, or 0."""

    number = 0


@contextmanager
def _stoppable() -> Iterator[_Stop]:
    """Let SIGINT and SIGTERM end the run after a batch; a second one ends it at once."""
    stop = _Stop()
    before: dict[int, Any] = {}

    def ask(number: int, frame: object) -> None:
        stop.number = number
        signal.signal(number, before[number])

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, ask)
    try:
        yield stop
    finally:
        for asked, handler in before.items():
            signal.signal(asked, handler)
