"""A private Postfix: the relay that Deskpost hands its mail to, and the sender of real bounces."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.parts import ports
from tests.parts.process import AS_I_AM, Part, PartMissing, Process, program, run

QUEUES = ("maildrop", "incoming", "active", "deferred", "hold")

# Times are cut down so that a retry takes seconds and a message that cannot go expires in a minute.
# smtp_dns_support_level: no name server is asked; every destination is an address in brackets.
MAIN = """
compatibility_level = 3.6
queue_directory = {d}/spool
data_directory = {d}/data
maillog_file = {d}/postfix.log
maillog_file_prefixes = {d}
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.test
mydomain = test
mydestination =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_tls_security_level = none
smtp_tls_security_level = none
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtp_connection_cache_on_demand = no
default_transport = {default}
relayhost = {relay}
transport_maps = texthash:{d}/etc/transport
local_transport = error:no local mail
alias_maps =
alias_database =
notify_classes =
bounce_queue_lifetime = 1m
maximal_queue_lifetime = 1m
minimal_backoff_time = 2s
maximal_backoff_time = 5s
queue_run_delay = 2s
delay_warning_time = 0
{settings}
"""

MASTER = """
{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


def _without(main: str, settings: str) -> str:
    """Leave out what the settings say anew: each Postfix daemon warns of a name that comes twice,
    and so many warnings at its start have been seen to stop it."""
    said = {line.partition("=")[0].strip() for line in settings.splitlines() if "=" in line}
    lines = main.splitlines(keepends=True)
    return "".join(line for line in lines if line.partition("=")[0].strip() not in said)


class Postfix(Part):
    """Postfix on a free port, taking mail for any address from this machine.

    `relay_to` is the port that all mail goes on to; with None, what no other option covers is
    bounced. `transport` sends some domains elsewhere, as {"app.test": "127.0.0.1:2525"}; a leading
    dot stands for what is below the domain. `discard` is a domain whose mail is thrown away.
    `settings` are lines of main.cf.
    """

    def __init__(
        self,
        relay_to: int | None = None,
        *,
        transport: Mapping[str, str] | None = None,
        discard: str | None = None,
        settings: str = "",
    ) -> None:
        super().__init__()
        self.relay_to = relay_to
        self.transport = dict(transport or {})
        self.discard = discard
        self.settings = settings
        self.smtp_port = 0

    def queue(self) -> dict[str, int]:
        """Return how many messages each queue holds, by the queue's name."""
        return {name: _files(self.folder / "spool" / name) for name in QUEUES}

    def log_text(self) -> str:
        """Return what Postfix has logged so far."""
        log = self.folder / "postfix.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def start(self) -> None:
        postfix = program("postfix", "postfix")
        if os.geteuid() != 0:
            raise PartMissing("postfix can only be started by root: run these tests as root")
        self._write()
        etc = str(self.folder / "etc")
        run([postfix, "-c", etc, "check"], account=AS_I_AM, cwd=self.folder)
        # master itself, as `postfix start-fg` runs it, without the shell between: its id is ours.
        shown = [program("postconf", "postfix"), "-c", etc, "-h", "daemon_directory"]
        daemons = subprocess.run(shown, capture_output=True, text=True, check=True).stdout.strip()
        self.process = Process(
            [f"{daemons}/master", "-c", etc, "-s"],
            log=self.folder / "start.log",
            cwd=self.folder,
            env={"MAIL_CONFIG": etc},
        )
        self.process.wait_ready(lambda: ports.answers(self.smtp_port))

    def _write(self) -> None:
        self.folder.chmod(0o755)
        etc = self.folder / "etc"
        for name in ("etc", "spool", "data"):
            (self.folder / name).mkdir(mode=0o755)
        shutil.chown(self.folder / "data", "postfix")
        self.smtp_port = ports.free()
        relay = "" if self.relay_to is None else f"[127.0.0.1]:{self.relay_to}"
        main = _without(MAIN, self.settings).format(
            d=self.folder,
            relay=relay,
            default="smtp" if relay else "error:5.1.2 no route to this domain",
            settings=self.settings,
        )
        (etc / "main.cf").write_text(main)
        (etc / "master.cf").write_text(MASTER.format(port=f"127.0.0.1:{self.smtp_port}"))
        (etc / "transport").write_text(self._routes())

    def _routes(self) -> str:
        routes = [
            f"{domain} smtp:[{host}]:{port}"
            for domain, (host, _, port) in (
                (domain, place.rpartition(":")) for domain, place in self.transport.items()
            )
        ]
        if self.discard:
            routes.append(f"{self.discard} discard:")
        return "".join(f"{route}\n" for route in routes)


def _files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*")) if folder.is_dir() else 0
