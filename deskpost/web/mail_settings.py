"""Project settings › Email: whose mail is taken, and how a channel judges it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from deskpost.logs import matches
from deskpost.mail import senders
from deskpost.models import AuditEntry, Channel, Mailbox, Project
from deskpost.models.permission import Act
from deskpost.web.access import project_view, signed_in
from deskpost.web.mailbox_address import offer_types

if TYPE_CHECKING:
    _OfProject = forms.ModelForm[Project]
    _OfChannel = forms.ModelForm[Channel]
    AnyForm = forms.ModelForm[Any]
else:  # generic for the type checker only
    _OfProject = _OfChannel = AnyForm = forms.ModelForm

MOST_ENTRIES = 500


class SendersForm(_OfProject):
    """Who may write to a project."""

    class Meta:
        model = Project
        fields = (
            "signup_open",
            "copies_become_participants",
            "closed_opens_new",
            "block_list",
            "allow_list",
        )

    def clean_block_list(self) -> str:
        return _checked(self.cleaned_data["block_list"])

    def clean_allow_list(self) -> str:
        return _checked(self.cleaned_data["allow_list"])


def _checked(text: str) -> str:
    """Return the list with an entry a line, or raise ValidationError with what to do."""
    entries = senders.entries(text)
    if len(entries) > MOST_ENTRIES:
        raise ValidationError(
            _("A list holds up to %(most)d entries. Use *.domain for many of one domain.")
            % {"most": MOST_ENTRIES}
        )
    for entry in entries:
        if not senders.is_entry(entry):
            raise ValidationError(
                _("“%(entry)s” is no address, domain or *.domain.") % {"entry": entry[:100]}
            )
    return "\n".join(entries)


class ChannelForm(_OfChannel):
    """How a channel judges what comes to it."""

    class Meta:
        model = Channel
        fields = (
            "request_type",
            "checks_dmarc",
            "trusted_upstream",
            "most_in_10_minutes",
            "most_in_60_minutes",
        )

    def __init__(self, data: Any, instance: Channel) -> None:
        super().__init__(data, instance=instance)
        offer_types(self, instance.project)
        if data is not None and "request_type" not in data:
            del self.fields["request_type"]  # it stays as it is

    def clean_trusted_upstream(self) -> str:
        name = str(self.cleaned_data["trusted_upstream"]).strip().lower()
        if name and (any(c.isspace() or c in ";,\"'<>" for c in name) or not name.isascii()):
            raise ValidationError(_("A server’s name has no spaces or punctuation but dots."))
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in ("most_in_10_minutes", "most_in_60_minutes"):
            if cleaned.get(name) == 0:
                self.add_error(name, _("With 0 no message would ever be taken. Give 1 or more."))
        return cleaned


SAVED = gettext_lazy("Saved. It holds for what comes from now on, and for what is processed again.")


@require_http_methods(["GET", "POST"])
@project_view(Act.CHANGE_SETTINGS)
def whose_mail(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Show or change whose mail the project takes, with what each list would have matched."""
    form = SendersForm(_sent(request), instance=Project.objects.get(pk=project.pk))
    if request.method == "POST" and form.is_valid():
        _save(form, request, project, "senders")
        return redirect("senders", project.key)
    values = {
        "project": project,
        "form": form,
        "blocked": _counts(project, project.block_list, envelope=True),
        "allowed": _counts(project, project.allow_list, envelope=False),
    }
    status = 422 if form.errors else 200
    return render(request, "channels/senders.html", values, status=status)


def _counts(project: Project, entries: str, *, envelope: bool) -> list[tuple[str, str]]:
    return [
        (one.entry, ngettext("%(n)d message", "%(n)d messages", one.count) % {"n": one.count})
        for one in matches.counted(project, entries, envelope=envelope)
    ]


@require_http_methods(["GET", "POST"])
@project_view(Act.CHANGE_SETTINGS)
def channel(request: HttpRequest, project: Project, pk: int) -> HttpResponseBase:
    """Show or change how a channel judges what comes to it."""
    chosen = get_object_or_404(Channel, project=project, pk=pk)
    form = ChannelForm(_sent(request), chosen)
    if request.method == "POST" and form.is_valid():
        _save(form, request, project, chosen.address)
        return redirect("channel-settings", project.key, pk)
    mailbox = Mailbox.objects.filter(pk=pk).first()
    values = {"project": project, "channel": chosen, "mailbox": mailbox, "form": form}
    status = 422 if form.errors else 200
    return render(request, "channels/channel.html", values, status=status)


def _sent(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _save(form: AnyForm, request: HttpRequest, project: Project, what: str) -> None:
    """Save what was changed, and who did; the form's other fields are left as they stand."""
    if form.changed_data:
        with transaction.atomic():
            form.instance.save(update_fields=form.changed_data)
            AuditEntry.objects.create(
                person=signed_in(request),
                project=project,
                act=AuditEntry.Act.SETTINGS,
                subject=what[:320],
                details={name: _plain(form.cleaned_data[name]) for name in form.changed_data},
            )
    messages.success(request, str(SAVED))


def _plain(value: Any) -> Any:
    """Return what JSON can hold: another row is known by its words."""
    return str(value) if isinstance(value, Model) else value
