"""DELIVER: one notification, from its guards to its outcome. Each outcome is committed before the
connection is used for the next."""

from __future__ import annotations

from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import DatabaseError

from deskpost.models import Notification
from deskpost.models.queue import LostClaim
from deskpost.outbound import guards, settle
from deskpost.outbound.compose import Composed, compose
from deskpost.outbound.relay import Carrier
from deskpost.outcomes import Guard


def deliver(note: Notification, carrier: Carrier) -> None:
    """Send a claimed notification, or record why not. An exception of ours is the reason
    *Internal error*; a lost claim, and a database or disk that fails, go on to the caller."""
    if note.is_poison:
        settle.broke(note, None)
        return
    try:
        _deliver(note, carrier)
    except (LostClaim, DatabaseError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 (it is the reason Internal error)
        settle.broke(note, error)


def _deliver(note: Notification, carrier: Carrier) -> None:
    asked = guards.ask(note)
    if asked.stop:
        settle.stopped(note, asked.stop, asked.facts, asked.trail)
        return
    composed = compose(note)
    finding = guards.size(composed.message, composed.parts)
    trail = [*asked.trail, guards.step(Guard.SIZE, finding)]
    if composed.fallback:
        trail[-1]["facts"] = {**trail[-1]["facts"], "template": composed.fallback}
    _keep(note, composed)
    if finding.stop:
        settle.stopped(note, finding.stop, finding.facts, trail)
        return
    attempt = settle.begin(note, carrier.server)
    answer = carrier.send(composed.envelope_from, note.address, composed.message)
    settle.answered(note, attempt, answer, trail)


def _keep(note: Notification, composed: Composed) -> None:
    """Keep the message once, without its tokens."""
    if note.raw_key:
        return
    key = f"{note.created_at:%Y%m%d}/{note.id}.out.eml"
    if not storages["raw"].exists(key):
        storages["raw"].save(key, ContentFile(composed.kept))
    note.raw_key, note.raw_size = key, len(composed.kept)
    note.subject, note.message_id = composed.subject[:500], composed.message_id[:255]
    note.save(update_fields=["raw_key", "raw_size", "subject", "message_id"])
