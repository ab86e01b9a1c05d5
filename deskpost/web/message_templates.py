"""Project settings › Email › Templates: the words of a project's notifications."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from csp.decorators import csp_update
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from deskpost.models import AuditEntry, MessageTemplate, Project
from deskpost.models.permission import Act
from deskpost.outbound import templates, templates_values
from deskpost.outbound.templates_check import MOST_BODY, MOST_SUBJECT, Problem, Source, check
from deskpost.outcomes import KIND_WORDS, Kind
from deskpost.web import message_preview
from deskpost.web.access import project_view, signed_in

LANGUAGES = {"en": "English", "ja": "日本語"}
FIELDS = ("subject", "text", "html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """One template under the pen: what was typed, what is saved, what is wrong with it. `seen` is
    the version that the writer began with; empty for the standard one."""

    kind: Kind
    language: str
    typed: Source
    saved: MessageTemplate | None
    seen: str = ""
    problems: tuple[Problem, ...] = ()
    overtaken: bool = False

    def fields(self) -> dict[str, dict[str, Any]]:
        """Return what is typed in each field and its problem."""
        wrong = {one.field: one for one in self.problems}
        return {
            name: {"value": getattr(self.typed, name), "problem": wrong.get(name)}
            for name in FIELDS
        }


@require_safe
@project_view(Act.CHANGE_SETTINGS)
def listing(request: HttpRequest, project: Project) -> HttpResponseBase:
    """List the kinds of notifications, and which words are the project's own."""
    rows = MessageTemplate.objects.filter(project=project).select_related("changed_by")
    own = {(row.kind, row.language): row for row in rows}
    kinds = [
        (kind, KIND_WORDS[kind], [(code, own.get((kind, code))) for code in LANGUAGES])
        for kind in Kind
    ]
    values = {"project": project, "kinds": kinds, "languages": LANGUAGES}
    return render(request, "message_templates/listing.html", values)


# The preview is a frame without an address (srcdoc): it falls under this page's policy, and the
# styles of a mail stand on its elements. Scripts stay forbidden, here and once more in the frame.
@csp_update({"style-src": ["'unsafe-inline'"]})
@require_http_methods(["GET", "POST"])
@project_view(Act.CHANGE_SETTINGS)
def edit(request: HttpRequest, project: Project, kind: str, language: str) -> HttpResponseBase:
    """Show a template; save it, preview it, or send it to the one who writes it (`act`)."""
    chosen = _kind(kind, language)
    saved = _saved(project, chosen, language)
    if request.method != "POST":
        typed = _source(saved) if saved else templates.standard(chosen, language)
        editor = Editor(
            kind=chosen, language=language, typed=typed, saved=saved, seen=_version(saved)
        )
        return _show(request, project, editor)
    typed = _typed(request)
    editor = Editor(
        kind=chosen,
        language=language,
        typed=typed,
        saved=saved,
        seen=request.POST.get("seen", "")[:64],
        problems=check(chosen, typed, project),
    )
    act = request.POST.get("act")
    if act == "preview":
        return _show(request, project, editor, shows=True)
    if editor.problems:
        return _show(request, project, editor, status=422)
    if act == "test":
        _send_test(request, project, editor)
        return _show(request, project, editor, shows=True)
    return _save(request, project, editor)


def _kind(kind: str, language: str) -> Kind:
    if kind not in KIND_WORDS or language not in LANGUAGES:
        raise Http404
    return Kind(kind)


def _saved(project: Project, kind: str, language: str) -> MessageTemplate | None:
    rows = MessageTemplate.objects.filter(project=project, kind=kind, language=language)
    return rows.select_related("changed_by").first()


def _source(row: MessageTemplate) -> Source:
    return Source(subject=row.subject, text=row.text, html=row.html)


def _typed(request: HttpRequest) -> Source:
    """Return what was typed, with one line break where browsers send two characters."""
    text = {name: request.POST.get(name, "").replace("\r\n", "\n") for name in FIELDS}
    return Source(**{name: said.replace("\x00", "") for name, said in text.items()})


def _version(saved: MessageTemplate | None) -> str:
    return saved.changed_at.isoformat() if saved else ""


