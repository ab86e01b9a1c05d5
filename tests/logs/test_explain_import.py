"""Imported mail says that nobody was notified of it."""

from django.utils import timezone

from deskpost.logs import explain_incoming
from deskpost.models import InboundEmail
from tests.desk import Desk
from tests.parts.site import letter


def test_an_imported_message_says_that_nobody_was_notified(desk: Desk) -> None:
    row = desk.arrive(letter())
    InboundEmail.objects.filter(pk=row.pk).update(transport="import")
    desk.work_inbound()
    row.refresh_from_db()
    told = explain_incoming.incoming(row, timezone.now())
    assert "imported: nobody was notified" in " ".join(map(str, told.happened))
