"""A search ends after its seconds, however many statements it takes, and in any language."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection

from deskpost.logs import search, search_postgres
from deskpost.logs.search import Query, Words
from deskpost.models import Log
from deskpost.outcomes import Outcome
from tests.desk import Desk
from tests.logs.rows import ago, mail

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _only_there() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL's own")


def test_all_statements_of_a_search_share_its_seconds(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(12):
        mail(desk.channel, Outcome.DMARC, subject="Printer", at=ago(days=day))
    monkeypatch.setattr(search, "SECONDS", 0.5)
    monkeypatch.setattr(search_postgres, "READ_FIRST", 1)

    def slow(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        if "deskpost_logline" in str(sql):
            execute("SELECT pg_sleep(0.4)", [], False, context)
        return execute(sql, params, many, context)

    query = Query(project_id=desk.project.pk, log=Log.INCOMING, parts=(Words(text="nothing"),))
    begun = time.monotonic()
    with connection.execute_wrapper(slow), pytest.raises(search.TooSlow):
        search.page(query)
    assert time.monotonic() - begun < 0.9
    begun = time.monotonic()
    monkeypatch.setattr(search_postgres, "READ_TOGETHER", 0)
    with connection.execute_wrapper(slow), pytest.raises(search.TooSlow):
        search.counts(query, ["failed", "skipped", "success"])
    assert time.monotonic() - begun < 0.9
    assert timedelta(0) is not None


def test_a_server_that_speaks_japanese_is_understood(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancelled(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        if "deskpost_logline" in str(sql):
            said = "ステートメントのタイムアウトのためステートメントをキャンセルしています"
            raise OperationalError(said) from psycopg.errors.QueryCanceled(said)
        return execute(sql, params, many, context)

    query = Query(project_id=desk.project.pk, log=Log.INCOMING)
    with connection.execute_wrapper(cancelled), pytest.raises(search.TooSlow):
        search.page(query)
