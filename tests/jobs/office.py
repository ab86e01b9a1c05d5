"""Messages that failed for a setting, a job about them, and what works it off."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from deskpost.jobs import ask, run
from deskpost.logs.search import Is, Property, Query
from deskpost.models import InboundEmail, Job, Log, Person, Role
from tests.desk import Desk
from tests.parts.site import letter

ME = "worker-of-a-test"


def refused(desk: Desk, number: int) -> list[InboundEmail]:
    """Messages of strangers, one each, to a project that takes none of them."""
    desk.project.signup_open = False
    desk.project.save()
    made = [
        desk.arrive(letter(f"Printer {n}", sender=f"p{n}@x.test"), sender=f"p{n}@x.test")
        for n in range(number)
    ]
    desk.work_inbound()
    rows = list(InboundEmail.objects.filter(pk__in=[row.pk for row in made]).order_by("-id"))
    assert {row.outcome for row in rows} == {"signup_closed"}
    return rows


def open_signup(desk: Desk) -> None:
    desk.project.signup_open = True
    desk.project.save()


def admin(desk: Desk, address: str = "boss@desk.test") -> Person:
    return desk.member(address, Role.ADMIN)


def failed(desk: Desk) -> Query:
    """All incoming messages of the project that failed."""
    part = Is(property=Property.STATUS, values=("failed",))
    return Query(project_id=desk.project.pk, log=Log.INCOMING, parts=(part,))


def process_again(desk: Desk, by: Person, ids: Sequence[UUID] = (), token: str = "") -> Job:
    """Ask for a job: on these messages, or on all that failed."""
    queries = () if ids else (failed(desk),)
    return ask.ask(
        Job.Act.PROCESS_AGAIN,
        desk.project,
        by,
        log=Log.INCOMING,
        queries=queries,
        ids=ids,
        token=token,
    )


def work(owner: str = ME, most: int = 50) -> int:
    """Take steps until nothing is due; returns how many."""
    for number in range(most):
        if not run.step(owner, lambda: False):
            return number
    raise AssertionError("it goes on for ever")


def fresh(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)
