"""Resend's calls are signed by Svix."""

from __future__ import annotations

from typing import Any

from anymail.exceptions import AnymailWebhookValidationFailure
from anymail.webhooks.resend import SvixWebhookValidationMixin
from django.http import HttpRequest

from deskpost.hooks import svix
from deskpost.hooks.view import HookView


class ResendChecks(HookView):
    """Stands before django-anymail's views of Resend."""

    provider = "resend"
    signing_secret = ""

    def __init__(self, **kwargs: Any) -> None:
        # anymail's constructors read Django's settings and want a package for the signature, which
        # is checked below.
        self._svix_webhook = None
        super(SvixWebhookValidationMixin, self).__init__(**kwargs)

    def validate_request(self, request: HttpRequest) -> None:
        if not svix.is_signed(self.signing_secret, request.headers, request.body):
            raise AnymailWebhookValidationFailure("wrong signature, or too old")
