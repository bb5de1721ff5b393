"""What stands on the wire's own side between intent and relay: each reason why a letter may not begin, with every other one out of reach."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import pytest
import uvloop

from nurture.domain.envelopes import Envelope, Phase, Reply
from nurture.domain.words import Kind
from nurture.mail.crew import NOT_WRITTEN, Letters
from nurture.services.sending import SendingRules, wire
from nurture.services.sending.pace import Pace
from nurture.services.sending.wire import LOST_IN_A_ROW, Ended, Wire
from nurture.services.sending.writing import Outgoing
from nurture.store.claims import Claimed, Intent
from tests.support.people import NOW
from tests.support.sending import BASE


class Asked:
    """A relay whose carriers are the test's own hands. `awake` counts the calls."""

    def __init__(self) -> None:
        self.awake = 0

    def crew(self, _letters: Letters, _sessions: int) -> "Asked":
        return self

    def wake(self) -> None:
        self.awake += 1

    async def close(self) -> None:
        """Nothing is open."""


def letter(number: int) -> Outgoing:
    message_id = f"<{number}@example.com>"
    row = Claimed(number, 1, number, 1, 1, Kind.USEFUL, message_id, 0, None, None, None)
    envelope = Envelope(number, "anna@example.com", f"p{number}@example.org", b"Subject: s\r\n\r\nb\r\n", message_id)
    return Outgoing(row, Intent(number, 1, "Europe/Berlin", NOW.date(), None), envelope)


@contextlib.asynccontextmanager
async def open_wire(
    recorded: list[Ended], pace: Pace | None = None, go_on: Callable[[], bool] = lambda: True, clock: Callable[[], datetime] = lambda: NOW
) -> AsyncIterator[tuple[Wire, Asked]]:
    """It closes when every letter has its end, as always; a test that forgets one fails soon."""
    relay = Asked()

    async def record(batch: list[Ended]) -> None:
        recorded.extend(batch)

    async with asyncio.timeout(3), Wire(relay, SendingRules(BASE), pace or Pace(), clock, go_on, record) as line:
        yield line, relay


def says(number: int, phase: Phase, code: int | None, text: str) -> Reply:
    return Reply(number, phase, code, None, text, "relay")


def taken(line: Wire) -> Envelope:
    envelope = line.take()
    assert envelope is not None
    return envelope


