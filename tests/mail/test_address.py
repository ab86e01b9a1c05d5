import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskpost.mail.address import (
    MAX_CHANNEL_LOCAL,
    BounceToken,
    OwnId,
    ReplyToken,
    base_address,
    bounce_address,
    first_mailbox,
    normalise,
    own_message_id,
    parse_mailboxes,
    problem,
    read_own_message_id,
    read_signed,
    reply_address,
)
from deskpost.mail.address import (
    wire as as_wire,
)

KEY, OLD_KEY, OTHER_KEY = b"k" * 32, b"o" * 32, b"x" * 32
CHANNEL = "support@desk.example"
NOTIFICATION = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")
ids = st.integers(min_value=0, max_value=2**31)


class TestNormalise:
    @pytest.mark.parametrize(
        ("address", "key"),
        [
            (" Ann@Customer.Example ", "ann@customer.example"),
            ("ann@CUSTOMER.example.", "ann@customer.example"),
            ("taro@例え.jp", "taro@xn--r8jz45g.jp"),
            ("rene\u0301@customer.example", "ren\u00e9@customer.example"),
            ("no address", "no address"),
            ("a@b@Customer.example", "a@b@customer.example"),
        ],
    )
    def test_folds_what_is_the_same(self, address: str, key: str) -> None:
        assert normalise(address) == key

    @settings(deadline=None)
    @given(st.text())
    def test_never_raises(self, text: str) -> None:
        normalise(text)

    @settings(deadline=None)
    @given(st.from_regex(r"[a-zA-Z0-9.]{1,20}@[a-zA-Z0-9-]{1,20}\.[a-z]{2,5}", fullmatch=True))
    def test_twice_is_once(self, address: str) -> None:
        assert normalise(normalise(address)) == normalise(address)


class TestMailboxes:
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ('"Berg, Ann" <ann@a.example>', [("Berg, Ann", "ann@a.example")]),
            ("ann@a.example (Ann Berg)", [("Ann Berg", "ann@a.example")]),
            ("a..b@docomo.ne.jp", [("", "a..b@docomo.ne.jp")]),
            ("=?utf-8?b?5bGx55Sw?= <y@a.example>", [("山田", "y@a.example")]),
            ("=?utf-8?q?Berg=2C_Ann?= <ann@a.example>", [("Berg, Ann", "ann@a.example")]),
            ("Team: a@a.example, b@a.example;", [("", "a@a.example"), ("", "b@a.example")]),
            ("undisclosed-recipients:;", []),
            ("<@relay.example:ann@a.example>", [("", "ann@a.example")]),
            ("Ann Berg ann@a.example", [("Ann Berg", "ann@a.example")]),
            ('"ann@a.example" <other@b.example>', [("ann@a.example", "other@b.example")]),
            ("", []),
            ("nobody at all", []),
        ],
    )
    def test_reads(self, header: str, expected: list[tuple[str, str]]) -> None:
        assert [(box.name, box.address) for box in parse_mailboxes(header)] == expected

    def test_reads_at_most_200(self) -> None:
        assert len(parse_mailboxes(", ".join(f"u{n}@a.example" for n in range(1000)))) == 200

    @pytest.mark.parametrize("header", ["Ann", "@a.example", "<ann@>", "<>", ""])
    def test_unusable_from(self, header: str) -> None:
        assert first_mailbox(header) is None

    @pytest.mark.parametrize("piece", ["(", '"', "\\", '"a\\', "<", "=?", "=?utf-8?q?", ",", ":"])
    def test_is_linear(self, piece: str) -> None:
        parse_mailboxes(piece * 200_000)

    @settings(deadline=None)
    @given(st.text(alphabet=st.sampled_from('ab@.,;:<>()"\\ =?\u3042\ud800\x00')))
    def test_never_raises_and_gives_clean_text(self, header: str) -> None:
        for box in parse_mailboxes(header):
            assert "@" in box.address
            f"{box.name}{box.address}".encode()


