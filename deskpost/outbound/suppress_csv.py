"""The suppression list as a CSV file (RFC 4180, UTF-8): written line by line, read whole or not at
all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from deskpost.cells import bare, harmless, written
from deskpost.mail import address
from deskpost.models import AuditEntry, Person, Suppression
from deskpost.outbound import suppress

LARGEST: Final = 2 * 1024 * 1024  # octets
MOST_ROWS: Final = 10_000
LATEST: Final = date(2200, 1, 1)
WRITTEN: Final = ("address", "cause", "expires", "since", "server", "code", "answer", "by")
READ: Final = ("address", "cause", "expires")
CHUNK: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a line, counted from 1; line 0 is the file itself.

    `code` is too_big, not_utf8, no_header, too_many, not_csv, too_wide, cause, expires, past, or
    one of address.problem's. `value` is the cell, cut short.
    """

    line: int
    code: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A good line."""

    address: str
    cause: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a file says: its entries, each address once, or what is wrong with it."""

    entries: tuple[Entry, ...] = ()
    doubles: int = 0
    faults: tuple[Fault, ...] = ()


class _Faulty(Exception):
    def __init__(self, code: str, value: str = "") -> None:
        self.code, self.value = code, value


# --- Out -----------------------------------------------------------------------------------------


def lines(rows: Iterable[Suppression]) -> Iterator[str]:
    """Yield the file line by line, the header first. No cell is taken for a formula."""
    yield written(WRITTEN)
    for row in rows:
        yield written(harmless(cell) for cell in _cells(row))


def _cells(row: Suppression) -> list[str]:
    said = row.evidence
    codes = [str(said.get(name) or "") for name in ("code", "enhanced")]
    return [
        row.address,
        row.cause,
        _iso(row.expires_at),
        _iso(row.created_at),
        str(said.get("server") or ""),
        " ".join(code for code in codes if code),
        str(said.get("answer") or said.get("note") or ""),
        row.by.email if row.by else "",
    ]


def _iso(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else ""


# --- In ------------------------------------------------------------------------------------------


def read(data: bytes) -> Read:
    """Read a file of at most LARGEST octets and MOST_ROWS lines with a header that names
    `address`, and maybe `cause` and `expires`; the other columns that `lines` writes are passed
    over. Never raises."""
    if len(data) > LARGEST:
        return _broken(0, "too_big")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _broken(data.count(b"\n", 0, error.start) + 1, "not_utf8")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return _read(reader)
    except csv.Error:
        return _broken(reader.line_num, "not_csv")


def _broken(line: int, code: str, value: str = "") -> Read:
    return Read(faults=(Fault(line=line, code=code, value=value[:100]),))


def _read(reader: Iterator[list[str]]) -> Read:
    names = [cell.strip().lower() for cell in next(reader, [])]
    if "address" not in names or len(set(names)) < len(names) or set(names) - set(WRITTEN):
        return _broken(1, "no_header", ",".join(names))
    now, found, faults, doubles = timezone.now(), dict[str, Entry](), list[Fault](), 0
    for count, cells in enumerate(_filled(reader), 1):
        line: int = reader.line_num  # type: ignore[attr-defined]
        if count > MOST_ROWS:
            return _broken(line, "too_many")
        try:
            entry = _entry(names, cells, now)
        except _Faulty as fault:
            faults.append(Fault(line=line, code=fault.code, value=fault.value[:100]))
            continue
        key = address.normalise(entry.address)
        doubles += key in found
        found.setdefault(key, entry)
    if faults:
        return Read(faults=tuple(faults))
    return Read(entries=tuple(found.values()), doubles=doubles)


def _filled(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    return (cells for cells in reader if any(cell.strip() for cell in cells))


def _entry(names: list[str], cells: list[str], now: datetime) -> Entry:
    if len(cells) > len(names):
        raise _Faulty("too_wide", cells[0])
    of = dict(zip(names, (bare(cell.strip()) for cell in cells), strict=False))
    email = of.get("address", "")
    if problem := address.problem(email, smtputf8=True):
        raise _Faulty(problem.code, email)
    cause = of.get("cause", "").lower() or Suppression.Cause.BY_HAND
    if cause not in Suppression.Cause.values:
        raise _Faulty("cause", cause)
    return Entry(address=email, cause=cause, expires_at=_moment(of.get("expires", ""), now))


def _moment(text: str, now: datetime) -> datetime | None:
    """Read a day (which counts to its end, in UTC) or a moment (ISO 8601, else in UTC)."""
    if not text:
        return None
    try:
        if len(text) == len("2026-11-23"):
            moment = datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(), UTC)
        else:
            moment = datetime.fromisoformat(text)
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise _Faulty("expires", text) from None
    if moment.date() > LATEST:
        raise _Faulty("expires", text)
    if moment <= now:
        raise _Faulty("past", text)
    return moment


def take(entries: Iterable[Entry], by: Person) -> int:
    """Block the addresses of a file, all or none; returns how many were not blocked yet."""
    now = timezone.now()
    rows = {address.normalise(entry.address): entry for entry in entries}
    with transaction.atomic():
        known = _known(list(rows), now)
        new = [_row(key, entry, by, now) for key, entry in rows.items() if key not in known]
        Suppression.objects.bulk_create(new, batch_size=CHUNK, ignore_conflicts=True)
        if new:
            AuditEntry.objects.create(
                person=by,
                act=AuditEntry.Act.BLOCK,
                subject="CSV",
                details={"imported": len(new), "first": [row.address for row in new[:20]]},
            )
    return len(new)


def _known(keys: list[str], now: datetime) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(keys), CHUNK):
        some = keys[start : start + CHUNK]
        suppress.forget_expired(some, now)
        found = Suppression.objects.filter(address_key__in=some)
        known.update(found.values_list("address_key", flat=True))
    return known


def _row(key: str, entry: Entry, by: Person, now: datetime) -> Suppression:
    return Suppression(
        address=entry.address,
        address_key=key,
        cause=entry.cause,
        evidence={"imported": True},
        created_at=now,
        by=by,
        expires_at=entry.expires_at,
    )
