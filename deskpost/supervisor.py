"""One process over the others: starts them, starts again what dies, stops all cleanly."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType

log = logging.getLogger(__name__)

STOP_SECONDS = 20.0  # what a child gets to finish; then it is killed
STEADY_SECONDS = 30.0  # a child that lived so long starts again at once when it dies
BACK_OFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
PR_SET_PDEATHSIG = 1  # prctl(2)
SUPERVISOR = "SUPERVISED_BY"  # tells a child the process id of its supervisor


@dataclass(slots=True)
class Child:
    """One process of the site: `deskpost NAME ARGUMENTS`."""

    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    deaths: int = field(default=0)

    def start(self) -> None:
        command = [sys.executable, "-m", "deskpost", *self.arguments]
        # A session of its own: Ctrl-C reaches the supervisor alone, which stops all in order.
        env = os.environ | {SUPERVISOR: str(os.getpid())}
        self.process = subprocess.Popen(command, start_new_session=True, env=env)  # noqa: S603
        self.started_at = time.monotonic()

    def note_death(self) -> float:
        """Plan the next start; returns in how many seconds it is."""
        assert self.process is not None
        lived = time.monotonic() - self.started_at
        self.deaths = 0 if lived > STEADY_SECONDS else self.deaths
        pause = BACK_OFF_SECONDS[min(self.deaths, len(BACK_OFF_SECONDS) - 1)]
        self.deaths += 1
        self.start_at = time.monotonic() + pause
        self.process = None
        return pause


class Supervisor:
    """Runs the children until SIGINT or SIGTERM."""

    def __init__(self, children: Sequence[Child]) -> None:
        self._children = children
        self._stopping = False

    def run(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        while not self._stopping:
            self._tend()
            time.sleep(0.1)
        self._end()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _tend(self) -> None:
        for child in self._children:
            if child.process is None:
                if time.monotonic() >= child.start_at and not self._stopping:
                    child.start()
            elif (code := child.process.poll()) is not None:
                pause = child.note_death()
                log.error("%s ended (%s); it starts again in %s s", child.name, code, pause)

    def _end(self) -> None:
        living = [child.process for child in self._children if child.process]
        for process in living:
            process.terminate()
        end = time.monotonic() + STOP_SECONDS
        for process in living:
            try:
                process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error("process %s did not stop in time; it is killed", process.pid)
                process.kill()
                process.wait()


def die_with_parent() -> None:
    """Have the kernel end this process when the supervisor dies, even by SIGKILL (Linux only)."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    # It may have died before the kernel was asked: then no signal comes.
    supervisor = os.environ.get(SUPERVISOR)
    if supervisor and os.getppid() != int(supervisor):
        raise SystemExit("the supervisor is gone")


def is_free(host: str, port: int) -> bool:
    """Return whether this process could listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
