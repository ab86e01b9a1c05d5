"""HTTP goes the one way out: checked addresses, checked names, no redirects, bounded answers."""

import gzip
import http.client
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from pytest_django import Settings

from deskpost import net
from deskpost.net import http as net_http
from deskpost.problems import Problem, Step
from tests.parts import certificates
from tests.parts.listener import listening, silent, with_tls
from tests.parts.way import allow, answer_with, fault


@pytest.fixture(autouse=True)
def loopback(settings: Settings, tmp_path: Path) -> None:
    allow(settings, "127.0.0.0/8", ca_file=certificates.make(tmp_path))


class Service:
    """Answers each request with the same bytes; keeps the requests."""

    def __init__(self, *answer: bytes, pause: float = 0) -> None:
        self.answer, self.pause = answer, pause
        self.requests: list[bytes] = []

    def __call__(self, sock: socket.socket) -> None:
        self.requests.append(read_request(sock))
        for part in self.answer:
            sock.sendall(part)
            time.sleep(self.pause)

    def plain(self, host: str = "127.0.0.1", port: int = 0) -> AbstractContextManager[int]:
        return listening(self, host, port)

    def secure(self, folder: Path) -> AbstractContextManager[int]:
        return listening(with_tls(self, folder))


def read_request(sock: socket.socket) -> bytes:
    """Read a request's head, and as much of its body as is declared."""
    with sock.makefile("rb") as file:
        line = file.readline()
        headers = http.client.parse_headers(file)
        body = file.read(int(headers.get("Content-Length", 0)))
    return line + bytes(headers) + body


