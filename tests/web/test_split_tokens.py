"""A token is hidden also where tags stand within it."""

from __future__ import annotations

import pytest

from deskpost.web import preview_html

SIGNED = "MQ:1vabcd:" + "x" * 43
SITE = "http://other.test/sign-in/"


@pytest.mark.parametrize(
    "html",
    [
        f"<p>{SITE}<b>{SIGNED}</b>/</p>",
        f"<p>{SITE}MQ<span style='color:red'>:1vabcd:</span>{'x' * 43}/</p>",
        f"<p>http://other.test/<i>sign-in</i>/{SIGNED}</p>",
        f"<p>it+r.<b>{'x' * 32}</b>@desk.test</p>",
        f"<p>it+b.{'x' * 16}<a href='mailto:a@x.test'>{'x' * 16}</a>@desk.test</p>",
    ],
)
def test_tags_within_a_token_do_not_show_it(html: str) -> None:
    assert "x" * 16 not in preview_html.letter(html, ()).html


def test_tags_beside_tokens_stay() -> None:
    shown = preview_html.letter(f"<p><b>Hi</b> {SITE}{SIGNED}/ <i>there</i></p>", ()).html
    assert "<b>Hi</b>" in shown
    assert "<i>there</i>" in shown
