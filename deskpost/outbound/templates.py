"""A notification's words: the project's own template in the recipient's language, or the standard.

A template is three pieces of Liquid: subject, text, HTML. What must be in every message is put
around them and cannot be left out: the line above which to reply, the request's name and link,
and the ways to be told less.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop
from markupsafe import Markup

from deskpost.models import MessageTemplate, Project
from deskpost.outbound.templates_check import FORBIDDEN, Source, too_many_elements
from deskpost.outbound.templates_liquid import TemplateError, run
from deskpost.outbound.templates_values import LANGUAGES

log = logging.getLogger(__name__)

STANDARD = Path(__file__).parent / "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A notification's words: subject (one line), text and HTML. `fallback` says what was wrong
    with the project's own template where the standard one had to be used."""

    subject: str
    text: str
    html: str
    fallback: dict[str, Any] | None = None


def render(
    kind: str, language: str, values: Mapping[str, Any], project: Project | None = None
) -> Rendered:
    """Render a notification in the language (English where we have no other), as `render_own`
    does with the project's own template."""
    language = written_in(language)
    own = own_template(project, kind, language) if project else None
    return render_own(own, kind, language, values)


def render_own(
    own: MessageTemplate | None, kind: str, language: str, values: Mapping[str, Any]
) -> Rendered:
    """Render a notification by a project's own template of that kind and language, or the standard
    one where there is none.

    The person who waits for mail gets it: if the project's own template fails, the standard one is
    used, and `fallback` says so.
    """
    if own is None:
        return apply(standard(kind, language), language, values)
    try:
        return apply(Source(subject=own.subject, text=own.text, html=own.html), language, values)
    except Exception as error:  # noqa: BLE001 (whatever it is, the mail goes out)
        return _instead(own, error, apply(standard(kind, language), language, values))


def written_in(language: str) -> str:
    """Return the language in which a person of that language is written to."""
    return language if language in LANGUAGES else LANGUAGES[0]


def _instead(own: MessageTemplate, error: Exception, plain: Rendered) -> Rendered:
    log.warning("template %s of project %s failed: %s", own.pk, own.project_id, type(error))
    facts: dict[str, Any] = {"kind": own.kind, "language": own.language}
    if isinstance(error, TemplateError):
        facts |= {"line": error.line, "column": error.column, "said": error.said}
    else:
        facts["said"] = type(error).__name__
    return Rendered(subject=plain.subject, text=plain.text, html=plain.html, fallback=facts)


def own_template(project: Project, kind: str, language: str) -> MessageTemplate | None:
    """Return the project's own template, or None where the standard one is used."""
    return MessageTemplate.objects.filter(project=project, kind=kind, language=language).first()


def standard(kind: str, language: str) -> Source:
    """Return the standard template of a kind. Raises OSError if there is none."""
    subject, _, text = _file(language, f"{kind}.txt").partition("\n\n")
    return Source(subject=subject, text=text.strip("\n"), html=_file(language, f"{kind}.html"))


def apply(source: Source, language: str, values: Mapping[str, Any]) -> Rendered:
    """Fill a template with values and put around it what every message has. Raises TemplateError
    for one that is wrong, goes beyond a limit, or makes what no mail program takes."""
    subject = " ".join(run(source.subject, values, html=False).split())
    if not subject:
        raise TemplateError("the subject is empty", 1, 1)
    return Rendered(
        subject=subject[:500],
        text=_text(run(source.text, values, html=False), language, values),
        html=_page(run(source.html, values, html=True), language, values),
    )


def _text(body: str, language: str, values: Mapping[str, Any]) -> str:
    foot = run(_file(language, "foot.txt"), values, html=False)
    parts = [values.get("marker") or "", body.strip("\r\n"), foot.strip("\n")]
    return "\n\n".join(part for part in parts if part) + "\n"


def _page(content: str, language: str, values: Mapping[str, Any]) -> str:
    # Every value is escaped: what is found here, the template itself has written.
    if FORBIDDEN.search(content):
        raise TemplateError(
            gettext_noop("it makes an element that mail programs do not take"), 1, 1
        )
    if error := too_many_elements(content):
        raise error
    foot = run(_file(language, "foot.html"), values, html=True)
    around = {**values, "language": language}
    around |= {"content": Markup(content), "foot": Markup(foot)}  # noqa: S704 (escaped by `run`)
    return run(_file("", "frame.html"), around, html=True)


@cache
def _file(language: str, name: str) -> str:
    return (STANDARD / language / name).read_text("utf-8")
