"""Sessions kept and given back, a relay that is away, and the next one that takes over."""

import asyncio

import pytest

from nurture.domain.envelopes import Phase
from nurture.domain.errors import NurtureError
from nurture.mail import pool as pools
from nurture.mail.end import End
from nurture.mail.relay import SmtpRelay
from nurture.mail.relay_address import RelayAddress
from tests.support.carrying import BODY, Stack, carry, envelope, relay_to
from tests.support.far_end import GO, OFFERS, Far, FarEnd, far_end, take_all


async def turn_away(far: Far) -> None:
    far.say("421 4.3.2 not today")



def name(end: FarEnd) -> str:
    return f"127.0.0.1:{end.port}"


async def test_the_preferred_relay_carries_all_while_it_is_there() -> None:
    async with far_end(take_all) as first, far_end(take_all) as second:
        stack = await carry(relay_to(first, second), [envelope(n) for n in range(20)], sessions=2)
        assert {r.relay for r in stack.replies} == {name(first)}
        assert second.sessions == 0


async def test_the_next_relay_takes_over_and_the_letter_says_which_took_it() -> None:
    async with far_end(turn_away) as first, far_end(take_all) as second:
        stack = await carry(relay_to(first, second), [envelope(n) for n in range(20)])
        assert {(r.relay, r.code) for r in stack.replies} == {(name(second), 250)}, "not one letter is deferred for it"
        assert first.sessions == pools.TRIES, "and then it is left alone for a while"


async def test_the_relay_in_use_is_the_one_that_the_next_letter_goes_to() -> None:
    async with far_end(turn_away) as first, far_end(take_all) as second:
        relay, told = relay_to(first, second), []
        for n in range(pools.TRIES):
            told.append(relay.in_use())
            await relay.deliver(envelope(n))
        assert (told, relay.in_use()) == ([name(first)] * pools.TRIES, name(second))
        relay.avoid([name(second)])
        assert relay.in_use() == name(first), "none is there: it would be the preferred one"
        await relay.close()


async def test_a_relay_that_dies_between_two_letters_is_followed_by_the_next() -> None:
    async def dies(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.take()
        await far.writer.drain()

    async with far_end(dies, turn_away) as first, far_end(take_all) as second:
        stack = await carry(relay_to(first, second), [envelope(n) for n in range(6)])
        assert [(r.relay, r.code) for r in stack.replies] == [(name(first), 250)] + [(name(second), 250)] * 5


async def test_the_preferred_relay_is_used_again_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "TRIES", 1)
    monkeypatch.setattr(pools, "LONGEST_REST", 0.2)
    async with far_end(turn_away, turn_away, take_all) as first, far_end(take_all) as second:
        relay = relay_to(first, second)
        told: list[str] = []
        for n in range(30):
            reply = await relay.deliver(envelope(n))
            assert reply.code == 250
            told.append(reply.relay)
            await asyncio.sleep(0.03)
        await relay.close()
        assert first.sessions == 3, "tried once after each rest, not with every letter"
        assert told[0] == name(second)
        assert told[-1] == name(first)


async def test_while_one_letter_tries_a_relay_that_was_away_the_others_go_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "TRIES", 1)
    monkeypatch.setattr(pools, "LONGEST_REST", 0.02)
    asked, goes_on = asyncio.Event(), asyncio.Event()

    async def thinks(far: Far) -> None:
        asked.set()
        await goes_on.wait()
        await take_all(far)

    async with far_end(turn_away, thinks) as first, far_end(take_all) as second:
        relay = relay_to(first, second)
        assert (await relay.deliver(envelope(1))).relay == name(second)
        await asyncio.sleep(0.03)
        tries = asyncio.create_task(relay.deliver(envelope(2)))
        await asked.wait()
        assert (await asyncio.wait_for(relay.deliver(envelope(3)), 2)).relay == name(second)
        goes_on.set()
        assert (await tries).relay == name(first)
        await relay.close()


