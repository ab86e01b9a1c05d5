"""Texts that the database holds only encrypted: passwords and tokens of channels."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    _Text = models.TextField[str, str]
else:  # generic for the type checker only
    _Text = models.TextField


class UnreadableSecret(Exception):
    """No key that is set can read the secret: the key it was written with is gone."""


class SecretField(_Text):
    """Text that is encrypted on its way to the database (Fernet: AES-128-CBC with HMAC-SHA256).

    The first of settings.CHANNEL_KEYS writes; each of them reads, so that keys can be changed one
    after the other. An empty text stays empty. Cannot be searched. Reading a secret whose key is
    gone gives "": the channel then says that its sign-in is refused, and the rest goes on.
    """

    def get_prep_value(self, value: Any) -> Any:
        return _fernet().encrypt(value.encode()).decode("ascii") if value else ""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str:
        if not value:
            return ""
        try:
            return _fernet().decrypt(value.encode("ascii")).decode()
        except (InvalidToken, UnicodeEncodeError):
            return ""

    def value_to_string(self, obj: Any) -> str:
        raise UnreadableSecret("a secret is not written into a dump")


@lru_cache(maxsize=4)
def _with(keys: tuple[bytes, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _fernet() -> MultiFernet:
    return _with(tuple(settings.CHANNEL_KEYS))
