"""Links in notifications that work without sign-in, by POST only: unsubscribing (RFC 8058), and
turning off one request's notifications."""

from django.conf import settings
from django.core import signing

from deskpost.models import Person, Request

SALT = "deskpost.unsubscribe"
MUTE_SALT = "deskpost.mute"


def unsubscribe_url(person: Person) -> str:
    """Return the person's own address for unsubscribing."""
    return unsubscribe_at(unsubscribe_token(person.pk))


def unsubscribe_token(person_id: int) -> str:
    """Return what is the person's own in that address."""
    return signing.dumps(person_id, salt=SALT)


def unsubscribe_at(token: str) -> str:
    """Return the address for unsubscribing with that token."""
    return f"{settings.BASE_URL}/unsubscribe/{token}/"


def read_unsubscribe(token: str) -> Person | None:
    """Return the person whom the token names, or None if it was not made here."""
    try:
        return Person.objects.filter(pk=signing.loads(token, salt=SALT)).first()
    except signing.BadSignature:
        return None


def mute_url(request_id: int, person_id: int) -> str:
    """Return the person's own address for turning off that request's notifications."""
    return mute_at(mute_token(request_id, person_id))


def mute_token(request_id: int, person_id: int) -> str:
    """Return what is the request's and person's own in that address."""
    return signing.dumps([request_id, person_id], salt=MUTE_SALT)


def mute_at(token: str) -> str:
    """Return the address for turning notifications off with that token."""
    return f"{settings.BASE_URL}/mute/{token}/"


def read_mute(token: str) -> tuple[Request, Person] | None:
    """Return the request and the person whom the token names, or None if it was not made here."""
    try:
        request_id, person_id = signing.loads(token, salt=MUTE_SALT)
    except signing.BadSignature:
        return None
    request = Request.objects.select_related("project").filter(pk=request_id).first()
    person = Person.objects.filter(pk=person_id).first()
    return (request, person) if request and person else None
