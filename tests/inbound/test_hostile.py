"""Whatever arrives: a row with an outcome, in bounded time and memory, and no harm to the next."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deskpost.models import InboundEmail
from deskpost.outcomes import OUTCOMES, Outcome
from tests.desk import Desk
from tests.fuzz.monsters import FULL, LARGE, SMALL, START, Maker
from tests.mail import broken, samples
from tests.parts.site import letter

pytestmark = pytest.mark.one_database

ROOT = Path(__file__).parents[2]
SMALL_SECONDS = 0.25  # of the processor, from the bytes at intake to the outcome
LARGE_SECONDS = 2.0
SLACK = 4  # machines differ, and other tests run beside this one
WORKER_MEMORY = 350 * 1024 * 1024


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail if what runs inside takes more of the processor."""
    started = time.process_time()
    yield
    took = time.process_time() - started
    assert took < seconds, f"{took:.2f} s, {seconds:.2f} are allowed"


def assert_settled(row: InboundEmail) -> None:
    assert row.outcome in set(Outcome) - {Outcome.INTERNAL_ERROR}
    assert row.status == OUTCOMES[Outcome(row.outcome)].status
    assert row.settled_at is not None
    assert row.trail


def assert_unharmed(desk: Desk) -> None:
    """The next message is taken as if nothing had been."""
    row = desk.take(letter("the next"), sender="next@x.test")
    assert row.outcome == Outcome.REQUEST_CREATED
    assert row.subject == "the next"


def cases(makers: dict[str, Maker]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("make", makers.values(), ids=makers.keys())


@cases(SMALL)
def test_small_and_hostile(desk: Desk, make: Maker) -> None:
    raw = make()
    with within(SMALL_SECONDS * SLACK):
        row = desk.take(raw)
    assert_settled(row)
    assert_unharmed(desk)


@pytest.mark.slow
@cases(LARGE)
def test_large_and_hostile(desk: Desk, make: Maker) -> None:
    raw = make()
    assert len(raw) <= FULL
    with within(LARGE_SECONDS * SLACK):
        row = desk.take(raw)
    assert_settled(row)
    assert_unharmed(desk)


def from_many(raws: list[bytes]) -> list[bytes]:
    """Each from another sender: the loop threshold would end most of them early."""
    return [raw.replace(b"ann@", b"ann%d@" % number) for number, raw in enumerate(raws)]


def assert_all_settled(desk: Desk, raws: list[bytes]) -> None:
    rows = [desk.arrive(raw) for raw in from_many(raws)]
    desk.work_inbound()
    for row in rows:
        row.refresh_from_db()
        assert_settled(row)
    assert_unharmed(desk)


@pytest.mark.parametrize(
    "whole",
    [
        samples.encode(samples.PLAIN),
        samples.encode(samples.MIXED),
        samples.bounce(),
        samples.complaint(),
        samples.simple("Auto-Submitted: auto-replied"),
    ],
    ids=["plain", "mixed", "bounce", "complaint", "reply"],
)
def test_cut_at_every_50th_octet(desk: Desk, whole: bytes) -> None:
    assert_all_settled(desk, [whole[:length] for length in range(0, len(whole), 50)])


def test_broken_messages(desk: Desk) -> None:
    """What an address, a subject or a name holds must fit into the database too."""
    assert_all_settled(desk, [START + raw for raw in broken.examples(broken.broken(), 120)])


def test_a_message_of_only_nuls_between(desk: Desk) -> None:
    whole = samples.encode(samples.MIXED)
    assert_all_settled(desk, [b"\0".join(whole[n : n + 1] for n in range(len(whole)))])


@pytest.mark.slow
def test_a_worker_stays_small(tmp_path: Path) -> None:
    """One worker takes every large message in turn; its memory is measured at its highest."""
    if not Path("/proc/self/status").exists():
        pytest.skip("the memory of a process is read from /proc")
    command = [sys.executable, "-m", "tests.fuzz.memory"]
    env = os.environ | {
        "DESKPOST_DATA": str(tmp_path),
        "DESKPOST_DATABASE": "",
        "DESKPOST_LOG_LEVEL": "error",
    }
    for mode in ("store", "work"):
        done = subprocess.run(
            [*command, mode],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2_000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["unsettled"] == 0
    assert said["outcomes"].get("internal_error", 0) == 0
    assert said["peak"] < WORKER_MEMORY, said
