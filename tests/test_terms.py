"""What is found by a part of a word: each text that holds it has its grams, in any script."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deskpost import terms

letters = st.text(
    alphabet=st.one_of(
        st.sampled_from("abcABC xyz-_@.0189 ßéА日本語印刷の件プリンタカ한국กข"), st.characters()
    ),
    max_size=40,
)


@given(letters, st.integers(0, 40), st.integers(1, 12))
def test_a_text_has_every_gram_that_a_part_of_it_wants(text: str, start: int, length: int) -> None:
    whole = terms.normal(text)
    part = whole[start : start + length]
    assert terms.wanted(part) <= terms.grams(whole)


@given(letters)
def test_what_is_normal_stays_so(text: str) -> None:
    once = terms.normal(text)
    assert terms.normal(once) == once
    assert once.isprintable()


def test_two_japanese_letters_have_a_gram_of_their_own() -> None:
    assert terms.wanted("印刷") == {"印刷"}
    assert "印刷" in terms.grams(terms.normal("プリンターの印刷ができません"))
    assert terms.wanted("刷") == {"刷"}


def test_two_latin_letters_are_the_beginning_of_a_word() -> None:
    assert terms.beginning("it") == "^it"
    assert "^it" in terms.grams("the it desk") and "^it" not in terms.grams("bit by bit")
    assert terms.beginning("its") is None and terms.beginning("印刷") is None


def test_case_and_width_make_no_difference() -> None:
    assert terms.normal("ＦＵＬＬ  Straße\u200b") == terms.normal("full STRASSE")


def test_tokens_differ_between_projects_and_stay_within_32_bits() -> None:
    one, other = terms.token("1/in", "wabc"), terms.token("2/in", "wabc")
    assert one != other and -(1 << 31) <= one < 1 << 31
