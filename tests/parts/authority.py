"""A provider's authorisation server on loopback, of authlib's own server parts (RFC 6749, 7636).

Strict where providers differ: PKCE with S256 only, codes once, refresh tokens rotated, and one
that is used a second time ends the whole permission.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from authlib.oauth2.rfc6749 import OAuth2Error
from joserfc.jwk import RSAKey

from tests.parts.authority_parts import (
    CLIENT_ID,
    CLIENT_SECRET,
    Grant,
    Parts,
    Person,
    Request,
    Response,
)

__all__ = ["CLIENT_SECRET", "Authority"]


class Authority:
    """The server, in threads of this process: a context manager.

    `token_key` is the private RSA key (PEM) that signs access tokens, as Dovecot takes them; one
    is made if none is given. A person is never asked: they are whom `login_hint` names, and say
    yes unless `declines` is set.
    """

    def __init__(self, token_key: str = "") -> None:
        self.key = RSAKey.import_key(token_key) if token_key else RSAKey.generate_key(2048)
        self.declines = False
        self.delay = 0.0  # seconds before each answer of the token endpoint
        self.instead: tuple[int, bytes] | None = None  # what it answers in place of a token
        self.asked: list[dict[str, str]] = []  # requests for tokens
        self.permissions: list[dict[str, str]] = []  # requests for permission
        self._lock = threading.Lock()
        self._parts = Parts(self.key)
        self._http: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def grants(self) -> dict[str, Grant]:
        """What was given, by refresh token; spent ones too."""
        return self._parts.grants

    def give_tokens_for(self, seconds: int) -> None:
        """Give access tokens that hold so long from now on."""
        self._parts.token_seconds = seconds

    def rotate(self, *, rotates: bool) -> None:
        """Give a new refresh token at each refresh from now on, or never."""
        self._parts.rotates = rotates

    @property
    def port(self) -> int:
        assert self._http is not None
        return int(self._http.server_address[1])

    @property
    def endpoints(self) -> tuple[str, str]:
        """Where people authorise, and where tokens are."""
        base = f"http://127.0.0.1:{self.port}"
        return f"{base}/authorise", f"{base}/token"

    def settings(
        self,
        provider: str = "GOOGLE",
        *,
        imap: tuple[str, int] = ("imap.example.test", 993),
        pop3: tuple[str, int] = ("pop.example.test", 995),
    ) -> dict[str, Any]:
        """Return the values of settings.DESKPOST that make this server Google or Microsoft."""
        return {
            f"{provider}_CLIENT_ID": CLIENT_ID,
            f"{provider}_CLIENT_SECRET": CLIENT_SECRET,
            f"{provider}_ENDPOINTS": self.endpoints,
            f"{provider}_SERVERS": (imap, pop3),
            "ALLOW_PRIVATE_HOSTS": (ip_network("127.0.0.0/8"),),
        }

    def visit(self, url: str) -> str:
        """Go to the authorisation endpoint as a browser does; return where it leads back to."""
        there = urlsplit(url)
        connection = http.client.HTTPConnection("127.0.0.1", there.port or 80, timeout=10)
        try:
            connection.request("GET", f"{there.path}?{there.query}")
            response = connection.getresponse()
            body = response.read().decode()
            location = response.getheader("Location")
        finally:
            connection.close()
        if location is None:
            raise AssertionError(f"the authority refuses: {response.status} {body}")
        return location

    def revoke(self) -> None:
        """Withdraw every permission that was given so far."""
        with self._lock:
            for grant in self.grants.values():
                grant.revoked = True

    def authorise(self, parameters: dict[str, str]) -> Response:
        """Answer a request for permission (RFC 6749, section 4.1.1)."""
        with self._lock:
            self.permissions.append(parameters)
            if parameters.get("code_challenge_method") != "S256":
                return 400, "code_challenge_method must be S256", []
            request = Request("GET", "https://authority.test/authorise", {}, parameters)
            person = None if self.declines else Person(parameters.get("login_hint", ""))
            try:
                grant = self._parts.get_consent_grant(request, end_user=person)
            except OAuth2Error as error:
                return 400, str(error), []
            answer: Response = self._parts.create_authorization_response(
                request, grant_user=person, grant=grant
            )
            return answer

    def give(self, parameters: dict[str, str], headers: dict[str, str]) -> Response:
        """Answer a request for tokens (RFC 6749, section 3.2)."""
        with self._lock:
            self.asked.append(parameters)
        time.sleep(self.delay)
        if self.instead:
            return self.instead[0], self.instead[1], [("Content-Type", "application/json")]
        with self._lock:
            request = Request("POST", "https://authority.test/token", headers, parameters)
            answer: Response = self._parts.create_token_response(request)
            return answer

    def __enter__(self) -> Self:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._http is not None and self._thread is not None:
            self._http.shutdown()
            self._http.server_close()
            self._thread.join(10)


def _handler(authority: Authority) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path != "/authorise":
                self._answer(404, "", [])
                return
            self._answer(*authority.authorise(dict(parse_qsl(parts.query))))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            self._answer(*authority.give(dict(parse_qsl(body)), dict(self.headers)))

        def _answer(self, status: int, body: Any, headers: list[tuple[str, str]]) -> None:
            if isinstance(body, dict):
                body = json.dumps(body)
            content = body if isinstance(body, bytes) else str(body).encode()
            with contextlib.suppress(OSError):  # whoever asked has gone
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
