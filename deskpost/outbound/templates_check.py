"""Is a project's template fit to be used? Asked when it is saved; answered with line and column."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from liquid import BoundTemplate
from liquid.static_analysis import Variable

from deskpost.models import Project
from deskpost.outbound import templates_liquid, templates_values
from deskpost.outbound.templates_liquid import FILTERS, TemplateError, place

MOST_SUBJECT, MOST_BODY = 500, 100_000  # characters
# Mail programs drop these, or run them. Styles stand on the elements: many programs know no others.
FORBIDDEN = re.compile(
    r"<(script|style|link|meta|base|iframe|frame|frameset|object|embed|form|svg|math)\b",
    re.IGNORECASE,
)
# What puts the styles onto elements recurses into them: some ten thousand, one inside of the other,
# end the process. So many cannot nest where there are not so many. A line break holds nothing, and
# a comment may have any number of them.
MOST_ELEMENTS = 2_000
# Formatting that is left open is opened anew, attributes and all, in each element after it
# (HTML, "reconstruct the active formatting elements"): so many characters at the most.
MOST_REPEATED = 32 * 1024 * 1024
_ELEMENT = re.compile(r"<(?!br[\s/>])[a-z]", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A template as it is written: Liquid for the subject, the text, and the HTML."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a field of a template, in words, and where."""

    field: str
    line: int
    column: int
    words: str


def check(kind: str, source: Source, project: Project) -> tuple[Problem, ...]:
    """Return what is wrong with a template for the kind: at most one problem a field, the first."""
    found = []
    for field in ("subject", "text", "html"):
        first = next(_problems(kind, field, getattr(source, field), project), None)
        if first:
            found.append(first)
    return tuple(found)


def _problems(kind: str, field: str, source: str, project: Project) -> Iterator[Problem]:
    most = MOST_SUBJECT if field == "subject" else MOST_BODY
    if len(source) > most:
        words = _("Longer than %(most)d characters.") % {"most": most}
        yield Problem(field=field, words=words, **_at(source, most))
        return
    if not source.strip():
        yield Problem(field=field, line=1, column=1, words=_("This cannot be empty."))
        return
    try:
        template = templates_liquid.compiled(source, field == "html")
        wrong = _wrong_names(kind, template)
    except TemplateError as error:
        yield _as_problem(field, error)
        return
    for index, words in wrong:
        yield Problem(field=field, words=words, **_at(source, index))
    tag = FORBIDDEN.search(source) if field == "html" else None
    if tag:
        words = _("Mail programs do not take <%(tag)s>.") % {"tag": tag[1].lower()}
        yield Problem(field=field, words=words, **_at(source, tag.start()))
    yield from _tried(kind, field, source, project)


def _at(source: str, index: int) -> dict[str, int]:
    line, column = place(source, index)
    return {"line": line, "column": column}


def _as_problem(field: str, error: TemplateError) -> Problem:
    if error.unknown:
        words = _("There is no “%(name)s” here.") % {"name": error.unknown}
    else:
        words = _("This does not work: %(said)s.") % {"said": _(error.said).rstrip(".")}
    return Problem(field=field, line=error.line, column=error.column, words=words)


def _wrong_names(kind: str, template: BoundTemplate) -> list[tuple[int, str]]:
    """Return unknown filters and variables, in the order in which they stand."""
    found = template.analyze(include_partials=False)
    wrong = [
        (span.index, _("There is no filter “%(name)s”.") % {"name": name[:60]})
        for name, spans in found.filters.items()
        if name not in FILTERS
        for span in spans
    ]
    known = {one.name for one in templates_values.variables(kind)}
    wrong += [
        (one.span.index, _("There is no variable “%(name)s” here.") % {"name": str(one)[:60]})
        for uses in found.globals.values()
        for one in uses
        if _name(one) not in known
    ]
    return sorted(wrong)


def _name(variable: Variable) -> str:
    return ".".join(str(segment) for segment in variable.segments)


def _tried(kind: str, field: str, source: str, project: Project) -> Iterator[Problem]:
    """Render it with all values there, and with few."""
    for values in (
        templates_values.sample(kind, "en", project, "help@desk.example"),
        templates_values.bare(kind),
    ):
        try:
            made = templates_liquid.run(source, values, html=field == "html")
        except TemplateError as error:
            yield _as_problem(field, error)
            return
        if field == "html" and (too_many := too_many_elements(made)):
            yield _as_problem(field, too_many)
            return
        if field == "subject" and not made.strip():
            words = _("The subject would be empty where a value is missing.")
            yield Problem(field=field, line=1, column=1, words=words)
            return


def too_many_elements(html: str) -> TemplateError | None:
    """Return what is wrong with HTML that a template has made, if it has more than MOST_ELEMENTS,
    or so much in their tags that MOST_REPEATED could be exceeded. Every value in it is escaped:
    what is counted, the template itself has written."""
    elements = len(_ELEMENT.findall(html))
    if elements > MOST_ELEMENTS:
        return TemplateError(gettext_noop("it makes too many elements"), 1, 1)
    if len(html) * elements > MOST_REPEATED and _Tags.size_of(html) * elements > MOST_REPEATED:
        return TemplateError(gettext_noop("its elements have too long attributes"), 1, 1)
    return None


class _Tags(HTMLParser):
    """Adds up the lengths of start tags."""

    size = 0

    @classmethod
    def size_of(cls, html: str) -> int:
        parser = cls()
        parser.feed(html)
        parser.close()
        return parser.size

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.size += len(self.get_starttag_text() or "")
