"""A question from its document to its result: a letter by real SMTP, a link, the page in a real browser, the button, what follows from it.

Once with script, once without; nothing here is a mock.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import Browser

from tests.journeys.test_main_job import Installation, healthy, link, until
from tests.support.browser import in_the_browser, shot
from tests.support.smtp import SmtpSink
from tests.support.worker_process import Nursery

pytestmark = in_the_browser
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
FILES = """\
policy: default
sender: {name: Anna, address: anna@example.com, reply_to: anna@example.com}
postal_address: Roof School, Dachgasse 1, Berlin
gap: 15s
cap: 9
quiet_hours: {from: "3:33", until: "3:34"}
---
question: check
title: How does your roof stand?
text: Two questions, and you know.
quiz:
  - {id: age, text: "How old is it?", choices: [{id: young, text: Under twenty years, points: 3}, {id: old, text: Older, points: 1}]}
  - {id: attic, text: "Is the wood dry?", choices: [{id: dry, text: Dry, points: 3}, {id: wet, text: There are wet places}]}
bands:
  - {id: act, from: 0, text: Have it looked at this month., letter: {id: act, kind: service, subject: "{{ data.score }} of {{ data.most }} points", body: "Mark the wet places."}}
  - {id: calm, from: 4, text: It stands well.}
---
question: trouble
text: What troubles you most about your roof?
choices: [{id: leak, text: Water comes in}, {id: cost, text: What it would cost}]
draw: {winners: 1, prize: a ladder}
closes: "2099-12-31"
---
sequence: asking
audience: {tag: roof}
letters:
  - id: one
    kind: useful
    window: now
    subject: "{{ first_name | default('Hello') }}, one question"
    call_to_action: {question: trouble}
    body: |
      Hello {{ first_name | default('friend') }}, what troubles you most?

      - [Water comes in]({{ answer_url }}/leak)
      - [What it would cost]({{ answer_url }}/cost)
---
sequence: advice
audience: {did: answered, name: trouble, choice: cost}
letters:
  - id: two
    kind: useful
    window: now
    subject: "{{ first_name | default('Hello') }}, two questions"
    call_to_action: {question: check}
    body: "Hello {{ first_name | default('friend') }}, [take the check]({{ answer_url }})."
---
rule: dear
when: {did: answered, name: trouble, choice: cost}
then: [{tag: dear}]
"""
PEOPLE = "email,first_name,locale,tags\n" + "".join(f"p{n}@example.com,Mia{n},{lang},roof\n" for n, lang in enumerate(("en", "ru", "de")))


@pytest.fixture
def installation(tmp_path: Path, smtp_sink: SmtpSink, nursery: Nursery) -> Iterator[Installation]:
    made = Installation(tmp_path, {"NURTURE_SMTP_URL": smtp_sink.url}, nursery)
    yield made
    made.stop()


@pytest.mark.timeout(240)
async def test_from_a_question_in_a_letter_to_its_result(installation: Installation, smtp_sink: SmtpSink, chromium: Browser) -> None:
    (installation.folder / "asking.yaml").write_text(FILES, encoding="utf-8")
    (installation.folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    installation.nurture("apply", "asking.yaml")
    installation.nurture("import", "people.csv", "--enrol", "asking")
    key = json.loads(installation.nurture("keys", "create", "--name", "journey", "--scopes", "all"))["key"]
    api = httpx2.Client(base_url=f"{installation.url}/api/v1", headers={"Authorization": f"Bearer {key}"})
    installation.serve()
    until(lambda: healthy(installation), "the service is ready")
    until(lambda: len(smtp_sink.letters) >= 3, "three letters")
    first = {n: link(smtp_sink.to(f"p{n}@example.com")[0].raw, "a") for n in range(3)}
    assert all(address.endswith("/leak") for address in first.values())

    # a mail filter follows every link of p2's letter, at once, and presses nothing
    for choice in ("leak", "cost"):
        for method in ("HEAD", "GET"):
            address = first[2].replace("/leak", f"/{choice}")
            assert httpx2.request(method, address, headers={"User-Agent": "Mozilla/5.0 (compatible; Barracuda)"}).status_code == 200

    # p0 on a phone without script: presses a choice in the letter, writes a sentence, presses the button
    phone = await chromium.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False, user_agent=FIREFOX)
    page = await phone.new_page()
    await page.goto(first[0].replace("/leak", "/cost"))
    assert await page.get_by_label("What it would cost").is_checked()
    boxes = [await page.locator(what).bounding_box() for what in ("textarea", "fieldset")]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["y"] < boxes[1]["y"]
    await page.get_by_label("In your own words").fill("The price of slate\nis out of reach")
    await page.get_by_label("you may name me").fill("Mia from Riga")
    await shot(page, "answer-phone-noscript")
    await page.get_by_role("button", name="Send my answer").click()
    assert await page.get_by_role("status").inner_text() == "Thank you"
    assert "Your number in the draw" in await page.inner_text("main")
    await shot(page, "answered-phone-noscript")

    # p1 on a desk with script, in Russian
    desk = await chromium.new_context(viewport={"width": 1280, "height": 900}, user_agent=FIREFOX)
    page = await desk.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    await page.goto(first[1])
    assert await page.locator("html").get_attribute("lang") == "ru"
    await page.get_by_label("Water comes in").check()
    await shot(page, "answer-desk")
    await page.get_by_role("button", name="Отправить ответ").click()
    assert await page.get_by_role("status").inner_text() == "Спасибо"
    assert said == []

    # what follows: the rule's tag, the class, the letter that asks for the answer, the quiz in it and the letter of advice
    def person(n: int) -> dict[str, Any]:
        return api.get("/subscribers", params={"email": f"p{n}@example.com"}).json()["data"][0]  # type: ignore[no-any-return]

    until(lambda: person(0)["tags"] == ["dear", "roof"], "the rule gives its tag")
    assert person(1)["tags"] == ["roof"]
    until(lambda: [person(n)["engagement"] for n in range(3)] == ["active", "active", "new"], "those who answered are active")
    until(lambda: len(smtp_sink.to("p0@example.com")) == 2, "the second letter goes to the one who chose `cost`")
    page = await phone.new_page()
    await page.goto(link(smtp_sink.to("p0@example.com")[1].raw, "a"))
    await page.get_by_label("Older").check()
    await page.get_by_label("There are wet places").check()
    await shot(page, "quiz-phone-noscript")
    await page.get_by_role("button", name="Send my answer").click()
    told = await page.inner_text("main")
    assert all(words in told for words in ("You have 1 of 6 points", "Have it looked at this month", "on its way to your mailbox"))
    advice = until(lambda: smtp_sink.to("p0@example.com")[2:], "the letter of advice")
    assert b"Subject: 1 of 6 points" in advice[0].raw
    assert [len(smtp_sink.to(f"p{n}@example.com")) for n in (1, 2)] == [1, 1]

    until(lambda: api.get("/reports/questions/trouble").json()["machines"] >= 4, "the filter's hits are judged")
    result = api.get("/reports/questions/trouble").json()
    assert {line["id"]: line["people"] for line in result["lines"]} == {"leak": 1, "cost": 1}
    assert (result["asked"], result["people"], result["own_words"]) == (3, 2, 1)
    assert "The price of slate\nis out of reach" in {line["text"] for line in api.get("/questions/trouble/answers").json()["data"]}
    await phone.close()
    await desk.close()
