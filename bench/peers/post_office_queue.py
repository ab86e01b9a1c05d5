"""django-post-office sends its queue: run by the Python of its own virtual environment.

    post_office_queue.py LETTER.json DATABASE_URL SMTP_PORT

LETTER.json holds the template (subject, text, html: Django's) and the mails: address, context,
headers. The rows are there before the clock starts; then `send_queued_mail` does what it does by
default: batches of 100, five threads, each attempt logged. Prints one line of JSON.
"""

import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

letter, database, port = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2], int(sys.argv[3])
parts = urlsplit(database)

import django  # noqa: E402
from django.conf import settings  # noqa: E402

settings.configure(
    SECRET_KEY="bench",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parts.path.strip("/"),
            "USER": parts.username,
            "HOST": parts.hostname,
            "PORT": parts.port,
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=["django.contrib.contenttypes", "post_office"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    USE_TZ=True,
    EMAIL_BACKEND="post_office.EmailBackend",
    EMAIL_HOST="127.0.0.1",
    EMAIL_PORT=port,
    LOGGING_CONFIG=None,
)
django.setup()

from django.core.management import call_command  # noqa: E402
from post_office import mail  # noqa: E402
from post_office.models import STATUS, Email, EmailTemplate, Log  # noqa: E402

call_command("migrate", verbosity=0)
template = EmailTemplate.objects.create(
    name="comment_added",
    subject=letter["template"]["subject"],
    content=letter["template"]["text"],
    html_content=letter["template"]["html"],
)
mail.send_many(
    [
        {
            "recipients": [one["address"]],
            "sender": "IT help <it@desk.test>",
            "template": template,
            "context": one["context"],
            "headers": one["headers"],
            "render_on_delivery": True,
        }
        for one in letter["mails"]
    ]
)
example = Email.objects.order_by("id").first().email_message()

begun = time.perf_counter()
call_command("send_queued_mail", verbosity=0, lockfile=str(Path(sys.argv[1]).with_suffix(".lock")))
seconds = time.perf_counter() - begun

print(
    json.dumps(
        {
            "seconds": seconds,
            "sent": Email.objects.filter(status=STATUS.sent).count(),
            "attempts": Log.objects.filter(status=STATUS.sent).count(),
            "message": example.message().as_bytes().decode("latin-1"),
        }
    )
)
