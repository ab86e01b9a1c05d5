"""The suppression list: entries that end, entries by hand, and the CSV file."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from deskpost.models import AuditEntry, Person, Suppression
from deskpost.outbound import suppress, suppress_csv
from deskpost.outcomes import Reason
from tests.carriers import Accepting
from tests.desk import Desk
from tests.parts.site import letter

SOON = timedelta(days=1)


@pytest.fixture
def admin(db: None) -> Person:
    return Person.objects.create_person("root@desk.test", is_site_admin=True)


def entry(email: str, ends_in: timedelta | None = None, **fields: object) -> Suppression:
    return Suppression.objects.create(
        address=email,
        address_key=email,
        cause=str(fields.pop("cause", "by_hand")),
        created_at=timezone.now(),
        expires_at=timezone.now() + ends_in if ends_in else None,
        **fields,
    )


# --- Expiry ---


def test_an_entry_blocks_until_its_time_is_over(desk: Desk, outside: Accepting) -> None:
    entry("ann@x.test", SOON)
    desk.take(letter())
    (note,) = desk.deliver(outside)
    assert note.reason == Reason.SUPPRESSION_LIST
    assert note.facts["expires"]
    Suppression.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    desk.take(letter("again"))
    assert desk.deliver(outside)[-1].status == "delivered"
    assert not Suppression.objects.exists()  # deleted when it was met


def test_an_entry_that_is_over_makes_room_for_a_new_one(admin: Person) -> None:
    entry("ann@x.test", -SOON)
    assert suppress.block("ann@x.test", "hard_bounce", {"answer": "550"})
    assert Suppression.objects.get().cause == "hard_bounce"


def test_a_hard_bounce_outlasts_an_entry_that_ends(admin: Person) -> None:
    entry("ann@x.test", SOON)
    suppress.block("ann@x.test", "hard_bounce", {})
    found = Suppression.objects.get()
    assert (found.cause, found.expires_at) == ("hard_bounce", None)


def test_an_older_entry_without_end_keeps_its_evidence(admin: Person) -> None:
    suppress.block("ann@x.test", "hard_bounce", {"answer": "first"})
    until = timezone.now() + SOON
    assert not suppress.block("ANN@x.test", "by_hand", {}, by=admin, expires_at=until)
    assert Suppression.objects.get().evidence == {"answer": "first"}
    assert not AuditEntry.objects.exists()


def test_blocking_and_unblocking_by_hand_are_written_down(admin: Person) -> None:
    assert suppress.block("ann@x.test", "by_hand", {"note": "She asked"}, by=admin)
    assert suppress.unblock("ann@x.test", admin)
    entries = AuditEntry.objects.order_by("id")
    acts = [(entry.act, entry.person, entry.project, entry.subject) for entry in entries]
    assert acts == [
        ("block", admin, None, "ann@x.test"),
        ("unblock", admin, None, "ann@x.test"),
    ]


# --- Import ---


def faults(text: str | bytes) -> list[tuple[int, str]]:
    data = text if isinstance(text, bytes) else text.encode()
    return [(fault.line, fault.code) for fault in suppress_csv.read(data).faults]


def test_a_file_is_taken_with_its_causes_and_ends(admin: Person) -> None:
    text = "\ufeffAddress,cause,expires\r\nann@x.test,,\r\n\r\nBEA@x.test,complaint,2199-01-31\r\n"
    found = suppress_csv.read(text.encode())
    assert found.faults == ()
    assert suppress_csv.take(found.entries, admin) == 2
    bea = Suppression.objects.get(address_key="bea@x.test")
    assert (bea.cause, bea.by) == ("complaint", admin)
    assert bea.expires_at is not None
    assert bea.expires_at.isoformat() == "2199-02-01T00:00:00+00:00"  # to the end of the day
    assert Suppression.objects.get(address_key="ann@x.test").expires_at is None
    assert AuditEntry.objects.get().details["imported"] == 2


def test_doubles_are_passed_over(admin: Person) -> None:
    suppress.block("ann@x.test", "hard_bounce", {"answer": "550"})
    entry("old@x.test", -SOON)
    found = suppress_csv.read(b"address\nann@x.test\nbea@x.test\nBea@X.test\nold@x.test\n")
    assert (len(found.entries), found.doubles) == (3, 1)
    assert suppress_csv.take(found.entries, admin) == 2
    assert Suppression.objects.get(address_key="ann@x.test").cause == "hard_bounce"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [(1, "no_header")]),
        ("ann@x.test\n", [(1, "no_header")]),
        ("address,colour\nann@x.test,red\n", [(1, "no_header")]),
        ("address,address\na@x.test,b@x.test\n", [(1, "no_header")]),
        ("address\ngood@x.test\nbad\n\nann@@x.test\n", [(3, "missing_at"), (5, "many_at")]),
        ("address\n a b@x.test\n", [(2, "space")]),
        ("address\nann@x.test,by_hand\n", [(2, "too_wide")]),
        ("address,cause\nann@x.test,whim\n", [(2, "cause")]),
        (
            "address,expires\nann@x.test,soon\nb@x.test,2199-13-01\n",
            [(2, "expires"), (3, "expires")],
        ),
        ("address,expires\nann@x.test,2001-01-01\n", [(2, "past")]),
        ("address,expires\nann@x.test,9999-12-31\n", [(2, "expires")]),
        ("address,expires\nann@x.test,0001-01-01T00:00:00+14:00\n", [(2, "expires")]),
        ('address\nann@x.test\n"bea@x.test\n', [(3, "not_csv")]),
        ("address\n" + "a" * 200_000 + "\n", [(2, "not_csv")]),
        (b"address\nann@x.test\n\xff\xfe@x.test\n", [(3, "not_utf8")]),
        ("address\nnul\x00@x.test\n", [(2, "control")]),
        (b"x" * (suppress_csv.LARGEST + 1), [(0, "too_big")]),
    ],
)
def test_each_bad_line_is_named(text: str | bytes, found: list[tuple[int, str]]) -> None:
    assert faults(text) == found


def test_ten_thousand_lines_are_taken_and_one_more_is_not(admin: Person) -> None:
    text = "address\n" + "".join(f"a{n}@x.test\n" for n in range(10_000))
    assert suppress_csv.take(suppress_csv.read(text.encode()).entries, admin) == 10_000
    assert faults(text + "one@x.test\n") == [(10_002, "too_many")]


# --- Export ---


def test_no_cell_is_a_formula(admin: Person) -> None:
    evil = ["=1+1@x.test", "+cmd@x.test", "-2@x.test", "\t=1@x.test", " =1@x.test"]
    for email in evil:
        entry(email, evidence={"answer": f"@SUM(1) {email}", "server": "=mx"})
    text = "".join(suppress_csv.lines(Suppression.objects.all()))
    for line in list(csv.reader(io.StringIO(text)))[1:]:
        assert not [
            cell for cell in line if cell.strip(" ")[:1] in {"=", "+", "-", "@", "\t", "\r"}
        ]


def test_what_is_written_can_be_read_back(admin: Person) -> None:
    entry(
        "+tag@x.test", SOON, cause="complaint", evidence={"answer": 'a "word",\r\nmore'}, by=admin
    )
    text = "".join(suppress_csv.lines(Suppression.objects.all()))
    Suppression.objects.all().delete()
    found = suppress_csv.read(text.encode())
    assert found.faults == ()
    (again,) = found.entries
    assert (again.address, again.cause) == ("+tag@x.test", "complaint")
    assert again.expires_at is not None
