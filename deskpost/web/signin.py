"""The sign-in link of the first start: single use, 15 minutes, spent by POST.

No table is needed. The link is signed over the state that signing in changes (last_login, the
password), as Django's password reset does, so that using it makes it, and every other link that
was made before, worthless. Unlike there the moment counts to the microsecond.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from deskpost.models import Person

SALT = "deskpost.sign-in-link"
TICK = timedelta(microseconds=1)  # the least difference that both databases keep


def make_link(person: Person) -> str:
    """Return an address at which the person can sign in once, for SIGN_IN_LINK_SECONDS."""
    token = signing.dumps([person.pk, _state(person)], salt=SALT)
    return settings.BASE_URL + reverse("sign-in-link", args=[token])


def read(token: str) -> Person | None:
    """Return whom the token would sign in now, without spending it; None if it is worthless."""
    return _holder(token, lock=False)


def spend(token: str) -> Person | None:
    """Spend the token: return its person once; None for everyone who comes later.

    Two at one time are told apart by the lock on the person's row: the second sees the first's
    last_login.
    """
    with transaction.atomic():
        person = _holder(token, lock=True)
        if person:
            person.last_login = _after(person.last_login)
            person.save(update_fields=["last_login"])
    return person


def _holder(token: str, *, lock: bool) -> Person | None:
    try:
        said = signing.loads(token, salt=SALT, max_age=settings.SIGN_IN_LINK_SECONDS)
    except signing.BadSignature:  # also when it is too old
        return None
    pk, state = _checked(said)
    people = Person.objects.filter(pk=pk, is_active=True)
    person = (people.select_for_update() if lock else people).first()
    return person if person and constant_time_compare(_state(person), state) else None


def _checked(said: Any) -> tuple[int, str]:
    """Signed by us, and so well formed; the assertion is for whoever changes the form."""
    pk, state = said
    assert isinstance(pk, int)
    assert isinstance(state, str)
    return pk, state


def _state(person: Person) -> str:
    """Return a digest of what signing in, or a new password, changes."""
    last = person.last_login.astimezone(UTC).isoformat() if person.last_login else ""
    value = f"{person.pk}\n{person.email_key}\n{person.password}\n{last}"
    return salted_hmac(SALT, value, algorithm="sha256").hexdigest()[:32]


def _after(last_login: datetime | None) -> datetime:
    """Return now, or the next moment after the last sign-in should the clock have gone back."""
    now = timezone.now()
    return now if last_login is None else max(now, last_login + TICK)
