"""The documentation says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deskpost import config, config_values, outcomes
from scripts import docs

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", docs.PAGES)
def test_generated_pages_are_current(name: str) -> None:
    written = (ROOT / "docs" / name).read_text("utf-8")
    assert written == docs.PAGES[name](), f"docs/{name} is not current: make docs"


def test_every_setting_and_every_reason_is_documented() -> None:
    settings = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(DESKPOST_\w+)`", settings, re.M)) == {
        setting.name for setting in config.SETTINGS
    }
    reasons = (ROOT / "docs" / "reasons.md").read_text("utf-8")
    for account in [*outcomes.REASONS.values(), *outcomes.OUTCOMES.values()]:
        assert f"| {account.words} |" in reasons


def test_every_example_of_a_setting_is_accepted() -> None:
    for setting in config.SETTINGS:
        if setting.read is not config_values.optional_path:  # its file must exist
            setting.read(setting.example)


def test_links_and_pictures_of_the_documentation_exist() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    assert pages
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} leads to {target}"


def test_paths_named_in_journey_md_exist() -> None:
    text = (ROOT / "docs" / "journey.md").read_text("utf-8")
    named = re.findall(r"`((?:inbound|outbound|desk|mail|models)/[\w/]*\.py)`", text)
    assert len(named) > 8
    for path in named:
        assert (ROOT / "deskpost" / path).is_file(), path
