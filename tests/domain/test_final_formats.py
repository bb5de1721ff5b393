"""Formats that others hold for years, byte by byte. A change here breaks links, keys or rows that exist: it needs a new format, not a new expectation."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain import tokens
from nurture.domain.delivery import (
    LIBRARY_OCCASION,
    MOVES,
    OPEN,
    REOPENABLE,
    campaign_occasion,
    dedup_key,
    enrolment_occasion,
    greeting_occasion,
    letter_name,
    may_move,
    message_id,
    whose_message_id,
)  # fmt: skip
from nurture.domain.standing import (
    KIND_CODES,
    Entry,
    FlagBit,
    Mark,
    Standing,
    pack_entries,
    pack_instants,
    pack_peaks,
    unpack_entries,
    unpack_instants,
    unpack_peaks,
)  # fmt: skip
from nurture.domain.tokens import Purpose, Token, TokenKey, read, sign
from nurture.domain.words import Engagement, Evidence, Kind, State, Status, Temperature

KEY = TokenKey.derive("a secret")


def test_dedup_key_bytes() -> None:
    assert dedup_key("roofing-school/five-questions", 42, "1") == b"roofing-school/five-questions\x0042\x001"
    assert letter_name("roofing-school", "five-questions") == "roofing-school/five-questions"


def test_occasions() -> None:
    assert enrolment_occasion(2) == "2"
    assert campaign_occasion(date(2026, 3, 10)) == "2026-03-10"
    assert campaign_occasion(date(2026, 3, 10), resend=True) == "2026-03-10/2"
    assert greeting_occasion(date(2026, 12, 31)) == "2026-12-31"
    assert LIBRARY_OCCASION == "once"


def test_message_id_is_fixed_for_ever() -> None:
    made = message_id(b"installation-id!", "roofing-school/five-questions", 42, "1", "example.com")
    assert made == "<1fdd4f9bfd7659a4f549e469f70483bf8.42@example.com>"
    assert whose_message_id(made) == 42
    assert made != message_id(b"another-install!", "roofing-school/five-questions", 42, "1", "example.com")


def test_message_ids_made_before_name_nobody() -> None:
    for other in ("<7xkptp6xmwne6ve6i2pxasb37a@example.com>", "<1fdd4f9bfd7659a4f549e469f70483bf8.@example.com>", "<1fdd4f.42@example.com>", ""):
        assert whose_message_id(other) is None


def test_token_bytes() -> None:
    token = sign(Token(Purpose.CLICK, delivery=1, subscriber=2, version=3), KEY)
    assert len(token) == 44
    assert token == "EnQAAAAAAAEAAAAAAgAAAAMue8P-X7H1LKhwQoxEmx6v"
    assert read(token, Purpose.CLICK, [KEY]) == Token(Purpose.CLICK, 1, 2, 3)


def test_purposes_are_numbered_for_ever() -> None:
    assert {p.name: p.value for p in Purpose} == {
        "OPEN": 1, "CLICK": 2, "LEAVE": 3, "PREFERENCES": 4, "CONFIRM": 5, "ARCHIVE": 6, "BOUNCE": 7, "ANSWER": 8, "REFERRAL": 9,
    }  # fmt: skip


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**40 - 1), st.integers(0, 2**32 - 1), st.sampled_from(list(Purpose)))
def test_tokens_read_back_only_for_their_purpose(delivery: int, subscriber: int, version: int, purpose: Purpose) -> None:
    text = sign(Token(purpose, delivery, subscriber, version), KEY)
    for asked in Purpose:
        assert read(text, asked, [KEY]) == (Token(purpose, delivery, subscriber, version) if asked is purpose else None)


@given(st.integers(0, 43), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. "))
def test_every_other_spelling_is_refused(place: int, character: str) -> None:
    text = sign(Token(Purpose.LEAVE, 7, 8, 9), KEY)
    changed = text[:place] + character + text[place + 1 :]
    assert (read(changed, Purpose.LEAVE, [KEY]) is not None) == (changed == text)


def test_old_keys_verify_and_strangers_do_not() -> None:
    old, new = TokenKey.derive("old"), TokenKey.derive("new")
    text = sign(Token(Purpose.OPEN, 1, 1, 1), old)
    assert read(text, Purpose.OPEN, [new, old]) is not None
    assert read(text, Purpose.OPEN, [new]) is None
    for wrong in ("", text[:-1], text + "A", "x" * 44, "é" * 44):
        assert read(wrong, Purpose.OPEN, [new, old]) is None
    assert tokens.TOKEN_BYTES == 33


def test_row_states_and_their_moves() -> None:
    assert {s.value for s in State} == {
        "pending", "claimed", "sending", "deferred", "unknown", "held", "accepted", "rejected", "failed", "cancelled",
    }  # fmt: skip
    assert {s.value for s in OPEN} == {"pending", "claimed", "sending", "deferred", "unknown"}
    assert {"paused", "outranked", "missed"} == REOPENABLE
    written = {old.value: {new.value for new in news} for old, news in MOVES.items()}
    assert written == {
        "pending": {"claimed", "failed", "cancelled"},
        "claimed": {"sending", "pending", "failed", "cancelled"},
        "sending": {"accepted", "deferred", "rejected", "unknown", "pending"},
        "deferred": {"claimed", "failed", "cancelled"},
        "unknown": {"pending", "held", "accepted", "cancelled"},
        "held": {"accepted", "pending", "cancelled"},
        "cancelled": {"pending"},
        "rejected": set(), "failed": set(), "accepted": set(),
    }  # fmt: skip
    assert not any(may_move(State.ACCEPTED, new) for new in State)
    assert all(may_move(old, State.ACCEPTED) for old in State if old is not State.ACCEPTED)


def test_words_that_are_stored() -> None:
    assert [s.value for s in Status] == ["pending", "subscribed", "unsubscribed", "bounced", "complained", "archived"]
    assert [k.value for k in Kind] == ["useful", "news", "about", "sales", "greeting", "service"]
    assert [e.value for e in Engagement] == ["new", "passive", "active", "fan", "unobservable"]
    assert [t.value for t in Temperature] == ["cold", "warm", "hot", "refuser"]
    assert [e.value for e in Evidence] == ["human", "machine", "unknown"]
    assert {f.name: f.value for f in FlagBit} == {"RIPENING": 1, "FADING": 2, "LOST": 4}


def test_standing_bytes() -> None:
    entry = Entry(258, datetime(2026, 3, 2, 10, 0, tzinfo=UTC), date(2026, 3, 2), Kind.SALES, Mark.OPENED | Mark.CLICKED)
    assert pack_entries((entry,)).hex() == "000000000000010269a55fa008cc0403"
    assert unpack_entries(pack_entries((entry, entry))) == (entry, entry)
    assert pack_instants((entry.at,)).hex() == "69a55fa0"
    assert unpack_instants(pack_instants((entry.at,))) == (entry.at,)
    assert {kind.value: code for kind, code in KIND_CODES.items()} == {"useful": 1, "news": 2, "about": 3, "sales": 4, "greeting": 5}
    every = tuple(Entry(n, entry.at, entry.day, kind) for n, kind in enumerate(KIND_CODES))
    assert unpack_entries(pack_entries(every)) == every
    instants = (entry.at, datetime(2026, 3, 5, 10, 0, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    assert unpack_instants(pack_instants(instants)) == instants
    assert pack_peaks(((75, 1.5),)).hex() == "004b3fc00000"
    assert unpack_peaks(pack_peaks(((75, 1.5),))) == ((75, 1.5),)
    assert {m.name: m.value for m in Mark} == {
        "OPENED": 1, "CLICKED": 2, "ANSWERED": 4, "PROXY": 8, "BOUNCED": 16, "UNCERTAIN": 32, "CLEANUP": 64,
    }  # fmt: skip


def test_a_standing_begins_with_nothing_known() -> None:
    fresh = Standing(1)
    assert (fresh.received, fresh.useful_since_sales, fresh.others_since_sales, fresh.conversions, fresh.downs, fresh.score) == (0, 0, 0, 0, 0, 0.0)
    assert (fresh.customer, fresh.engagement, fresh.temperature, fresh.flags) == (False, Engagement.NEW, Temperature.COLD, FlagBit(0))
