"""`deskpost prune`: drop what is past its days now (the worker does it by itself), or say what
would go."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from deskpost.logs import retention, retention_days, retention_plan
from deskpost.logs.retention_plan import Day
from deskpost.logs.words import KIB

LONGEST = 3650


class Command(BaseCommand):
    help = (
        "Drop log rows and raw messages that are past their days. The worker does so by itself, "
        "each quarter of an hour."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would go, and drop nothing"
        )
        parser.add_argument(
            "--days", type=int, help="with --dry-run: if so many days were kept; default: as set"
        )
        parser.add_argument(
            "--now",
            action="store_true",
            help="do not wait for an hour where DESKPOST_RETENTION_DAYS has become smaller",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["days"]
        if days is not None and not options["dry_run"]:
            raise CommandError(
                "--days is for --dry-run. What is kept says DESKPOST_RETENTION_DAYS."
            )
        if days is not None and not 1 <= days <= LONGEST:
            raise CommandError(f"--days is a number from 1 to {LONGEST}.")
        if options["dry_run"]:
            self._say(days or retention_days.wanted())
            return
        if options["now"]:
            retention_days.compare(timezone.now(), at_once=True)
        retention.prune()
        if fewer := retention_days.pending():
            self.stdout.write(
                f"{fewer.kept} days are kept until {fewer.at.isoformat(timespec='minutes')}, then "
                f"{fewer.wanted}. `deskpost prune --now` does not wait."
            )

    def _say(self, days: int) -> None:
        oldest = retention_days.first_day(timezone.now(), days)
        self.stdout.write(f"With {days} days, what is older than {oldest} (UTC) goes.")
        found = retention_plan.leaving_days(oldest)
        for day in found:
            self._line(str(day.day), day)
        if found:
            self._line("in all", retention_plan.total(found))
        else:
            self.stdout.write("Nothing is.")

    def _line(self, name: str, day: Day) -> None:
        rows = ", ".join(f"{number:,} {table}" for table, number in day.rows.items())
        self.stdout.write(f"{name:10}  {rows}; {size(day.octets)} of raw messages")


def size(octets: int) -> str:
    """Write a number of octets for a terminal."""
    value, units = float(octets), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while value >= KIB and len(units) > 1:
        value, units = value / KIB, units[1:]
    return f"{value:,.0f} {units[0]}" if units[0] == "bytes" else f"{value:,.1f} {units[0]}"
