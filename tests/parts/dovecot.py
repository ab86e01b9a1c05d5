"""A private Dovecot: real mailboxes over LMTP, IMAP and, with a certificate of our own, TLS."""

import subprocess
from pathlib import Path

from tests.parts import certificates, ports
from tests.parts.process import Account, Part, PartMissing, Process, ordinary, program

PASSWORD = "secret"
SERIES = "2.3"

# Nothing is chrooted and every service runs as one ordinary user, so that root is not needed.
CONF = """
base_dir = {d}/run
state_dir = {d}/state
log_path = {d}/dovecot.log
instance_name = deskpost-test
protocols = imap lmtp
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{d}/mail/%u
namespace inbox {{
  inbox = yes
  separator = /
}}
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{d}/tls/server.pem
ssl_key = <{d}/tls/server.key
ssl_min_protocol = TLSv1.2
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {d}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={d}/mail/%u
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
protocol imap {{
  mail_max_userip_connections = 200
  imap_idle_notify_interval = 29 mins
}}
"""


class Dovecot(Part):
    """Dovecot with the mailboxes `users`, each with the password PASSWORD.

    `imap_port` (plain, and STARTTLS), `imaps_port` and `lmtp_port` are free ports; `ca_file` is
    the certificate to trust, for localhost and 127.0.0.1.
    """

    def __init__(self, *users: str) -> None:
        super().__init__()
        self.users = users or ("support@desk.test",)
        self.imap_port = self.imaps_port = self.lmtp_port = 0
        self.ca_file = Path()

    def log_text(self) -> str:
        """Return what Dovecot has logged so far."""
        log = self.folder / "dovecot.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def start(self) -> None:
        dovecot = program("dovecot", "dovecot-imapd dovecot-lmtpd")
        _lmtp_must_exist()
        _series_must_fit(dovecot)
        account = ordinary("nobody")
        self._write(account)
        self.process = Process(
            [dovecot, "-F", "-c", str(self.folder / "dovecot.conf")],
            log=self.folder / "start.log",
            cwd=self.folder,
            account=account,
        )
        self.process.wait_ready(
            lambda: ports.answers(self.imap_port) and ports.answers(self.lmtp_port)
        )

    def _write(self, account: Account) -> None:
        for name in ("run", "state", "mail", "tls"):
            (self.folder / name).mkdir()
        self.ca_file = certificates.make(self.folder / "tls")
        self.imap_port, self.imaps_port, self.lmtp_port = ports.free(), ports.free(), ports.free()
        lines = "".join(f"{user}:{{PLAIN}}{PASSWORD}\n" for user in self.users)
        (self.folder / "users").write_text(lines)
        (self.folder / "dovecot.conf").write_text(
            CONF.format(
                d=self.folder,
                user=account.name,
                group=account.group_name,
                imap=self.imap_port,
                imaps=self.imaps_port,
                lmtp=self.lmtp_port,
            )
        )
        for path in (self.folder, *self.folder.rglob("*")):
            account.own(path)


def _lmtp_must_exist() -> None:
    if not any(
        Path(folder, "lmtp").exists() for folder in ("/usr/lib/dovecot", "/usr/libexec/dovecot")
    ):
        raise PartMissing("dovecot's lmtp is not installed: apt-get install dovecot-lmtpd")


def _series_must_fit(dovecot: str) -> None:
    # The configuration's language changed with 2.4; these files are in that of 2.3.
    shown = subprocess.run([dovecot, "--version"], capture_output=True, text=True, check=True)
    if not shown.stdout.startswith(SERIES):
        raise PartMissing(f"dovecot {SERIES} is not installed, but {shown.stdout.split()[0]} is")
