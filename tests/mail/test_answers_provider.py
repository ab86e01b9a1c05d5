"""What a provider says, at once or later: who is at fault, and whether the address is blocked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskpost.config_relay import PROVIDERS
from deskpost.mail.answers_provider import event, refused
from deskpost.mail.answers_provider_body import said

NO_SUCH = "550 5.1.1 <ann@x.test>: Recipient address rejected: User unknown"
SPAM = "554 5.7.1 Message rejected as spam by our policy"
FULL = "452 4.2.2 The mailbox is over its quota"


# --- Later news ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "effect"),
    [
        ("delivered", "delivered"),
        ("deferred", "delayed"),
        ("complained", "complained"),
        ("unsubscribed", "unsubscribed"),
        ("sent", "nothing"),
        ("queued", "nothing"),
        ("opened", "nothing"),
        ("clicked", "nothing"),
        ("autoresponded", "nothing"),
        ("subscribed", "nothing"),
        ("inbound", "nothing"),
        ("unknown", "nothing"),
        ("what it may be called one day", "nothing"),
    ],
)
def test_the_kind_of_news_decides_unless_it_is_a_failure(kind: str, effect: str) -> None:
    assert event("postmark", kind, None, "HardBounce", NO_SUCH).effect == effect


@pytest.mark.parametrize(
    ("provider", "kind", "reason", "code", "words", "effect", "enhanced"),
    [
        # The words of the recipient's server.
        ("sendgrid", "bounced", None, None, NO_SUCH, "blocked", "5.1.1"),
        ("sendgrid", "bounced", None, "5.1.1", "unknown user", "blocked", "5.1.1"),
        ("sendgrid", "bounced", None, None, SPAM, "failed", "5.7.1"),
        ("sendgrid", "bounced", None, None, FULL, "failed", "4.2.2"),
        ("mailgun", "bounced", "bounced", "550", "No such user here", "blocked", "5.1.1"),
        ("mailgun", "bounced", "bounced", "451", "No such user here", "failed", "4.1.1"),
        ("postal", "failed", None, None, NO_SUCH, "blocked", "5.1.1"),
        ("brevo", "bounced", "bounced", None, "", "failed", ""),
        # The provider's own code.
        ("postmark", "bounced", "bounced", "HardBounce", "", "blocked", "5.1.1"),
        ("postmark", "bounced", "bounced", "SoftBounce", "", "failed", "4.2.0"),
        ("brevo", "bounced", "bounced", "hard_bounce", "no reason", "blocked", "5.1.1"),
        ("brevo", "bounced", "bounced", "soft_bounce", NO_SUCH, "failed", "5.1.1"),
        ("brevo", "bounced", "invalid", "invalid_email", "", "failed", "5.1.3"),
        ("sparkpost", "bounced", "bounced", "10", "", "blocked", "5.1.1"),
        ("sparkpost", "bounced", "spam", "51", "", "failed", "5.7.1"),
        ("amazon_ses", "bounced", "bounced", "Permanent: NoEmail", "", "blocked", "5.1.1"),
        ("amazon_ses", "bounced", "bounced", "Transient: MailboxFull", "", "failed", "4.2.0"),
        ("unisender_go", "bounced", "bounced", "err_user_unknown", "", "blocked", "5.1.1"),
        # Its own list of addresses that have bounced.
        ("mailgun", "bounced", "bounced", "605", "Not delivering to it", "blocked", "5.1.1"),
        ("amazon_ses", "bounced", "bounced", "Permanent: Suppressed", "", "blocked", "5.1.1"),
        ("sendgrid", "rejected", "bounced", "Bounced Address", "", "blocked", "5.1.1"),
        ("mailersend", "rejected", "bounced", None, "", "blocked", "5.1.1"),
        # Its own list of those who complained, or who want no mail.
        ("mailgun", "bounced", "other", "607", "complained before", "complained", ""),
        ("mailjet", "rejected", "spam", "spam reporter", "", "complained", ""),
        ("mailgun", "bounced", "other", "606", "unsubscribed before", "failed", ""),
        # In doubt nobody is blocked.
        ("postmark", "rejected", "blocked", "Blocked", "", "failed", "5.7.1"),
        ("brevo", "rejected", "blocked", None, "", "failed", "5.7.1"),
        ("amazon_ses", "rejected", "blocked", None, "Bad content", "failed", "5.7.1"),
        ("amazon_ses", "failed", None, None, "Attribute 'user' not found", "failed", ""),
        ("mandrill", "rejected", None, None, "no such user", "failed", ""),
        ("postmark", "rejected", "invalid", "BadEmailAddress", "", "failed", "5.1.3"),
    ],
)
def test_a_failure_means(
    provider: str,
    kind: str,
    reason: str | None,
    code: str | None,
    words: str,
    effect: str,
    enhanced: str,
) -> None:
    meaning = event(provider, kind, reason, code, words)
    assert (meaning.effect, meaning.enhanced) == (effect, enhanced)


@pytest.mark.parametrize("words", [SPAM, FULL, "5.4.1 no route", "550 5.2.2 over quota"])
def test_a_providers_hard_bounce_blocks_nobody_whose_server_says_otherwise(words: str) -> None:
    assert event("postmark", "bounced", "bounced", "HardBounce", words).effect == "failed"


def test_what_is_shown_is_one_line_and_never_empty() -> None:
    assert event("postmark", "bounced", None, None, "one\r\ntwo").text == "one two"
    assert event("postmark", "bounced", None, "HardBounce", "").text == "postmark: HardBounce"


text = st.one_of(st.text(max_size=60), st.sampled_from([NO_SUCH, SPAM, FULL, "605", "HardBounce"]))


@given(
    st.sampled_from(sorted(PROVIDERS)),
    st.sampled_from(["bounced", "rejected", "failed", "delivered"]),
    st.none() | st.sampled_from(["bounced", "blocked", "spam", "invalid"]),
    st.none() | text,
    text,
)
def test_no_news_is_too_strange(
    provider: str, kind: str, reason: str | None, code: str | None, words: str
) -> None:
    meaning = event(provider, kind, reason, code, words)
    assert meaning.text == " ".join(meaning.text.splitlines())
    if meaning.effect == "blocked":
        assert not meaning.enhanced.startswith(("4.", "5.7."))


# --- Answers at once -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405, 407, 410, 302, 503, 521])
@pytest.mark.parametrize("provider", ["postmark", "brevo", "a provider of later"])
def test_what_is_wrong_with_us_is_nobodys_failure(provider: str, status: int) -> None:
    answer = refused(provider, http=status, words="No")
    assert (answer.kind, answer.reason, answer.suppress) == ("down", None, None)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 504, 599, 200])
def test_what_may_pass_or_may_have_been_taken_is_tried_again(status: int) -> None:
    assert refused("postmark", http=status, words="No").kind == "temporary"


@pytest.mark.parametrize(
    ("status", "words", "reason", "suppress"),
    [
        ("rejected", "The address is on our hard bounce list", "service_provider_error", True),
        ("rejected", "Suppressed recipient", "service_provider_error", True),
        ("rejected", "User unknown", "service_provider_error", True),
        ("rejected", "It complained of spam", "service_provider_error", False),
        ("invalid", "", "validation_error", False),
        ("failed", "", "service_provider_error", False),
    ],
)
def test_what_it_says_of_the_recipient_decides(
    status: str, words: str, reason: str, suppress: bool
) -> None:
    answer = refused("brevo", http=200, words=words, status=status)
    assert (answer.kind, answer.reason) == ("permanent", reason)
    assert answer.suppress == ("hard_bounce" if suppress else None)


@pytest.mark.parametrize(
    ("provider", "code"),
    [
        ("postmark", "406"),
        ("mandrill", "hard-bounce"),
        ("mailersend", "hard_bounced"),
        ("unisender_go", "permanent_unavailable"),
    ],
)
def test_its_own_list_of_bounced_addresses_blocks(provider: str, code: str) -> None:
    assert refused(provider, http=200, code=code).suppress == "hard_bounce"


@pytest.mark.parametrize(
    ("words", "kind", "reason"),
    [
        ("The message is too large", "permanent", "template_too_large"),
        ("Your email quota has been exceeded", "temporary", None),
        ("Too many requests of this kind", "temporary", None),
        ("The account has been suspended", "down", None),
        ("The domain x.test is not verified", "temporary", None),
        ("Invalid 'to' address", "permanent", "validation_error"),
        ("Content rejected as spam", "permanent", "service_provider_error"),
        ("Something peculiar", "permanent", "unknown_error"),
    ],
)
def test_a_bad_request_is_told_by_its_words(words: str, kind: str, reason: str | None) -> None:
    answer = refused("brevo", http=400, words=words)
    assert (answer.kind, answer.reason, answer.suppress) == (kind, reason, None)


@given(st.sampled_from(sorted(PROVIDERS)), st.integers(0, 599), text, text)
def test_no_answer_is_too_strange(provider: str, http: int, code: str, words: str) -> None:
    answer = refused(provider, http=http, code=code, words=words)
    assert answer.kind != "accepted"
    assert (answer.reason is not None) == (answer.kind == "permanent")
    assert answer.code is None  # else it would be counted as a mail server's word


# --- Where the words are -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b'{"ErrorCode": 406, "Message": "Inactive"}', "406", "Inactive"),
        (b'{"errors": [{"message": "Bad", "field": "from"}]}', "from", "Bad"),
        (b'{"errors": [{"message": "Bad", "description": "Why", "code": "7"}]}', "7", "Bad · Why"),
        (b'{"status": "error", "data": {"code": "No", "message": "Why"}}', "No", "Why"),
        (b'{"name": "invalid_key", "message": "one\\ntwo"}', "invalid_key", "one two"),
        (b'[{"status": "rejected", "reject_reason": "spam"}]', "spam", ""),
        (b'{"errors": ["Unauthorized"]}', "", "Unauthorized"),
        (b"<html><b>Bad</b> gateway</html>", "", "Bad gateway"),
        (b"", "", ""),
        (b"null", "", ""),
        (b"[" * 10_000, "", None),
        (b'{"ErrorCode": true, "Message": {"a": []}}', "", ""),
    ],
)
def test_code_and_words_are_found(body: bytes, code: str, words: str | None) -> None:
    found = said(body)
    assert found[0] == code
    if words is not None:
        assert found[1] == words


@given(st.binary(max_size=300))
def test_no_body_is_too_strange(body: bytes) -> None:
    code, words = said(body)
    assert len(code) <= 100
    assert len(words) <= 500
