"""A private Dovecot: real mailboxes over LMTP, IMAP and POP3, with a certificate of our own, TLS,
and sign-in by password or by OAuth 2 token."""

import smtplib
import socket
import subprocess
import time
from functools import cache
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.parts import certificates, dovecot_conf, maildir, ports
from tests.parts.process import Part, PartMissing, Process, ordinary, program

PASSWORD = "secret"
SERIES = "2.3"
PACKAGES = {"imap": "dovecot-imapd", "lmtp": "dovecot-lmtpd", "pop3": "dovecot-pop3d"}


class Dovecot(Part):
    """Dovecot with the mailboxes `users`, each with the password PASSWORD.

    `imap_port`, `pop3_port` (plain, and STARTTLS), `imaps_port`, `pop3s_port` and `lmtp_port` are
    free ports; `ca_file` is the certificate to trust, for localhost and 127.0.0.1. Messages come
    out by IMAP and POP3 as `raw_messages` has them.

    Without `plaintext`, passwords are refused on connections that are not encrypted. Dovecot
    takes a connection to 127.0.0.1 for encrypted: try that on 127.0.0.2.

    `token_key` is the private RSA key (PEM) whose tokens it takes: JWTs with RS256, no key id, the
    claim `sub`, and the user's name in `email`.
    """

    def __init__(self, *users: str, plaintext: bool = True, token_key: str = "") -> None:
        super().__init__()
        self.users = users or ("support@desk.test",)
        self.imap_port = self.imaps_port = self.lmtp_port = self.pop3_port = self.pop3s_port = 0
        self.ca_file = Path()
        self.plaintext = plaintext
        self.token_key = token_key or _any_key()
        self.account = ordinary("nobody")
        self._passwords = dict.fromkeys(self.users, PASSWORD)

    def __enter__(self) -> Self:
        try:
            return super().__enter__()
        except BaseException:
            super().stop()
            raise

    def __exit__(self, *problem: object) -> None:
        super().stop()

    def start(self) -> None:
        """Start it, at the first time with empty mailboxes; then again as it was stopped."""
        dovecot = program("dovecot", "dovecot-imapd dovecot-lmtpd dovecot-pop3d")
        _all_must_exist()
        _series_must_fit(dovecot)
        if not self.imap_port:
            self._write()
        self.process = Process(
            [dovecot, "-F", "-c", str(self.folder / "dovecot.conf")],
            log=self.folder / "start.log",
            cwd=self.folder,
            account=self.account,
        )
        awaited = (self.imap_port, self.pop3_port, self.lmtp_port)
        # With its greeting: if it is stopped while its parts look for each other, it takes long.
        self.process.wait_ready(lambda: all(_greets(port) for port in awaited))

    def stop(self) -> None:
        """End it and with it all connections; its mail stays, until the `with` block is left."""
        if self.process is not None:
            self.process.stop()
            self.process = None

    def restart(self) -> None:
        """End all connections; the ports and the mail stay."""
        self.stop()
        self.start()

    def log_text(self) -> str:
        """Return what Dovecot has logged so far."""
        log = self.folder / "dovecot.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def add_user(self, user: str, password: str = PASSWORD) -> None:
        """Add an empty mailbox while it runs."""
        self.users = (*self.users, user)
        self.set_password(user, password)

    def set_password(self, user: str, password: str) -> None:
        """Change a password; from the return on only the new one is taken."""
        self._passwords[user] = password
        self._write_users()
        if self.process is not None:
            # Dovecot looks at the file once a second.
            time.sleep(1.1)

    def token(self, user: str, *, seconds: int = 300, **claims: Any) -> str:
        """Return an access token of `user` that is good for so many seconds from now."""
        now = int(time.time())
        told = {"sub": user, "email": user, "iat": now - 1, "exp": now + seconds, **claims}
        return jwt.encode({"alg": "RS256"}, told, RSAKey.import_key(self.token_key))

    def deliver(self, message: bytes, to: str | None = None, sender: str = "ann@x.test") -> None:
        """Deliver by LMTP, to the first user if none is named: that adds fields at the top."""
        with smtplib.LMTP("127.0.0.1", self.lmtp_port, timeout=30) as lmtp:
            lmtp.sendmail(sender, [to or self.users[0]], message)

    def fill(
        self, user: str, count: int, make: maildir.Make = maildir.letter, folder: str = "INBOX"
    ) -> None:
        """Put `make(0)`, `make(1)`, … there, without any fields added: 30,000 in seconds."""
        messages = (make(number) for number in range(count))
        maildir.fill(self._folder(user, folder), messages, self.account)

    def raw_messages(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """Return the messages that lie in a folder, in the order of arrival."""
        return maildir.messages(self._folder(user, folder))

    def folder_names(self, user: str) -> list[str]:
        """Return the names of the user's folders."""
        return maildir.names(self._folder(user))

    def renumber(self, user: str, folder: str = "INBOX") -> None:
        """Number the messages anew, under another UIDVALIDITY; ends all connections."""
        was_running = self.process is not None
        self.stop()
        maildir.forget_numbers(self._folder(user, folder))
        if was_running:
            self.start()

    def _folder(self, user: str, folder: str = "INBOX") -> Path:
        return maildir.folder_of(self.folder / "mail" / user, folder)

    def _write(self) -> None:
        for name in ("run", "state", "mail", "tls"):
            (self.folder / name).mkdir()
        self.ca_file = certificates.make(self.folder / "tls")
        self.imap_port, self.imaps_port, self.lmtp_port = ports.free(), ports.free(), ports.free()
        self.pop3_port, self.pop3s_port = ports.free(), ports.free()
        conf = dovecot_conf.CONF.format(
            d=self.folder,
            user=self.account.name,
            group=self.account.group_name,
            no_plaintext="no" if self.plaintext else "yes",
            imap=self.imap_port,
            imaps=self.imaps_port,
            pop3=self.pop3_port,
            pop3s=self.pop3s_port,
            lmtp=self.lmtp_port,
        )
        (self.folder / "dovecot.conf").write_text(conf)
        (self.folder / "oauth2.conf").write_text(dovecot_conf.OAUTH2.format(d=self.folder))
        key = self.folder / dovecot_conf.KEY
        key.parent.mkdir(parents=True)
        key.write_bytes(_public(self.token_key))
        self._write_users()
        for path in (self.folder, *self.folder.rglob("*")):
            self.account.own(path)

    def _write_users(self) -> None:
        lines = (f"{user}:{{PLAIN}}{said}\n" for user, said in self._passwords.items())
        path, new = self.folder / "users", self.folder / "users.new"
        new.write_text("".join(lines))
        self.account.own(new)
        new.replace(path)


def _greets(port: int) -> bool:
    try:
        with socket.create_connection((ports.HOST, port), timeout=5) as connection:
            return bool(connection.recv(1))
    except OSError:
        return False


@cache
def _any_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public(private: str) -> bytes:
    key = load_pem_private_key(private.encode(), None).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _all_must_exist() -> None:
    folders = ("/usr/lib/dovecot", "/usr/libexec/dovecot")
    for name, package in PACKAGES.items():
        if not any(Path(folder, name).exists() for folder in folders):
            raise PartMissing(f"dovecot's {name} is not installed: apt-get install {package}")


def _series_must_fit(dovecot: str) -> None:
    # The configuration's language changed with 2.4; these files are in that of 2.3.
    shown = subprocess.run([dovecot, "--version"], capture_output=True, text=True, check=True)
    if not shown.stdout.startswith(SERIES):
        raise PartMissing(f"dovecot {SERIES} is not installed, but {shown.stdout.split()[0]} is")
