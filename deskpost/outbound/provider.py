"""A provider instead of a relay: messages go to its HTTP API, through django-anymail."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from deskpost.config_relay import Provider
from deskpost.mail.answers import INVALID, MAX_TEXT, UNKNOWN, Answer
from deskpost.mail.hidden import hidden
from deskpost.mail.words import one_line
from deskpost.outbound.carrier import Outgoing
from deskpost.outbound.provider_faults import fault, of_response
from deskpost.outbound.provider_message import as_email

CONNECT_SECONDS: Final = 10
ANSWER_SECONDS: Final = 30  # for django-anymail: to connect, and then for each piece of the answer

_ONE_ADDRESS: Final = re.compile(r"[^\s,;:<>()@]+@[^\s,;:<>()@]+")

# A warning at each start helps nobody; it says that SendGrid is tried by django-anymail no longer.
warnings.filterwarnings("ignore", message="django-anymail has dropped official support")

# Ours, in outbound/provider_message.py; the backends know no such settings.
_OURS: Final = frozenset({"envelope_sender", "headers"})


class ProviderCarrier:
    """One account at a provider. `project_key` is given where it is one project's own account."""

    def __init__(self, provider: Provider, project_key: str = "") -> None:
        self._provider = provider
        self.key = f"{provider.name} ({project_key})" if project_key else provider.name

    @property
    def server(self) -> str:
        name = str(_backend_class(self._provider.name).esp_name)
        host = urlsplit(self._provider.options.get("api_url", "")).hostname
        return f"{name} ({host})" if host else name

    @property
    def lanes(self) -> int:
        return int(settings.DESKPOST["RELAY_CONNECTIONS"])

    def lane(self) -> ProviderLane:
        return ProviderLane(self._provider)


class ProviderLane:
    """One HTTP session with the provider, kept between messages."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._backend: Any = None
        self._fault: Answer | None = None  # why the last message found the way closed

    def ready(self) -> Answer | None:
        """As carrier.Lane says. There is no cheap way to ask whether an account works: a fault that
        a message has met is told here once; then the next message finds out."""
        fault, self._fault = self._fault, None
        if fault:
            self.close()
            return fault
        if self._backend is not None:
            return None
        try:
            backend = _backend(self._provider)
            backend.open()
        except Exception as error:  # noqa: BLE001 (each library has its own; the words may be keys)
            name = self._provider.name
            return Answer(kind="down", text=f"{name} cannot be set up: {type(error).__name__}")
        if session := getattr(backend, "session", None):
            session.max_redirects = 0  # a redirect would carry the key elsewhere
        self._backend = backend
        return None

    def send(self, outgoing: Outgoing) -> Answer:
        answer = self.ready() or self._hand_over(outgoing)
        answer = replace(answer, text=self._without_secrets(answer.text)[:MAX_TEXT])
        if answer.kind == "down":
            self._fault = answer
        return answer

    def _hand_over(self, outgoing: Outgoing) -> Answer:
        if not _ONE_ADDRESS.fullmatch(outgoing.recipient):  # a provider might read two in it
            return Answer(kind="permanent", reason=INVALID, text="not one email address")
        try:
            message = as_email(outgoing, self._provider)
        except Exception as error:  # noqa: BLE001 (a lane does not raise; nothing was sent)
            words = f"Deskpost could not prepare the message: {type(error).__name__}"
            return Answer(kind="permanent", reason=UNKNOWN, text=words)
        try:
            self._backend.send_messages([message])
            return self._answer(message.anymail_status, outgoing.recipient)  # type: ignore[attr-defined]
        except Exception as error:  # noqa: BLE001 (whatever it was, it is an answer)
            return fault(self._provider.name, error)

    def _answer(self, status: Any, recipient: str) -> Answer:
        """What the provider says of the recipient: it answered without an error."""
        name, one = self._provider.name, _of_recipient(status.recipients, recipient)
        if one is None or not _is_taken(one):
            return of_response(name, status.esp_response, one.status if one else "unknown")
        identity = "" if one.message_id is None else one_line(str(one.message_id))[:255]
        return Answer(
            kind="accepted",
            text=f"{name}: {one.status} {identity}".strip(),
            provider=name,
            provider_id=identity,
        )

    def _without_secrets(self, text: str) -> str:
        return hidden(text, self._provider.secrets)

    def close(self) -> None:
        backend, self._backend = self._backend, None
        if backend is not None:
            backend.close()


def _of_recipient(recipients: dict[str, Any], recipient: str) -> Any:
    """The status of the one to whom it was sent. A provider may write the address in its own way,
    and then has taken it under that name."""
    taken = [one for one in recipients.values() if _is_taken(one)]
    same = [one for address, one in recipients.items() if address.lower() == recipient.lower()]
    return next(iter([*taken, *same, *recipients.values()]), None)


def _is_taken(one: Any) -> bool:
    return one.status in ("sent", "queued") or (one.status == "unknown" and bool(one.message_id))


def _backend_class(name: str) -> Any:
    return import_module(f"anymail.backends.{name}").EmailBackend


def _backend(provider: Provider) -> Any:
    """A backend of django-anymail that does not refuse a message for what the provider lacks, and
    does not raise for a refused recipient."""
    return _backend_class(provider.name)(
        ignore_unsupported_features=True,
        ignore_recipient_status=True,
        debug_api_requests=False,
        **_settings(provider),
    )


def _settings(provider: Provider) -> dict[str, Any]:
    options = {key: value for key, value in provider.options.items() if key not in _OURS}
    if provider.name != "amazon_ses":
        return {**options, "requests_timeout": ANSWER_SECONDS}
    client: dict[str, Any] = {
        "region_name": options["region"],
        "config": {
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": ANSWER_SECONDS,
            "retries": {"total_max_attempts": 1},  # the tries are ours, each with its row
        },
    }
    if url := options.get("api_url"):
        client["endpoint_url"] = url
    client |= {key: value for key, value in options.items() if key.startswith("aws_")}
    named = options.get("configuration_set_name")
    return {"client_params": client, **({"configuration_set_name": named} if named else {})}
