"""SIGN: the keys by which the site signs what it sends, one for each domain, and the signature.

Whether DNS has a key's record is asked in signing_dns.py.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from django.db import transaction
from django.utils import timezone

from deskpost.mail import dkim_sign
from deskpost.mail.dkim import DOMAIN
from deskpost.mail.domains import MAX_DOMAIN, ascii_domain
from deskpost.models import AuditEntry, DkimKey, Person
from deskpost.outbound.signing_dns import Unreadable, check_dns, private, record

__all__ = ["Unreadable", "check_dns", "forget", "make_key", "record", "remove", "sign", "switch"]

BITS: Final = 2048  # what every verifier takes, and every name server (RFC 8301, section 3.2)
FRESH: Final = 30.0  # seconds after which the keys are read again

log = logging.getLogger(__name__)


# --- Keys ----------------------------------------------------------------------------------------


def make_key(domain: str, by: Person) -> DkimKey:
    """Make the domain's key, which does not sign yet; if it has one already, return that.

    Raises ValueError where DKIM cannot name the domain.
    """
    name = ascii_domain(domain) or ""
    selector = _selector(name)
    if not DOMAIN.fullmatch(name) or len(f"{selector}._domainkey.{name}") > MAX_DOMAIN:
        raise ValueError("not a domain whose mail can be signed")
    if there := DkimKey.objects.filter(domain=name).first():
        return there
    fields = {"selector": selector, "secret": _new_secret(), "made_at": timezone.now()}
    with transaction.atomic():
        key, new = DkimKey.objects.get_or_create(domain=name, defaults=fields | {"made_by": by})
        if new:
            _audit(key, by, "made")
    forget()
    return key


def _selector(domain: str) -> str:
    """This month's name for a key. A second one in a month gets another: DNS servers remember the
    first, and its record may still be needed for what it signed."""
    begun = f"dp{timezone.now():%Y%m}"
    made = AuditEntry.objects.filter(
        act=AuditEntry.Act.SETTINGS, subject=domain[:320], details__dkim="made"
    )
    used = {str(entry.details.get("selector")) for entry in made}
    names = (begun, *(f"{begun}-{number}" for number in range(2, len(used) + 2)))
    return next(name for name in names if name not in used)


def _new_secret() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def switch(domain: str, on: bool, by: Person) -> bool:
    """Begin or stop to sign what is sent from the domain; returns whether that is a change.

    Raises Unreadable where a key is to sign that cannot.
    """
    with transaction.atomic():
        key = DkimKey.objects.select_for_update().filter(domain=ascii_domain(domain)).first()
        if key is None or key.is_on == on:
            return False
        if on and private(key.secret) is None:
            raise Unreadable
        key.is_on = on
        key.save(update_fields=["is_on"])
        _audit(key, by, "on" if on else "off")
    forget()
    return True


def remove(domain: str, by: Person) -> bool:
    """Delete the domain's key, for good; returns whether it had one."""
    with transaction.atomic():
        key = DkimKey.objects.select_for_update().filter(domain=ascii_domain(domain)).first()
        if key is None:
            return False
        _audit(key, by, "removed")
        key.delete()
    forget()
    return True


def _audit(key: DkimKey, by: Person, what: str) -> None:
    AuditEntry.objects.create(
        person=by,
        act=AuditEntry.Act.SETTINGS,
        subject=key.domain[:320],
        details={"dkim": what, "selector": key.selector},
    )


# --- Signatures ----------------------------------------------------------------------------------


def sign(message: bytes, domain: str) -> bytes:
    """Return the message signed for the domain of its From, or as it is where no key signs for it.

    Mail is never held up for want of a signature: what cannot be signed is logged and goes without.
    What another process switched counts within FRESH seconds. Raises DatabaseError.
    """
    name = ascii_domain(domain) or ""
    if (found := _KEYS.get(name)) is None:
        return message
    selector, secret = found
    key = private(secret)
    if key is None:
        _KEYS.say_once(name, selector)
        return message
    try:
        return dkim_sign.sign(message, domain=name, selector=selector, key=key, now=time.time())
    except ValueError as error:
        log.error("a message from %s was not signed: %s", name, error)
        return message


def forget() -> None:
    """Read the keys anew at the next message."""
    _KEYS.clear()


class _Keys:
    """The keys that sign: domain -> selector and secret. Read by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, tuple[str, str]] = {}
        self._until = 0.0
        self._said: set[tuple[str, str]] = set()

    def get(self, domain: str) -> tuple[str, str] | None:
        with self._lock:
            if time.monotonic() >= self._until:
                rows = DkimKey.objects.filter(is_on=True)
                self._found = {key.domain: (key.selector, key.secret) for key in rows}
                self._until = time.monotonic() + FRESH
            return self._found.get(domain)

    def clear(self) -> None:
        with self._lock:
            self._until = 0.0

    def say_once(self, domain: str, selector: str) -> None:
        with self._lock:
            new = (domain, selector) not in self._said
            self._said.add((domain, selector))
        if new:
            log.error(
                "the DKIM key %s of %s cannot be read: its mail goes out unsigned", selector, domain
            )


_KEYS = _Keys()
