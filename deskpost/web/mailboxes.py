"""Project settings › Email › Email channels: add a channel, and change how a mailbox is read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from deskpost.inbound.channels import connection
from deskpost.inbound.channels.oauth import providers
from deskpost.models import AuditEntry, Channel, Mailbox, MailboxUid, Project
from deskpost.models.permission import Act
from deskpost.web.access import project_view, signed_in
from deskpost.web.mailbox_address import OnDemandForm
from deskpost.web.mailbox_forms import AFTERWARDS, WAY_IN, MailboxForm, ProviderForm

SITE, PASSWORD = "site", "mailbox"  # kinds, as the address names them
# Until then the poller leaves a new mailbox to the person who is connecting it: many POP3 servers
# let in only one at a time (RFC 1939, section 8), and a provider's permission takes a while.
TEST_FIRST, SIGN_IN_FIRST = timedelta(minutes=1), timedelta(minutes=10)
AnyForm = OnDemandForm | MailboxForm | ProviderForm


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
@project_view(Act.CHANGE_SETTINGS)
def add(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Choose what kind of channel (`?kind=`), then fill in its form."""
    kind = request.GET.get("kind", "")
    form = _form(request, project, kind)
    if form is None:
        return _choose(request, project)
    if request.method == "POST" and form.is_valid():
        channel = _kept(form, lambda: _create(form, request, project))
        if channel:
            return _on(request, project, channel)
    template = "channels/add_site.html" if kind == SITE else "channels/add_mailbox.html"
    return _show(request, project, template, form, kind=kind, query=f"kind={kind}&")


def _choose(request: HttpRequest, project: Project) -> HttpResponseBase:
    offered = providers.offered()
    names = (Mailbox.Provider.GOOGLE, Mailbox.Provider.MICROSOFT)
    missing = [name for name in names if name not in {one.name for one in offered}]
    values = {
        "project": project,
        "providers": offered,
        "missing": [
            (name.label, [f"DESKPOST_{name.upper()}_CLIENT_{part}" for part in ("ID", "SECRET")])
            for name in missing
        ],
    }
    return render(request, "channels/add.html", values)


def _form(request: HttpRequest, project: Project, kind: str) -> AnyForm | None:
    sent = request.POST if request.method == "POST" else None
    if kind == SITE:
        return OnDemandForm(sent, project)
    protocol = _protocol(request)
    mailbox = Mailbox(protocol=protocol, afterwards=AFTERWARDS[protocol][0])
    if kind == PASSWORD:
        return MailboxForm(sent, project, mailbox)
    provider = providers.find(kind)
    if provider is None:
        return None
    mailbox.provider, mailbox.security = provider.name, Mailbox.Security.TLS
    mailbox.host, mailbox.port = provider.server(protocol)
    return ProviderForm(sent, project, mailbox)


def _protocol(request: HttpRequest, default: str = Mailbox.Protocol.IMAP) -> Mailbox.Protocol:
    """Return what the address says; the form of a mailbox can say otherwise, and is judged."""
    wanted = request.POST.get("protocol") or request.GET.get("protocol") or default
    return Mailbox.Protocol(wanted if wanted in Mailbox.Protocol.values else default)


def _create(form: AnyForm, request: HttpRequest, project: Project) -> Channel:
    is_custom = not isinstance(form, OnDemandForm)
    channel = Channel.objects.create(
        project=project,
        kind=Channel.Kind.CUSTOM if is_custom else Channel.Kind.ON_DEMAND,
        address=form.cleaned_data["address"],
        request_type=form.cleaned_data["request_type"],
        # A mailbox's own server has judged what it took, and its trace may not show who sent it.
        checks_dmarc=not is_custom,
    )
    details: dict[str, Any] = {"added": channel.kind}
    if isinstance(form, MailboxForm | ProviderForm):
        mailbox = form.instance
        mailbox.channel, mailbox.username = channel, mailbox.username or channel.address
        mailbox.next_try_at = timezone.now() + (SIGN_IN_FIRST if mailbox.provider else TEST_FIRST)
        mailbox.save(force_insert=True)
        details |= {name: getattr(mailbox, name) for name in _SHOWN}
    _audit(request, project, channel, details)
    return channel


def _on(request: HttpRequest, project: Project, channel: Channel) -> HttpResponseBase:
    """Lead on to what comes next. The browser sends its form on to it (307): a test can then be
    reloaded without anything being made twice."""
    if channel.kind == Channel.Kind.ON_DEMAND:
        messages.success(request, _("%(address)s takes mail now.") % {"address": channel.address})
        return redirect("channels", project.key)
    name = "channel-authorise" if channel.mailbox.provider else "channel-test"
    return redirect(name, project.key, channel.pk, preserve_request=True)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
