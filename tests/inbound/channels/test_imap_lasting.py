"""A mailbox that stays open by IMAP, at a real Dovecot: news, broken connections, numbers."""

import os
import select
import time
from pathlib import Path

import pytest

from deskpost.inbound.channels import imap
from deskpost.inbound.channels.source import Account, Source, finish_opening
from deskpost.net import Fault
from deskpost.problems import Problem
from tests.inbound.channels.imap_accounts import (
    USER,
    account,
    at_dovecot,
    let_in,
    opened,
)
from tests.parts.cut import Cut
from tests.parts.dovecot import Dovecot
from tests.parts.maildir import letter

pytestmark = pytest.mark.dovecot
LIMIT = 1024 * 1024


@pytest.fixture(autouse=True)
def allowed(monkeypatch: pytest.MonkeyPatch, dovecot: Dovecot) -> None:
    let_in(monkeypatch, dovecot)
    at_dovecot(dovecot)


def test_news_wakes_a_mailbox_that_rests(dovecot: Dovecot) -> None:
    dovecot.fill(USER, 1, folder="Idle")
    with opened(at_dovecot(dovecot, folder="Idle")) as source:
        assert source.can_idle
        source.look()
        source.rest()
        assert not _wakes(source, 0.5)
        assert source.stir() is False
        source.rest()
        dovecot.fill(USER, 1, lambda _: letter(5), "Idle")
        assert _wakes(source, 15)
        assert source.stir() is True
        assert [item.uid for item in source.look(2).items] == ["2"]
        assert source.pending() is False


def test_news_that_came_along_with_other_work_is_not_slept_over(dovecot: Dovecot) -> None:
    dovecot.fill(USER, 1, folder="Between")
    with opened(at_dovecot(dovecot, folder="Between")) as source:
        items = source.look().items
        dovecot.fill(USER, 1, lambda _: letter(5), "Between")
        source.finish(items)
        source.rest()
        assert _wakes(source, 15)
        assert source.stir() is True


def test_a_server_that_stops_wakes_whoever_rests_and_says_so(dovecot: Dovecot) -> None:
    with opened(at_dovecot(dovecot)) as source:
        source.look()
        source.rest()
        dovecot.restart()
        assert _wakes(source, 10)
        with pytest.raises(Fault) as caught:
            source.stir()
        assert caught.value.problem == Problem.DROPPED
        assert source.fileno() == -1
    with opened(at_dovecot(dovecot)) as again:
        again.look()


def test_other_work_may_follow_at_once_on_resting(dovecot: Dovecot) -> None:
    with opened(at_dovecot(dovecot)) as source:
        source.rest()
        source.rest()
        look = source.look()
        assert look.next_uid > 0
        assert len(source.look(since=1).items) == look.total
        source.rest()


@pytest.mark.parametrize("security", ["none", "starttls"])
def test_a_connection_cut_in_the_middle_of_a_message_is_dropped(
    dovecot: Dovecot, security: str
) -> None:
    body = letter(0) + os.urandom(150_000).hex().encode() + b"\r\n* BYE [OVERQUOTA] no\r\n"
    dovecot.fill(USER, 1, lambda _: body, f"Cut {security}")
    at_dovecot(dovecot)
    with Cut(dovecot.imap_port) as cut:
        at = account(cut.port, folder=f"Cut {security}", security=security)
        with opened(at) as source:
            items = source.look().items
            cut.after = 200_000
            with pytest.raises(Fault) as caught:
                source.fetch(items, LIMIT)
            assert caught.value.problem == Problem.DROPPED
            assert source.fileno() == -1


def test_uids_that_hold_no_more_are_noticed(dovecot: Dovecot) -> None:
    dovecot.fill(USER, 2, folder="Again")
    maker = at_dovecot(dovecot)
    with opened(at_dovecot(dovecot, folder="Again")) as source, opened(maker) as other:
        before = source.look()
        client = other._client  # type: ignore[attr-defined]
        client.delete_folder("Again")
        time.sleep(1.1)  # Dovecot takes the time for the new number
        client.create_folder("Again")
        try:
            after = source.look()
        except Fault as fault:
            assert fault.problem in (Problem.DROPPED, Problem.FOLDER_MISSING)
            with opened(at_dovecot(dovecot, folder="Again")) as anew:
                after = anew.look()
    assert after.validity != before.validity
    assert after.total == 0


@pytest.mark.slow
def test_thirty_thousand_messages_are_listed_in_seconds(dovecot: Dovecot) -> None:
    dovecot.fill(USER, 30_000, folder="Many")
    with opened(at_dovecot(dovecot, folder="Many")) as source:
        begun = time.process_time()  # ours: how long Dovecot takes is not our doing
        look = source.look()
        took = time.process_time() - begun
    assert (look.total, len(look.items)) == (30_000, 30_000)
    assert [int(item.uid) for item in look.items] == list(range(1, 30_001))
    assert took < 5


@pytest.mark.slow
def test_many_mailboxes_rest_in_little_memory(dovecot: Dovecot) -> None:
    at = at_dovecot(dovecot)
    sources = [_resting(at) for _ in range(5)]
    before = _memory()
    sources += [_resting(at) for _ in range(60)]
    each = (_memory() - before) / 60
    for source in sources:
        source.close()
    assert each < 400 * 1024


def _resting(at: Account) -> Source:
    source = finish_opening(imap.opening(at))
    source.look()
    source.rest()
    return source


def _memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _wakes(source: Source, seconds: float) -> bool:
    if source.pending():
        return True
    return bool(select.select([source.fileno()], [], [], seconds)[0])
