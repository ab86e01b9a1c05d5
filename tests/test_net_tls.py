"""TLS on the one way out: who is trusted, and what people see of a certificate that is not."""

import os
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from deskpost import net
from deskpost.problems import Problem, Step
from tests.parts import certificates
from tests.parts.listener import listening, silent, with_tls
from tests.parts.way import allow, fault


class TestSecure:
    @pytest.fixture(autouse=True)
    def loopback(self, settings: Settings, tmp_path: Path) -> None:
        self.allow, self.folder = partial(allow, settings), tmp_path

    def trusted(self, **about: Any) -> None:
        self.allow("127.0.0.0/8", ca_file=certificates.make(self.folder, **about))

    def secured(self, host: str, port: int, timeout: float = 20.0) -> ssl.SSLSocket:
        return net.secure(net.dial(net.resolve("127.0.0.1", port)), host, timeout)

    def refusal(self, host: str = "localhost", most: Any = ssl.TLSVersion.TLSv1_3) -> net.Fault:
        with listening(with_tls(silent, self.folder, most)) as port:
            found = fault(lambda: self.secured(host, port))
        assert found.step == Step.TLS
        assert (found.facts["host"], found.facts["port"]) == (host, port)
        return found

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "localhost."])
    def test_a_certificate_of_an_authority_that_the_site_names_is_good(self, host: str) -> None:
        self.trusted()
        with (
            listening(with_tls(lambda tls: tls.sendall(b"in secret"), self.folder)) as port,
            self.secured(host, port, timeout=9) as tls,
        ):
            assert tls.recv(9) == b"in secret"
            assert tls.gettimeout() == 9
            assert net.certificate(tls) == {
                "subject": "localhost",
                "names": ["localhost", "127.0.0.1"],
                "issuer": "Deskpost test CA",
                "valid_from": day(certificates.STARTS),
                "valid_until": day(certificates.ENDS),
                "protocol": "TLSv1.3",
            }

    @pytest.mark.parametrize("most", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_one_of_an_unknown_authority_is_not_trusted_and_still_shown(self, most: Any) -> None:
        certificates.make(self.folder)
        self.allow("127.0.0.0/8")
        found = self.refusal(most=most)
        assert found.problem == Problem.CERTIFICATE_UNTRUSTED
        assert found.facts["issuer"] == "Deskpost test CA"
        assert found.facts["names"] == ["localhost", "127.0.0.1"]

    def test_an_expired_one_is_told_with_its_last_day(self) -> None:
        self.trusted(starts=timedelta(days=-9), ends=timedelta(days=-3))
        found = self.refusal()
        assert found.problem == Problem.CERTIFICATE_EXPIRED
        assert found.facts["valid_until"] == day(timedelta(days=-3))

    def test_one_that_is_not_valid_yet_is_told_with_its_first_day(self) -> None:
        self.trusted(starts=timedelta(days=3), ends=timedelta(days=9))
        found = self.refusal()
        assert found.problem == Problem.CERTIFICATE_EXPIRED
        assert found.facts["valid_from"] == day(timedelta(days=3))

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
    def test_one_for_another_name_is_told_with_the_names_it_has(self, host: str) -> None:
        more = [f"n{number}.example" for number in range(20)]
        self.trusted(host="other.example", addresses=(), more_names=more)
        found = self.refusal(host)
        assert found.problem == Problem.CERTIFICATE_OTHER_NAME
        assert found.facts["names"] == ["other.example", *more[:9]]

    def test_what_an_unknown_certificate_says_is_one_bounded_line(self) -> None:
        certificates.make(self.folder, host="a\nb\x1b" + "c" * 40, more_names=["d\r\n" * 200])
        self.allow("127.0.0.0/8")
        found = self.refusal()
        said = [found.facts["subject"], *found.facts["names"]]
        assert all(text.isprintable() and len(text) <= 255 for text in said)

    def test_a_server_that_says_nothing_costs_the_given_time(self) -> None:
        self.trusted()
        begun = time.monotonic()
        with listening(silent) as port:
            found = fault(lambda: self.secured("localhost", port, timeout=0.3))
            assert time.monotonic() - begun < 5
        assert (found.problem, found.step) == (Problem.TIMED_OUT, Step.TLS)

    def test_a_server_that_dribbles_costs_no_more(self) -> None:
        self.trusted()

        def dribble(sock: socket.socket) -> None:
            sock.sendall(b"\x16\x03\x03\x40\x00")  # a record of 16 KiB begins
            while True:
                sock.sendall(b"\x02")
                time.sleep(0.05)

        begun = time.monotonic()
        with listening(dribble) as port:
            found = fault(lambda: self.secured("localhost", port, timeout=0.5))
            assert time.monotonic() - begun < 5
        assert found.problem in {Problem.TIMED_OUT, Problem.TLS_FAILED}

    def test_a_server_that_hangs_up_in_the_handshake_dropped_the_connection(self) -> None:
        self.trusted()

        def hang_up(sock: socket.socket) -> None:
            sock.recv(1 << 16)

        with listening(hang_up) as port:
            found = fault(lambda: self.secured("localhost", port))
        assert found.problem == Problem.DROPPED

    def test_a_server_without_tls_is_told_as_such(self) -> None:
        self.trusted()

        def greet(sock: socket.socket) -> None:
            sock.sendall(b"* OK IMAP4\r\n")
            silent(sock)

        with listening(greet) as port:
            found = fault(lambda: self.secured("localhost", port))
        assert found.problem == Problem.TLS_FAILED
        assert found.facts["error"] == "WRONG_VERSION_NUMBER"

    def test_old_versions_of_tls_are_not_spoken(self) -> None:
        self.trusted()
        assert net.tls_context().minimum_version == ssl.TLSVersion.TLSv1_2
        assert net.tls_context() is net.tls_context()

    def test_an_authority_file_that_is_not_there_is_our_own_error(self) -> None:
        self.trusted()
        self.allow("127.0.0.0/8", ca_file=self.folder / "gone.pem")
        assert self.refusal().problem == Problem.INTERNAL_ERROR

    def test_an_authority_file_that_changed_is_read_again(self) -> None:
        ca_file = certificates.make(self.folder)
        good = ca_file.read_bytes()
        other = self.folder / "other"
        other.mkdir()
        ca_file.write_bytes(certificates.make(other).read_bytes())
        self.allow("127.0.0.0/8", ca_file=ca_file)
        assert self.refusal().problem == Problem.CERTIFICATE_UNTRUSTED
        ca_file.write_bytes(good)
        os.utime(ca_file, (time.time(), time.time() + 1))  # clocks of file systems are coarse
        with (
            listening(with_tls(silent, self.folder)) as port,
            self.secured("localhost", port) as tls,
        ):
            assert tls.version() == "TLSv1.3"


def day(from_now: timedelta) -> str:
    return (datetime.now(UTC) + from_now).date().isoformat()
