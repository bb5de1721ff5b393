"""`nurture feedback` and `judge`: what they say of raw mails and hits, line by line, as others read it."""

import json
from pathlib import Path

import pytest

from nurture.cli import main

BOUNCE = b"""From: MAILER-DAEMON@example.net
To: bounces@letters.example.com
Subject: Undelivered Mail
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; example.net

Final-Recipient: rfc822; mia@example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 user unknown

Final-Recipient: rfc822; tom@example.org
Action: delayed
Status: 4.4.1
--b--
"""
REPLY = b"From: Mia <mia@example.org>\nSubject: Re: roofs\n\nHow much?\n"


def ran(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str, int]:
    with pytest.raises(SystemExit) as ended:
        main([*words])
    told = capsys.readouterr()
    return told.out, told.err, int(str(ended.value.code or 0))


def test_a_line_for_each_file_and_recipient(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.eml").write_bytes(BOUNCE)
    (tmp_path / "b.eml").write_bytes(REPLY)
    out, _, code = ran(capsys, "feedback", str(tmp_path))
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [{**row, "file": Path(row["file"]).name} for row in rows] == [
        {"file": "a.eml", "kind": "bounce", "recipient": "mia@example.org", "hard": True, "suppress": True,
         "reason": "no such address: 5.1.1 550 5.1.1 user unknown"},
        {"file": "a.eml", "kind": "bounce", "recipient": "tom@example.org", "hard": False, "suppress": False, "reason": "delayed: no words"},
        {"file": "b.eml", "kind": "reply", "recipient": "mia@example.org", "hard": False, "suppress": False, "reason": "a person's own words"},
    ]  # fmt: skip
    out, _, _ = ran(capsys, "feedback", "--json", str(tmp_path))
    assert json.loads(out) == rows


def test_a_missing_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(capsys, "feedback", "nowhere.eml")[1:] == ("there is no nowhere.eml; name files with raw mails, or a folder of them.\n", 1)


def test_hits_of_one_delivery_are_judged_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    browser = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36"
    scan = [{"delivery": 1, "link": n, "links": 7, "agent": browser, "ip": "203.0.113.5", "at": 45 + n / 10, "accepted_at": 0} for n in range(3)]
    person = {"delivery": 1, "link": 1, "links": 7, "agent": "Mozilla/5.0 (iPhone)", "ip": "198.51.100.7", "at": 10_800, "accepted_at": 0}
    other = {"delivery": 2, "link": "leave", "method": "GET", "agent": browser, "at": 9_000, "accepted_at": 0}
    ahead = {"delivery": 3, "link": 2, "agent": browser, "at": 9_000, "accepted_at": 0, "headers": {"Sec-Purpose": "prefetch"}}
    file = tmp_path / "hits.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in [*scan, person, other, ahead]) + "\n")
    out, _, code = ran(capsys, "judge", str(file))
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [row["evidence"] for row in rows] == ["machine"] * 3 + ["human", "machine", "machine"]
    assert rows[3] == person | {"evidence": "human", "reason": "an ordinary click"}


@pytest.mark.parametrize(("line", "told"), [("{", "this is not JSON"), ('{"link": 1}', "at least `delivery` and `at`")])
def test_a_bad_line_is_named(line: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "hits.jsonl"
    file.write_text('{"delivery": 1, "at": 1}\n' + line + "\n")
    out, err, code = ran(capsys, "judge", str(file))
    assert (out, code) == ("", 1)
    assert "line 2" in err
    assert told in err
