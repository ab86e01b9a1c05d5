"""What a list asks every few seconds: how many messages are new under its filters. It answers with
a button that shows them; nothing moves before it is pressed."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from deskpost.logs import search
from deskpost.logs.search import PAGE, Page, TooSlow
from deskpost.models import Log, Project
from deskpost.models.permission import Act
from deskpost.web import incoming_log, listing, news, notification_log, search_page
from deskpost.web.access import project_view
from deskpost.web.message_list import MessageList


@require_safe
@project_view(Act.READ_LOGS)
def show(request: HttpRequest, project: Project, log: str) -> HttpResponse:
    """How many messages are new in a list (a Log, or the search over both directions) since the
    reader was given its first page: a button, or 204 and nothing."""
    given = news.read(request.GET.get("given", ""))
    if given is None or (project.kind != Project.Kind.COMPANY and log != Log.INCOMING):
        raise Http404
    try:
        page, url = _newest(request, project, log)
    except TooSlow:
        return _nothing()  # the next time may be better
    new = given.new(page)
    if not new:
        return _nothing()
    shown = {"number": new, "more": new >= PAGE and page.before is not None, "url": url}
    return HttpResponse(render_to_string("email_logs/parts/new_rows.html", shown))


def _newest(request: HttpRequest, project: Project, log: str) -> tuple[Page, str]:
    """Return the newest page of a list, and the address that shows it with the open entry."""
    opened = listing.as_uuid(request.GET.get("entry", ""))
    if log == search_page.SEARCH:
        every = search_page.Search(request, project)
        of = request.GET.get("of", "")
        known = of in search_page.ENTRIES
        url = every.entry_url(of, opened) if opened and known else every.address
        return search_page.merged(every.asked.queries), url
    found = _list(request, project, log)
    return search.page(found.query), found.entry_url(opened) if opened else found.address


def _list(request: HttpRequest, project: Project, log: str) -> MessageList:
    if log == Log.INCOMING:
        _, channel = incoming_log.choose(project, request.GET.get("channel", ""))
        if channel is None:
            raise Http404
        under = request.GET.get("under") == "1"
        return incoming_log.Log(request, project, channel, under_channels=under)
    for name, of in notification_log.LISTS.items():
        if log == of:
            return notification_log.Log(request, project, name)
    raise Http404


def _nothing() -> HttpResponse:
    return HttpResponse(status=204)
