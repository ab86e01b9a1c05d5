"""What goes wrong before any server is asked: a wish, the site's limit, a template, a project.

Each is brought about by its real cause, and by the site's own doors as far as there is one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from deskpost.demo import heavy, lab, letters, limit
from deskpost.demo.agent import Agent

WAIT_SECONDS = 8.0
LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishaps:
    """The mishaps of one project, whose notifications are written in that language. `browser`
    signs in the person of an address, if there is one."""

    agent: Agent
    project: str
    language: str
    message_limit: int  # bytes
    browser: Callable[[str], Agent | None]
    say: Callable[[str], None]

    def keep_private(self, email: str) -> None:
        """A customer signs in and sets their address to private."""
        customer = self.browser(email)
        if customer:
            customer.keep_private()
            customer.sign_out()
            self.say(f"  {email} sets the address to private")

    def write_too_much(self, key: str, email: str) -> None:
        """A template of the project's own makes a notification larger than may be sent. It is
        given up again, so that it hits nobody else."""
        if not self.agent.uses_standard(self.project, heavy.KIND, self.language):
            self.say("  the project has a template of its own, which is left as it is")
            return
        self.agent.resolve(key)
        words = heavy.template(self.message_limit)
        try:
            self.agent.save_template(self.project, heavy.KIND, self.language, words)
            self._until_one_failed(self._log(email), lambda: self.agent.reopen(key))
        finally:
            self.agent.back_to_standard(self.project, heavy.KIND, self.language)
        self.say(f"  {key} is opened again, with a template that is far too long")

    def use_up_limit(self, key: str, email: str) -> None:
        """The limit of the day is used up when an agent answers."""
        with limit.used_up():
            self._until_one_failed(
                self._log(email), lambda: self.agent.answer(key, letters.TOO_LATE)
            )
        self.say(f"  {key} is answered while the day’s limit is used up")

    def invite_from_nowhere(self) -> None:
        """Somebody is invited to a project that has no address to write from."""
        project = lab.make()
        if not project:
            self.say(f"  {lab.KEY} has an address by now: nothing fails there")
            return
        email, name = letters.INVITED_TO_LAB
        path = f"/projects/{project}/email-logs/invitations/?q={email}"
        self._until_one_failed(path, lambda: self.agent.invite(project, email, name))
        self.say(f"  {email} is invited to {project}, which has no address to write from")

    def _log(self, email: str) -> str:
        return f"/projects/{self.project}/email-logs/?q={email}"

    def _until_one_failed(self, log: str, act: Callable[[], None]) -> None:
        """Do it, and return when the log shows one failure more, or after WAIT_SECONDS."""
        before, end = self.agent.sum(log), time.monotonic() + WAIT_SECONDS
        act()
        while self.agent.sum(log) <= before and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
