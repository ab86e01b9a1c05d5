"""Fill a database with a large log.

    logs_fill.py --rows N [--workers 2]     (DESKPOST_DATA and DESKPOST_DATABASE say where)

A run that finds some goes on: what was broken off is finished, and if there are fewer rows than N
a new wave is added, spread over the same days. Notes what is there in DESKPOST_DATA/log.json.
Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deskpost.settings")

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from bench import logs_plan  # noqa: E402
from bench.logs_notes import DAYS, Notes  # noqa: E402
from bench.logs_plan import Made, Place, Plan  # noqa: E402
from bench.logs_rows import FIRST_PERSON, Maker  # noqa: E402
from bench.logs_sink import PostgresSink, Sink, SqliteSink  # noqa: E402
from bench.logs_words import ADDRESSES, Subjects, sender  # noqa: E402
from deskpost import terms  # noqa: E402
from deskpost.desk import firststart  # noqa: E402
from deskpost.models import (  # noqa: E402
    Attempt,
    Channel,
    InboundEmail,
    LogLine,
    Notification,
    Person,
    Project,
    Request,
    RequestType,
    lineindex,
    logline,
    partitions,
)

PROJECTS = 20
POSTGRES = "postgresql"


def begin() -> tuple[Place, ...]:
    """Make the tables, the projects with two channels each, and the people; return the places."""
    call_command("migrate", verbosity=0)
    firststart.prepare()
    wanted = [f"P{n:02}" for n in range(1, PROJECTS + 1)]
    if Project.objects.filter(key__in=wanted).count() < PROJECTS:
        with transaction.atomic():
            for key in wanted:
                project = Project.objects.create(key=key, name=f"Desk {key}", next_number=9_000_000)
                type_ = RequestType.objects.create(project=project, name="Get help")
                for local in ("desk", "orders"):
                    address = f"{local}.{key.lower()}@desk.test"
                    Channel.objects.create(project=project, address=address, request_type=type_)
        _people(_sink())
    return tuple(_place(project) for project in Project.objects.filter(key__in=wanted))


def _place(project: Project) -> Place:
    channels = project.channels.order_by("pk")
    return Place(
        project=project.pk,
        key=project.key,
        channels=tuple((channel.pk, channel.address) for channel in channels),
        request_type=channels[0].request_type_id,
    )


def _people(sink: PostgresSink | SqliteSink) -> None:
    columns = "id password email email_key name is_active is_site_admin language time_zone theme"
    names = f"{columns} address_private created_at".split()
    now = "2026-01-01 00:00:00"
    people = (
        (FIRST_PERSON + n, "!", address, address, name, 1, 0, "", "", "", 0, now)
        for n, (address, name) in enumerate(map(sender, range(ADDRESSES)))
    )
    sink.put(Person._meta.db_table, names, people)
    sink.connection.commit()
    sink.connection.close()


def _sink() -> PostgresSink | SqliteSink:
    values = connection.settings_dict
    if connection.vendor == POSTGRES:
        who = f"{values['USER']}:{values['PASSWORD']}" if values["PASSWORD"] else values["USER"]
        return PostgresSink(
            f"postgresql://{who}@{values['HOST']}:{values['PORT']}/{values['NAME']}"
        )
    connection.close()  # it stands in the way of another journal
    return SqliteSink(Path(values["NAME"]))


# --- The workers ---------------------------------------------------------------------------------

_maker: Maker
_own: Sink | None = None


def _start(plan: Plan, subjects: Subjects, writes: bool) -> None:
    global _maker, _own  # noqa: PLW0603 (of this process)
    os.nice(10)
    _maker = Maker(plan, subjects)
    _own = _sink() if writes else None


def _make(hour: int) -> tuple[int, Made | None]:
    made = _maker.hour(hour)
    check(made)
    if _own is None:
        return hour, made
    _own.hour(made, _maker.plan.wave)
    return hour, None


def check(made: Made) -> None:
    """Raise AssertionError unless the first lines are those that the product itself would have
    written."""
    lines = {row[0]: (row, tokens) for row, tokens in zip(made.lines, made.tokens, strict=True)}
    for model, columns, rows, line in (
        (InboundEmail, logs_plan.EMAIL, made.emails, logline.line_in),
        (Notification, logs_plan.NOTE, made.notes, logline.line_out),
    ):
        for row in [row for row in rows if row[0] in lines][:3]:
            real = line(model(**dict(zip(columns, row, strict=True))))
            ours, tokens = lines[row[0]]
            assert [getattr(real, name) for name in logs_plan.LINE] == list(ours), (real, ours)
            # The id of a message made from its row is a text.
            assert terms.tokens(real.scope, real.leaves()) == tokens, ours


def _run(plan: Plan, hours: list[int], workers: int) -> Iterator[int]:
    """Write the hours; yield each that is done. On PostgreSQL every worker writes what it makes;
    SQLite has one writer."""
    writes = connection.vendor == POSTGRES
    connection.close()
    sink = None if writes else _sink()
    given = (plan, Subjects(), writes)
    with multiprocessing.get_context("fork").Pool(workers, _start, given) as pool:
        for hour, made in pool.imap(_make, hours):
            if sink and made:
                sink.hour(made, plan.wave)
            yield hour


def fill(notes: Notes, places: tuple[Place, ...], rows: int, workers: int) -> None:
    """Bring the log to so many rows."""
    partitions.ensure([(notes.first + timedelta(days=n)).date() for n in range(DAYS + 1)])
    partitions.ensure_ahead()
    for model, columns in (
        (InboundEmail, logs_plan.EMAIL),
        (Notification, logs_plan.NOTE),
        (Attempt, logs_plan.ATTEMPT),
        (LogLine, [*logs_plan.LINE, "tokens"]),
        (Request, ["id", *logs_plan.REQUEST[1:]]),
    ):
        there = {field.column for field in model._meta.concrete_fields}
        assert there == set(columns), (model, there ^ set(columns))
    if notes.messages < rows:
        notes.waves.append({"messages": rows - notes.messages, "done": []})
    for n, wave in enumerate(notes.waves):
        plan = Plan(first=notes.first, days=DAYS, messages=wave["messages"], wave=n, places=places)
        left = sorted(set(range(plan.hours)) - set(wave["done"]))
        if not left:
            continue
        if connection.vendor == POSTGRES:
            _drop_index()
        begun, written = time.monotonic(), 0
        for hour in _run(plan, left, workers):
            wave["done"].append(hour)
            written += plan.share(hour)
            notes.save()
            if hour % 24 == 23:
                rate = written / (time.monotonic() - begun)
                sys.stderr.write(f"wave {n}, day {hour // 24 + 1}: {rate:,.0f} messages/s\n")
    if connection.vendor == POSTGRES:
        _finish_postgres()


def _drop_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX IF EXISTS line_tokens")


def _finish_postgres() -> None:
    """Make the index of tokens again, a day at a time on both processors, and the statistics."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('line_tokens')")
        (there,) = cursor.fetchone()
    if there is None:
        days = [name for name, _ in partitions.days_there() if "_logline_" in name]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(_index_day, days))
        with connection.schema_editor() as editor:
            lineindex.make_index(None, editor)  # takes the indexes of the days as its own
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _index_day(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '1GB'")
        cursor.execute(
            f"CREATE INDEX IF NOT EXISTS {table}_tokens ON {table} USING gin (tokens)"
            " WITH (gin_pending_list_limit = 512)"
        )
    connection.close()


def size() -> int:
    """Return the bytes of the database."""
    with connection.cursor() as cursor:
        if connection.vendor == POSTGRES:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    return Path(connection.settings_dict["NAME"]).stat().st_size


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    notes = Notes()
    before, begun = notes.messages, time.monotonic()
    fill(notes, begin(), chosen.rows, chosen.workers)
    seconds = time.monotonic() - begun
    said = {"messages": notes.messages, "added": notes.messages - before}
    print(json.dumps(said | {"seconds": round(seconds, 1), "bytes": size()}))


if __name__ == "__main__":
    main()
