"""Which messages of a list a form is about: those ticked, or all that its filters find."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, QueryDict
from django.urls import reverse

from deskpost.logs import asked, search
from deskpost.models import Log, Project
from deskpost.web import listing

TICKED: Final = 500  # that one form can name
LOOKED_AT: Final = 1_000  # of all that the filters find, before a person says yes
# No address of a list is longer: each of its texts is bounded, and a letter is 12 characters.
QUERY_LENGTH: Final = 16_000

PAGES: Final = {
    Log.INCOMING: "email-logs-incoming",
    Log.REQUESTS: "email-logs",
    Log.INVITATIONS: "email-logs-invitations",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Messages of one list: `ids`, or with `whole` all that `query` (a query string) finds."""

    project: Project
    log: Log
    query: str
    ids: tuple[uuid.UUID, ...]
    whole: bool

    @classmethod
    def read(cls, request: HttpRequest, project: Project, *, whole: bool) -> Selection | None:
        """Read what a form has sent; None if it names no list, or more than a list can ask."""
        name, query = request.POST.get("log", ""), request.POST.get("query", "")
        # A query that was cut would find more than the person has seen.
        if name not in set(Log) or len(query) > QUERY_LENGTH or "\0" in query:
            return None
        texts = [*request.POST.getlist("id"), *request.POST.get("ids", "").split(",")]
        ids = [pk for text in texts[:TICKED] if (pk := listing.as_uuid(text))]
        return cls(
            project=project,
            log=Log(name),
            query=query.removeprefix("?"),
            ids=() if whole else tuple(dict.fromkeys(ids)),
            whole=whole,
        )

    @property
    def back(self) -> str:
        """The address of the list, under the same filters."""
        path = reverse(PAGES[self.log], args=[self.project.key])
        return f"{path}?{self.query}" if self.query else path

    @property
    def joined(self) -> str:
        """The ids as one field of a form."""
        return ",".join(str(pk) for pk in self.ids)

    def queries(self) -> Sequence[search.Query]:
        """Return what finds them, where they are not named one by one."""
        if not self.whole:
            return ()
        return (asked.read(self.project, self.log, QueryDict(self.query).dict()).query,)

    def newest(self) -> tuple[tuple[uuid.UUID, ...], bool]:
        """Return them, the newest first and no more than LOOKED_AT, and whether there are more.
        Raises TooSlow."""
        for query in self.queries():
            page = search.page(query, limit=LOOKED_AT)
            return page.ids, page.before is not None
        return self.ids, False
