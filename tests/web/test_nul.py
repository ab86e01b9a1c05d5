"""A form whose token holds a NUL, which PostgreSQL stores nowhere, is answered like any other."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.logs import rows
from tests.web import scene as scenes


@pytest.mark.django_db
def test_a_nul_in_a_posted_token_breaks_nothing() -> None:
    scene = scenes.make()
    rows.mail(scene.channel)
    values = {"do": "process_again", "log": "in", "query": "", "whole": "1", "token": "a\0"}
    admin = scene.browser("admin")
    assert admin.post(reverse("acts-start", args=["IT"]), values).status_code == 302
    export = reverse("export", args=["IT", "in", "zip"])
    assert admin.post(export, {"token": "b\0"}).status_code == 302
