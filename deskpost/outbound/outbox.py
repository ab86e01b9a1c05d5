"""Where mail goes while no relay is set: to the demo's outside world, if a demo runs just then
(outside.py), else into the outbox folder."""

from __future__ import annotations

from pathlib import Path

from deskpost.config_relay import Relay
from deskpost.mail.answers import Answer
from deskpost.models import new_id
from deskpost.outbound import outside
from deskpost.outbound.carrier import Outgoing
from deskpost.outbound.relay import RelayLane


class OutboxCarrier:
    """No relay is set."""

    key = "outbox"
    lanes = 1

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def server(self) -> str:
        port = outside.port()
        return f"{outside.HOST}:{port}" if port else self.key

    def lane(self) -> OutboxLane:
        return OutboxLane(self._folder)


class OutboxLane:
    """Asks for each message whether a demo runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._world: RelayLane | None = None
        self._port: int | None = None

    def ready(self) -> Answer | None:
        port = outside.port()
        if port != self._port:
            self.close()
            self._port, self._world = port, _world(port) if port else None
        return self._world.ready() if self._world else None

    def send(self, outgoing: Outgoing) -> Answer:
        return self._world.send(outgoing) if self._world else write(self._folder, outgoing)

    def close(self) -> None:
        if self._world:
            self._world.close()
        self._world = self._port = None


def write(folder: Path, outgoing: Outgoing) -> Answer:
    """Make the message a file that a person can open. An error of the disk is a "down" answer."""
    name = f"{new_id()}.eml"
    draft = folder / f".{name}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.write_bytes(outgoing.message)
        draft.rename(folder / name)
    except OSError as error:
        return Answer(kind="down", text=f"{type(error).__name__}: {error.strerror}")
    return Answer(kind="accepted", text=f"outbox/{name}")


def _world(port: int) -> RelayLane:
    return RelayLane(Relay(host=outside.HOST, port=port, tls="none", username="", password=""))
