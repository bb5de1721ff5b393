"""What the documents say of each letter while its rows are under way: its topic, and the next window for one that missed its own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nurture.domain.delivery import HORIZON, letter_name
from nurture.domain.documents import AnyDocument, Campaign, Cleanup, Policy, Sequence, document_name, lane_name, letters_of
from nurture.domain.letters import Letter, Windows
from nurture.domain.rhythm import Rhythm, Stretch, best_part
from nurture.domain.windows import Opening, hours_of, next_opening, share_of
from nurture.domain.words import Kind


@dataclass(frozen=True, slots=True)
class Written:
    """A letter, the windows of its document, the topic whose refusal keeps it back, and the lane of its readers. `replanned`: where it
    misses its window only the planner finds another, since it stands for one letter a local date.
    """

    letter: Letter
    windows: Windows
    topic: str | None
    lane: str = ""
    replanned: bool = False


@dataclass(frozen=True, slots=True)
class LetterBook:
    """All letters by their name `document/id`. Service letters stand in no document: they have no topic and no window."""

    policy: Policy
    written: Mapping[str, Written]

    @classmethod
    def of(cls, documents: Iterable[AnyDocument], policy: Policy) -> "LetterBook":
        found: dict[str, Written] = {}
        for document in documents:
            windows = document.windows if isinstance(document, Sequence | Campaign) else Windows()
            topic = document.topic if isinstance(document, Sequence | Campaign) else None
            lane = lane_name(document) if isinstance(document, Sequence | Campaign) else ""
            for letter in letters_of(document):
                replanned = isinstance(document, Cleanup)
                name = letter_name(document_name(document), letter.id)
                found[name] = Written(letter, windows, letter.topic or topic, lane, replanned)
        return cls(policy, found)

    def topic(self, name: str) -> str | None:
        return self.written[name].topic if name in self.written else None

    def next_window(
        self, kind: Kind, name: str, subscriber_id: int, timezone: str | None, now: datetime, rhythm: Rhythm | None = None
    ) -> tuple[datetime, datetime | None] | None:
        """(due, closes) of the next chance within 36 hours; None when it is further off, when the letter is no longer written anywhere, or
        when the planner alone may say.
        """
        if kind is Kind.SERVICE:
            return now, None
        written = self.written.get(name)
        if written is None or written.replanned:
            return None
        hours, zone = hours_of(written.letter, written.windows, self.policy), self.zone(timezone)

        def own_part(opening: Opening) -> Stretch | None:
            return best_part(rhythm, subscriber_id, name, written.lane, opening.opens, opening.closes, zone)[0]

        part_of = own_part if rhythm and hours.spread and self.policy.best_hour else None
        found = next_opening(hours, zone, self.policy, share_of(subscriber_id, name), now, part_of)
        return found if found and found[0] <= now + HORIZON else None

    def zone(self, timezone: str | None) -> ZoneInfo:
        """The person's zone, else the workspace's; a name that is no zone is passed over."""
        try:
            return ZoneInfo(timezone or self.policy.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(self.policy.timezone)
