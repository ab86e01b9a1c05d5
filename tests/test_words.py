"""The Japanese words are whole: every string of the code is there, translated and compiled."""

import gettext
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from babel.messages.pofile import read_po
from django.utils.translation import gettext as translate
from django.utils.translation import override

from deskpost import outcomes
from deskpost.outcomes import Account
from tests.parts.process import program

PACKAGE = Path(outcomes.__file__).parent
CATALOGUE = PACKAGE / "locale" / "ja" / "LC_MESSAGES" / "django.po"

# What is filled in when a sentence is made, and the tags around it.
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[a-z]|%[a-z]|\{[a-z_]*\}")
TAG = re.compile(r"</?[a-z]+[^>]*>")


class Word(NamedTuple):
    """What is looked up: a string of the code, with its context and its plural."""

    context: str
    singular: str
    plural: str

    @property
    def compiled(self) -> str | tuple[str, int]:
        """Return the key under which a compiled catalogue holds it."""
        key = f"{self.context}\x04{self.singular}" if self.context else self.singular
        return (key, 0) if self.plural else key


class Entry(NamedTuple):
    """What stands beside a word in a catalogue."""

    said: str
    fuzzy: bool = False


def _forms(text: str | Sequence[str]) -> tuple[str, str]:
    if isinstance(text, str):
        return text, ""
    return text[0], text[-1]


def read(path: Path) -> dict[Word, Entry]:
    """Read a catalogue, without its header. Japanese has one form for every number."""
    entries = {}
    with path.open("rb") as file:
        for message in read_po(file, locale="ja"):
            if not message.id:
                continue
            singular, plural = _forms(message.id)
            said, _ = _forms(message.string or "")
            word = Word(message.context or "", singular, plural)
            entries[word] = Entry(said, message.fuzzy)
    return entries


@pytest.fixture(scope="module")
def words() -> dict[Word, Entry]:
    return read(CATALOGUE)


def test_every_word_is_translated_and_none_is_a_guess(words: dict[Word, Entry]) -> None:
    assert words
    assert [word for word, entry in words.items() if not entry.said.strip()] == []
    assert [word for word, entry in words.items() if entry.fuzzy] == []


@pytest.mark.parametrize("pattern", [PLACEHOLDER, TAG])
def test_what_is_filled_in_and_the_tags_are_the_same(
    words: dict[Word, Entry], pattern: re.Pattern[str]
) -> None:
    def held(text: str) -> set[str]:
        return set(pattern.findall(text))

    assert {
        word: entry.said
        for word, entry in words.items()
        if held(entry.said) != held(word.plural or word.singular)
    } == {}


def test_the_catalogue_holds_what_the_code_says(words: dict[Word, Entry], tmp_path: Path) -> None:
    program("xgettext", "gettext")
    copy = tmp_path / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        [sys.executable, "-m", "django", "makemessages", "--locale=ja", "--no-obsolete", "-v0"],
        cwd=copy,
        env={key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"},
        check=True,
    )
    found = set(read(copy / CATALOGUE.relative_to(PACKAGE)))
    missing = sorted(word.singular for word in found - set(words))
    needless = sorted(word.singular for word in set(words) - found)
    assert not missing, f"not in {CATALOGUE.name}, run make words: {missing}"
    assert not needless, f"no longer in the code, run make words: {needless}"


def test_the_compiled_catalogue_says_the_same(words: dict[Word, Entry]) -> None:
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = dict(vars(gettext.GNUTranslations(file))["_catalog"])
    compiled.pop("")
    written = {word.compiled: entry.said for word, entry in words.items()}
    assert compiled == written, "run make words"


# The reference's own words, then those of the model page.
LABELS = {
    "Customer notifications": "顧客通知",
    "Processing log": "処理ログ",
    "Work item key": "作業項目キー",
    "Status": "ステータス",
    "Date": "日時",
    "Recipient": "受信者",
    "Details": "詳細",
    "Why": "理由",
    "Email logs": "メール ログ",
    "Incoming emails": "受信メール",
    "Customer invitations": "顧客の招待",
    "Request notifications": "リクエスト通知",
    "Notification name": "通知名",
    "Unblock email address": "メール アドレスのブロックを解除",
    "Raw message": "元のメール",
}
REASON_WORDS = {
    outcomes.Reason.INTERNAL_ERROR: "内部エラー",
    outcomes.Reason.VALIDATION_ERROR: "メール検証エラー",
    outcomes.Reason.TEMPLATE_TOO_LARGE: "通知テンプレートが大きすぎます",
    outcomes.Reason.LIMIT_REACHED: "メール通知の上限に到達",
    outcomes.Reason.SUPPRESSION_LIST: "抑制リスト",
    outcomes.Reason.PRIVATE_ADDRESS: "非公開のメール アドレス",
    outcomes.Reason.SERVICE_PROVIDER_ERROR: "メール プロバイダーのエラー",
    outcomes.Reason.UNKNOWN_ERROR: "不明なエラー",
    outcomes.Reason.UNSUBSCRIBED: "配信停止",
}


def test_the_labels_are_the_references_own() -> None:
    with override("ja"):
        assert {label: translate(label) for label in LABELS} == LABELS
        assert {reason: str(account.words) for reason, account in outcomes.REASONS.items()} == (
            REASON_WORDS
        )


def _of_accounts(accounts: Iterable[Account]) -> Iterable[object]:
    for account in accounts:
        yield from (account.words, account.meaning, account.remedy)


PLAIN: tuple[Mapping[Any, object], ...] = (
    outcomes.NOTIFICATION_STATUS_WORDS,
    outcomes.INCOMING_STATUS_WORDS,
    outcomes.KIND_WORDS,
    outcomes.RULE_WORDS,
    outcomes.GUARD_WORDS,
)


def test_every_outcome_is_explained_in_japanese() -> None:
    said = [
        *_of_accounts(outcomes.REASONS.values()),
        *_of_accounts(outcomes.WITHHELD.values()),
        *_of_accounts(outcomes.OUTCOMES.values()),
        *(words for mapping in PLAIN for words in mapping.values()),
    ]
    with override("en"):
        english = [str(words) for words in said]
    with override("ja"):
        japanese = [str(words) for words in said]
    assert [en for en, ja in zip(english, japanese, strict=True) if en == ja] == []


def test_reasons_and_outcomes_are_told_apart() -> None:
    with override("ja"):
        for accounts in (outcomes.REASONS, outcomes.WITHHELD, outcomes.OUTCOMES):
            said = Counter(str(account.words) for account in accounts.values())
            assert [words for words, times in said.items() if times > 1] == []
