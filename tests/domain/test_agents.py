"""Who is taken for a machine by the name of the agent alone: people hardly ever, what names itself always."""

from datetime import UTC, datetime, timedelta

import pytest

from nurture.domain.evidence import Hit, judge
from nurture.domain.words import Evidence
from tests.support.agents import MACHINES, MAIL, PEOPLE, PROXIES

ACCEPTED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def verdict(agent: str, link: int | None) -> Evidence:
    hit = Hit(ACCEPTED + timedelta(hours=1), link=link, agent=agent, ip="198.51.100.7")
    return judge(hit, [hit], ACCEPTED).evidence


def test_the_corpus_is_a_fair_one() -> None:
    assert len(set(PEOPLE)) == len(PEOPLE) > 400
    assert len([a for a in MAIL if "outlook" in a.lower() or "office" in a.lower()]) > 20
    assert len(set(MACHINES)) == len(MACHINES) > 60


@pytest.mark.parametrize("link", [0, None], ids=["clicks", "opens"])
def test_at_most_two_of_five_hundred_people_are_taken_for_machines(link: int | None) -> None:
    wrong = [agent for agent in PEOPLE if verdict(agent, link) is not Evidence.HUMAN]
    assert len(wrong) * 500 <= 2 * len(PEOPLE), wrong


@pytest.mark.parametrize("agent", [a for a in MAIL if "Outlook" in a or "ms-office" in a or a.startswith(("Mozilla/5.0 (Macintosh", "Mozilla/5.0 (iP"))])
def test_outlook_and_apple_mail_are_people(agent: str) -> None:
    assert (verdict(agent, 0), verdict(agent, None)) == (Evidence.HUMAN, Evidence.HUMAN)


@pytest.mark.parametrize("agent", MACHINES)
def test_what_names_itself_is_a_machine(agent: str) -> None:
    assert verdict(agent, 0) is Evidence.MACHINE


@pytest.mark.parametrize("agent", PROXIES)
def test_who_fetches_pictures_for_readers_is_no_machine(agent: str) -> None:
    assert verdict(agent, None) is not Evidence.MACHINE