async def test_a_letter_whose_time_is_over_is_neither_taken_nor_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that follows on an open session is asked for by `take` alone; the one whose session opened too slowly by `may_write`."""
    monkeypatch.setattr(wire, "LEAVE_WITHIN", 0.1)
    recorded: list[Ended] = []
    async with open_wire(recorded) as (line, _):
        line.put([letter(1), letter(2)])
        first = taken(line)
        assert line.may_write(first)
        await asyncio.sleep(0.11)
        assert not line.may_write(first)
        assert line.take() is None
        line.ended(first, says(1, Phase.CONNECT, None, NOT_WRITTEN))
    assert [(e.letter.row.id, e.reply) for e in recorded] == [(2, None), (1, None)], "both go back"


async def test_a_letter_whose_place_comes_too_late_goes_back_at_once_and_a_near_one_is_waited_for() -> None:
    pace = Pace(ceiling=10)
    recorded: list[Ended] = []
    async with open_wire(recorded, pace) as (line, relay):
        line.put([letter(n) for n in (1, 2, 3)])
        first, awake = taken(line), relay.awake
        assert (line.take(), recorded) == (None, [])
        await asyncio.sleep(0.1)
        assert relay.awake > awake, "its place has come"
        second = taken(line)
        pace.ceiling = 0.1
        pace.reserve(asyncio.get_running_loop().time())
        assert line.take() is None
        await line.room(2)
        assert [(e.letter.row.id, e.reply) for e in recorded] == [(3, None)]
        for each in (first, second):
            line.ended(each, says(each.delivery, Phase.BODY, 250, "ok"))


async def test_after_a_stop_nothing_is_taken_or_begun() -> None:
    going, recorded = True, list[Ended]()
    async with open_wire(recorded, go_on=lambda: going) as (line, _):
        line.put([letter(1), letter(2)])
        first = taken(line)
        going = False
        assert (line.may_write(first), line.take()) == (False, None)
        line.ended(first, says(1, Phase.BODY, 250, "it was under way"))
    assert [(e.letter.row.id, e.reply and e.reply.code) for e in recorded] == [(2, None), (1, 250)]


async def test_where_the_relay_gives_no_session_the_rest_need_not_try() -> None:
    recorded: list[Ended] = []
    async with open_wire(recorded) as (line, _):
        line.put([letter(n) for n in range(LOST_IN_A_ROW + 2)])
        tries = [taken(line) for _ in range(LOST_IN_A_ROW)]
        for each in tries[1:]:
            line.ended(each, says(each.delivery, Phase.CONNECT, None, "nobody listens"))
        tries.append(taken(line))
        line.ended(tries[0], says(tries[0].delivery, Phase.CONNECT, None, "nobody listens"))
        assert line.take() is None
        line.ended(tries[-1], says(tries[-1].delivery, Phase.BODY, 250, "one was through already"))
    assert recorded[-2].reply is None


async def test_an_error_begins_nothing_more_and_hears_what_is_under_way() -> None:
    recorded: list[Ended] = []
    carrying: list[asyncio.Task[None]] = []

    async def goes_on(line: Wire, under_way: Envelope) -> None:
        await asyncio.sleep(0.01)
        assert line.take() is None
        line.ended(under_way, says(1, Phase.BODY, 250, "ok"))

    async def breaks() -> None:
        async with open_wire(recorded) as (line, _):
            line.put([letter(1), letter(2)])
            carrying.append(asyncio.create_task(goes_on(line, taken(line))))
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        await breaks()
    await asyncio.gather(*carrying)
    assert [(e.letter.row.id, e.reply and e.reply.code) for e in recorded] == [(2, None), (1, 250)]


async def test_an_answer_is_about_the_relay_that_gave_it() -> None:
    """Also when letters go to another one by now."""
    pace = Pace(in_use=lambda: "second")
    async with open_wire([], pace) as (line, _):
        line.put([letter(n) for n in (1, 2, 3)])
        first, second, third = [taken(line) for _ in range(3)]
        line.ended(first, says(1, Phase.BODY, 250, "ok"))
        await asyncio.sleep(0.11)
        line.ended(second, says(2, Phase.BODY, 250, "ok"))
        assert (pace.seen_of("relay") > 0, pace.seen_of("second")) == (True, 0)
        line.ended(third, says(3, Phase.MAIL, 454, "Throttling failure: Maximum sending rate exceeded."))
        assert pace.limits == {"relay": pytest.approx(pace.seen_of("relay") / 2)}


async def test_who_writes_letters_waits_while_answers_come_and_not_for_ever() -> None:
    recorded: list[Ended] = []
    async with open_wire(recorded) as (line, _):
        line.put([letter(n) for n in range(40)])

        async def carry(letters: int) -> None:
            for _ in range(letters):
                envelope = taken(line)
                line.ended(envelope, says(envelope.delivery, Phase.BODY, 250, "Ok"))
                await asyncio.sleep(0)

        carrying = asyncio.create_task(carry(6))
        await line.lull()
        assert carrying.done(), "as long as each time brings an answer"
        carrying = asyncio.create_task(carry(34))
        await line.lull()
        assert 6 + wire.LULL < line.heard < 40, "on a busy line the next letters are written, too"
        await carrying


def test_what_one_turn_of_the_loop_heard_came_at_one_moment_and_after_its_hand_off() -> None:
    """On the senders' loop, whose time stands still within a turn."""
    seconds = itertools.count()
    recorded: list[Ended] = []

    async def hear() -> None:
        async with open_wire(recorded, clock=lambda: NOW + timedelta(seconds=next(seconds))) as (line, _):
            for numbers in ((1, 2), (3,)):
                line.put([letter(n) for n in numbers])
                for envelope in [taken(line) for _ in numbers]:
                    line.ended(envelope, says(envelope.delivery, Phase.BODY, 250, "Ok"))

    uvloop.run(hear())
    assert [(ended.letter.row.id, ended.at - NOW) for ended in recorded] == [(n, timedelta(seconds=s)) for n, s in ((1, 0), (2, 0), (3, 1))]
