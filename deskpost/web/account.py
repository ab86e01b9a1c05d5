"""Signing in, one's own preferences, and unsubscribing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from allauth.account import urls as allauth_urls
from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from deskpost.models import Person
from deskpost.outbound import links, suppress
from deskpost.web import signin
from deskpost.web.middleware import THEME_COOKIE, THEMES

log = logging.getLogger(__name__)

PASSWORD_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"  # noqa: S105
YEAR = 365 * 24 * 60 * 60
ZONE_LIMIT = 64

# Of allauth's pages, those that this site offers. The others (sign-up, several addresses for one
# person) are not there: an address of one's own choosing would open other people's requests.
OFFERED = frozenset(
    {
        "account_login",
        "account_logout",
        "account_inactive",
        "account_change_password",
        "account_set_password",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
    }
)


def not_offered(request: HttpRequest, **kwargs: str) -> HttpResponse:
    """Answer for a page of allauth's that this site does not have."""
    raise Http404


def _in_our_frame(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Take away allauth's own `site`: in our templates that is web/context.py's."""

    @wraps(view)
    def framed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if isinstance(response, TemplateResponse) and response.context_data:
            response.context_data.pop("site", None)
        return response

    return framed


for _pattern in allauth_urls.urlpatterns:
    _known = _pattern.name in OFFERED
    _pattern.callback = _in_our_frame(_pattern.callback) if _known else not_offered


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    """What allauth does here: password sign-in and resets, for people whom the desk knows."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count nothing here: axes counts failures, in the database, for all processes."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Name the address as axes expects it, so that one person's lock-out is not everyone's."""
        return super().authenticate(request, login=credentials.get("email", ""), **credentials)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("home")

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Build on the configured address: the Host of a request is the asker's choice."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return settings.BASE_URL + path.replace("UID-KEY", key)

    def format_email_subject(self, subject: str) -> str:
        return f"Deskpost: {subject}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send, but nothing to strangers nor to blocked addresses; a relay that is down must not
        tell by an error page that the address is known."""
        if template_prefix.endswith("/unknown_account") or suppress.is_blocked(email):
            return
        try:
            super().send_mail(template_prefix, email, context)
        except OSError:
            log.exception("mail about a password could not be sent")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show a button on GET, since mail scanners follow links; sign in on POST, once."""
    person = signin.spend(token) if request.method == "POST" else signin.read(token)
    if person is None:
        return render(request, "account/link_spent.html", status=410)
    if request.method != "POST":
        return render(request, "account/link.html", {"person": person})
    login(request, person, backend=PASSWORD_BACKEND)
    if not person.has_usable_password():
        _offer_password(request)
    return redirect("home")


def _offer_password(request: HttpRequest) -> None:
    text = _("You are signed in. With a password you need no link the next time.")
    address = reverse("account_set_password")
    messages.info(request, format_html('{} <a href="{}">{}</a>', text, address, _("Set one")))


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Set language, theme and time zone of the person; when signed out, the first two of this
    browser."""
    chosen = _chosen(request)
    response = HttpResponseRedirect(way_back(request, reverse("home")))
    if isinstance(request.user, Person):
        for name, value in chosen.items():
            setattr(request.user, name, value)
        request.user.save(update_fields=list(chosen))
    else:
        for name in COOKIES.keys() & chosen.keys():
            _set_cookie(response, COOKIES[name], chosen[name])
    return response


COOKIES = {"language": settings.LANGUAGE_COOKIE_NAME, "theme": THEME_COOKIE}


def _chosen(request: HttpRequest) -> dict[str, str]:
    """Return the preferences that were sent and that exist; others are ignored."""
    known = {"language": _is_language, "theme": _is_theme, "time_zone": _is_zone}
    sent = {name: request.POST[name] for name in known if name in request.POST}
    return {name: value for name, value in sent.items() if known[name](value)}


def _is_language(value: str) -> bool:
    return value in dict(settings.LANGUAGES)


def _is_theme(value: str) -> bool:
    """Whether it is a theme, or empty for that of the system."""
    return not value or value in THEMES


def _is_zone(value: str) -> bool:
    """Whether it is a time zone, or empty for the site's own."""
    try:
        return len(value) <= ZONE_LIMIT and bool(not value or ZoneInfo(value))
    except (ValueError, OSError, KeyError):
        return False


def way_back(request: HttpRequest, otherwise: str) -> str:
    """Return the address to go back to: `next` if it is on this site, else the other one."""
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else otherwise


def _set_cookie(response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(
        name, value, max_age=YEAR, secure=settings.SESSION_COOKIE_SECURE, httponly=True,
        samesite="Lax",
    )  # fmt: skip


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Show what a button would do on GET; do it on POST.

    The token alone is the right to do so: mail programs POST here by themselves, without cookies
    (RFC 8058, section 3.2), and without `act`.
    """
    person = links.read_unsubscribe(token)
    if person is None:
        return render(request, "account/unsubscribe_unknown.html", status=404)
    if request.method == "POST":
        subscribe(person, wanted=request.POST.get("act") == "subscribe")
    done = request.method == "POST"
    return render(request, "account/unsubscribe.html", {"person": person, "done": done})


def subscribe(person: Person, *, wanted: bool) -> None:
    """Note the person's wish; asking twice keeps the first date."""
    if wanted:
        person.unsubscribed_at = None
    elif person.unsubscribed_at is None:
        person.unsubscribed_at = timezone.now()
    person.save(update_fields=["unsubscribed_at"])
