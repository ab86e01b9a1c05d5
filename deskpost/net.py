"""The one way out, for what people name as servers: resolve, check, connect to what was checked.

A name that leads to a private or loopback address is refused unless its network is allowed
(DESKPOST_ALLOW_PRIVATE_HOSTS): or else whoever may set up a channel could reach into the network
in which this machine stands. The check is made after each resolution, and the connection goes to
the address that was checked, so that a second answer of DNS changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deskpost.problems import Problem, Step


class Fault(Exception):
    """The other side cannot be reached, or does not let us work.

    `problem` says why, `said` holds the server's own words (not trusted, one line, bounded) and
    `facts` what else is known: host, port, names, dates. All of it can be shown to people and
    holds no secret. `step` is where it happened, while a connection is made.
    """

    def __init__(
        self, problem: Problem, said: str = "", *, step: Step | None = None, **facts: Any
    ) -> None:
        self.problem, self.said, self.step = problem, one_line(said), step
        self.facts: Mapping[str, Any] = facts
        super().__init__(f"{problem}: {self.said}" if self.said else str(problem))


MOST_SAID = 500


def one_line(said: str | bytes) -> str:
    """Return what a server said, as one bounded line without control characters."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    visible = "".join(c if c.isprintable() else " " for c in text[: MOST_SAID * 2])
    return " ".join(visible.split())[:MOST_SAID]