async def test_only_failures_in_a_row_make_a_relay_away() -> None:
    async def take_one(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.take()

    async with far_end(turn_away, turn_away, take_one, turn_away, turn_away, take_all) as end:
        relay = relay_to(end)
        codes = [(await relay.deliver(envelope(n))).code for n in range(6)]
        await relay.close()
    assert codes == [421, 421, 250, 421, 421, 250]
    assert end.sessions == 6


async def cuts(far: Far) -> None:
    await far.greet(*OFFERS)
    await far.lines(3)
    far.say(GO[0])
    await far.writer.drain()


async def test_lines_lost_before_a_body_make_a_relay_away_and_letters_that_we_keep_back_do_not() -> None:
    async with far_end(cuts) as first, far_end(take_all) as second:
        relay = relay_to(second, first)
        for n in range(pools.TRIES):
            assert (await relay.deliver(envelope(n), may_finish=lambda: False)).phase == "data"
        assert relay.in_use() == name(second), "it did nothing wrong"
        relay.pools.reverse()
        for n in range(pools.TRIES):
            assert relay.in_use() == name(first)
            assert (await relay.deliver(envelope(n))).phase == "rcpt"
        assert relay.in_use() == name(second)
        await relay.close()


async def test_a_letter_is_told_why_the_relay_is_away_and_not_that_its_own_line_was_lost() -> None:
    async with far_end(cuts) as end:
        relay = relay_to(end)
        lost = [await relay.deliver(envelope(n)) for n in range(pools.TRIES)][-1]
        reply = await relay.deliver(envelope(9))
        await relay.close()
    assert (lost.phase, reply.phase, reply.code, reply.text) == ("rcpt", "connect", None, f"the relay is away: {lost.text}")
    assert end.sessions == pools.TRIES


async def test_a_relay_rests_ever_longer_and_for_a_minute_at_most() -> None:
    relay, now = SmtpRelay("smtp://127.0.0.1:9?tls=none"), asyncio.get_running_loop().time
    (pool,) = relay.pools
    for rest in (0, 0, 1, 2, 4, 8, 16, 32, 60, 60):
        pool.failed(End(Phase.CONNECT, 421, "not today"))
        assert pool.rests(now() + rest - 0.5) == (rest > 0), rest
        assert not pool.rests(now() + rest + 0.5)


async def test_all_are_away() -> None:
    async with far_end(turn_away) as first, far_end(turn_away) as second:
        stack = await carry(relay_to(first, second), [envelope(n) for n in range(8)])
        assert {(r.relay, r.phase, r.code) for r in stack.replies} == {(name(first), "connect", 421)}
        assert first.sessions == second.sessions == pools.TRIES, "after so many in a row nobody is asked again at once"


@pytest.mark.parametrize("others", [True, False])
async def test_a_relay_that_is_to_be_avoided_gets_no_further_letter(others: bool) -> None:
    """Also in the middle of its work, and also when there is no other; one that is announced there is finished."""
    relay: SmtpRelay

    async def then_avoided(far: Far) -> None:
        await far.greet(*OFFERS)
        for n in range(3):
            await far.letter()
            if n == 1:
                relay.avoid(relay.names)
                relay.pools[-1].avoided = not others
            far.say("250 2.0.0 taken")
        assert await far.line() == "QUIT"

    async with far_end(then_avoided) as first, far_end(take_all) as second:
        relay = relay_to(first, second) if others else relay_to(first)
        stack = await carry(relay, [envelope(n) for n in range(6)])
    assert [r.code for r in stack.replies] == ([250] * 6 if others else [250] * 3 + [None] * 3)
    assert [r.relay for r in stack.replies[3:]] == [name(second) if others else name(first)] * 3


async def test_a_letter_unfit_for_its_relay_ends_without_a_word_and_the_others_go_on() -> None:
    heard: list[str] = []

    async def small(far: Far) -> None:
        await far.greet("PIPELINING", "SIZE 2000")
        while True:
            heard.append(await far.line())
            if heard[-1] == "QUIT":
                return
            await far.lines(2)
            far.say(*GO)
            await far.body()
            far.say("250 2.0.0 taken")

    letters = [
        envelope(1), envelope(2, message=BODY + b"x" * 2000 + b"\r\n"), envelope(3, message=BODY + "ż\r\n".encode()), envelope(4, "zażółć@example.org"),
        envelope(5, "nobody"), envelope(6),
    ]  # fmt: skip
    async with far_end(small) as end:
        stack = await carry(relay_to(end), letters)
    assert stack.by_letter() == {1: ("body", 250), 2: ("data", 552), 3: ("data", 554), 4: ("rcpt", 553), 5: ("rcpt", 553), 6: ("body", 250)}
    assert len(heard) == 3
    assert end.sessions == 1


async def test_eight_bits_and_utf8_are_asked_for_only_where_needed() -> None:
    heard: list[str] = []

    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        while True:
            heard.append(await far.line())
            if heard[-1] == "QUIT":
                return
            await far.lines(2)
            far.say(*GO)
            await far.body()
            far.say("250 2.0.0 taken")

    body = "Привет\r\n".encode()
    letters = [
        envelope(1), envelope(2, message=BODY + body), envelope(3, "анна@example.org"), envelope(4, message="Subject: ż\r\n\r\n".encode() + body)
    ]  # fmt: skip
    async with far_end(script) as end:
        await carry(relay_to(end), letters)
    options = [line.split(">", 1)[1] for line in heard[:-1]]
    assert [("SMTPUTF8" in o, "BODY=8BITMIME" in o, "SIZE=" in o) for o in options] == [
        (False, False, True), (False, True, True), (True, False, True), (True, True, True),
    ]  # fmt: skip


async def test_two_crews_share_one_session_letter_by_letter() -> None:
    """With a single session allowed, who waits for it gets it after the letter that is under way."""
    order: list[str] = []

    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        while True:
            if (await far.line()) == "QUIT":
                return
            order.append(await far.line())
            await far.line()
            far.say(*GO)
            await far.body()
            await asyncio.sleep(0.01)
            far.say("250 2.0.0 taken")

    async with far_end(script) as end:
        relay = relay_to(end, connections=1)
        many, few = Stack([envelope(n) for n in range(20)]), Stack([])
        crew, service = relay.crew(many, 1), relay.crew(few, 1)
        while len(many.replies) < 3:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.005)
        few.letters.append(envelope(100))
        few.wanted = 1
        service.wake()
        await few.finished()
        assert len(many.replies) < 8
        await many.finished()
        for each in (crew, service):
            await each.close()
        await relay.close()
    assert end.sessions == 1
    assert not many.twice
    assert not few.twice


