"""A project whose setting kept messages out: what its admin sees and does in the browser."""

from __future__ import annotations

import re
from collections.abc import Iterable
from uuid import UUID

from django.test import Client
from django.urls import reverse

from deskpost.models import InboundEmail, Job
from tests.desk import Desk
from tests.jobs import office

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


class Mending:
    """Project IT with messages that failed since strangers might not write, and its admin."""

    def __init__(self, desk: Desk, number: int) -> None:
        self.desk = desk
        self.rows = office.refused(desk, number)
        self.admin = office.admin(desk)

    def browser(self) -> Client:
        client = Client()
        client.force_login(self.admin)
        return client

    def mend(self) -> None:
        office.open_signup(self.desk)

    def ask(
        self, client: Client, do: str, ids: Iterable[UUID] = (), log: str = "in", query: str = ""
    ) -> str:
        """Press a button of the bar; returns the page that asks for a yes."""
        sent = {"do": do, "log": log, "query": query, "id": [str(pk) for pk in ids]}
        response = client.post(url("acts"), sent)
        assert response.status_code == 200
        return response.text

    def say_yes(self, client: Client, page: str, **more: str) -> Job:
        """Send the form of that page; returns the job that it makes."""
        response = client.post(url("acts-start"), form(page) | more)
        assert response.status_code == 302
        return Job.objects.get(pk=int(response.headers["Location"].rstrip("/").split("/")[-1]))


def form(page: str) -> dict[str, str]:
    """Return the hidden fields of the page's form that begins the job."""
    begins = page.index(url("acts-start"))
    return dict(HIDDEN.findall(page[begins:]))


def url(name: str, *args: object) -> str:
    return reverse(name, args=["IT", *args])


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def fresh(row: InboundEmail) -> InboundEmail:
    return InboundEmail.objects.get(pk=row.pk)
