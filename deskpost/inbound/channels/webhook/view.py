"""What every provider's inbound webhook does with a call; the providers differ in `read`.

After the checks of hooks/view.py: whose message it is, whether it came before; 200 only when it is
stored.
"""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpRequest

from deskpost.hooks.view import HookView
from deskpost.inbound.channels.webhook import delivery as webhook_delivery
from deskpost.inbound.channels.webhook import store
from deskpost.inbound.channels.webhook.delivery import Delivery

SLACK = 1024 * 1024  # bytes of a call besides its message


class InboundView(HookView):
    """Stands before one of django-anymail's inbound views.

    What anymail would make of the message is not used: it parses and writes anew, and we want the
    bytes.
    """

    size_factor: ClassVar[float] = 4 / 3  # a call's size to that of its message, in Base64

    def read(self, request: HttpRequest) -> Delivery | None:
        """Return what the call brings; None where it is in order and brings no message.

        The call is authentic by then. Raises Refusal.
        """
        raise NotImplementedError

    def limit(self) -> int:
        return int(webhook_delivery.limit() * self.size_factor) + SLACK

    def work(self, request: HttpRequest) -> str:
        delivery = self.read(request)
        if delivery is None:
            return "Nothing to keep."
        return store.take(self.provider, str(self.esp_name), delivery)
