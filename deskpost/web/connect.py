"""Connecting a custom channel by OAuth 2: to the provider, and back with its permission."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from deskpost.inbound.channels import connection, oauth
from deskpost.logs import words
from deskpost.models import AuditEntry, Channel, Mailbox, Person, Project
from deskpost.models.permission import ALLOWED, Act, role_in
from deskpost.net import Fault, one_line
from deskpost.problems import PROBLEMS, Problem
from deskpost.web import connect_begun
from deskpost.web.access import person_view, project_view, signed_in

MOST_STATE, MOST_CODE = 200, 4096


@require_http_methods(["GET", "POST"])
@never_cache
@project_view(Act.CHANGE_SETTINGS)
def authorise(request: HttpRequest, project: Project, pk: int) -> HttpResponseBase:
    """Begin: show what will be asked for, with the link to the provider.

    A link, and not a redirect: the page that holds the form allows its forms to lead to this site
    only (CSP's form-action), and Chromium holds the redirects that follow to that too. It begins
    by POST; who comes otherwise (from the sign-in, say) is led to the channels.
    """
    if request.method != "POST":
        return redirect("channels", project.key)
    mailbox = get_object_or_404(
        Mailbox.objects.select_related("channel"),
        channel__project=project,
        channel=pk,
        channel__kind=Channel.Kind.CUSTOM,
        channel__removed_at__isnull=True,
        provider__in=_PROVIDERS,
    )
    provider = oauth.find(mailbox.provider)
    if provider is None:
        return _not_offered(request, mailbox)
    begun = oauth.begin(provider, mailbox.username, mailbox.protocol, redirect_uri())
    attempt = connect_begun.Attempt(
        channel=pk, provider=provider.name, person=signed_in(request).pk, begun=begun
    )
    connect_begun.remember(request, attempt)
    values = {
        "project": project,
        "mailbox": mailbox,
        "provider": provider,
        "host": urlsplit(provider.authorise).hostname,
        "url": begun.url,
    }
    return render(request, "channels/connect.html", values)


_PROVIDERS = (Mailbox.Provider.GOOGLE, Mailbox.Provider.MICROSOFT)


def redirect_uri() -> str:
    """Return where providers lead people back to; it is registered with them."""
    return str(settings.BASE_URL) + reverse("oauth-callback")


@require_GET
@never_cache
@person_view
def callback(request: HttpRequest) -> HttpResponseBase:
    """Come back from the provider: fetch the tokens for the code and keep them."""
    person = signed_in(request)
    state = request.GET.get("state", "")[:MOST_STATE]
    attempt = connect_begun.take(request, state, person.pk)
    mailbox = _mailbox(request, attempt) if attempt else None
    if attempt is None or mailbox is None:
        return _unfit(request)
    provider = oauth.find(attempt.provider)
    if provider is None:
        return _not_offered(request, mailbox)
    code = request.GET.get("code", "")
    if "error" in request.GET or not 0 < len(code) <= MOST_CODE:
        return _declined(request, mailbox)
    try:
        tokens = oauth.complete(
            provider, attempt.begun, state=state, code=code, redirect_uri=redirect_uri()
        )
    except Fault as fault:
        return _faulty(request, mailbox, fault)
    _connect(mailbox, tokens, person)
    messages.success(
        request,
        _("%(provider)s permits Deskpost to read %(address)s.")
        % {"provider": provider.words, "address": mailbox.username},
    )
    return redirect("channel-test", mailbox.channel.project.key, mailbox.channel_id)


def _mailbox(request: HttpRequest, attempt: connect_begun.Attempt) -> Mailbox | None:
    """Return what the attempt was begun for, if it still is at this provider; 404 for whoever has
    no business with it any more. The page is one of its project's from here on."""
    rows = Mailbox.objects.select_related("channel__project")
    mailbox = rows.filter(channel=attempt.channel, channel__removed_at__isnull=True).first()
    if mailbox is None:
        raise Http404
    project = mailbox.channel.project
    role = role_in(signed_in(request), project)
    if role is None or Act.CHANGE_SETTINGS not in ALLOWED[role]:
        raise Http404
    request.project, request.role = project, role  # type: ignore[attr-defined]
    return mailbox if mailbox.provider == attempt.provider else None


def _connect(mailbox: Mailbox, tokens: oauth.Tokens, person: Person) -> None:
    with transaction.atomic():
        oauth.keep(mailbox, tokens)
        connection.changed(mailbox, by=person)
        AuditEntry.objects.create(
            person=person,
            project=mailbox.channel.project,
            act=AuditEntry.Act.SETTINGS,
            subject=mailbox.channel.address[:320],
            details={"authorised": mailbox.provider},
        )


# --- What can go wrong, in words ------------------------------------------------------------------


def _unfit(request: HttpRequest) -> HttpResponse:
    return _failed(
        request,
        None,
        _("This answer does not fit"),
        _(
            "It belongs to no connection that you began in this browser: it was used already, is "
            "older than ten minutes, was begun by someone else, or the channel was changed since."
        ),
    )


def _not_offered(request: HttpRequest, mailbox: Mailbox) -> HttpResponse:
    return _failed(
        request,
        mailbox,
        _("%(provider)s is not set up on this site") % _provider(mailbox),
        _("The site admin names this site’s OAuth 2 client with %(setting)s.")
        % {"setting": oauth.setting(mailbox.provider)},
    )


def _declined(request: HttpRequest, mailbox: Mailbox) -> HttpResponse:
    error = one_line(request.GET.get("error", ""))
    if error == "access_denied":  # RFC 6749, section 4.1.2.1
        title = _("The permission was declined")
        meaning = _("You, or an administrator of the mailbox, said no at %(provider)s.")
    else:
        title = _("%(provider)s gave no permission") % _provider(mailbox)
        meaning = _("%(provider)s sent you back without the code that Deskpost needs.")
    said = one_line(f"{error}: {request.GET.get('error_description', '')}" if error else "")
    return _failed(request, mailbox, title, meaning % _provider(mailbox), said.removesuffix(":"))


def _faulty(request: HttpRequest, mailbox: Mailbox, fault: Fault) -> HttpResponse:
    if fault.problem == Problem.GRANT_REVOKED:
        title = _("The code does not hold any more")
        meaning = _("%(provider)s takes each code once, within a few minutes.")
        return _failed(request, mailbox, title, meaning % _provider(mailbox), fault.said)
    if fault.problem == Problem.TOKEN_NOT_REFRESHED:
        title = _("%(provider)s gave no access") % _provider(mailbox)
        meaning = _("You gave the permission, but Deskpost got no token to use it with.")
        return _failed(request, mailbox, title, meaning, fault.said, status=502)
    account = PROBLEMS[fault.problem]
    title = _("%(provider)s cannot be reached") % _provider(mailbox)
    lead = _("%(problem)s.") % {"problem": account.words}
    meaning = words.sentences([lead, str(account.meaning)])
    return _failed(request, mailbox, title, meaning, fault.said, status=502)


def _provider(mailbox: Mailbox) -> dict[str, str]:
    return {"provider": mailbox.get_provider_display()}


def _failed(
    request: HttpRequest,
    mailbox: Mailbox | None,
    title: str,
    meaning: str,
    said: str = "",
    status: int = 400,
) -> HttpResponse:
    """Return the page that says what happened. Nothing was changed."""
    # Every page holds its own address, to come back to; here it would keep the provider's answer.
    request.META["QUERY_STRING"] = ""
    values = {"mailbox": mailbox, "title": title, "meaning": meaning, "said": said}
    return render(request, "channels/connect_failed.html", values, status=status)
