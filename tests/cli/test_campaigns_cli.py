"""Campaigns at the command line: preflight, preview, send-test, result, resend, as a marketer meets them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nurture.cli.session import build
from nurture.domain.errors import NurtureError
from nurture.store.database import connect
from tests.support.people import add_people

PROGRAMME = """segment: readers
where: {tag: roof}
---
campaign: spring
segment: readers
letter:
  id: one
  kind: news
  subject: "{{ first_name | default('Hello') }}, spring"
  call_to_action: https://example.com/spring
  body: "Hello {{ first_name | default('you') }}, [come](https://example.com/spring)"
"""


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NURTURE_DATA_DIR", str(tmp_path / "data"))
    for name in ("NURTURE_DATABASE_URL", "NURTURE_REDIS_URL", "NURTURE_SMTP_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def nurture(*arguments: object) -> Any:
    return CliRunner().invoke(build(), [str(a) for a in arguments])


async def _people(folder: Path) -> None:
    db = connect(f"sqlite:///{folder / 'data' / 'nurture.db'}")
    await add_people(db, "a@example.com", "b@example.com", tags=("roof",), first_name="Ann")
    await db.close()


def test_a_campaign_from_its_file_to_its_result(tmp_path: Path) -> None:
    file = tmp_path / "spring.yaml"
    file.write_text(PROGRAMME)
    assert nurture("apply", file).exit_code == 0
    asyncio.run(_people(tmp_path))
    looked = nurture("campaign", "preflight", "spring")
    assert looked.exit_code == 0, looked.output
    assert "2 in the segment; the letter is next for 2." in looked.output
    assert looked.output.endswith("Ready to start.\n")
    assert json.loads(nurture("campaign", "preflight", "spring", "--json").output)["reached"] == 2
    assert "base URL" not in looked.output, "the net is asked only where that is wanted"
    assert "base URL: " in nurture("campaign", "preflight", "spring", "--network").output
    seen = nurture("preview", "spring", "--for", "a@example.com", "--html", tmp_path / "seen.html")
    assert "Subject: Ann, spring\n" in seen.output
    assert "https://example.com/spring" in (tmp_path / "seen.html").read_text()
    tried = nurture("send-test", "spring/one", "--to", "me@example.org")
    assert tried.output == '"[Test] Anna, spring" captured for me@example.org: 250 captured\n'
    assert nurture("campaign", "start", "spring").exit_code == 0
    assert "0 people: 0 sent, 0 waiting, 0 without it" in nurture("campaign", "result", "spring").output
    assert json.loads(nurture("campaign", "result", "spring", "--json").output)["occasions"][0]["sent"] == 0
    assert "has sent nothing" in str(nurture("campaign", "resend", "spring").exception)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("campaign", "preflight", "x"), "There is no campaign 'x'"),
        (("campaign", "result", "x"), "There is no campaign 'x'"),
        (("campaign", "resend", "x"), "There is no campaign 'x'"),
        (("campaign", "resend", "x", "--after", "soon"), "--after: 'soon' is not a duration"),
        (("preview", "x"), "There is no letter or campaign 'x'"),
        (("send-test", "x", "--to", "me@example.org"), "There is no letter or campaign 'x'"),
    ],
)
def test_what_is_not_there_says_so(arguments: tuple[str, ...], says: str) -> None:
    done = nurture(*arguments)
    assert isinstance(done.exception, NurtureError)
    assert says in done.exception.message
