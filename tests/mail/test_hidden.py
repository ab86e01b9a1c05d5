"""Secrets are taken out of words that repeat them, whole or cut off; other words stay."""

from __future__ import annotations

from hypothesis import assume, example, given
from hypothesis import strategies as st

from deskpost.mail.hidden import LEAST, SHORTEST, hidden

# Without the asterisk: what is put in a secret's place would not tell itself from one.
LETTERS = "abAB01+/=é \n"
words = st.text(alphabet=LETTERS, max_size=60)
secret = st.text(alphabet=LETTERS, min_size=SHORTEST, max_size=40)


@given(secret, words, words)
@example("hush-hush-0123", "535 no such key: ", " (try again)")
def test_no_secret_is_left_wherever_it_stands(one: str, before: str, after: str) -> None:
    made = hidden(f"{before}{one}{after}{one}", [one])
    assert one[:LEAST] not in made
    assert "***" in made


@given(secret, words, st.data())
def test_nor_the_beginning_of_one_that_was_cut_off(
    one: str, before: str, data: st.DataObject
) -> None:
    assume(len(one) > LEAST)
    size = data.draw(st.integers(LEAST, len(one)))
    made = hidden(before + one[:size], [one])
    assert one[:LEAST] not in made
    assert made.endswith("***")


@given(st.lists(secret, min_size=2, max_size=4), words)
def test_each_of_several_is_hidden(several: list[str], between: str) -> None:
    made = hidden(between.join(several), several)
    assert not any(one in made for one in several)


@given(st.lists(st.text(alphabet="xyz", min_size=SHORTEST), max_size=3), words)
def test_words_that_repeat_nothing_stay_as_they_are(several: list[str], said: str) -> None:
    assert hidden(said, several) == said


@given(st.text(max_size=SHORTEST - 1), words)
def test_a_secret_too_short_to_be_told_from_words_hides_nothing(one: str, said: str) -> None:
    assert hidden(said, [one]) == said
