"""Campaigns whose letters are drawn, simulated by the production services and judged by the independent checker."""

from datetime import UTC, date, datetime, timedelta

from nurture.definitions.loading import load_text
from nurture.simulation.world import simulate

START = datetime(2026, 3, 2, tzinfo=UTC)
HELLO = "body: \"Hello {{ first_name | default('there') }}, what do you think?\"\ncall_to_action: reply\n"
FILES = f"""segment: everybody
where: {{tag: reader}}
---
letter: one
kind: useful
subject: One
{HELLO}---
letter: two
kind: useful
subject: Two
{HELLO}---
campaign: lent
segment: everybody
schedule: {{weekly: mon}}
letters: library
---
campaign: posts
segment: everybody
schedule: {{weekly: wed}}
feed: https://example.com/feed.xml
letter:
  id: posts
  kind: news
  subject: "{{{{ items[0].title }}}}"
  call_to_action: reply
  body: "{{% for item in items %}}[{{{{ item.title }}}}]({{{{ item.link }}}}) {{% endfor %}}"
---
campaign: tested
segment: everybody
schedule: {{at: "2026-03-19 10:00"}}
letter:
  id: tested
  kind: news
  subject: A
  {HELLO.replace(chr(10), chr(10) + "  ").strip()}
variants: [{{subject: B}}]
test: {{share: 40%, then: winner, within: 1d}}
holdout: 20%
"""


async def test_every_source_is_simulated_and_no_rule_is_broken() -> None:
    loaded = load_text(FILES)
    assert not loaded.errors, loaded.errors
    lived = await simulate(loaded.documents, weeks=4, people=20, seed=3, start=START, stay=True)
    assert lived.violations() == []
    lent = [(d["email"], d["letter"]) for d in lived.deliveries if d["sequence"] == "lent"]
    assert len(lent) == len(set(lent)) == 40
    assert {letter for _, letter in lent} == {"one/one", "two/two"}
    posts = [d for d in lived.deliveries if d["letter"] == "posts/posts"]
    assert len(posts) == 80
    tested = [d for d in lived.deliveries if d["letter"] == "tested/tested"]
    assert 10 <= len(tested) < 20, "all but those held out"
    days = {date.fromisoformat(d["local"][:10]) - date(2026, 3, 19) for d in tested}
    assert timedelta(0) in days
    assert max(days) > timedelta(0), "the rest waited for the test"
