"""What every provider's webhook does with a call, in this order; the providers differ in `read`.

Access, length, signature, whose it is, whether it came before; 200 only when it is stored.
"""

from __future__ import annotations

import binascii
import logging
from typing import Any, ClassVar

from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from anymail.webhooks.base import AnymailBaseWebhookView, AnymailBasicAuthMixin
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from deskpost.inbound.channels.webhook import body as webhook_body
from deskpost.inbound.channels.webhook import delivery as webhook_delivery
from deskpost.inbound.channels.webhook import store
from deskpost.inbound.channels.webhook.delivery import UNREADABLE, Delivery, Refusal
from deskpost.net import one_line

log = logging.getLogger(__name__)

SLACK = 1024 * 1024  # bytes of a call besides its message
RETRY_AFTER = 60  # seconds
REALM = 'Basic realm="Deskpost webhooks", charset="UTF-8"'


class InboundView(AnymailBaseWebhookView):  # type: ignore[misc]
    """Stands before one of django-anymail's inbound views, of which it takes the access rules.

    What anymail would make of the message is not used: it parses and writes anew, and we want the
    bytes.
    """

    provider: ClassVar[str]  # as in the settings and the address
    is_form: ClassVar[bool] = False
    size_factor: ClassVar[float] = 4 / 3  # a call's size to that of its message, in Base64
    # config.py sees to it that each provider has a secret or signatures.
    warn_if_no_basic_auth = False

    form: webhook_body.Form

    def read(self, request: HttpRequest) -> Delivery | None:
        """Return what the call brings; None where it is in order and brings no message.

        The call is authentic by then. Raises Refusal.
        """
        raise NotImplementedError

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return _answer(200, self._take(request))
        except Refusal as refusal:
            log.warning("%s: %s", self.esp_name, one_line(str(refusal)))
            return _answer(refusal.status, refusal.sentence)
        except (DatabaseError, OSError):
            log.exception("a call from %s could not be worked on", self.esp_name)
            return _answer(503, "This cannot be worked on at the moment; try again later.")

    def _take(self, request: HttpRequest) -> str:
        self._check_basic_auth(request)
        body = webhook_body.read(request, int(webhook_delivery.limit() * self.size_factor) + SLACK)
        if self.is_form:
            self.form = webhook_body.form(request, body)
        self._check_signature(request)
        delivery = self.read(request)
        if delivery is None:
            return "Nothing to keep."
        return store.take(self.provider, str(self.esp_name), delivery)

    def _check_basic_auth(self, request: HttpRequest) -> None:
        """Before the body is read: strangers shall not make us read 30 MiB."""
        try:
            AnymailBasicAuthMixin.validate_request(self, request)
        except AnymailWebhookValidationFailure as error:
            raise Refusal(401, "The name or password in the webhook’s address is wrong.") from error

    def _check_signature(self, request: HttpRequest) -> None:
        try:
            self.run_validators(request)
        except AnymailWebhookValidationFailure as error:
            raise Refusal(403, "The call is not signed by this provider.") from error
        except AnymailError as error:
            raise Refusal(400, UNREADABLE) from error
        except (ValueError, TypeError, KeyError, AttributeError, binascii.Error) as error:
            # anymail lets through what a broken signature, or a broken key of ours, makes it raise.
            log.warning(
                "%s: a signature cannot be checked: %s", self.esp_name, type(error).__name__
            )
            raise Refusal(403, "The signature of the call cannot be checked.") from error


def _answer(status: int, sentence: str) -> HttpResponse:
    answer = HttpResponse(sentence + "\n", status=status, content_type="text/plain; charset=utf-8")
    # Ours says more than Django's own line for an error status.
    answer._has_been_logged = True  # type: ignore[attr-defined]
    if status == 401:
        answer["WWW-Authenticate"] = REALM  # Amazon SNS sends its password only when asked
    if status == 503:
        answer["Retry-After"] = str(RETRY_AFTER)
    return answer
