"""Links in notifications that work without sign-in: unsubscribing, by POST only (RFC 8058)."""

from django.conf import settings
from django.core import signing

from deskpost.models import Person

SALT = "deskpost.unsubscribe"


def unsubscribe_url(person: Person) -> str:
    """Return the person's own address for unsubscribing."""
    return f"{settings.BASE_URL}/unsubscribe/{signing.dumps(person.pk, salt=SALT)}/"


def read_unsubscribe(token: str) -> Person | None:
    """Return the person whom the token names, or None if it was not made here."""
    try:
        return Person.objects.filter(pk=signing.loads(token, salt=SALT)).first()
    except signing.BadSignature:
        return None