def _show(
    request: HttpRequest,
    project: Project,
    editor: Editor,
    *,
    status: int = 200,
    shows: bool = False,
) -> HttpResponseBase:
    preview = None
    if shows and not editor.problems:
        preview = message_preview.preview(editor.kind, editor.language, editor.typed, project)
    values = {
        "project": project,
        "editor": editor,
        "fields": editor.fields(),
        "title": KIND_WORDS[editor.kind],
        "language_name": LANGUAGES[editor.language],
        "variables": [
            (f"{{{{ {one.name} }}}}", one.holds, one.example(editor.language))
            for one in templates_values.variables(editor.kind)
        ],
        "preview": preview,
        "shows": shows,
        "recipient": signed_in(request).email,
        "most": {"subject": MOST_SUBJECT, "body": MOST_BODY},
    }
    return render(request, "message_templates/edit.html", values, status=status)


# --- What changes something ----------------------------------------------------------------------


def _save(request: HttpRequest, project: Project, editor: Editor) -> HttpResponseBase:
    """Save it, unless somebody else has in the meantime: then say so, and keep what was typed."""
    with transaction.atomic():
        done = (
            _replace(request, project, editor) if editor.seen else _begin(request, project, editor)
        )
        if done:
            _audit(request, project, editor, "saved")
    if not done:
        return _overtaken(request, project, editor)
    messages.success(request, _("Saved. It holds for what is sent from now on."))
    return redirect("template", project.key, editor.kind, editor.language)


def _replace(request: HttpRequest, project: Project, editor: Editor) -> bool:
    """Change the version that the writer began with; False if it is no longer there."""
    return bool(_seen(project, editor).update(**_row(request, editor)))


def _seen(project: Project, editor: Editor) -> Any:
    rows = MessageTemplate.objects.filter(
        project=project, kind=editor.kind, language=editor.language
    )
    try:
        moment: datetime | None = parse_datetime(editor.seen)
    except ValueError:
        moment = None
    return rows.filter(changed_at=moment) if moment and moment.tzinfo else rows.none()


def _begin(request: HttpRequest, project: Project, editor: Editor) -> bool:
    """Write the project's first version; False if somebody has."""
    names = {"project": project, "kind": editor.kind, "language": editor.language}
    try:
        with transaction.atomic():
            MessageTemplate.objects.create(**names, **_row(request, editor))
    except IntegrityError:
        return False
    return True


def _row(request: HttpRequest, editor: Editor) -> dict[str, Any]:
    typed = {name: getattr(editor.typed, name) for name in FIELDS}
    return typed | {"changed_by": signed_in(request), "changed_at": timezone.now()}


def _overtaken(request: HttpRequest, project: Project, editor: Editor) -> HttpResponseBase:
    saved = _saved(project, editor.kind, editor.language)
    editor = Editor(
        kind=editor.kind,
        language=editor.language,
        typed=editor.typed,
        saved=saved,
        seen=_version(saved),  # who saves again knows what they replace
        overtaken=True,
    )
    return _show(request, project, editor, status=409)


@require_POST
@project_view(Act.CHANGE_SETTINGS)
def back_to_standard(
    request: HttpRequest, project: Project, kind: str, language: str
) -> HttpResponseBase:
    """Give up the project's own words, unless they are not the ones that the page showed."""
    chosen = _kind(kind, language)
    saved = _saved(project, chosen, language)
    if saved is None:
        return redirect("template", project.key, kind, language)
    seen = request.POST.get("seen", "")[:64]
    editor = Editor(kind=chosen, language=language, typed=_source(saved), saved=saved, seen=seen)
    with transaction.atomic():
        done = bool(_seen(project, editor).delete()[0])
        if done:
            _audit(request, project, editor, "standard")
    if not done:
        return _overtaken(request, project, editor)
    messages.success(request, _("The standard template is used from now on."))
    return redirect("template", project.key, kind, language)


def _audit(request: HttpRequest, project: Project, editor: Editor, what: str) -> None:
    """Write down who did what; of words that are given up or replaced, the last version."""
    details: dict[str, Any] = {"template": what}
    if editor.saved and what != "test":
        details["before"] = {name: getattr(editor.saved, name)[:2000] for name in FIELDS}
    AuditEntry.objects.create(
        person=signed_in(request),
        project=project,
        act=AuditEntry.Act.SETTINGS,
        subject=f"{editor.kind}/{editor.language}",
        details=details,
    )


def _send_test(request: HttpRequest, project: Project, editor: Editor) -> None:
    person = signed_in(request)
    if message_preview.is_too_often(person):
        messages.error(request, _("Three tests a minute are enough. Wait a moment."))
        return
    _audit(request, project, editor, "test")
    refused = message_preview.send(editor.kind, editor.language, editor.typed, project, person)
    if refused:
        messages.error(request, _("The test could not be sent: %(said)s") % {"said": refused})
    else:
        messages.success(request, _("Sent to %(address)s.") % {"address": person.email})
