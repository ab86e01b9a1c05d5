"""Links in notifications that work without sign-in, by POST only: unsubscribing (RFC 8058), and
turning off one request's notifications."""

from django.conf import settings
from django.core import signing

from deskpost.models import Person, Request

SALT = "deskpost.unsubscribe"
MUTE_SALT = "deskpost.mute"


def unsubscribe_url(person: Person) -> str:
    """Return the person's own address for unsubscribing."""
    return f"{settings.BASE_URL}/unsubscribe/{signing.dumps(person.pk, salt=SALT)}/"


def read_unsubscribe(token: str) -> Person | None:
    """Return the person whom the token names, or None if it was not made here."""
    try:
        return Person.objects.filter(pk=signing.loads(token, salt=SALT)).first()
    except signing.BadSignature:
        return None


def mute_url(request_id: int, person_id: int) -> str:
    """Return the person's own address for turning off that request's notifications."""
    token = signing.dumps([request_id, person_id], salt=MUTE_SALT)
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
