"""What a template may use: the variables, what they hold, and examples of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from deskpost.models import Project
from deskpost.outcomes import Kind

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as Words

LANGUAGES = ("en", "ja")
MARKERS = {
    "en": "## Reply above this line ##",
    "ja": "## この行より上に返信してください ##",
}
OF_COMMENTS = frozenset({Kind.REQUEST_CREATED, Kind.COMMENT_ADDED, Kind.COMMENT_EDITED})
OF_REQUESTS = frozenset(Kind) - {Kind.CUSTOMER_INVITED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A name that a template may use, what it holds, an example a language, and the
    kinds of notifications that have it."""

    name: str
    holds: Words
    en: str
    ja: str
    kinds: frozenset[Kind] = frozenset(Kind)

    def example(self, language: str) -> str:
        """Return the example in the language."""
        return self.ja if language == "ja" else self.en


VARIABLES: tuple[Variable, ...] = (
    Variable(
        name="project.name", holds=_("The project’s name"), en="IT help", ja="社内ヘルプデスク"
    ),
    Variable(
        name="project.address",
        holds=_("The address to which customers write"),
        en="help@desk.example",
        ja="help@desk.example",
    ),
    Variable(
        name="person.name",
        holds=_("The recipient’s name; empty if it is not known"),
        en="Ann Example",
        ja="山田 花子",
    ),
    Variable(
        name="request.key",
        holds=_("The request’s key"),
        en="IT-42",
        ja="IT-42",
        kinds=OF_REQUESTS,
    ),
    Variable(
        name="request.summary",
        holds=_("What the request is about, in one line"),
        en="The label printer swallows every third label",
        ja="ラベルプリンターが3枚に1枚の割合で紙詰まりを起こす",
        kinds=OF_REQUESTS,
    ),
    Variable(
        name="request.status",
        holds=_("The request’s status, in the recipient’s language"),
        en="Waiting for customer",
        ja="顧客待ち",
        kinds=OF_REQUESTS,
    ),
    Variable(
        name="request.is_resolved",
        holds=_("Whether the request is resolved; empty if it is not"),
        en="true",
        ja="true",
        kinds=OF_REQUESTS,
    ),
    Variable(
        name="request.url",
        holds=_("The request’s page; empty for those who cannot open it"),
        en="https://desk.example/projects/IT/requests/IT-42/",
        ja="https://desk.example/projects/IT/requests/IT-42/",
        kinds=OF_REQUESTS,
    ),
    Variable(
        name="comment.author",
        holds=_("Who wrote the comment"),
        en="Ben Sample",
        ja="佐藤 健",
        kinds=OF_COMMENTS,
    ),
    Variable(
        name="comment.text",
        holds=_("What they wrote, as plain text"),
        en="Hello Ann,\n\nplease clean the sensor <behind the flap> & try again.\n\nBen",
        ja="山田様\n\nカバーの奥にあるセンサーを清掃して、もう一度お試しください。\n\n佐藤",
        kinds=OF_COMMENTS,
    ),
)


def variables(kind: str) -> tuple[Variable, ...]:
    """Return the variables of a kind of notification."""
    return tuple(one for one in VARIABLES if kind in one.kinds)


def sample(kind: str, language: str, project: Project, address: str) -> dict[str, Any]:
    """Return values for a preview: the project's own name and address, examples for the rest, and
    links that lead to the site's first page."""
    values: dict[str, Any] = {"project": {}, "person": {}, "request": {}, "comment": {}}
    for one in variables(kind):
        root, _, name = one.name.partition(".")
        values[root][name] = one.example(language)
    values["project"] = {"name": project.name, "address": address}
    is_of_request = kind in OF_REQUESTS
    return values | {
        "marker": MARKERS[language] if is_of_request else None,
        "unsubscribe_url": f"{settings.BASE_URL}/#unsubscribe",
        "mute_url": f"{settings.BASE_URL}/#mute" if is_of_request else None,
    }


def bare(kind: str) -> dict[str, Any]:
    """Return values with which everything that may be missing is."""
    values: dict[str, Any] = {"project": {}, "person": {}, "request": {}, "comment": {}}
    for one in variables(kind):
        root, _, name = one.name.partition(".")
        values[root][name] = None if name in ("url", "name", "is_resolved") else "x"
    return values