async def test_a_session_that_rests_is_closed_with_a_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "IDLE", 0.1)
    said: list[str] = []

    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.take()
        said.append(await far.line())

    async with far_end(script) as end:
        relay = relay_to(end)
        assert (await relay.deliver(envelope(1))).code == 250
        await asyncio.sleep(0.3)
        assert said == ["QUIT"]
        assert (await relay.deliver(envelope(2))).code == 250
        await relay.close()
        assert end.sessions == 2


def test_urls_of_several_relay_to() -> None:
    found = RelayAddress.read_all("smtp://a.example.com?tls=none\n smtps://u:p@b.example.com  smtp://a.example.com:26?tls=none")
    assert [address.name for address in found] == ["a.example.com:25", "b.example.com:465", "a.example.com:26"]


def test_two_users_of_one_relay_have_names_and_no_secret_is_in_any() -> None:
    found = RelayAddress.read_all("smtp://token1:hush@a.example.com?name=news smtp://token2:hush@a.example.com?tls=tls&name=Receipts-2 smtp://token3:hush@a.example.com")
    assert [address.name for address in found] == ["news", "Receipts-2", "a.example.com:587"]
    assert [(address.username, address.port, address.tls) for address in found[:2]] == [("token1", 587, "starttls"), ("token2", 465, "tls")]
    shown = f"{found} {[SmtpRelay('smtp://token1:hush@a.example.com?name=news').names]}"
    assert not any(secret in shown for secret in ("token", "hush"))
    with pytest.raises(NurtureError) as refused:
        RelayAddress.read_all("smtp://token1:hush@a.example.com smtp://token2:hush@a.example.com")
    assert "name=" in refused.value.message
    assert not any(secret in refused.value.message for secret in ("token", "hush"))


@pytest.mark.parametrize(
    ("urls", "words"),
    [("  ", "no relay"), ("smtp://a.example.com smtp://a.example.com", "a relay twice"), ("smtp://a.example.com,smtp://b", "spaces between"),
     ("smtp://a?name=x smtp://b?name=X", "a relay twice"), ("smtp://a?name=", "cannot stand"), ("smtp://a?name=b:25", "cannot stand"), ("smtp://a?name=" + "x" * 41, "cannot stand"),
 ("smtp://a b", "not understood")],
)  # fmt: skip
def test_urls_that_are_refused(urls: str, words: str) -> None:
    with pytest.raises(NurtureError, match=words):
        RelayAddress.read_all(urls)
