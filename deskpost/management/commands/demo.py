"""`deskpost demo`: fill every page of the running site, through its doors."""

from __future__ import annotations

import signal
import smtplib
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.urls import reverse

from deskpost import models
from deskpost.demo import lab, letters, mailboxes
from deskpost.demo.agent import Agent, Refused
from deskpost.demo.mishaps import Mishaps
from deskpost.demo.post import Post
from deskpost.demo.story import Channel, Stopped, Story
from deskpost.demo.world import World
from deskpost.demo.writing import address_of
from deskpost.mail import address
from deskpost.management.commands.signin_link import first_site_admin
from deskpost.outbound import outside
from deskpost.outbound.templates import written_in
from deskpost.outcomes import REASONS, NotificationStatus, Reason
from deskpost.web import signin

KIND = models.Project.Kind


class Command(BaseCommand):
    help = "Fill every page of the running site with a demo, sent through its own doors."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        begun, post = time.monotonic(), Post()
        # What was taken for a moment is given back, also to `kill`.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        require_no_relay()
        if not post.answers():
            raise CommandError("Start the site first: make run")
        answers = {address_of(name): answer for name, answer in letters.SERVERS_SAY.items()}
        try:
            with World(answers) as world, outside.hold(world.port):
                fetched = self.play(world, post)
        except outside.Taken:
            raise CommandError("Another demo is running. Wait until it has ended.") from None
        except KeyboardInterrupt:
            raise CommandError("The demo was ended before its end.") from None
        except (Stopped, Refused, smtplib.SMTPException, OSError) as error:
            raise CommandError(
                f"The demo stopped. {error}\n"
                "Your sign-in link may be spent; a new one: .venv/bin/deskpost signin_link"
            ) from error
        self.close(world, post.sent + fetched, time.monotonic() - begun)

    def play(self, world: World, post: Post) -> int:
        """Play it; return how many messages came by no connection of the post."""
        agent = signed_in()
        self.say(f"An outside world at {outside.HOST}:{world.port} takes the site’s mail.")
        story = Story(
            world=world,
            agent=agent,
            post=post,
            channels=channels(),
            limit=settings.DESKPOST["INBOUND_LIMIT"],
            say=self.say,
            mailboxes=make_mailboxes,
            mishaps=self.mishaps(agent),
        )
        story.tell()
        agent.sign_out()
        return story.made.letters

    def mishaps(self, agent: Agent) -> Mishaps:
        project = _on_demand(KIND.COMPANY).project
        return Mishaps(
            agent=agent,
            project=project.key,
            language=written_in(project.language),
            message_limit=settings.DESKPOST["MESSAGE_LIMIT"],
            browser=browser,
            say=self.say,
        )

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def close(self, world: World, messages: int, seconds: float) -> None:
        """Say what was done and where to look; the link that `deskpost run` printed is spent."""
        self.say(
            f"Done in {seconds:.0f} s: {messages} messages in; out: {world.accepted} taken, "
            f"{world.refused} refused, {world.delayed} to be tried again later."
        )
        self.say(reasons())
        self.say("\nLook at:")
        for name, args in pages():
            self.say(f"  {settings.BASE_URL}{reverse(name, args=args)}")
        admin = first_site_admin()
        if not admin.has_usable_password():
            self.say("Sign in as the site admin (a new link, the earlier ones are spent):")
            self.say(f"  {signin.make_link(admin)}")


def require_no_relay() -> None:
    if settings.DESKPOST["RELAY"]:
        raise CommandError(
            "DESKPOST_RELAY is set: the demo would send real mail to addresses that end in "
            ".example. Run the site and the demo without it."
        )


def signed_in() -> Agent:
    """Return a browser in which the site admin is signed in."""
    agent = Agent(settings.BASE_URL)
    try:
        agent.sign_in(signin.make_link(first_site_admin()))
    except (Refused, DatabaseError) as error:
        raise CommandError(
            f"The demo cannot sign in ({error}). Start it in the same folder and with the same "
            "DESKPOST_ variables as the site."
        ) from None
    return agent


def browser(email: str) -> Agent | None:
    """Return a browser in which the person with that address is signed in, if there is one."""
    person = models.Person.objects.filter(email_key=address.normalise(email)).first()
    if person is None:
        return None
    customer = Agent(settings.BASE_URL)
    customer.sign_in(signin.make_link(person))
    return customer


def reasons() -> str:
    """Say how many of the reasons why a notification fails stand in the logs, and which do not."""
    rows = models.Notification.objects.filter(status=NotificationStatus.FAILED)
    found = set(rows.values_list("reason", flat=True))
    missing = [str(REASONS[reason].words) for reason in Reason if reason not in found]
    said = f"Reasons why a notification failed: {len(Reason) - len(missing)} of {len(Reason)}"
    return f"{said} are on the pages." + (f" Not: {', '.join(missing)}." if missing else "")


def channels() -> dict[str, Channel]:
    """Return the first address of a company-managed and of a team-managed project."""
    return {letters.IT: _channel(KIND.COMPANY), letters.FACILITIES: _channel(KIND.TEAM)}


def _channel(kind: str) -> Channel:
    channel = _on_demand(kind)
    return Channel(
        address=channel.address,
        project=channel.project.key,
        log=reverse("channel-logs", args=[channel.project.key, channel.pk]),
    )


def _on_demand(kind: str) -> models.Channel:
    rows = models.Channel.objects.filter(
        project__kind=kind, kind=models.Channel.Kind.ON_DEMAND
    ).select_related("project", "request_type")
    channel = rows.order_by("project_id", "id").first()
    if channel is None:
        raise CommandError(f"The demo needs a project of the kind “{kind}” with an address.")
    return channel


def make_mailboxes() -> mailboxes.Made:
    """Make the demo's custom channels in the company-managed project, where they are missing."""
    return mailboxes.make(_on_demand(KIND.COMPANY), first_site_admin())


def pages() -> list[tuple[str, list[Any]]]:
    """Return which pages are worth a look, by name and arguments."""
    it, facilities = (channel.project for channel in channels().values())
    support = mailboxes.find(mailboxes.SUPPORT)
    custom: list[tuple[str, list[Any]]] = []
    if support and support.project.key == it:
        custom = [("channel-connectivity", [it, support.pk])]
    return [
        ("requests", [it]),
        ("email-logs", [it]),
        ("email-logs-invitations", [it]),
        ("email-logs-incoming", [it]),
        ("customers", [it]),
        ("channels", [it]),
        *custom,
        ("channels", [facilities]),
        ("email-logs-invitations", [lab.KEY]),
        ("sending", []),
        ("my-notifications", []),
    ]
