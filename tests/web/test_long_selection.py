"""An act on all that the filters find is about these filters, whole, or about nothing."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.test import RequestFactory

from deskpost.models import Project
from deskpost.web.selection import Selection

pytestmark = pytest.mark.django_db


def test_a_long_japanese_search_is_not_cut_into_a_wider_one() -> None:
    project = Project.objects.create(key="IT", name="IT")
    q = 'subject:"' + "請求書の件について" * 24 + '"'  # 226 of 500 characters
    query = urlencode(
        {"q": q, "code": "suppression_list", "from": "2026-11-01", "to": "2026-11-02"}
    )
    given = {"log": "req", "query": f"?{query}", "do": "send_again"}
    chosen = Selection.read(RequestFactory().post("/", given), project, whole=True)
    assert chosen is not None
    (wanted,) = chosen.queries()
    assert wanted.since is not None and wanted.until is not None
    assert len(wanted.parts) >= 3
    assert chosen.back.endswith(query)


def test_what_is_longer_than_any_address_is_about_nothing() -> None:
    project = Project.objects.create(key="IT", name="IT")
    given = {"log": "req", "query": f"?q=ink&subject={'x' * 20_000}&from=2026-11-01"}
    assert Selection.read(RequestFactory().post("/", given), project, whole=True) is None


def test_a_query_that_no_database_can_keep_is_about_nothing() -> None:
    project = Project.objects.create(key="IT", name="IT")
    given = {"log": "req", "query": "?q=a\0b"}
    assert Selection.read(RequestFactory().post("/", given), project, whole=True) is None