class TestProblem:
    @pytest.mark.parametrize(
        "address",
        [
            "ann@customer.example",
            "a..b@docomo.ne.jp",
            ".ann.@customer.test",
            "ann+tag@sub.customer.invalid",
            "ann@例え.jp",
            "root@localhost",
        ],
    )
    def test_none(self, address: str) -> None:
        assert problem(address) is None

    @pytest.mark.parametrize(
        ("address", "code", "position", "suggestion"),
        [
            ("", "empty", None, None),
            ("   ", "empty", None, None),
            ("bob.customer.example", "missing_at", None, None),
            ("bob@@customer.example", "many_at", 4, "bob@customer.example"),
            ("bob,keller@customer.example", "comma", 3, "bob.keller@customer.example"),
            ("bob @customer.example", "space", 3, "bob@customer.example"),
            (" bob@customer.example", "space", 0, "bob@customer.example"),
            ("bob\x07@customer.example", "control", 3, "bob@customer.example"),
            ("<bob@customer.example", "brackets", 0, "bob@customer.example"),
            ("Bob <bob@customer.example>", "brackets", 4, "bob@customer.example"),
            ("bob@customer", "bad_domain", None, None),
            ("bob@customer..example", "bad_domain", 12, "bob@customer.example"),
            ("bob@-customer.example", "bad_domain", 4, None),
            ("bob@my_host.example", "bad_domain", 6, None),
            ("bob@192.0.2.1", "bad_domain", None, None),
            ("@customer.example", "empty_local", 0, None),
            ("b" * 65 + "@customer.example", "too_long", None, None),
            ("bob@" + "c" * 260 + ".example", "too_long", None, None),
            ("山田@customer.example", "non_ascii_local", 0, None),
        ],
    )
    def test_found(
        self, address: str, code: str, position: int | None, suggestion: str | None
    ) -> None:
        found = problem(address)
        assert found is not None
        assert (found.code, found.position, found.suggestion) == (code, position, suggestion)
        if position is not None:
            assert found.character == address[position]

    def test_non_ascii_local_part_where_the_server_takes_it(self) -> None:
        assert problem("山田@customer.example", smtputf8=True) is None

    @settings(deadline=None)
    @given(st.text(max_size=400))
    def test_a_suggestion_has_no_problem(self, address: str) -> None:
        found = problem(address)
        if found is not None and found.suggestion is not None:
            assert problem(found.suggestion) is None


