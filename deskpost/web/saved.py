"""The searches of a project's log that a person has saved, as the lists show them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from django.urls import NoReverseMatch, reverse

from deskpost.models import Log, Person, Project, SavedSearch

MOST = 50  # of one person in one project
NAME_LIMIT = 80  # characters
QUERY_LIMIT = 2000  # characters of a query string
FIELDS = 30  # of a query string
SEARCH = "search"

# The lists that a search can be of, each with the name of its address: nothing else is led to.
LISTS = {
    SEARCH: "email-logs-search",
    str(Log.REQUESTS): "email-logs",
    str(Log.INVITATIONS): "email-logs-invitations",
    str(Log.INCOMING): "email-logs-incoming",
}
# What belongs to one visit, not to the search.
_OF_A_VISIT = frozenset({"before", "entry", "csrfmiddlewaretoken"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One saved search, and its address."""

    pk: int
    name: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The saved searches of one person in one project, by name; the list they look at now (its
    `page` and `query`), whether that is saved, and a name for it. `full`: no more can be saved."""

    rows: tuple[Row, ...]
    page: str
    query: str
    suggested: str
    full: bool

    @property
    def is_saved(self) -> bool:
        return any(row.current for row in self.rows)


def saved(person: Person, project: Project, page: str, query: str) -> Saved:
    """Return what the menu of saved searches shows on a list: `page` is one of LISTS, `query` its
    present query string."""
    here = canonical(query)
    found = SavedSearch.objects.filter(person=person, project=project).order_by("name", "pk")
    rows = tuple(
        Row(
            pk=one.pk,
            name=one.name,
            url=url,
            current=one.page == page and one.query == here,
        )
        for one in found[:MOST]
        if (url := address(project, one.page, one.query))
    )
    return Saved(
        rows=rows,
        page=page,
        query=here,
        suggested=dict(parse_qsl(here)).get("q", "")[:NAME_LIMIT],
        full=len(rows) >= MOST,
    )


def canonical(query: str) -> str:
    """Return a query string written anew, without what belongs to one visit; empty if it is more
    than is kept."""
    return _written(query) or ""


def bounded(query: str) -> bool:
    """Return whether a query string is short enough to be kept."""
    return _written(query) is not None


def _written(query: str) -> str | None:
    try:
        pairs = parse_qsl(query.removeprefix("?"), max_num_fields=FIELDS)
    except ValueError:
        return None
    kept = [(name, value) for name, value in pairs if name not in _OF_A_VISIT]
    written = urlencode(kept)
    return written if len(written) <= QUERY_LIMIT else None


def address(project: Project, page: str, query: str) -> str:
    """Return the address of a list with a query string, written anew; empty for no known list."""
    try:
        path = reverse(LISTS[page], args=[project.key])
    except (KeyError, NoReverseMatch):
        return ""
    kept = canonical(query)
    return f"{path}?{kept}" if kept else path
