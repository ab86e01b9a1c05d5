"""The one way out reaches what people named, and nothing of the network around this machine."""

import contextlib
import errno
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from pytest_django import Settings

from deskpost import net
from deskpost.problems import Problem, Step
from tests.parts import way
from tests.parts.listener import listening, silent
from tests.parts.way import answer_with, fault


@pytest.fixture
def allow(settings: Settings) -> Callable[..., None]:
    """Allows these networks; none to begin with."""
    way.allow(settings)
    return partial(way.allow, settings)


Allow = Callable[..., None]

PRIVATE = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "0x7F.0x0.0x0.0x1",
    "127.255.255.254",
    "0",
    "0.0.0.0",
    "10.0.0.1",
    "10.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "3232235777",
    "169.254.169.254",
    "0xA9FEA9FE",
    "100.64.0.1",
    "198.18.0.1",
    "192.0.0.8",
    "192.0.0.170",
    "192.0.2.1",
    "203.0.113.5",
    "192.88.99.1",
    "224.0.0.1",
    "239.1.2.3",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "[::1]",
    "0:0:0:0:0:0:0:1",
    "::",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "[::ffff:10.0.0.1]",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:0a00:0001::1",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "fe80::1%lo",
    "fe80::1",
    "fd00::1",
    "fc00::1",
    "fec0::1",
    "ff02::1",
    "100::1",
    "localhost",
    "LOCALHOST",
    "１２７.0.0.1",
    "127。0。0。1",
    "ⓛocalhost",
]

NO_NAMES = [
    "",
    " ",
    ".",
    "..",
    "[",
    "[]",
    "%",
    "a b.example",
    "a\x00.example",
    "127.0.0.1\x00.example",
    "a\r\nb.example",
    "a..example",
    "x" * 64 + ".example",
    "x." * 150 + "example",
    "é" * 300,
    "\ud800.example",
    "xn--\u00fc.example",
    "-\u0301.example",
    "127.0.0.1:25",
    "http://127.0.0.1/",
    "user@127.0.0.1",
    "127.0.0.1/8",
]


