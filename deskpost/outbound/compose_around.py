"""What composing asks of the database, for a whole batch at once."""

from __future__ import annotations

from collections.abc import Iterable

from deskpost.models import Channel, Membership, MessageTemplate, Notification, Role
from deskpost.outbound import templates


class Around:
    """What the messages of a batch ask of the database, asked for all of them at once. The rows
    are to come with project, person, request, its channel, comment and its author."""

    def __init__(self, notes: Iterable[Notification]) -> None:
        rows = list(notes)
        self._channels: dict[int, Channel] = {}
        self._ask_channels({note.project_id for note in rows if _live_channel(note) is None})
        of_requests = [note for note in rows if note.request_id and not note.person.is_site_admin]
        members = Membership.objects.filter(
            project__in={note.project_id for note in of_requests},
            person__in={note.person_id for note in of_requests},
        ).exclude(role=Role.CUSTOMER)
        self._opens = set(members.values_list("project_id", "person_id") if of_requests else ())
        own = MessageTemplate.objects.filter(
            project__in={note.project_id for note in rows},
            kind__in={note.kind for note in rows},
            language__in={templates.written_in(note.language) for note in rows},
        )
        self._own = {(row.project_id, row.kind, row.language): row for row in own}

    def _ask_channels(self, projects: set[int]) -> None:
        if not projects:
            return
        for row in Channel.objects.filter(project__in=projects).order_by("id"):
            known = self._channels.get(row.project_id)
            if known is None or (known.removed_at and not row.removed_at):
                self._channels[row.project_id] = row

    def channel(self, note: Notification) -> Channel:
        """Return the channel from which the notification is sent."""
        found = _live_channel(note) or self._channels.get(note.project_id)
        if found is None:
            raise LookupError(f"project {note.project_id} has no channel to send from")
        return found

    def opens(self, note: Notification) -> bool:
        """Return whether the person can open the request's page."""
        return note.person.is_site_admin or (note.project_id, note.person_id) in self._opens

    def own(self, note: Notification) -> MessageTemplate | None:
        """Return the project's own template for the notification."""
        language = templates.written_in(note.language)
        return self._own.get((note.project_id, note.kind, language))


def _live_channel(note: Notification) -> Channel | None:
    channel = note.request.channel if note.request else None
    return channel if channel and channel.removed_at is None else None
