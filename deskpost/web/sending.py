"""Outgoing email: how the site's mail leaves it, what stands in the way, and the day's limit."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from deskpost.models import SiteNotice
from deskpost.outbound import notices
from deskpost.outcomes import TROUBLES, Trouble
from deskpost.web import sending_limit, sending_notices, sending_ways
from deskpost.web.access import signed_in
from deskpost.web.suppression import site_admin_view


@require_safe
@site_admin_view
def show(request: HttpRequest) -> HttpResponse:
    """Show the ways out with their state, the open notices, and below them the closed ones."""
    found = notices.open_now()
    ways = sending_ways.ways(found)
    # What a way, and the limit, say of themselves is not said twice.
    down = {way.down.pk for way in ways if way.down}
    others = [row for row in found if row.kind not in sending_notices.OF_LIMIT]
    values = {
        "ways": ways,
        "down": down,
        "down_account": TROUBLES[Trouble.RELAY_DOWN],
        "open": sending_notices.told([row for row in others if row.pk not in down]),
        "closed": sending_notices.told(sending_notices.closed()),
        "closed_weeks": sending_notices.CLOSED_FOR.days // 7,
    }
    return render(request, "sending/page.html", values | sending_limit.values(request))


@require_POST
@site_admin_view
def dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    """Close a notice that nothing else ends. It opens again if the same happens again."""
    row = SiteNotice.objects.filter(pk=pk).first()
    if row is None:
        raise Http404
    if row.kind not in sending_notices.DISMISSED:
        messages.info(request, _("This notice goes by itself, once what it says is over."))
    elif row.closed_at is None and notices.over(Trouble(row.kind), row.key, by=signed_in(request)):
        messages.success(request, _("Dismissed. It is said again if it happens again."))
    else:
        messages.info(request, _("The notice was closed already. Nothing was changed."))
    return HttpResponseRedirect(reverse("sending"))
