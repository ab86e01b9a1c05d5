"""Who asks: the address of the browser, and not that of a proxy that stands before the site."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse

MOST_FORWARDED = 20  # addresses in X-Forwarded-For that are looked at, from its end


class ClientMiddleware:
    """Sets REMOTE_ADDR to the last address in X-Forwarded-For that is no proxy of ours.

    The header counts only from a proxy of DESKPOST_TRUSTED_PROXIES, and only as far as such
    proxies have written it: what stands before is the browser's own claim. Locks after wrong
    passwords would else be everyone's, since all come from the proxy.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        peer = request.META.get("REMOTE_ADDR", "")
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
        request.META["REMOTE_ADDR"] = client_of(
            peer, forwarded, settings.DESKPOST["TRUSTED_PROXIES"]
        )
        return self.get_response(request)


def client_of(peer: str, forwarded: str, proxies: Sequence[IPv4Network | IPv6Network]) -> str:
    """Return the client's address; `peer` is who is connected, `forwarded` the header's text."""
    client = peer
    for claimed in reversed(forwarded.split(",")[-MOST_FORWARDED:]):
        if not _is_one_of(client, proxies):
            break
        try:
            client = str(ip_address(claimed.strip()))
        except ValueError:
            break
    return client


def _is_one_of(text: str, proxies: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address.version == one.version and address in one for one in proxies)
