"""An SMTP session and its conversation about letters (RFC 5321), pipelined where the relay offers it (RFC 2920).

What counts is how far a letter came: before its body a lost line is harmless, after it nobody knows, and any answer is definite. So MAIL,
RCPT and DATA may go out together, even with the dot of the letter before, but a body is written only after its 354, when nothing is heard
that was not asked for, and when the lease still holds.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Protocol

from nurture.domain.envelopes import Phase
from nurture.mail.crew import NOT_WRITTEN
from nurture.mail.end import End
from nurture.mail.line import Line, LineLost
from nurture.mail.plan import Extensions, Plan

QUICK = 0.25  # seconds from the dot to its answer: a slower relay gets no letter announced ahead, which would only wait with it
_ASKING = (Phase.MAIL, Phase.RCPT, Phase.DATA)
_YES, _GO_ON = range(200, 300), (354,)
_TAKEN_AND_GO_ON = re.compile(rb"(2\d\d) ([^\r\n]{0,508})\r\n(?:2\d\d [^\r\n]{0,508}\r\n){2}354 [^\r\n]{0,508}\r\n")
_RSET = b"RSET\r\n"
_QUIT = b"QUIT\r\n"
_BYE = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits by phase, in seconds. RFC 5321 4.5.3.2.6 asks for ten minutes after the dot; less than the relay needs makes duplicates."""

    connect: float = 60
    command: float = 300
    dot: float = 600


class Source(Protocol):
    """Who has the letters of one session."""

    def follow(self, session: "Session") -> Plan | None:
        """The next letter, if this session may have one."""

    def ahead(self) -> bool:
        """Whether a letter may be announced before the one before it has its answer."""

    def may_finish(self) -> bool:
        """Asked when the relay waits for a body."""

    def ended(self, letter: Plan, end: End) -> None:
        """A letter has its end."""


