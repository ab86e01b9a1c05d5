"""`deskpost signin_link`: print a new sign-in link."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deskpost.desk import people
from deskpost.models import Person
from deskpost.web import signin


class Command(BaseCommand):
    help = "Print a link that signs a site admin in once, within 15 minutes."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", help="whose link it is; without it, the first site admin's")

    def handle(self, *args: Any, **options: Any) -> None:
        person = chosen(options["email"]) if options["email"] else first_site_admin()
        self.stdout.write(signin.make_link(person))


def chosen(email: str) -> Person:
    """Return the active person of that address, or raise CommandError."""
    person = people.find(email)
    if person is None:
        raise CommandError(f"Nobody has the address {email}.")
    if not person.is_active:
        raise CommandError(f"The account of {email} is switched off.")
    return person


def first_site_admin() -> Person:
    """Return the first active site admin, or raise CommandError with what to do."""
    admin = Person.objects.filter(is_site_admin=True, is_active=True).order_by("pk").first()
    if admin is None:
        raise CommandError("There is no site admin yet. `deskpost run` makes one.")
    return admin
