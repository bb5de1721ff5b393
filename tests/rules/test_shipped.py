"""The shipped sequences and letters are what we would wish to receive: valid, complete, readable by a person with no name on file."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml
from selectolax.lexbor import LexborHTMLParser

from nurture.definitions.loading import load_files
from nurture.domain.asking import Question
from nurture.domain.documents import DOCUMENT_TYPES, Cleanup, Policy, Sequence, letters_of
from nurture.domain.letters import Letter
from nurture.domain.readers import Reader
from nurture.domain.tokens import Purpose
from nurture.domain.words import Kind, Size
from nurture.render.compiling import compile_letter
from nurture.render.rendering import Addressed, Rendered, prepare, render
from nurture.services.defining import check
from nurture.shipped import shipped

FILES = sorted(shipped("sequences").glob("*.yaml"))
TEMPLATES = shipped("templates")
TRADES = sorted(shipped("trades").glob("*.yaml"))  # each a workspace of its own: policy and sequence
PLACED = load_files(FILES)
ALL = [*PLACED.documents, *(p for file in TRADES for p in load_files([file]).documents)]
EVERY = {f"{Path(p.file).stem}/{letter.id}": letter for p in ALL for letter in letters_of(p.document)}
LETTERS = {name: letter for name, letter in EVERY.items() if letter.kind is not Kind.SERVICE}
OF_ADVICE = {name: letter for name, letter in EVERY.items() if letter.kind is Kind.SERVICE}
RECEIVED = ("Five questions to ask before anybody climbs your roof", "What a roof really costs over thirty years")
SOMEBODY = Reader(1, "mia@example.com", "Mia Berg", "Mia", joined_at=datetime(2026, 3, 2, tzinfo=UTC), received=RECEIVED)
NOBODY = Reader(2, "x@example.com")


def written(letter: Letter, reader: Reader, data: Mapping[str, object] | None = None) -> Rendered:
    compiled = compile_letter(letter, TEMPLATES)
    addressed = Addressed(
        base_url="https://letters.example.com", tokens=dict.fromkeys(Purpose, "t" * 44), today=date(2026, 3, 2), sender_name="Anna",
        postal_address="12 Slate Lane, 10115 Berlin", why="You joined on 2 March 2026.", reply_to="anna@example.com",
        data=data or {},
    )  # fmt: skip
    return render(prepare(compiled.content, compiled.links), reader, addressed)


def test_all_files_are_there_and_without_a_fault() -> None:
    assert {f.stem for f in FILES} >= {
        "two-weeks", "thirds-company", "three-three-three", "welcome", "library", "policy", "weekly-news", "cleanup-offer", "cleanup-event", "ripening-year",
        "fading", "closing", "cooled-buyer", "confirm-your-data",
    }
    assert PLACED.faults == ()


@pytest.mark.parametrize("files", [FILES, *([f] for f in FILES + TRADES)], ids=lambda files: files[0].stem if len(files) == 1 else "all")
def test_lint_has_nothing_to_say(files: list[Path]) -> None:
    """Neither errors nor warnings: an example with a warning teaches people to pass over warnings."""
    assert [f"{f.file}:{f.line} {f.message}" for f in check(load_files(files).documents, TEMPLATES)] == []


@pytest.mark.parametrize("file", FILES + TRADES, ids=lambda f: f.stem)
def test_a_plain_yaml_reader_agrees_with_ours(file: Path) -> None:
    plain = [DOCUMENT_TYPES[next(iter(raw))].model_validate(raw) for raw in yaml.safe_load_all(file.read_text())]
    assert plain == [placed.document for placed in load_files([file]).documents]


@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS.keys())
def test_every_letter_reads_well_with_and_without_a_name(letter: Letter) -> None:
    named, nameless = written(letter, SOMEBODY), written(letter, NOBODY)
    assert "Mia" in named.subject
    assert "Mia" in named.text.split(letter.title or "", 1)[-1][:600]
    for letter_written in (named, nameless):
        for part in (letter_written.subject, letter_written.html, letter_written.text):
            assert not re.search(r"\{\{|\}\}|\{%|None|undefined|Mia,,|  ,", part)
        assert "12 Slate Lane" in letter_written.html
        assert "12 Slate Lane" in letter_written.text
        assert len(letter_written.html.encode()) < 100_000
    assert not re.match(r"[,\s:!]", nameless.subject)


@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS.keys())
def test_every_letter_has_one_call_to_action_and_its_size(letter: Letter) -> None:
    compiled = compile_letter(letter, TEMPLATES)
    assert letter.call_to_action
    assert letter.title
    assert letter.preheader
    tree = LexborHTMLParser(compiled.content["html"])
    own = letter.call_to_action.startswith("{{")  # the reader's own page: no link that is counted
    wanted = () if letter.call_to_action == "reply" or own or letter.question else (letter.call_to_action,)
    assert compiled.links == wanted
    assert len(tree.css("a.button")) == len(wanted) + own
    if letter.question:
        assert (compiled.content["question"], "{{ answer_url }}" in compiled.content["text"]) == (letter.question, True)
    elif letter.call_to_action == "reply":
        assert re.search(r"\b[Rr]eply\b|\bответьте\b", compiled.content["text"])
    words = len(written(letter, SOMEBODY).text.split())
    assert words > 450 if letter.size is Size.LONG else words < 480
    assert all(image.attributes.get("alt") for image in tree.css("img[width='520']"))


@pytest.mark.parametrize("letter", OF_ADVICE.values(), ids=OF_ADVICE.keys())
def test_every_letter_of_advice_says_the_score(letter: Letter) -> None:
    for reader in (SOMEBODY, NOBODY):
        told = written(letter, reader, {"score": 3, "most": 8, "band": "x", "question": "y"})
        for part in (told.subject, told.html, told.text):
            assert not re.search(r"\{\{|\}\}|\{%|None|undefined", part)
        assert "3 of 8 points" in told.subject
        assert "3 of 8 points" in told.text
        assert told.unsubscribe_url is None


def test_every_choice_that_a_shipped_letter_links_to_is_a_choice() -> None:
    questions = {p.document.name: p.document for p in PLACED.documents if isinstance(p.document, Question)}
    asking = [letter for letter in LETTERS.values() if letter.question]
    assert {letter.question for letter in asking} == set(questions)
    for letter in asking:
        linked = re.findall(r"\{\{ answer_url \}\}/([a-z]+)", letter.body or "")
        assert linked in ([], [*questions[letter.question or ""].options])


def test_every_template_is_used_and_its_pictures_are_small() -> None:
    folders = {f"letters/{p.name}" for p in (TEMPLATES / "letters").iterdir() if p.is_dir() and not p.name.startswith("_")}
    assert {letter.template for letter in LETTERS.values()} - {None} == folders
    assert [p.name for p in (TEMPLATES / "letters").rglob("*.png") if p.stat().st_size > 20_000] == []


def sequence(name: str) -> Sequence:
    return next(p.document for p in PLACED.documents if isinstance(p.document, Sequence) and p.document.name == name)


def test_the_two_week_cycle_gives_three_times_and_asks_once() -> None:
    kinds = [(x.kind, x.size) for x in sequence("two-weeks").letters]
    assert kinds == [(Kind.USEFUL, Size.SHORT), (Kind.USEFUL, Size.LONG), (Kind.USEFUL, Size.SHORT), (Kind.SALES, Size.SHORT)]


def test_the_offer_names_the_useful_letters_received() -> None:
    offer = sequence("two-weeks").letters[-1]
    text = written(offer, SOMEBODY).text
    assert all(title in text for title in RECEIVED)
    assert "you know how I think" not in written(offer, NOBODY).text


@pytest.mark.parametrize(("name", "groups"), [
    ("thirds-company", ({Kind.USEFUL}, {Kind.ABOUT, Kind.NEWS}, {Kind.SALES})),
    ("three-three-three", ({Kind.NEWS}, {Kind.USEFUL}, {Kind.ABOUT})),
])  # fmt: skip
def test_thirds_are_three_of_each(name: str, groups: tuple[set[Kind], ...]) -> None:
    letters = sequence(name).letters
    assert len(letters) == 9
    assert [sum(x.kind in group for x in letters) for group in groups] == [3, 3, 3]


def test_the_welcome_starts_at_once_and_sells_nothing() -> None:
    letters = sequence("welcome").letters
    assert letters[0].window == "now"
    assert {x.kind for x in letters} == {Kind.USEFUL}
    assert len(letters) > 3


def test_every_offer_of_a_cleanup_shows_the_way_out_beside_its_call() -> None:
    cleanups = [p.document for p in PLACED.documents if isinstance(p.document, Cleanup)]
    assert {c.name for c in cleanups} == {"cleanup-offer", "cleanup-event"}
    for cleanup in cleanups:
        assert len(cleanup.offers) == 3
        assert cleanup.repermission
        for offer in cleanup.offers:
            tree = LexborHTMLParser(compile_letter(offer, TEMPLATES).content["html"])
            ways = [a for a in tree.css("strong a") if "unsubscribe_url" in (a.attributes.get("href") or "")]
            assert len(ways) == 1, f"{offer.id}: one leave link in bold, in the words of the letter"
            assert "ot interested" in written(offer, SOMEBODY).text


def test_a_year_gives_nine_times_and_asks_three_times() -> None:
    kinds = [x.kind for x in sequence("ripening-year").letters]
    assert kinds == [Kind.USEFUL, Kind.USEFUL, Kind.USEFUL, Kind.SALES] * 3


def test_what_asks_leads_to_the_readers_own_page() -> None:
    (letter,) = sequence("confirm-your-data").letters
    addressed_to = written(letter, SOMEBODY).html
    assert addressed_to.count(f"https://letters.example.com/preferences/{'t' * 44}") >= 2, "the button, and the footer"


def test_topics_of_the_shipped_sequences_stand_in_the_shipped_policy() -> None:
    topics = next(p.document.topics for p in PLACED.documents if hasattr(p.document, "topics"))
    assert {getattr(p.document, "topic", None) for p in PLACED.documents} - {None} == set(topics)


def test_every_trade_has_a_pace_and_a_sequence_of_its_topic() -> None:
    assert [f.stem for f in TRADES] == ["building", "clothes", "information", "salon", "travel", "windows"]
    for file in TRADES:
        policy, written = (p.document for p in load_files([file]).documents)
        assert isinstance(policy, Policy)
        assert isinstance(written, Sequence)
        assert policy.pace
        assert policy.pace.floor
        assert policy.pace.most
        assert [*policy.topics] == [written.topic]


def test_no_page_shows_a_letter_in_a_frame_that_can_act() -> None:
    """Whatever stands in a letter: no script, no form, nothing of the page around it; a link may open a page of its own in the archive."""
    frames = [(page.name, frame) for page in sorted(TEMPLATES.rglob("pages/**/*.html")) for frame in re.findall("<iframe[^>]*>", page.read_text())]
    assert len(frames) == 4
    for name, frame in frames:
        assert LexborHTMLParser(frame).css_first("iframe").attributes.get("sandbox", "none") in (None, "{{ sandbox }}"), name
