"""Programs that a test starts: waited for until ready, ended by their own process id."""

import contextlib
import grp
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

READY_SECONDS = 60.0
STOP_SECONDS = 20.0
TAIL_LINES = 40


class PartMissing(Exception):
    """A program that this part needs is not installed; the message says how to install it."""


class PartFailed(Exception):
    """A part was started and did not become ready; the message ends with its log's last lines."""


def program(name: str, package: str, *, also_in: Sequence[str] = ()) -> str:
    """Return the path of a program, looked for in PATH and then in the folders `also_in`.

    Raises PartMissing with the Debian package that has it.
    """
    places = [os.environ.get("PATH", os.defpath), *also_in, "/usr/sbin", "/sbin"]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise PartMissing(f"{name} is not installed: apt-get install {package}")
    return found


@dataclass(frozen=True, slots=True)
class Account:
    """Who a server runs as; `user` is None for whoever runs the tests."""

    user: str | None
    name: str
    group: int
    group_name: str

    @property
    def switched_group(self) -> int | None:
        return None if self.user is None else self.group

    @property
    def extra_groups(self) -> list[int] | None:
        return None if self.user is None else []

    def own(self, path: Path) -> None:
        """Give a file or folder to this account."""
        if self.user is not None:
            shutil.chown(path, self.user, self.group)


def _as_i_am() -> Account:
    me = pwd.getpwuid(os.geteuid())
    return Account(None, me.pw_name, me.pw_gid, grp.getgrgid(me.pw_gid).gr_name)


AS_I_AM = _as_i_am()


def ordinary(*preferred: str) -> Account:
    """Return an account that is not root: the present one, or the first preferred that exists."""
    if os.geteuid() != 0:
        return AS_I_AM
    for name in (*preferred, "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(name, name, entry.pw_gid, grp.getgrgid(entry.pw_gid).gr_name)
    raise PartMissing("no ordinary user to run servers as: adduser nobody")


def tail(path: Path, lines: int = TAIL_LINES) -> str:
    """Return the last lines of a log, or a note that there is none."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return f"(no log at {path})"


def wait_until(
    ready: Callable[[], bool], *, seconds: float = READY_SECONDS, every: float = 0.05
) -> bool:
    """Ask `ready` again and again; return whether it said yes within `seconds`."""
    until = time.monotonic() + seconds
    while True:
        if ready():
            return True
        if time.monotonic() > until:
            return False
        time.sleep(every)


def run(command: Sequence[str], *, account: Account, cwd: Path) -> None:
    """Run a program to its end; raise PartFailed with what it printed if it did not succeed."""
    done = subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        user=account.user,
        group=account.switched_group,
        extra_groups=account.extra_groups,
    )
    if done.returncode:
        raise PartFailed(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


class Process:
    """One program in a session of its own, whose output goes to `log`."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        cwd: Path,
        account: Account = AS_I_AM,
        env: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        """Start `command` in `cwd`, as `account`, with the variables `env` added."""
        self.log = log
        self.name = Path(command[0]).name
        self._stop_signal = stop_signal
        with log.open("ab") as output:
            self._child = self._start(command, output, cwd, account, env)

    def _start(
        self,
        command: Sequence[str],
        output: IO[bytes],
        cwd: Path,
        account: Account,
        env: Mapping[str, str] | None,
    ) -> subprocess.Popen[bytes]:
        # A session of its own: a server that signals its process group (Postfix does, when it
        # stops) must not reach the tests, and what it leaves behind can be ended as a group.
        return subprocess.Popen(
            [*self._ends_with_us(), *command],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            start_new_session=True,
            user=account.user,
            group=account.switched_group,
            extra_groups=account.extra_groups,
        )

    def _ends_with_us(self) -> list[str]:
        # Tests that are killed stop nothing: Linux then tells their servers (util-linux's setpriv
        # asks for that, and becomes the program: the id stays). It goes by the thread that starts
        # the program, so start none in a thread that ends early.
        setpriv = shutil.which("setpriv")
        return [setpriv, "--pdeathsig", self._stop_signal.name] if setpriv else []

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        """Return the exit status, or None while the program runs."""
        return self._child.poll()

    def wait_ready(self, ready: Callable[[], bool], *, seconds: float = READY_SECONDS) -> None:
        """Return when `ready` says yes; raise PartFailed if it ends or takes too long."""
        if wait_until(lambda: self.returncode is not None or ready(), seconds=seconds):
            if self.returncode is None:
                return
            what = f"ended with status {self.returncode}"
        else:
            what = f"was not ready after {seconds:.0f} s"
        self.stop()
        raise PartFailed(f"{self.name} {what}:\n{tail(self.log)}")

    def stop(self, *, seconds: float = STOP_SECONDS) -> None:
        """End the program: ask, wait up to `seconds`, then kill it and all of its session."""
        if self.returncode is None:
            self._child.send_signal(self._stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(seconds)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._child.wait(seconds)

    def kill(self) -> None:
        """End the program at once, as a crash would, with all of its session."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._child.wait(STOP_SECONDS)


def alive(pid: int) -> bool:
    """Say whether a process with this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class Part:
    """A server in a folder of its own: a context manager; subclasses write `start`."""

    def __init__(self) -> None:
        self.folder = Path()
        self.process: Process | None = None

    @property
    def pid(self) -> int:
        """Return the id of the server's first process; it must be running."""
        if self.process is None:
            raise RuntimeError("not started")
        return self.process.pid

    def start(self) -> None:
        """Start the server under `self.folder` and set `self.process`."""
        raise NotImplementedError

    def stop(self) -> None:
        """End the server and remove its folder."""
        if self.process is not None:
            self.process.stop()
            self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        # Short names: a Unix socket's path may have 107 bytes at most.
        self.folder = Path(tempfile.mkdtemp(prefix="dp-"))
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()
