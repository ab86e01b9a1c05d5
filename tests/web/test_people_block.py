"""What only the site knows of an address is told to nobody for a mail that bears it as sender."""

from __future__ import annotations

import pytest
from django.urls import reverse

from deskpost.models import Suppression
from deskpost.outbound import suppress
from tests.logs import rows
from tests.web import scene as scenes

pytestmark = pytest.mark.django_db


def test_a_block_is_not_told_of_an_address_that_only_wrote() -> None:
    """Anybody, the admin too, can send a mail in anybody's name: the page would then tell that
    another project mails the address, since when it bounces or that its owner complained."""
    scene = scenes.make()
    rows.mail(scene.channel)
    page = reverse("person", args=["ann@x.test"])
    admin = scene.browser("admin")
    before = admin.get(page).text.split("<main")[1]
    suppress.block("ann@x.test", Suppression.Cause.COMPLAINT, {})
    after = admin.get(page).text.split("<main")[1]
    assert "complaint" not in after
    assert after == before
    assert "complaint" in scene.browser("site_admin").get(page).text
