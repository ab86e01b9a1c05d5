"""A browser: of an agent, who answers, invites, resolves and looks at the log's sums, or of a
customer. Signed in by link."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

from django.conf import settings

TIMEOUT_SECONDS = 20


class Refused(Exception):
    """The site did not answer as it should; the message has the address and the status."""


class Agent:
    """A browser without a screen, for one site."""

    def __init__(self, base_url: str) -> None:
        self._base = base_url
        self._cookies = CookieJar()
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(self._cookies))
        self._opener.addheaders = [("Referer", base_url + "/"), ("User-Agent", "Deskpost demo")]

    def sign_in(self, link: str) -> None:
        """Open the link and press its button; raises Refused if the site does not know it."""
        path = link.removeprefix(self._base)
        self.get(path)
        self.post(path)

    def sign_out(self) -> None:
        self.get("/accounts/logout/")
        self.post("/accounts/logout/")

    def answer(self, key: str, text: str) -> None:
        self.post(f"{_request(key)}reply/", {"body": text})

    def resolve(self, key: str) -> None:
        self.post(f"{_request(key)}resolve/")

    def reopen(self, key: str) -> None:
        self.post(f"{_request(key)}reopen/")

    def invite(self, project: str, email: str, name: str) -> None:
        self.post(f"/projects/{project}/customers/invite/", {"email": email, "name": name})

    def keep_private(self) -> None:
        """Set one's own address to private."""
        self.get("/me/notifications/")
        self.post("/me/notifications/", {"act": "private"})

    def uses_standard(self, project: str, kind: str, language: str) -> bool:
        """Whether the project has no template of its own for that kind."""
        return not _version(self.get(_template(project, kind, language)))

    def save_template(
        self, project: str, kind: str, language: str, words: Mapping[str, str]
    ) -> None:
        """Save the project's first template for the kind: `subject`, `text` and `html`."""
        self.post(_template(project, kind, language), {"act": "save", **words})

    def back_to_standard(self, project: str, kind: str, language: str) -> None:
        """Give up the template that is there."""
        path = _template(project, kind, language)
        self.post(f"{path}standard/", {"seen": _version(self.get(path))})

    def sum(self, path: str, status: str = "") -> int:
        """Return the sum that a page of the log shows for a status, or its first one: in a log of
        notifications what failed, else all. 0 for none."""
        anchor = rf'status={status}(?:&amp;[^"]*)?"' if status else '<nav class="tally"'
        found = re.search(rf"{anchor}[^>]*>(?:<a [^>]*>)?<b>([^<]+)</b>", self.get(path))
        return int(re.sub(r"\D", "", found[1]) or 0) if found else 0

    def get(self, path: str) -> str:
        """Return the page at the path; raises Refused."""
        return self._open(path, None)

    def post(self, path: str, values: Mapping[str, str] | None = None) -> str:
        """Send a form as the last page's would; return the page that it leads to."""
        token = {"csrfmiddlewaretoken": self._token(), **(values or {})}
        return self._open(path, urlencode(token).encode("ascii"))

    def _token(self) -> str:
        name = settings.CSRF_COOKIE_NAME
        return next((c.value or "" for c in self._cookies if c.name == name), "")

    def _open(self, path: str, data: bytes | None) -> str:
        try:
            with self._opener.open(self._base + path, data, TIMEOUT_SECONDS) as page:
                return str(page.read().decode("utf-8"))
        except HTTPError as error:
            raise Refused(f"{self._base}{path.split('/sign-in/')[0]}: {error.code}") from None
        except OSError as error:
            raise Refused(f"{self._base}: {error}") from None


def _request(key: str) -> str:
    return f"/projects/{key.rpartition('-')[0]}/requests/{key}/"


def _template(project: str, kind: str, language: str) -> str:
    return f"/projects/{project}/settings/email/templates/{kind}/{language}/"


def _version(page: str) -> str:
    """Return which version the page of a template shows; empty for the standard one."""
    found = re.search(r'name="seen" value="([^"]*)"', page)
    return html.unescape(found[1]) if found else ""


def unsubscribe(url: str) -> None:
    """Do what a mail program's button does (RFC 8058): POST, without cookies."""
    opener = build_opener(ProxyHandler({}))
    with opener.open(url, b"List-Unsubscribe=One-Click", TIMEOUT_SECONDS) as page:
        page.read()