class TestResolve:
    @pytest.mark.parametrize("host", PRIVATE)
    def test_no_spelling_of_a_private_address_leads_inside(self, allow: Allow, host: str) -> None:
        found = fault(lambda: net.resolve(host, 993))
        assert (found.problem, found.step) == (Problem.PRIVATE_ADDRESS, Step.NAME)
        assert found.facts["host"] == host
        assert found.facts["address"]

    @pytest.mark.parametrize("host", NO_NAMES)
    def test_what_is_no_name_is_not_found(self, allow: Allow, host: str) -> None:
        allow("0.0.0.0/0", "::/0")
        found = fault(lambda: net.resolve(host, 993))
        assert (found.problem, found.step) == (Problem.NAME_NOT_FOUND, Step.NAME)
        assert len(found.facts["host"]) <= 253
        assert found.facts["host"].isprintable()

    @pytest.mark.parametrize("port", [0, -1, 65536, 1 << 80])
    def test_what_is_no_port_is_a_fault(self, allow: Allow, port: int) -> None:
        assert fault(lambda: net.resolve("localhost", port)).problem == Problem.UNREACHABLE

    @pytest.mark.parametrize(
        "host", ["9.9.9.9", "2620:fe::fe", "::ffff:9.9.9.9", "64:ff9b::909:909", "2002:909:909::"]
    )
    def test_a_public_address_is_taken(self, allow: Allow, host: str) -> None:
        [found] = net.resolve(host, 993)
        assert not found.is_private
        assert found.host == host

    def test_only_the_allowed_network_is_let_through(self, allow: Allow) -> None:
        allow("127.0.0.0/30", "fd00::/8")
        [found] = net.resolve("127.0.0.2", 143)
        assert (found.ip, found.is_private) == ("127.0.0.2", True)
        assert found.address == ("127.0.0.2", 143)
        assert net.resolve("::ffff:127.0.0.1", 143)[0].is_private
        assert net.resolve("fd00::1", 143)[0].is_private
        for refused in ("127.0.0.4", "10.0.0.1", "fe80::1", "64:ff9b::10.0.0.1"):
            with pytest.raises(net.Fault, match=Problem.PRIVATE_ADDRESS):
                net.resolve(refused, 143)

    @pytest.mark.parametrize("host", ["10.0.0.1", "127.0.0.1", "::1", "2002:7f00:1::"])
    def test_all_may_be_allowed(self, allow: Allow, host: str) -> None:
        allow("0.0.0.0/0", "::/0")
        assert net.resolve(host, 143)[0].is_private

    def test_of_a_name_with_both_kinds_only_the_public_address_is_left(
        self, allow: Allow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answer_with(monkeypatch, ["127.0.0.1", "9.9.9.9", "10.0.0.1"])
        assert [found.ip for found in net.resolve("both.example", 993)] == ["9.9.9.9"]
        answer_with(monkeypatch, ["10.0.0.1", "127.0.0.1"])
        found = fault(lambda: net.resolve("inside.example", 993))
        assert found.problem == Problem.PRIVATE_ADDRESS
        assert dict(found.facts) == {"host": "inside.example", "address": "10.0.0.1"}

    def test_letters_beyond_ascii_are_asked_for_as_idna_2008(
        self, allow: Allow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = answer_with(monkeypatch, ["9.9.9.9"])
        net.resolve("Straße.example", 993)
        net.resolve("my_mail.example", 993)
        assert asked == ["xn--strae-oqa.example", "my_mail.example"]

    def test_a_silent_dns_costs_a_bounded_time(
        self, allow: Allow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        over = threading.Event()
        monkeypatch.setattr(net, "RESOLVE_SECONDS", 0.2)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(30))
        begun = time.monotonic()
        found = fault(lambda: net.resolve("silent.example", 993))
        over.set()
        assert found.problem == Problem.NAME_NOT_FOUND
        assert time.monotonic() - begun < 5


class TestDial:
    def test_it_reaches_a_listener_and_keeps_the_connection_alive(self, allow: Allow) -> None:
        allow("127.0.0.0/8")
        with (
            listening(lambda sock: sock.sendall(b"hello")) as port,
            net.dial(net.resolve("localhost", port), timeout=7) as sock,
        ):
            assert sock.recv(5) == b"hello"
            assert sock.gettimeout() == 7
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)

    def test_a_second_answer_of_dns_changes_nothing(
        self, allow: Allow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        allow("127.0.0.1/32")
        asked = answer_with(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
        with (
            listening(lambda sock: sock.sendall(b"checked")) as port,
            listening(lambda sock: sock.sendall(b"rebound"), "127.0.0.2", port),
            net.dial(net.resolve("rebinding.example", port)) as sock,
        ):
            assert sock.recv(7) == b"checked"
            assert sock.getpeername() == ("127.0.0.1", port)
            assert asked == ["rebinding.example"]
            refused = fault(lambda: net.resolve("rebinding.example", port))
            assert refused.problem == Problem.PRIVATE_ADDRESS

    def test_a_closed_port_refuses(self, allow: Allow) -> None:
        allow("127.0.0.0/8")
        with closed_port() as port:
            found = fault(lambda: net.dial(net.resolve("127.0.0.1", port)))
        assert (found.problem, found.step) == (Problem.REFUSED, Step.TCP)
        assert dict(found.facts) == {"host": "127.0.0.1", "address": "127.0.0.1", "port": port}

    def test_the_next_address_is_tried_when_one_refuses(
        self, allow: Allow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        allow("127.0.0.0/8")
        answer_with(monkeypatch, ["127.0.0.3", "127.0.0.1"])
        with listening(silent) as port, net.dial(net.resolve("two.example", port)) as sock:
            assert sock.getpeername()[0] == "127.0.0.1"

    def test_an_address_that_swallows_everything_leaves_time_to_the_next(
        self, allow: Allow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        allow("127.0.0.0/8")
        answer_with(monkeypatch, ["127.0.0.3", "127.0.0.1"])
        connect, given = net._connect, []

        def swallowed(endpoint: net.Endpoint, timeout: float) -> socket.socket:
            given.append(timeout)
            if endpoint.ip == "127.0.0.3":  # no packet is lost on loopback by itself
                time.sleep(timeout)
                raise TimeoutError
            return connect(endpoint, timeout)

        monkeypatch.setattr(net, "_connect", swallowed)
        with listening(silent) as port:
            endpoints = net.resolve("two.example", port)
            with net.dial(endpoints, timeout=1) as sock:
                assert sock.getpeername()[0] == "127.0.0.1"
            assert given[0] <= 0.5
            found = fault(lambda: net.dial(endpoints[:1], timeout=0.2))
            assert (found.problem, found.step) == (Problem.TIMED_OUT, Step.TCP)

    def test_of_several_tries_the_one_that_tells_most_is_told(
        self, allow: Allow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        allow("127.0.0.0/8")
        answer_with(monkeypatch, ["127.0.0.3", "127.0.0.1", "127.0.0.4"])
        connect = net._connect

        def no_way(endpoint: net.Endpoint, timeout: float) -> socket.socket:
            if endpoint.ip != "127.0.0.1":
                raise OSError(errno.ENETUNREACH, "no IPv6 here, as it were")
            return connect(endpoint, timeout)

        monkeypatch.setattr(net, "_connect", no_way)
        with closed_port() as port:
            endpoints = net.resolve("three.example", port)
            assert fault(lambda: net.dial(endpoints)).problem == Problem.REFUSED
        assert fault(lambda: net.dial(endpoints[2:])).problem == Problem.UNREACHABLE

    def test_no_address_at_all_is_a_fault(self) -> None:
        assert fault(lambda: net.dial([])).problem == Problem.UNREACHABLE


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port that is taken, so that nobody else listens there, and that refuses."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


class TestFaultOf:
    @pytest.mark.parametrize(
        ("error", "problem"),
        [
            (TimeoutError(), Problem.TIMED_OUT),
            (OSError(errno.ETIMEDOUT, "x"), Problem.TIMED_OUT),
            (ConnectionRefusedError(), Problem.REFUSED),
            (ConnectionResetError(), Problem.DROPPED),
            (BrokenPipeError(), Problem.DROPPED),
            (EOFError(), Problem.DROPPED),
            (OSError(errno.EHOSTUNREACH, "x"), Problem.UNREACHABLE),
            (OSError(errno.ENETUNREACH, "x"), Problem.UNREACHABLE),
            (PermissionError(errno.EPERM, "x"), Problem.UNREACHABLE),
            (PermissionError(errno.EACCES, "x", "/a/file"), Problem.INTERNAL_ERROR),
            (socket.gaierror(-2, "x"), Problem.NAME_NOT_FOUND),
            (ssl.SSLEOFError(8, "x"), Problem.DROPPED),
            (ssl.SSLZeroReturnError(6, "x"), Problem.DROPPED),
            (ssl.SSLError(1, "x"), Problem.TLS_FAILED),
            (net.Fault(Problem.READ_ONLY), Problem.READ_ONLY),
        ],
    )
    def test_errors_of_connections_are_told_apart(
        self, error: BaseException, problem: Problem
    ) -> None:
        assert net.fault_of(error).problem == problem

    def test_of_an_unknown_error_only_its_class_is_told(self) -> None:
        found = net.fault_of(ValueError("password=hunter2"), step=Step.SIGN_IN, host="a.example")
        assert (found.problem, found.step) == (Problem.INTERNAL_ERROR, Step.SIGN_IN)
        assert dict(found.facts) == {"error": "ValueError", "host": "a.example"}
        assert "hunter2" not in f"{found!r} {found}"
