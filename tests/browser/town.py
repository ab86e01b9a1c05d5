"""A running site, and the people outside: they write to it, and are written to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.parts.process import wait_until
from tests.parts.site import Site, letter, wire
from tests.parts.world import OutsideWorld

# Mailboxes of the tests are on this machine.
ENV = {"DESKPOST_ALLOW_PRIVATE_HOSTS": "127.0.0.1/32"}
REQUESTS = (
    "SELECT r.key FROM deskpost_request r JOIN deskpost_person p ON p.id = r.reporter_id "
    "WHERE p.email LIKE ? ORDER BY r.id"
)
INCOMING = (
    "SELECT count(*) FROM deskpost_inboundemail WHERE settled_at IS NOT NULL AND sender LIKE ?"
)
NOTES = "SELECT count(*) FROM deskpost_notification WHERE settled_at IS NOT NULL AND address = ?"
UNSETTLED = "SELECT count(*) FROM deskpost_notification WHERE settled_at IS NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A site with its project IT, and the mail server of everybody else."""

    site: Site
    world: OutsideWorld

    def writes(self, sender: str, subject: str = "The printer is out of ink") -> bytes:
        """Have somebody write to IT; return the message as it travelled, once it is settled."""
        before = self._count(INCOMING, sender)
        sent = self.posts(sender, subject)
        self._wait(lambda: self._count(INCOMING, sender) > before)
        return sent

    def posts(self, sender: str, subject: str = "The printer is out of ink") -> bytes:
        """The same without waiting for what becomes of it."""
        message = wire(letter(subject, sender=f"{name_of(sender)} <{sender}>"))
        self.site.send(message, sender=sender)
        return message

    def settled(self, like: str, number: int) -> None:
        """Return once so many messages from the address, or addresses like it, have an outcome."""
        self._wait(lambda: self._count(INCOMING, like) >= number)

    def notified(self, address: str, number: int) -> None:
        """Return once so many notifications to the address are delivered, failed or withheld."""
        self._wait(lambda: self._count(NOTES, address) >= number)

    def all_told(self) -> None:
        """Return once no notification waits any more."""
        self._wait(lambda: self.site.sql(UNSETTLED)[0][0] == 0)

    def requests_of(self, like: str) -> list[str]:
        """Return the keys of the requests of a person, or of all whose address is like this."""
        return [str(key) for (key,) in self.site.sql(REQUESTS, [like])]

    def _count(self, query: str, like: str) -> int:
        return int(self.site.sql(query, [like])[0][0])

    def _wait(self, done: Callable[[], bool]) -> None:
        assert wait_until(done, seconds=60), self.site.log_text()


@contextmanager
def town() -> Iterator[Town]:
    """Start them."""
    with OutsideWorld() as world, Site(relay=f"smtp://127.0.0.1:{world.port}", env=ENV) as site:
        yield Town(site=site, world=world)


def name_of(address: str) -> str:
    """Ann, of ann.en@x.test."""
    return address.partition(".")[0].title()
