"""What a campaign's occasion brought: counts that add up, the variants' verdict, and what the letter changed against those held out."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from nurture.domain.lift import LEAST_LETTERS, Arm, Lift, lift
from nurture.domain.trials import Verdict

CONVERTS_WITHIN = timedelta(days=30)  # a purchase later than that is not laid to this letter's account


@dataclass(frozen=True, slots=True)
class Against:
    """People who did `outcome` among those who were to get the letter and among those held out."""

    outcome: str
    mailed: int
    mailed_did: int
    held_out: int
    held_out_did: int

    @property
    def lift(self) -> Lift:
        return lift(_of_people(self.mailed, self.mailed_did), _of_people(self.held_out, self.held_out_did))

    @property
    def sentence(self) -> str:
        """One honest sentence."""
        found = self.lift
        if found.difference is None or found.low is None or found.high is None:
            return f"Too few to tell: each side needs {LEAST_LETTERS} people, and {self.held_out:,} were held out."
        points = f"{found.difference * 100:+.2f} points, between {found.low * 100:+.2f} and {found.high * 100:+.2f} (95 in 100)"
        if found.low > 0:
            return f"The letter brought {self.outcome}: {points}."
        if found.high < 0:
            return f"The letter cost {self.outcome}: {points}."
        return f"No difference can be told from chance: {points}."


def _of_people(people: int, did: int) -> Arm:
    """Each person counts once: a yes or a no."""
    return Arm(people, people, did, did, people, did)


@dataclass(frozen=True, slots=True)
class Turnout:
    """Of the people of one occasion. `taken_in` is `accepted + open + waiting + without`: `open` letters are on their way, `waiting` people
    have none yet, `without` ended without one. `held_out` people stand beside. `answered`: people with a human sign by its name, `left`,
    `complained` and `bounced` likewise.
    """

    taken_in: int = 0
    accepted: int = 0
    open: int = 0
    waiting: int = 0
    without: int = 0
    held_out: int = 0
    answered: dict[str, int] = field(default_factory=dict)
    left: int = 0
    complained: int = 0
    bounced: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One occasion. `letter`: what it is called; `note`: what was drawn or decided, in a sentence; `verdict` where variants were tried."""

    nominal: date
    resend: bool
    letter: str
    opened_at: datetime
    ended: bool
    turnout: Turnout
    note: str = ""
    verdict: Verdict | None = None
    winner: str | None = None
    against: Against | None = None
