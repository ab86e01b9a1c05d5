"""The DESKPOST_* variables: read once, checked, each with an example.

`SETTINGS` is the whole list; docs/settings.md is checked against it. A wrong value stops the
start with the variable's name, what is wrong with it and an example.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deskpost.config_relay import project_relays, relay
from deskpost.config_tracking import TRACKING, signing_key, tracking
from deskpost.config_values import (
    WEBHOOKS,
    address,
    base_url,
    choice,
    clock,
    database,
    domain,
    endpoints,
    fernet_keys,
    host,
    mail_servers,
    networks,
    optional,
    optional_path,
    path,
    public_key,
    servers,
    size,
    svix_secret,
    switch,
    text,
    webhook_secret,
    webhooks,
    whole,
    zone,
)


class ConfigError(Exception):
    """A DESKPOST_* variable cannot be used; the message says which, why, and gives an example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One variable: its name, default, what it does, an example, and how its text is read."""

    name: str
    default: str
    help: str
    example: str
    read: Callable[[str], Any]


def _setting(
    name: str, default: str, read: Callable[[str], Any], example: str, help: str
) -> Setting:
    return Setting(name=f"DESKPOST_{name}", default=default, read=read, example=example, help=help)


SETTINGS: tuple[Setting, ...] = (
    _setting("DATA", "data", path, "/var/lib/deskpost", "Folder that holds all state."),
    _setting(
        "DATABASE",
        "",
        database,
        "postgresql://deskpost:secret@127.0.0.1:5432/deskpost",
        "Database; empty is an SQLite file in the data folder.",
    ),
    _setting(
        "URL",
        "",
        optional(base_url),
        "https://desk.example.test",
        "Address of the site as its people open it; empty is http://WEB_HOST:WEB_PORT.",
    ),
    _setting("WEB_HOST", "127.0.0.1", host, "0.0.0.0", "Where the web server listens."),
    _setting("WEB_PORT", "8025", whole(1, 65535), "8025", "Port of the web server."),
    _setting("WEB_THREADS", "4", whole(1, 64), "8", "Threads of the web server."),
    _setting(
        "TRUSTED_PROXIES",
        "127.0.0.1/32,::1/128",
        networks,
        "127.0.0.1/32,10.0.0.5/32",
        "Proxies whose X-Forwarded-For is believed; off: none.",
    ),
    _setting("SMTP_HOST", "127.0.0.1", host, "0.0.0.0", "Where the SMTP listener listens."),
    _setting("SMTP_PORT", "2525", whole(0, 65535), "2525", "Port of the SMTP listener; 0: none."),
    _setting("LMTP_HOST", "127.0.0.1", host, "127.0.0.1", "Where the LMTP listener listens."),
    _setting("LMTP_PORT", "2424", whole(0, 65535), "2424", "Port of the LMTP listener; 0: none."),
    _setting(
        "SMTP_CONNECTIONS",
        "100",
        whole(1, 10_000),
        "100",
        "SMTP and LMTP connections at one time, shared out among LISTENERS; more are answered 421.",
    ),
    _setting(
        "LISTENERS",
        "1",
        whole(1, 16),
        "2",
        "Listener processes of `deskpost run`, all on the same ports.",
    ),
    _setting(
        "SMTP_RECIPIENTS",
        "100",
        whole(1, 10_000),
        "100",
        "Recipients of one message; more are answered 452.",
    ),
    _setting(
        "SMTP_IDLE", "60", whole(1, 3600), "60", "Seconds after which an idle connection is closed."
    ),
    _setting("TLS_CERT", "", optional_path, "/etc/deskpost/cert.pem", "Certificate for STARTTLS."),
    _setting("TLS_KEY", "", optional_path, "/etc/deskpost/key.pem", "Key of that certificate."),
    _setting(
        "DOMAIN",
        "desk.test",
        domain,
        "desk.example.test",
        "Mail domain of the site: its own addresses and Message-IDs.",
    ),
    _setting(
        "RELAY",
        "",
        relay,
        "smtp://user:pass@mail.example.test:587?tls=starttls",
        "SMTP relay for notifications, or a provider, as in postmark://SERVER_TOKEN@ (see "
        "operate.md); empty: they are written to the outbox folder.",
    ),
    _setting(
        "PROJECT_RELAYS",
        "",
        project_relays,
        "IT=postmark://SERVER_TOKEN@ HR=smtp://hr.example.test:587?tls=starttls",
        "Projects whose notifications go another way, with blanks between them.",
    ),
    _setting(
        "RELAY_CONNECTIONS",
        "4",
        whole(1, 64),
        "8",
        "Connections that each outbound worker keeps to a relay.",
    ),
    _setting(
        "INBOUND_LIMIT", "25MiB", size, "25MiB", "Largest incoming message that is taken whole."
    ),
    _setting(
        "RESOLVERS",
        "",
        servers,
        "192.0.2.53:53,[2001:db8::53]:53",
        "DNS servers that DMARC asks, with commas between them; empty: those of the system.",
    ),
    _setting(
        "DMARC_SECONDS",
        "3",
        whole(1, 60),
        "3",
        "Seconds that DNS may take for the DMARC of one batch of messages.",
    ),
    _setting(
        "ALLOW_PRIVATE_HOSTS",
        "",
        networks,
        "10.0.0.0/8,192.168.1.20/32",
        "Private and loopback networks that channels may connect to; on: all; empty: none.",
    ),
    _setting(
        "CA_FILE",
        "",
        optional_path,
        "/etc/deskpost/ca.pem",
        "Certificate authorities to trust, besides the system’s, when connecting to mailboxes.",
    ),
    _setting(
        "SECRET_KEYS",
        "",
        fernet_keys,
        "pIWA1XKv6vQTNYV0iq2cxFiv2rRj4wsRGRnpIFXMFGU=",
        "Fernet keys for the passwords and tokens of channels, the newest first; empty: one is "
        "made in the data folder. Several hosts need the same.",
    ),
    _setting(
        "GOOGLE_CLIENT_ID", "", text, "1234.apps.example", "OAuth 2 client for mailboxes at Google."
    ),
    _setting("GOOGLE_CLIENT_SECRET", "", text, "secret", "Secret of that client."),
    _setting(
        "GOOGLE_ENDPOINTS",
        "https://accounts.google.com/o/oauth2/v2/auth https://oauth2.googleapis.com/token",
        endpoints,
        "https://login.example.test/authorize https://login.example.test/token",
        "Where people authorise at Google, and where tokens are fetched.",
    ),
    _setting(
        "GOOGLE_SERVERS",
        "imap.gmail.com:993 pop.gmail.com:995",
        mail_servers,
        "imap.example.test:993 pop.example.test:995",
        "Google’s servers for IMAP and POP3, with TLS.",
    ),
    _setting(
        "MICROSOFT_CLIENT_ID",
        "",
        text,
        "00000000-0000-0000-0000-000000000000",
        "OAuth 2 client for mailboxes at Microsoft.",
    ),
    _setting("MICROSOFT_CLIENT_SECRET", "", text, "secret", "Secret of that client."),
    _setting(
        "MICROSOFT_ENDPOINTS",
        "https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize "
        "https://login.microsoftonline.com/organizations/oauth2/v2.0/token",
        endpoints,
        "https://login.example.test/authorize https://login.example.test/token",
        "Where people authorise at Microsoft, and where tokens are fetched.",
    ),
    _setting(
        "MICROSOFT_SERVERS",
        "outlook.office365.com:993 outlook.office365.com:995",
        mail_servers,
        "imap.example.test:993 pop.example.test:995",
        "Microsoft’s servers for IMAP and POP3, with TLS.",
    ),
    _setting(
        "WEBHOOKS",
        "",
        webhooks,
        "postmark,mailgun",
        "Providers whose inbound webhooks are taken at /webhooks/PROVIDER/.",
    ),
    _setting(
        "WEBHOOK_SECRET",
        "",
        webhook_secret,
        "deskpost:0123456789abcdef",
        "Name and password that providers put into the webhook’s address.",
    ),
    _setting("MAILGUN_SIGNING_KEY", "", text, "key", "Mailgun’s HTTP webhook signing key."),
    _setting(
        "POSTAL_WEBHOOK_KEY",
        "",
        public_key,
        "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ",
        "Postal’s public key, in Base64.",
    ),
    _setting("RESEND_API_KEY", "", text, "re_…", "Resend’s API key, to fetch messages with."),
    _setting(
        "RESEND_SIGNING_SECRET",
        "",
        svix_secret,
        "whsec_ZGVza3Bvc3QtZXhhbXBsZS1zZWNyZXQ=",
        "Signing secret of the webhook at Resend.",
    ),
    _setting(
        "TRACKING",
        "",
        tracking,
        "postmark,mailgun",
        "Providers whose news of sent messages is taken at /webhooks/PROVIDER/tracking/.",
    ),
    _setting(
        "RESEND_TRACKING_SECRET",
        "",
        svix_secret,
        "whsec_ZGVza3Bvc3QtZXhhbXBsZS1zZWNyZXQ=",
        "Signing secret of the tracking webhook at Resend.",
    ),
    _setting(
        "SENDGRID_TRACKING_KEY",
        "",
        public_key,
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
        "Verification key of SendGrid’s signed event webhook, in Base64.",
    ),
    _setting(
        "MAILERSEND_TRACKING_SECRET",
        "",
        signing_key,
        "0123456789abcdef",
        "Signing secret of the webhook at MailerSend.",
    ),
    _setting(
        "MAILTRAP_TRACKING_SECRET",
        "",
        signing_key,
        "0123456789abcdef",
        "Signature secret of the webhook at Mailtrap.",
    ),
    _setting(
        "MANDRILL_TRACKING_KEY",
        "",
        signing_key,
        "0123456789abcdef",
        "Key of the webhook at Mandrill.",
    ),
    _setting(
        "UNISENDER_GO_TRACKING_KEY",
        "",
        signing_key,
        "0123456789abcdef",
        "API key of the project or user at Unisender Go, with which it signs.",
    ),
    _setting(
        "POLLERS", "1", whole(0, 16), "2", "Poller processes of `deskpost run`, for mailboxes."
    ),
    _setting("MESSAGE_LIMIT", "6MiB", size, "6MiB", "Largest notification that is sent."),
    _setting(
        "DAILY_LIMIT",
        "10000",
        whole(1, 100_000_000),
        "10000",
        "Notifications that the site sends in a day.",
    ),
    _setting(
        "LIMIT_ZONE",
        "",
        optional(zone),
        "Asia/Tokyo",
        "Zone of the day of that limit; empty is TIME_ZONE.",
    ),
    _setting(
        "LIMIT_RESET", "00:00", clock, "06:00", "Time of day at which that limit begins anew."
    ),
    _setting(
        "RETENTION_DAYS", "21", whole(1, 3650), "21", "Days that log rows and raw messages live."
    ),
    _setting(
        "LOG_DELIVERED",
        "on",
        switch,
        "off",
        "off: delivered notifications are not shown, and go seven days after acceptance.",
    ),
    _setting("WORKERS", "1", whole(1, 64), "2", "Inbound worker processes of `deskpost run`."),
    _setting(
        "OUTBOUND_WORKERS", "1", whole(1, 64), "2", "Outbound worker processes of `deskpost run`."
    ),
    _setting("LANGUAGE", "en", choice("en", "ja"), "ja", "Language of the site: en or ja."),
    _setting(
        "TIME_ZONE", "UTC", zone, "Asia/Tokyo", "Zone of times until a person has chosen one."
    ),
    _setting(
        "ADMIN",
        "",
        optional(address),
        "you@example.test",
        "Address of the first site admin; empty is admin@DOMAIN.",
    ),
    _setting(
        "LOG_LEVEL",
        "info",
        choice("debug", "info", "warning", "error"),
        "debug",
        "Least serious lines that are logged.",
    ),
    _setting("DEBUG", "off", switch, "on", "For those who change Deskpost; never on a real site."),
)


def read_all(environment: Mapping[str, str]) -> dict[str, Any]:
    """Read every variable of SETTINGS from the environment.

    Returns values by name without the prefix. Raises ConfigError on the first bad value, and for
    a DESKPOST_ name that is not known (a typing slip would otherwise do nothing, quietly).
    """
    known = {setting.name for setting in SETTINGS}
    for name in environment:
        if name.startswith("DESKPOST_") and not name.startswith(NOT_OURS) and name not in known:
            raise ConfigError(f"{name} is not a setting of Deskpost. See docs/settings.md.")
    values = {s.name.removeprefix("DESKPOST_"): read_one(s, environment) for s in SETTINGS}
    for provider in values["WEBHOOKS"]:
        for name in WEBHOOKS[provider]:
            if not values[name]:
                raise ConfigError(
                    f"DESKPOST_WEBHOOKS names {provider}, which needs DESKPOST_{name}: without it "
                    "nobody could tell its calls from anyone’s."
                )
    for provider in values["TRACKING"]:
        if not values[name := TRACKING[provider]]:
            raise ConfigError(
                f"DESKPOST_TRACKING names {provider}, which needs DESKPOST_{name}: without it "
                "nobody could tell its calls from anyone’s."
            )
    return values


# Read by tests and by `make conformance`, not by the site.
NOT_OURS = ("DESKPOST_TEST_", "DESKPOST_CORPUS")


# What a fault does not repeat: their values hold secrets.
SECRET: frozenset[Callable[[str], Any]] = frozenset(
    {
        relay,
        project_relays,
        database,
        fernet_keys,
        webhook_secret,
        svix_secret,
        public_key,
        signing_key,
        text,
    }
)


def read_one(setting: Setting, environment: Mapping[str, str]) -> Any:
    """Read one variable; raises ConfigError with its name, its fault and an example."""
    value = environment.get(setting.name, "").strip() or setting.default
    try:
        return setting.read(value)
    except ValueError as error:
        shown = "" if setting.read in SECRET else f" ({value!r})"
        raise ConfigError(
            f"{setting.name} cannot be used{shown}: {error}. "
            f"Example: {setting.name}={setting.example}"
        ) from error
