"""django-helpdesk takes a folder of mail: run by the Python of its own virtual environment.

    django_helpdesk.py MAIL_FOLDER WORK_FOLDER DATABASE_URL

Prints one line of JSON: seconds, tickets, follow-ups, attachments.
"""

import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

mail, work, database = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
work.mkdir(parents=True, exist_ok=True)

import django  # noqa: E402
from django.conf import settings  # noqa: E402


def databases() -> dict[str, object]:
    if not database:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(work / "helpdesk.sqlite3")}
    parts = urlsplit(database)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.strip("/"),
        "USER": parts.username,
        "HOST": parts.hostname,
        "PORT": parts.port,
    }


settings.configure(
    SECRET_KEY="bench",
    DATABASES={"default": databases()},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.sites",
        "django.contrib.messages",
        "django.contrib.admin",
        "django.contrib.humanize",
        "rest_framework",
        "helpdesk",
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    ROOT_URLCONF=__name__,
    SITE_ID=1,
    USE_TZ=True,
    MEDIA_ROOT=str(work / "media"),
    EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
    HELPDESK_VALIDATE_ATTACHMENT_TYPES=False,
    HELPDESK_TEAMS_MODE_ENABLED=False,
    LOGGING_CONFIG=None,
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.urls import include, path  # noqa: E402
from helpdesk.email import process_email  # noqa: E402
from helpdesk.models import FollowUp, FollowUpAttachment, Queue, Ticket  # noqa: E402

urlpatterns = [path("", include("helpdesk.urls", namespace="helpdesk"))]

call_command("migrate", verbosity=0)
Queue.objects.create(
    title="IT",
    slug="IT",
    email_address="it@desk.test",
    allow_public_submission=True,
    allow_email_submission=True,
    email_box_type="local",
    email_box_local_dir=str(mail),
    email_box_interval=0,
    logging_type="none",
)
begun = time.perf_counter()
process_email(quiet=True)
seconds = time.perf_counter() - begun
print(
    json.dumps(
        {
            "seconds": seconds,
            "tickets": Ticket.objects.count(),
            "followups": FollowUp.objects.count(),
            "attachments": FollowUpAttachment.objects.count(),
            "left": len(list(mail.iterdir())),
        }
    )
)
