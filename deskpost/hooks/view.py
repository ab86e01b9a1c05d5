"""What every provider's webhook does with a call, in this order; they differ in `work`.

Access, length, signature, then the work; 200 only when that is done.
"""

from __future__ import annotations

import binascii
import logging
from collections.abc import Mapping
from typing import Any, ClassVar

from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from anymail.webhooks.base import AnymailBaseWebhookView, AnymailBasicAuthMixin
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from deskpost.hooks import body as hooks_body
from deskpost.hooks.refusal import UNREADABLE, Refusal
from deskpost.net import one_line

log = logging.getLogger(__name__)

RETRY_AFTER = 60  # seconds
REALM = 'Basic realm="Deskpost webhooks", charset="UTF-8"'


class HookView(AnymailBaseWebhookView):  # type: ignore[misc]
    """Stands before one of django-anymail's views, of which it takes the access rules."""

    provider: ClassVar[str]  # as in the settings and the address
    is_form: ClassVar[bool] = False
    most_simple: ClassVar[int] = hooks_body.MOST_SIMPLE  # bytes of a field that anymail is shown
    # config.py sees to it that each provider has a secret or signatures.
    warn_if_no_basic_auth = False

    form: hooks_body.Form

    def limit(self) -> int:
        """The largest body that is read, in bytes."""
        raise NotImplementedError

    def work(self, request: HttpRequest) -> str:
        """Do what the call is for; return what to say. All is durable then.

        The call is authentic by then. Raises Refusal, and DatabaseError or OSError where it may be
        tried again.
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
        body = hooks_body.read(request, self.limit())
        if self.is_form:
            self.form = hooks_body.form(request, body, self.most_simple)
        self._check_signature(request)
        return self.work(request)

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


def answer_call(
    request: HttpRequest, view: type[HookView], keys: Mapping[str, str]
) -> HttpResponse:
    """Let the view answer. `keys`: what it is told, and which of our settings (without their
    prefix) says it."""
    secret = settings.DESKPOST["WEBHOOK_SECRET"]
    known: dict[str, Any] = {name: settings.DESKPOST[setting] for name, setting in keys.items()}
    # A list: anymail compares with each of its items, and would do so with each letter of a text.
    answer: HttpResponse = view.as_view(basic_auth=[secret] if secret else [], **known)(request)
    return answer


def _answer(status: int, sentence: str) -> HttpResponse:
    answer = HttpResponse(sentence + "\n", status=status, content_type="text/plain; charset=utf-8")
    # Ours says more than Django's own line for an error status.
    answer._has_been_logged = True  # type: ignore[attr-defined]
    if status == 401:
        answer["WWW-Authenticate"] = REALM  # Amazon SNS sends its password only when asked
    if status == 503:
        answer["Retry-After"] = str(RETRY_AFTER)
    return answer
