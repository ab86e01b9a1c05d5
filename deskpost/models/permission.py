"""Who may do what. Every page and act asks here, and nowhere else."""

from enum import Enum, auto

from deskpost.models.desk import Membership, Person, Project, Role


class Act(Enum):
    """What a person may want to do in a project."""

    READ_REQUESTS = auto()
    ANSWER_REQUESTS = auto()
    MANAGE_CUSTOMERS = auto()
    READ_LOGS = auto()
    PREVIEW = auto()  # the content of a message
    DOWNLOAD_RAW = auto()
    EXPORT = auto()
    UNBLOCK = auto()
    SEND_AGAIN = auto()
    REPROCESS = auto()
    CHANGE_SETTINGS = auto()


AGENTS = frozenset({Act.READ_REQUESTS, Act.ANSWER_REQUESTS, Act.MANAGE_CUSTOMERS})
ALLOWED: dict[str, frozenset[Act]] = {
    Role.ADMIN: frozenset(Act),
    Role.AGENT: AGENTS,
    Role.CUSTOMER: frozenset(),
}


def role_in(person: Person, project: Project) -> str | None:
    """Return the person's role in the project; a site admin is an admin of every project."""
    if person.is_site_admin:
        return Role.ADMIN
    membership = Membership.objects.filter(project=project, person=person).first()
    return membership.role if membership else None


def may(person: Person, act: Act, project: Project) -> bool:
    """Return whether the person may do this in the project."""
    return act in ALLOWED.get(role_in(person, project) or "", frozenset())
