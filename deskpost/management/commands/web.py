"""`deskpost web`: the web server alone."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from gunicorn.app.base import BaseApplication

from deskpost.supervisor import die_with_parent
from deskpost.wsgi import application


class Server(BaseApplication):
    """gunicorn, set up from our settings and not from its own files or command line."""

    def load_config(self) -> None:
        chosen = settings.DESKPOST
        host = f"[{chosen['WEB_HOST']}]" if ":" in chosen["WEB_HOST"] else chosen["WEB_HOST"]
        for name, value in {
            "bind": f"{host}:{chosen['WEB_PORT']}",
            "workers": 1,
            "threads": chosen["WEB_THREADS"],
            "worker_class": "gthread",
            "graceful_timeout": 10,
            "timeout": 60,
            "loglevel": "warning",
            "proc_name": "deskpost-web",
            "worker_tmp_dir": "/dev/shm",  # noqa: S108 (gunicorn's own heartbeat file)
            "control_socket_disable": True,
        }.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        return application


class Command(BaseCommand):
    help = "Run the web server alone."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        die_with_parent()
        Server().run()