class TestSigned:
    @settings(deadline=None)
    @given(request=ids, person=ids)
    def test_reply_round_trip(self, request: int, person: int) -> None:
        token = ReplyToken(request=request, person=person)
        address = reply_address(CHANNEL, token, KEY)
        assert read_signed(address, CHANNEL, [KEY]) == token
        assert len(address.partition("@")[0]) <= 64
        assert base_address(address) == CHANNEL

    @settings(deadline=None)
    @given(notification=st.uuids())
    def test_bounce_round_trip(self, notification: uuid.UUID) -> None:
        token = BounceToken(notification=notification)
        address = bounce_address(CHANNEL, token, KEY)
        assert read_signed(address, CHANNEL, [KEY]) == token
        assert address == address.lower()
        assert base_address(address) == CHANNEL

    def test_letter_case_does_not_count(self) -> None:
        address = reply_address("Support@Desk.example", ReplyToken(request=1, person=2), KEY)
        assert read_signed(address.upper(), CHANNEL, [KEY]) == ReplyToken(request=1, person=2)

    def test_old_keys_still_read(self) -> None:
        address = reply_address(CHANNEL, ReplyToken(request=1, person=2), OLD_KEY)
        assert read_signed(address, CHANNEL, [KEY, OLD_KEY]) is not None
        assert read_signed(address, CHANNEL, [KEY]) is None
        assert read_signed(address, CHANNEL, []) is None

    def test_is_worth_nothing_at_another_channel(self) -> None:
        address = reply_address(CHANNEL, ReplyToken(request=1, person=2), KEY)
        moved = address.replace("support+", "sales+")
        assert read_signed(address, "sales@desk.example", [KEY]) is None
        assert read_signed(moved, "sales@desk.example", [KEY]) is None

    def test_a_reply_token_is_no_bounce_token(self) -> None:
        address = bounce_address(CHANNEL, BounceToken(notification=NOTIFICATION), KEY)
        assert read_signed(address.replace("+b.", "+r."), CHANNEL, [KEY]) is None

    @pytest.mark.parametrize("replacement", list("abcdefghijklmnopqrstuvwxyz234567"))
    def test_any_other_character_is_refused(self, replacement: str) -> None:
        for address in (
            reply_address(CHANNEL, ReplyToken(request=300, person=7), KEY),
            bounce_address(CHANNEL, BounceToken(notification=NOTIFICATION), KEY),
        ):
            for place in range(address.index(".") + 1, address.index("@")):
                if address[place] != replacement:
                    forged = address[:place] + replacement + address[place + 1 :]
                    assert read_signed(forged, CHANNEL, [KEY]) is None

    def test_the_longest_channel(self) -> None:
        token = BounceToken(notification=NOTIFICATION)
        longest = "c" * MAX_CHANNEL_LOCAL + "@desk.example"
        assert len(bounce_address(longest, token, KEY).partition("@")[0]) <= 64
        assert reply_address(longest, ReplyToken(request=2**40, person=2**40), KEY)
        with pytest.raises(ValueError, match="too long"):
            bounce_address("c" + longest, token, KEY)

    @pytest.mark.parametrize("channel", ["", "support", "@desk.example", "support@"])
    def test_no_address_cannot_be_signed(self, channel: str) -> None:
        with pytest.raises(ValueError, match="not an address"):
            reply_address(channel, ReplyToken(request=1, person=1), KEY)

    @settings(deadline=None)
    @given(st.text(), st.text())
    def test_reading_never_raises(self, recipient: str, channel: str) -> None:
        assert read_signed(recipient, channel, [KEY]) is None
        assert read_signed(f"a+r.{recipient}@b", "a@b", [KEY]) is None

    @pytest.mark.parametrize(
        "address",
        ["ann+tag@a.example", "ann+r@a.example", "ann+r.short@a.example", "ann@a.example", "ann"],
    )
    def test_other_plus_addresses_stay(self, address: str) -> None:
        assert base_address(address) == address


class TestOwnMessageId:
    @settings(deadline=None)
    @given(request=ids, notification=st.none() | st.uuids())
    def test_round_trip(self, request: int, notification: uuid.UUID | None) -> None:
        own = OwnId(request=request, notification=notification)
        message_id = own_message_id(own, "desk.example", KEY)
        assert message_id.startswith("<") and message_id.endswith("@desk.example>")
        assert read_own_message_id(message_id, [OTHER_KEY, KEY]) == own
        assert read_own_message_id(message_id, [OTHER_KEY]) is None
        assert own_message_id(own, "desk.example", KEY) == message_id

    def test_any_flipped_character_is_refused(self) -> None:
        message_id = own_message_id(OwnId(request=5, notification=NOTIFICATION), "a.example", KEY)
        for place in range(len("<dp."), message_id.index("@")):
            for other in "a7":
                forged = message_id[:place] + other + message_id[place + 1 :]
                if forged != message_id:
                    assert read_own_message_id(forged, [KEY]) is None
        assert read_own_message_id(message_id.replace("a.example", "b.example"), [KEY]) is None

    @settings(deadline=None)
    @given(st.text())
    def test_reading_never_raises(self, text: str) -> None:
        assert read_own_message_id(text, [KEY]) is None
        assert read_own_message_id(f"<dp.{text}@a.example>", [KEY]) is None


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("ann@x.test", "ann@x.test"),
        ("ann@bücher.test", "ann@xn--bcher-kva.test"),
        ("ann@例え.test", "ann@xn--r8jz45g.test"),
        ("änn@bücher.test", "änn@bücher.test"),  # it needs SMTPUTF8 in any case
        ("ann@\u2028.test", "ann@\u2028.test"),
    ],
)
def test_a_domain_goes_over_the_wire_in_ascii(address: str, wire: str) -> None:
    assert as_wire(address) == wire
