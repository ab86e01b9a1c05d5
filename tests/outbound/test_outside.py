"""Where mail goes without a relay: to the demo's outside world while it lives, else the outbox."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from django.conf import settings
from pytest_django.fixtures import Settings

from deskpost.config_relay import Relay
from deskpost.demo.world import World
from deskpost.mail.answers import Answer
from deskpost.outbound import carriers, outside
from deskpost.outbound.carrier import Lane, Outgoing
from tests.parts.world import OutsideWorld

MESSAGE = b"Subject: IT-1 x\r\nTo: ann@x.example\r\n\r\nx\r\n"


@pytest.fixture(autouse=True)
def folders(settings: Settings, tmp_path: Path) -> None:
    settings.RUN, settings.OUTBOX = tmp_path / "run", tmp_path / "outbox"


def outbox() -> int:
    return len(list(Path(settings.OUTBOX).glob("*.eml")))


def lane() -> Lane:
    return carriers.of_site().lane()


def hand_over(lane: Lane, recipient: str) -> Answer:
    outgoing = Outgoing(envelope_from="it@desk.test", recipient=recipient, message=MESSAGE)
    return lane.ready() or lane.send(outgoing)


def test_without_a_demo_it_is_the_outbox() -> None:
    assert carriers.of_site().server == "outbox"
    assert hand_over(lane(), "ann@x.example").kind == "accepted"
    assert outbox() == 1
    assert not Path(settings.RUN).exists()


def test_one_lane_follows_the_demo_and_comes_back(world: OutsideWorld) -> None:
    world.refuse("gone@x.example", "550 5.1.1 no such user")
    carrier = carriers.of_site()
    way = carrier.lane()
    with outside.hold(world.port):
        assert carrier.server == f"127.0.0.1:{world.port}"
        assert hand_over(way, "ann@x.example").kind == "accepted"
        assert hand_over(way, "gone@x.example").suppress == "hard_bounce"
        assert (len(world.messages), outbox()) == (1, 0)
    assert carrier.server == "outbox"
    hand_over(way, "ann@x.example")
    way.close()
    assert (len(world.messages), outbox()) == (1, 1)


def test_an_outbox_that_cannot_be_written_fails_nobody(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings.OUTBOX = tmp_path / "file" / "outbox"
    assert hand_over(lane(), "ann@x.example").kind == "down"


def test_a_second_demo_is_told_and_does_not_take_over(
    world: OutsideWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside, "LOCK_SECONDS", 0.1)
    with outside.hold(world.port):
        with pytest.raises(outside.Taken), outside.hold(world.port + 1):
            pass
        assert outside.port() == world.port


def test_a_lane_that_looks_does_not_keep_a_demo_out(world: OutsideWorld) -> None:
    with outside.hold(world.port):
        pass
    for _ in range(20):
        assert outside.port() is None
        with outside.hold(world.port):
            assert outside.port() == world.port


def _hold_for_ever(folder: Path, ready: Event) -> None:
    settings.RUN = folder
    with outside.hold(2526):
        ready.set()
        signal.pause()


def test_a_demo_that_is_killed_leaves_nothing_behind() -> None:
    ready = multiprocessing.Event()
    child = multiprocessing.Process(target=_hold_for_ever, args=(settings.RUN, ready))
    child.start()
    assert ready.wait(20)
    assert outside.port() == 2526
    assert child.pid
    os.kill(child.pid, signal.SIGKILL)
    child.join(20)
    assert (Path(settings.RUN) / "demo-world").read_text() == "2526"
    assert outside.port() is None


@pytest.mark.parametrize("words", ["", "x", "0", "70000", "-1", "２５"])
def test_what_is_no_port_is_none(words: str) -> None:
    with outside.hold(2526):
        (Path(settings.RUN) / "demo-world").write_text(words)
        assert outside.port() is None


def test_a_relay_that_is_set_is_what_is_used(world: OutsideWorld, settings: Settings) -> None:
    settings.DESKPOST = settings.DESKPOST | {
        "RELAY": Relay(host="127.0.0.1", port=9, tls="none", username="", password="")
    }
    with outside.hold(world.port):
        assert carriers.of_site().server == "127.0.0.1:9"


def test_the_demos_world_lays_other_peoples_mail_into_the_outbox() -> None:
    with World({"busy@x.example": "451 4.7.1 later"}) as world, outside.hold(world.port):
        way = lane()
        assert hand_over(way, "admin@desk.test").kind == "accepted"
        assert hand_over(way, "ann@x.example").kind == "accepted"
        assert hand_over(way, "busy@x.example").kind == "temporary"
        way.close()
    assert outbox() == 1
    assert (world.asked, world.accepted, world.delayed, world.refused) == (3, 1, 1, 0)
    assert world.first("ann@x.example", "x", 0) is not None
