"""Which way outgoing mail goes: an SMTP relay, or a provider of django-anymail.

A reader raises ValueError with what is wrong; config.py says of which variable. No fault repeats
what it has read: it may be a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """An SMTP relay: `smtp://user:pass@host:port?tls=starttls|tls|none`."""

    host: str
    port: int
    tls: str
    username: str
    password: str

    def __repr__(self) -> str:
        return f"Relay({self.host}:{self.port}, tls={self.tls})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider by its name in PROVIDERS, and the settings of its backend by their names."""

    name: str
    options: Mapping[str, str]

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be seen nowhere."""
        form = PROVIDERS[self.name]
        return tuple(self.options[one] for one in form.keys if self.options.get(one))

    def __repr__(self) -> str:
        return f"Provider({self.name})"


Way = Relay | Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a provider's address holds: `NAME://KEY@` or `NAME://KEY:SECOND@`, then options.

    `needs` are options that must be there, `may` those that may; api_url always may. `by_itself`:
    without a key the provider's library looks for one in its own places.
    """

    keys: tuple[str, ...]
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    by_itself: bool = False


# Option names are those of the backends' own settings (django-anymail). `envelope_sender` is ours:
# on or off, where it depends on the account whether the provider takes one (outbound/provider.py).
PROVIDERS: Final[Mapping[str, Form]] = {
    "amazon_ses": Form(
        keys=("aws_access_key_id", "aws_secret_access_key"),
        needs=("region",),
        may=("configuration_set_name",),
        by_itself=True,
    ),
    "brevo": Form(keys=("api_key",)),
    "mailersend": Form(keys=("api_token",), may=("headers",)),
    "mailgun": Form(keys=("api_key",), may=("sender_domain",)),
    "mailjet": Form(keys=("api_key", "secret_key"), may=("envelope_sender",)),
    "mailtrap": Form(keys=("api_token",), may=("sandbox_id",)),
    "mandrill": Form(keys=("api_key",)),
    "postal": Form(keys=("api_key",), needs=("api_url",)),
    "postmark": Form(keys=("server_token",), may=("message_stream",)),
    "resend": Form(keys=("api_key",)),
    "scaleway": Form(keys=("secret_key",), needs=("project_id",), may=("region",)),
    "sendgrid": Form(keys=("api_key",)),
    "sparkpost": Form(keys=("api_key",), may=("subaccount", "envelope_sender")),
    "unisender_go": Form(keys=("api_key",), needs=("api_url",)),
}
_SWITCHES: Final = ("envelope_sender", "headers")
_WORD: Final = re.compile(r"[A-Za-z0-9._:/-]{1,253}")
_KEY: Final = re.compile(r"[!-~]{1,500}")  # it goes into an HTTP header
_PROJECT: Final = re.compile(r"[A-Z][A-Z0-9]{0,9}")


def relay(value: str) -> Way | None:
    """Read `smtp://user:pass@host:port?tls=starttls` or `postmark://SERVER_TOKEN@`; empty means:
    write to the outbox folder."""
    if not value:
        return None
    scheme, separator, rest = value.partition("://")
    if separator and scheme in PROVIDERS:
        return _provider(scheme, rest)
    if not separator or scheme != "smtp":
        raise ValueError("it begins with none of smtp://, " + _listed(f"{p}://" for p in PROVIDERS))
    return _smtp(value)


def project_relays(value: str) -> dict[str, Way]:
    """Read `IT=postmark://TOKEN@ HR=smtp://…`: projects' keys in capitals, blanks between them."""
    found: dict[str, Way] = {}
    for number, one in enumerate(value.split(), 1):
        key, separator, address = one.partition("=")
        if not separator or not _PROJECT.fullmatch(key):
            raise ValueError(
                f"entry {number} does not begin with a project’s key in capitals and ="
            )
        if key in found:
            raise ValueError(f"it names {key} twice")
        try:
            way = relay(address)
        except ValueError as error:
            raise ValueError(f"of {key}: {error}") from None
        if way is None:
            raise ValueError(f"{key} has nothing after its =")
        found[key] = way
    return found


def _smtp(value: str) -> Relay:
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:  # Python's own words repeat a part of the value
        raise ValueError(
            "its host or port cannot be read (in a password, write @ : / ? # as %40 and so on)"
        ) from None
    if not host:
        raise ValueError("it does not begin with smtp:// and a host")
    if port == 0:
        raise ValueError("port 0 cannot be used")
    options = parse_qs(parts.query, keep_blank_values=True)
    if set(options) - {"tls"}:
        raise ValueError("it has an unknown option: only tls is known")
    tls = options.get("tls", ["none"])[-1]
    if tls not in {"starttls", "tls", "none"}:
        raise ValueError("tls must be starttls, tls or none")
    return Relay(
        host=host,
        port=port or {"starttls": 587, "tls": 465, "none": 25}[tls],
        tls=tls,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def _provider(name: str, rest: str) -> Provider:
    form = PROVIDERS[name]
    keys, at, tail = rest.partition("@")
    if not at:
        raise ValueError(f"{name} needs its key and an @, as in {_example(name)}")
    if tail[:1] not in ("", "?"):
        raise ValueError("after the @ there can only be ? and options (write @ in a key as %40)")
    options = _options(name, form, tail[1:])
    return Provider(name=name, options={**_keys(name, form, keys), **options})


def _keys(name: str, form: Form, text: str) -> dict[str, str]:
    if not text and form.by_itself:
        return {}
    given = [unquote(one) for one in text.split(":", len(form.keys) - 1)]
    found = dict(zip(form.keys, given, strict=False))
    if missing := [one for one in form.keys if not found.get(one)]:
        raise ValueError(f"{name} needs {_listed(missing)}, as in {_example(name)}")
    for key, value in found.items():
        if not _KEY.fullmatch(value):
            raise ValueError(f"its {key} holds a blank, or is longer than any key")
    return found


def _options(name: str, form: Form, query: str) -> dict[str, str]:
    read = parse_qs(query, keep_blank_values=True)
    options = {key: values[-1] for key, values in read.items()}
    known = dict.fromkeys([*form.needs, *form.may, "api_url"])
    if set(options) - set(known):
        raise ValueError(f"{name} has an unknown option: known are {_listed(known)}")
    if missing := [one for one in form.needs if not options.get(one)]:
        raise ValueError(f"{name} needs the option {_listed(missing)}, as in {_example(name)}")
    for key, value in options.items():
        _check(key, value)
    return options


def _check(key: str, value: str) -> None:
    if key in _SWITCHES and value not in ("on", "off"):
        raise ValueError(f"{key} is neither on nor off")
    if key == "api_url" and not _is_url(value):
        raise ValueError("api_url is not an http or https address")
    if not _WORD.fullmatch(value):
        raise ValueError(f"{key} is empty, or holds what such a name cannot")


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _example(name: str) -> str:
    form = PROVIDERS[name]
    keys = ":".join(one.upper() for one in form.keys)
    options = "&".join(f"{one}=…" for one in form.needs)
    return f"{name}://{keys}@" + (f"?{options}" if options else "")


def _listed(some: Iterable[str]) -> str:
    return ", ".join(some)