def ok(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def asking(path: str = "", **about: Any) -> Iterator[Callable[[int], requests.Response]]:
    with net_http.session() as client:
        yield lambda port: client.get(f"http://127.0.0.1:{port}/{path}", **about)


class TestTheWay:
    def test_an_answer_comes_by_tls_with_the_name_checked(self, tmp_path: Path) -> None:
        service = Service(ok(b'{"answer": 42}'))
        with service.secure(tmp_path) as port, net_http.session() as client:
            answer = client.get(f"https://localhost:{port}/v1?a=b")
            assert (answer.status_code, answer.json()) == (200, {"answer": 42})
        assert service.requests[0].startswith(b"GET /v1?a=b HTTP/1.1")

    def test_an_error_status_is_an_answer_too(self) -> None:
        with Service(ok(b"no", status="403 Forbidden")).plain() as port, asking() as ask:
            assert (ask(port).status_code, ask(port).content) == (403, b"no")

    def test_a_certificate_for_another_name_is_refused_whatever_the_caller_says(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        ca_file = certificates.make(tmp_path, host="other.example", addresses=())
        allow(settings, "127.0.0.0/8", ca_file=ca_file)
        service = Service(ok(b"secret"))
        with service.secure(tmp_path) as port, net_http.session() as client:
            client.verify = False
            found = fault(lambda: client.get(f"https://localhost:{port}/", verify=False))
        assert (found.problem, found.step) == (Problem.CERTIFICATE_OTHER_NAME, Step.TLS)
        assert found.facts["names"] == ["other.example"]
        assert service.requests == []

    def test_a_certificate_of_an_unknown_authority_is_refused(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        allow(settings, "127.0.0.0/8")
        with Service(ok(b"")).secure(tmp_path) as port, net_http.session() as client:
            found = fault(lambda: client.get(f"https://localhost:{port}/"))
        assert found.problem == Problem.CERTIFICATE_UNTRUSTED

    @pytest.mark.parametrize("host", ["127.1", "0x7f.1", "[::ffff:127.0.0.1]", "localhost"])
    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_a_private_address_is_refused(self, settings: Settings, scheme: str, host: str) -> None:
        allow(settings)
        service = Service(ok(b"metadata"))
        with service.plain() as port, net_http.session() as client:
            found = fault(lambda: client.get(f"{scheme}://{host}:{port}/"))
        assert found.problem == Problem.PRIVATE_ADDRESS
        assert service.requests == []

    def test_a_second_answer_of_dns_changes_nothing(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        allow(settings, "127.0.0.1/32")
        asked = answer_with(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
        inside = Service(ok(b"inside"))
        with Service(ok(b"checked")).plain() as port, inside.plain("127.0.0.2", port):
            url = f"http://rebinding.example:{port}/"
            with net_http.session() as client:
                assert client.get(url).content == b"checked"
                assert fault(lambda: client.get(url)).problem == Problem.PRIVATE_ADDRESS
        assert (len(asked), inside.requests) == (2, [])

    def test_nothing_goes_without_tls_to_a_public_address(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answer_with(monkeypatch, ["9.9.9.9"])
        monkeypatch.setattr(net, "dial", lambda *_: pytest.fail("it was connected"))
        with net_http.session() as client:
            found = fault(lambda: client.post("http://public.example/", data={"secret": "x"}))
        assert found.problem == Problem.NO_TLS

    @pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Over there", "300 Many"])
    def test_a_redirect_is_not_followed(self, status: str) -> None:
        target = Service(ok(b"inside"))
        with target.plain() as inside:
            location = f"Location: http://127.0.0.1:{inside}/?token=hidden"
            with Service(ok(b"", location, status=status)).plain() as port, asking() as ask:
                found = fault(lambda: ask(port))
        assert (found.problem, found.said) == (Problem.STRANGE_ANSWER, status)
        assert "hidden" not in str(found.facts)
        assert target.requests == []

    def test_proxies_and_netrc_of_the_environment_are_not_used(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login ann password hidden\n")
        service, proxy = Service(ok(b"direct")), Service(ok(b"by proxy"))
        with proxy.plain() as at, service.plain() as port, net_http.session() as client:
            monkeypatch.setenv("NETRC", str(netrc))
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{at}")
            proxies = {"http": f"http://127.0.0.1:{at}"}
            url = f"http://127.0.0.1:{port}/"
            assert client.get(url, proxies=proxies).content == b"direct"
        assert b"authorization" not in service.requests[0].lower()
        assert proxy.requests == []

    @pytest.mark.parametrize(
        "url", ["http://[::1", "ftp://127.0.0.1/", "file:///etc/passwd", "x", "http:///", ""]
    )
    def test_what_is_no_address_of_the_web_is_a_fault(self, url: str) -> None:
        with net_http.session() as client:
            found = fault(lambda: client.get(url))
        assert found.problem in {Problem.NAME_NOT_FOUND, Problem.INTERNAL_ERROR}


class TestTheAnswer:
    def test_a_stream_is_read_up_to_its_limit(self) -> None:
        body = b"From: ann@customer.example\r\n\r\n" + b"x" * 200_000
        with Service(ok(body)).plain() as port, asking(stream=True) as ask:
            assert net_http.read_bounded(ask(port), len(body)) == body
            with pytest.raises(net_http.TooLarge) as caught:
                net_http.read_bounded(ask(port), 100_000)
        assert caught.value.beginning == body[:100_000]
        assert caught.value.facts["limit"] == 100_000

    def test_an_answer_without_end_is_ended(self) -> None:
        begun = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        endless = [b"10000\r\n" + b"x" * 0x10000 + b"\r\n"] * 1000
        with Service(begun, *endless).plain() as port, asking() as ask:
            assert fault(lambda: ask(port)).problem == Problem.STRANGE_ANSWER

    def test_chunks_are_put_together(self) -> None:
        answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer += b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        with Service(answer).plain() as port, asking() as ask:
            assert ask(port).content == b"abcde"

    @pytest.mark.parametrize(
        "cut",
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc",
            b"",
        ],
        ids=["length", "chunk", "nothing"],
    )
    def test_an_answer_that_ends_too_early_is_not_taken_for_whole(self, cut: bytes) -> None:
        with Service(cut).plain() as port, asking() as ask:
            assert fault(lambda: ask(port)).problem == Problem.DROPPED

    def test_a_packed_answer_is_neither_asked_for_nor_unpacked(self) -> None:
        bomb = gzip.compress(bytes(1 << 20))
        service = Service(ok(bomb, "Content-Encoding: gzip"))
        with service.plain() as port, asking() as ask:
            assert fault(lambda: ask(port)).problem == Problem.STRANGE_ANSWER
        assert b"Accept-Encoding: identity" in service.requests[0]

    @pytest.mark.parametrize("answer", [b"* OK IMAP4 ready\r\n", b"\x00" * 100, b"HTTP/1.1 ab\r\n"])
    def test_what_is_not_http_is_a_strange_answer(self, answer: bytes) -> None:
        with Service(answer).plain() as port, asking() as ask:
            assert fault(lambda: ask(port)).problem == Problem.STRANGE_ANSWER

    def test_silence_costs_the_given_time(self) -> None:
        begun = time.monotonic()
        with listening(silent) as port, asking(timeout=0.2) as ask:
            assert fault(lambda: ask(port)).problem == Problem.TIMED_OUT
            assert time.monotonic() - begun < 5

    def test_silence_in_the_handshake_costs_the_given_time(self) -> None:
        with listening(silent) as port, net_http.session() as client:
            found = fault(lambda: client.get(f"https://localhost:{port}/", timeout=0.2))
        assert (found.problem, found.step) == (Problem.TIMED_OUT, Step.TLS)

    @pytest.mark.parametrize(
        ("begun", "byte"),
        [
            (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b"x"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
            (b"HTTP/1.1 200 OK\r\n", b"x"),
        ],
        ids=["body", "chunk", "head"],
    )
    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_an_answer_that_dribbles_costs_the_given_time(
        self,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
        scheme: str,
        begun: bytes,
        byte: bytes,
    ) -> None:
        monkeypatch.setattr(net_http, "WHOLE_SECONDS", 0.4)
        service = Service(begun, *[byte] * 30, pause=0.05)
        served = service.plain() if scheme == "http" else service.secure(tmp_path)
        with served as port, net_http.session() as client:
            start = time.monotonic()
            url = f"{scheme}://localhost:{port}/"
            found = fault(lambda: net_http.read_bounded(client.get(url, stream=True), 1000, 0.4))
            assert time.monotonic() - start < 2.5
        assert (found.problem, found.facts["host"]) == (Problem.TIMED_OUT, "localhost")

    def test_a_connection_is_used_again(self) -> None:
        def twice(sock: socket.socket) -> None:
            for body in (b"first", b"second"):
                read_request(sock)
                sock.sendall(ok(body).replace(b"Connection: close\r\n", b""))

        with listening(twice) as port, asking() as ask:
            assert [ask(port).content, ask(port).content] == [b"first", b"second"]

    def test_a_fault_tells_no_more_of_the_address_than_its_host(self) -> None:
        with Service(b"").plain() as port, asking("path?token=hidden") as ask:
            found = fault(lambda: ask(port))
        assert "hidden" not in f"{found} {found!r} {found.facts}"
        assert found.facts["host"] == "127.0.0.1"

    def test_nothing_of_an_address_or_an_answer_gets_into_the_logs(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        answer = ok(b"yes", "X-Fine: 1", "hidden\r\nINFO forged")
        with Service(answer).plain() as port, asking("path?token=hidden") as ask:
            ask(port)
        assert caplog.records == []


class TestAuthlib:
    def test_its_sessions_ask_for_tokens_by_the_one_way_out(self, tmp_path: Path) -> None:
        token = b'{"access_token": "a", "token_type": "Bearer", "refresh_token": "r"}'
        service = Service(ok(token, "Content-Type: application/json"))
        with service.secure(tmp_path) as port, OAuth2Session("client", "secret") as client:
            net_http.mount(client)
            found = client.refresh_token(f"https://localhost:{port}/token", refresh_token="old")
        assert found["access_token"] == "a"
        assert b"refresh_token=old" in service.requests[0]

    def test_a_fault_comes_out_of_it_unwrapped(self, settings: Settings) -> None:
        allow(settings)
        with OAuth2Session("client", "secret") as client:
            net_http.mount(client)
            found = fault(lambda: client.fetch_token("https://127.0.0.1/token", code="c"))
        assert found.problem == Problem.PRIVATE_ADDRESS
