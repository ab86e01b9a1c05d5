"""Is a project's template fit to be used? Asked when it is saved; answered with line and column."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _
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
        if field == "subject" and not made.strip():
            words = _("The subject would be empty where a value is missing.")
            yield Problem(field=field, line=1, column=1, words=words)
            return
