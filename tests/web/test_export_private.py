"""No file of the log but the raw messages themselves holds a token of this site."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from deskpost.jobs import run
from deskpost.models import Job
from deskpost.outcomes import Outcome
from tests.logs import rows
from tests.web import scene as scenes

pytestmark = pytest.mark.django_db
TOKEN = "a2b3c4d5e6f7g2h3i4j5k6l7m2n3o4p5"


def octets(response: Any) -> str:
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def test_no_token_goes_out_with_a_file_that_the_pages_do_not_show() -> None:
    """By +b. whoever has the file could report a bounce, which blocks its address."""
    scene = scenes.make()
    rows.mail(
        scene.channel,
        Outcome.NO_PERMISSION,
        envelope_to=f"it+b.{TOKEN}@desk.test",
        sender=f"srs+r.{TOKEN}=desk.test@x.test",
        facts={
            "answer": f"550 it+b.{TOKEN}@desk.test",
            "more": [{"to": f"it+r.{TOKEN}@desk.test"}],
        },
    )
    admin = scene.browser("admin")
    for form in ("csv", "jsonl"):
        said = octets(admin.get(reverse("export", args=["IT", "in", form])))
        assert "it+b." in said
        assert TOKEN not in said
    assert admin.post(reverse("export", args=["IT", "in", "mbox"])).status_code == 302
    while run.step("one", lambda: False):
        pass
    index = octets(admin.get(reverse("export-index", args=["IT", Job.objects.get().pk])))
    assert "it+b." in index
    assert TOKEN not in index