@project_view(Act.CHANGE_SETTINGS)
def edit(request: HttpRequest, project: Project, pk: int) -> HttpResponseBase:
    """Show or change how a mailbox is read; a change is tested at once."""
    mailbox = find(project, pk)
    sent = request.POST if request.method == "POST" else None
    form: MailboxForm | ProviderForm
    if mailbox.provider:
        form = ProviderForm(sent, project, mailbox)
    else:
        mailbox.protocol = _protocol(request, mailbox.protocol)
        form = MailboxForm(sent, project, mailbox)
    is_good = request.method == "POST" and form.is_valid()
    if is_good and _kept(form, lambda: _change(form, request, project)):
        return redirect("channel-test", project.key, pk, preserve_request=True)
    more = {"channel": mailbox.channel, "kind": mailbox.provider or PASSWORD}
    return _show(request, project, "channels/mailbox.html", form, **more)


def find(project: Project, pk: int) -> Mailbox:
    """Return the mailbox of one of the project's channels. Raises Http404."""
    channels = Channel.objects.filter(project=project)
    rows = Mailbox.objects.select_related("channel__project")
    mailbox = rows.filter(pk=pk, channel__in=channels).first()
    if mailbox is None:
        raise Http404
    return mailbox


def _change(form: MailboxForm | ProviderForm, request: HttpRequest, project: Project) -> bool:
    old, new = form.before, form.instance
    assert old is not None
    names = [name for name in form.Meta.fields if getattr(old, name) != getattr(new, name)]
    if not names:
        return True
    # A password goes only where it was given for, whatever somebody else has put in meanwhile.
    bound = WAY_IN if "password" in names else ()
    new.save(update_fields=[*names, *bound, "account_key"])
    where = set(names) & _WHERE
    if where == {"host"} and new.protocol == Mailbox.Protocol.IMAP:
        # The same account, most likely: what is known there is left, and what came since is taken.
        Mailbox.objects.filter(pk=new.pk).update(validity=0)
    elif where:
        _begin_anew(new)
    # Its state is the poller's to write: what was read with the form may be older.
    connection.changed(Mailbox.objects.select_related("channel").get(pk=new.pk), signed_in(request))
    shown = {name: getattr(new, name) for name in names if name in _SHOWN}
    secret = {"password": "changed"} if "password" in names else {}
    _audit(request, project, new.channel, shown | secret)
    return True


# Another account or folder has other messages: how far this one was taken means nothing there.
_WHERE = frozenset({"protocol", "host", "username", "folder"})
_SHOWN = (
    "protocol",
    "host",
    "port",
    "security",
    "username",
    "provider",
    "folder",
    "afterwards",
    "move_to",
)
_PLACE = (
    "begun_at",
    "validity",
    "next_uid",
    "recheck_until_uid",
    "unfinished",
    "careful",
    "stuck_uid",
    "stuck_tries",
    "old_count",
    "old_wanted",
    "old_next_uid",
    "old_until_uid",
    "old_taken",
    "waiting",
)


def _begin_anew(mailbox: Mailbox) -> None:
    fresh = Mailbox()
    nowhere = {name: getattr(fresh, name) for name in _PLACE}
    Mailbox.objects.filter(pk=mailbox.pk).update(**nowhere)
    MailboxUid.objects.filter(mailbox=mailbox).delete()


def _kept(form: AnyForm, write: Callable[[], Any]) -> Any:
    """Write; if somebody else was quicker with the same address or account, say so in the form."""
    try:
        with transaction.atomic():
            return write()
    except IntegrityError:
        form.refuse_taken()
        if not form.errors:
            raise
        return None


def _audit(
    request: HttpRequest, project: Project, channel: Channel, details: dict[str, Any]
) -> None:
    AuditEntry.objects.create(
        person=signed_in(request),
        project=project,
        act=AuditEntry.Act.SETTINGS,
        subject=channel.address,
        details=details,
    )


def _show(
    request: HttpRequest, project: Project, template: str, form: AnyForm, **more: Any
) -> HttpResponseBase:
    values: dict[str, Any] = {"project": project, "form": form, **more}
    if isinstance(form, MailboxForm | ProviderForm):
        protocol = _protocol(request, form.instance.protocol)
        values |= {
            "protocol": protocol,
            "is_pop3": protocol == Mailbox.Protocol.POP3,
            "protocols": Mailbox.Protocol,
            "provider": Mailbox.Provider(form.instance.provider),
            "afterwards": form.ways(protocol),
        }
    return render(request, template, values, status=422 if form.errors else 200)