class Session:
    """An open, authenticated conversation. `fresh`: no letter was begun since it was opened."""

    def __init__(self, line: Line, offered: Extensions, timeouts: Timeouts) -> None:
        self._line = line
        self._timeouts = timeouts
        self._loop = asyncio.get_running_loop()
        self.offered = offered
        self.fresh = True
        self.broke_ahead = False  # an answer was lost while the next letter was announced: perhaps the relay cannot bear it
        self._quick = False
        self._letter: Plan  # whose dot is under way
        self._ahead: Plan | None = None  # announced behind it
        self._source: Source
        self._dot = 0.0
        self._failed: End | BaseException | None = None  # how a letter ended that was to go at once
        self._unclean = False  # a letter was refused half-way: RSET comes before the next
        self._void = False  # a letter was refused, and yet the relay waits for its body

    @property
    def alive(self) -> bool:
        return self._line.alive

    async def carry(self, letter: Plan, source: Source) -> Plan | None:
        """Hand over `letter`, and whatever follows. Returns the one that the relay never heard of before it left: for a fresh session.

        Raises nothing but a cancellation, which leaves the session cut.
        """
        try:
            return await self._carry(letter, source)
        except BaseException:
            self.drop()
            raise

    async def _carry(self, first: Plan, source: Source) -> Plan | None:
        letter: Plan | None = first
        self._announce(first)
        while letter:
            end = await self._ask(letter)
            if end is None:
                letter, end = await self._give(letter, source)
            elif end.phase is Phase.MAIL and end.code in (None, 421) and not self.fresh:
                self.drop()
                return letter
            self.fresh = False
            source.ended(letter, end)
            if self._void:
                await self._end_void()
            letter, self._ahead = self._ahead, None
            if letter is None and self.alive and (letter := source.follow(self)):
                self._announce(letter)
        return None

    def _announce(self, letter: Plan) -> None:
        """With PIPELINING, all that may be said before the body, in one write."""
        if self.offered.pipelining:
            commands = letter.commands(self.offered)
            self._line.say(_RSET + commands if self._unclean else commands, 3 + self._unclean)

    async def _ask(self, letter: Plan) -> End | None:
        """MAIL, RCPT, DATA: None where the relay waits for the body, else its first refusal, or its silence."""
        if not self._unclean and self._line.agrees(_YES, _YES, _GO_ON):
            return None
        commands = None if self.offered.pipelining else letter.commands(self.offered).splitlines(keepends=True)
        end: End | None = None
        phase, taken, code = Phase.MAIL, False, 0
        try:
            if self._unclean:
                await self._reset()
            for place, phase in enumerate(_ASKING):
                if commands:
                    self._line.say(commands[place], 1)
                code, text = await self._line.answer(self._timeouts.command)
                if code != 354 if phase is Phase.DATA else not 200 <= code < 300:
                    end = end or self._refusal(phase, code, text)
                    if commands:
                        break
                elif phase is Phase.RCPT:
                    taken = True
        except LineLost as lost:
            end = end or End(phase, None, str(lost))
        if end:
            self._unclean = True
            self._void = code == 354
            if self._void and taken:
                self.drop()  # a dot now would make an empty letter for somebody
        return end

    def _refusal(self, phase: Phase, code: int, text: bytes) -> End:
        if code == 421 or not 400 <= code < 600:  # it says goodbye, or what is no answer to this command
            self.drop()
        return End(phase, code if 200 <= code < 600 else None, _words(text))

    async def _give(self, letter: Plan, source: Source) -> tuple[Plan, End]:
        """The body and its answer. Returns the letter that has its end: this one, or the last of those that followed it at once."""
        self._source = source
        unwritten = self._write(letter) if self.alive else End(Phase.DATA, None, self._line.lost or "the line was closed")
        if unwritten:
            return letter, unwritten
        try:
            code, text = await self._line.answer(self._timeouts.dot, self._go_on)
        except LineLost as lost:
            if isinstance(self._failed, End):
                return self._letter, self._failed
            if self._failed:
                raise self._failed from None
            self.broke_ahead = self._ahead is not None
            return self._letter, End(Phase.BODY, None, str(lost))
        self._quick = self._loop.time() - self._dot < QUICK
        if not (200 <= code < 300 or 400 <= code < 600):
            self.drop()
            return self._letter, End(Phase.BODY, None, f"the relay answered {code} {_words(text)}")
        if code == 421:
            self.drop()
        return self._letter, End(Phase.BODY, code, _words(text))

    def _write(self, letter: Plan) -> End | None:
        """The body; with its dot may go the commands of the next letter (RFC 2920 3.1). An end: nothing was written."""
        source, self._letter, self._ahead = self._source, letter, None
        if not source.may_finish():
            self.drop()
            return End(Phase.DATA, None, NOT_WRITTEN)
        if self._quick and self.offered.pipelining and source.ahead():
            self._ahead = source.follow(self)
        body, its_dot = letter.body()
        if self._ahead:
            self._line.say(its_dot + self._ahead.commands(self.offered), 4, body=body)
        else:
            self._line.say(its_dot, 1, body=body)
        self._dot = self._loop.time()
        return None

    def _go_on(self, heard: bytes) -> bool:
        """Where the relay took a letter and waits for the body of the next one, as it nearly always does, that body goes at once: to take
        the answers one by one and to wake the task that waits for them would cost as much as the rest of it.
        """
        ahead = self._ahead
        answers = _TAKEN_AND_GO_ON.fullmatch(heard) if ahead else None
        if not (ahead and answers):
            return False
        self._quick = self._loop.time() - self._dot < QUICK
        try:
            self._source.ended(self._letter, End(Phase.BODY, int(answers[1]), _words(answers[2])))
            self._failed = self._write(ahead)
        except BaseException as error:  # noqa: BLE001 - the task raises it
            self._failed = error
            self.drop()
        return True

    async def _end_void(self) -> None:
        """A refused letter that got its 354 all the same ends with nothing but a dot (RFC 2920 3.1)."""
        self._void = False
        self._line.say(b".\r\n", 1)
        try:
            code, _ = await self._line.answer(self._timeouts.command)
        except LineLost:
            return
        if code == 421:
            self.drop()

    async def _reset(self) -> None:
        """The answer to RSET, which went out before this letter's commands. Where it is no yes, the line is lost before the letter."""
        if not self.offered.pipelining:
            self._line.say(_RSET, 1)
        code, text = await self._line.answer(self._timeouts.command)
        self._unclean = False
        if not 200 <= code < 300:
            self.drop()
            raise LineLost(f"the relay answered {code} to RSET: {_words(text)}")

    def drop(self) -> None:
        """End without a word; what was half said must not be continued."""
        self._line.cut()

    def leave(self) -> None:
        """End politely, without waiting for the relay's goodbye."""
        self._line.say(_QUIT, 1)
        self._line.close()

    async def quit(self) -> None:
        """End politely."""
        self._line.say(_QUIT, 1)
        try:
            await self._line.answer(_BYE)
        except LineLost:
            pass
        finally:
            self._line.cut()


def _words(text: bytes) -> str:
    return text.decode("utf-8", "replace")
