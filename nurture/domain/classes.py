"""One person judged: class, flags and temperature by today's facts, and a row with its reason for all that moved."""

from dataclasses import dataclass

from nurture.domain import temperature
from nurture.domain.engagement import judge, move, undo
from nurture.domain.flags import flags_of, why
from nurture.domain.signs import Signs, Yardstick
from nurture.domain.standing import FlagBit
from nurture.domain.words import Engagement, Temperature

_HEAT = (Temperature.COLD, Temperature.WARM, Temperature.HOT, Temperature.REFUSER)  # a refusal is no fall; one that is taken back is


@dataclass(frozen=True, slots=True)
class Move:
    """`what`: engagement, temperature or flags; of flags each has a row: `old` or `new` is empty where it is raised or taken away.
    `falls`: it goes down; of the class only where a withdrawn sign had raised the person. Only such a move can take an earlier one back.
    """

    what: str
    old: str
    new: str
    reason: str
    falls: bool = False


@dataclass(frozen=True, slots=True)
class Classified:
    """What is to be written of one person. `downs_at`: UTC seconds."""

    subscriber_id: int
    engagement: Engagement
    downs: int
    downs_at: int | None
    flags: int
    temperature: Temperature
    moves: tuple[Move, ...]

    def moved(self, what: str) -> bool:
        return any(m.what == what for m in self.moves)


def classify(signs: Signs, yard: Yardstick, *, weekly: bool, raised_from: str | None = None) -> Classified | None:
    """None where nothing changes. `raised_from`: the class from which a sign raised this person that is withdrawn now."""
    verdict = judge(signs, yard)
    undone = undo(signs, verdict, raised_from)
    moved = undone or move(signs, verdict, yard.now, weekly=weekly)
    flags = flags_of(signs, moved.engagement, yard)
    reading = temperature.take(signs, yard.now)
    moves = []
    if moved.engagement != signs.engagement:
        moves.append(Move("engagement", signs.engagement, moved.engagement.value, moved.reason, falls=undone is not None))
    if reading.temperature != signs.temperature:
        falls = _HEAT.index(reading.temperature) < _HEAT.index(signs.temperature)
        moves.append(Move("temperature", signs.temperature, reading.temperature.value, reading.reason, falls))
    if flags != signs.flags:
        moves += _flag_moves(signs, moved.engagement, flags, yard)
    if not moves and moved.downs == signs.downs and moved.downs_at == signs.downs_at:
        return None
    return Classified(signs.subscriber_id, moved.engagement, moved.downs, moved.downs_at, flags, reading.temperature, tuple(moves))


def _flag_moves(signs: Signs, engagement: Engagement, flags: int, yard: Yardstick) -> list[Move]:
    moves = []
    for flag in FlagBit:
        if (flags ^ signs.flags) & flag:
            raised, word = bool(flags & flag), str(flag.name).lower()
            reason = why(signs, engagement, flag, yard, raised=raised)
            moves.append(Move("flags", "", word, reason) if raised else Move("flags", word, "", reason, falls=True))
    return moves
