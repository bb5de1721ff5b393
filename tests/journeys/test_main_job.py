"""The main job, outside in: YAML -> import -> plan -> a real SMTP server -> a click, a leaving by POST -> class and report.

On SQLite with the embedded runner, and at the same time on PostgreSQL with Redis and arq: most of it is waiting. No mock.
"""

import contextlib
import email
import email.policy
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.databases import fresh_postgres
from tests.support.smtp import SinkMaker, SmtpSink
from tests.support.worker_process import Nursery

FILES = """\
policy: default
sender: {name: "Anna Grün", address: anna@example.com, reply_to: anna@example.com}
postal_address: Roof School, Dachgasse 1, Berlin
timezone: Europe/Berlin
topics: {roofs: Roof letters}
gap: 12s
cap: 9
quiet_hours: {from: "3:33", until: "3:34"}
---
sequence: school
audience: {tag: roof}
topic: roofs
mix: 3:1
letters:
  - id: hello
    kind: useful
    window: now
    subject: "{{ first_name | default('Hello') }}, fünf Fragen zum Dach"
    preheader: Ten minutes now
    call_to_action: https://example.com/five-questions
    body: |
      Hello {{ first_name | default('friend') }}, here are [five questions](https://example.com/five-questions?who={{ email }}).
  - id: second
    kind: useful
    window: any
    after: 0s
    subject: "{{ first_name | default('Hello') }}, and one more"
    preheader: One more
    call_to_action: reply
    body: |
      Hello {{ first_name | default('friend') }}, this is the second one. Reply to me.
"""
PEOPLE = "email,first_name,timezone,tags\n" + "".join(f"p{n}@example.com,Zoë{n},Pacific/Auckland,roof\n" for n in range(6))
SOON = 45.0


class Installation:
    """One installation in a folder: its settings, its commands, its running service. A command is a process that needs not load Nurture
    first (tests/support/nursery.py); the service and its worker are started as an operator would.
    """

    def __init__(self, folder: Path, settings: dict[str, str], nursery: Nursery) -> None:
        self.folder, self._nursery = folder, nursery
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        own = {"NURTURE_DATA_DIR": str(folder / "data"), "NURTURE_BASE_URL": self.url, "NURTURE_SWEEP": "1s", "NURTURE_SETTLES": "2s"}
        clean = {k: v for k, v in os.environ.items() if not k.startswith("NURTURE_")}
        self.settings = own | settings
        self.environment = clean | self.settings
        self.service: subprocess.Popen[bytes] | None = None

    def nurture(self, *arguments: str) -> str:
        out, log = self.folder / "out.txt", self.folder / "log.txt"
        process = self._nursery.start(self.settings, log, arguments=arguments, folder=str(self.folder), out=str(out))
        code = process.wait(120)
        assert code == 0, out.read_text() + log.read_text()
        return out.read_text()

    def serve(self) -> None:
        log = (self.folder / "serve.log").open("wb")
        command = [sys.executable, "-m", "nurture", "serve", "--port", str(self.port)]
        self.service = subprocess.Popen(command, env=self.environment, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT)

    def stop(self) -> None:
        if self.service:
            self.service.terminate()
            self.service.wait(40)


def until(found: Callable[[], Any], what: str, seconds: float = SOON) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = found()
        if answer:
            return answer
        time.sleep(0.2)
    pytest.fail(f"not within {seconds} s: {what}")


@pytest.fixture
def installations(
    request: pytest.FixtureRequest, tmp_path: Path, smtp_sinks: SinkMaker, nursery: Nursery
) -> Iterator[list[tuple[Installation, SmtpSink]]]:
    """One on either database; SQLite alone, where the machine has no servers and that is allowed."""
    own: dict[str, dict[str, str]] = {"sqlite": {}}
    with contextlib.suppress(pytest.skip.Exception):
        own["postgres"] = {
            "NURTURE_REDIS_URL": request.getfixturevalue("redis_url"), "NURTURE_SECRET_KEY": "a long secret for the journey",
            "NURTURE_DATABASE_URL": fresh_postgres(request.getfixturevalue("postgres")),
        }  # fmt: skip
    made: list[tuple[Installation, SmtpSink]] = []
    for name, settings in own.items():
        folder, sink = tmp_path / name, smtp_sinks()
        folder.mkdir()
        made.append((Installation(folder, {"NURTURE_SMTP_URL": sink.url} | settings, nursery), sink))
    yield made
    for installation, _ in made:
        installation.stop()


def healthy(installation: Installation) -> bool:
    try:
        return bool(httpx2.get(f"{installation.url}/health/ready").status_code == 200)
    except httpx2.HTTPError:
        return False


def link(message: bytes, path: str) -> str:
    parsed = email.message_from_bytes(message, policy=email.policy.SMTP)
    text = parsed.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    found = re.search(rf"http://127\.0\.0\.1:\d+/{path}/\S+", text)
    assert found, text
    return found[0].rstrip(").>")


@pytest.mark.timeout(240)
def test_from_yaml_to_a_reader_who_clicks_and_one_who_leaves(installations: list[tuple[Installation, SmtpSink]]) -> None:
    with ThreadPoolExecutor(len(installations)) as threads:
        for journey in [threads.submit(main_job, *each) for each in installations]:
            journey.result()


def main_job(installation: Installation, smtp_sink: SmtpSink) -> None:
    (installation.folder / "school.yaml").write_text(FILES, encoding="utf-8")
    (installation.folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    installation.nurture("lint", "school.yaml")
    installation.nurture("apply", "school.yaml")
    counts = json.loads(installation.nurture("import", "people.csv", "--enrol", "school", "--json"))
    assert (counts["added"], counts["errors"]) == (6, [])
    key = json.loads(installation.nurture("keys", "create", "--name", "journey", "--scopes", "all"))["key"]
    api = {"Authorization": f"Bearer {key}"}
    installation.serve()
    until(lambda: healthy(installation), "the service is ready")

    until(lambda: len(smtp_sink.letters) >= 6, "six first letters")
    first = {n: smtp_sink.to(f"p{n}@example.com")[0].raw for n in range(6)}
    accepted = time.monotonic()
    _strict(first[1])

    leave = re.search(rb"List-Unsubscribe: <([^>]+)>", first[0])
    assert leave
    forged = {"X-Forwarded-For": "192.0.2.66"}  # nobody is named in NURTURE_TRUSTED_PROXIES
    left = httpx2.post(leave[1].decode(), data={"List-Unsubscribe": "One-Click"}, headers=forged, follow_redirects=False)
    assert left.status_code == 200
    assert httpx2.get(leave[1].decode()).status_code == 200

    time.sleep(max(0.0, 11 - (time.monotonic() - accepted)))  # a first click within ten seconds of the acceptance would be a machine's
    clicked = httpx2.get(link(first[1], "c"), follow_redirects=False, headers={"User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"})
    assert clicked.status_code in (302, 303, 307)
    if clicked.headers["location"].endswith("who="):  # on a busy machine the first look-up may take over 80 ms: once more, with all awake
        clicked = httpx2.get(link(first[1], "c"), follow_redirects=False, headers={"User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"})
    assert clicked.headers["location"] == "https://example.com/five-questions?who=p1%40example.com"

    until(lambda: sum(len(smtp_sink.to(f"p{n}@example.com")) == 2 for n in range(1, 6)) == 5, "the second letters")
    complete = time.monotonic()

    def person(n: int) -> dict[str, Any]:
        return httpx2.get(f"{installation.url}/api/v1/subscribers", params={"email": f"p{n}@example.com"}, headers=api).json()["data"][0]

    assert person(0)["status"] == "unsubscribed"
    kept = httpx2.get(f"{installation.url}/api/v1/subscribers/{person(0)['id']}/data", headers=api).json()
    assert {consent["ip"] for consent in kept["consents"]} == {"127.0.0.1"}
    until(lambda: person(1)["engagement"] == "active", "the one who clicked is active")
    assert person(2)["engagement"] == "new"
    report = json.loads(installation.nurture("report", "--json"))
    assert (report["composition"]["now"]["active"], report["composition"]["unsubscribed"]) == (1, 1)
    why = json.loads(installation.nurture("why", "p1@example.com", "--json"))
    assert {w["letter"] for w in why if w["decision"] == "send"} == {"school/hello", "school/second"}
    assert all(w["reason"] for w in why)

    time.sleep(max(0.0, 3 - (time.monotonic() - complete)))  # nothing more comes, and nothing twice
    assert len(smtp_sink.to("p0@example.com")) == 1
    assert len(smtp_sink.letters) == 11
    assert len({re.search(rb"Message-ID: (\S+)", m.raw)[1] for m in smtp_sink.letters}) == 11  # type: ignore[index]


def _strict(raw: bytes) -> None:
    message = email.message_from_bytes(raw, policy=email.policy.SMTP.clone(raise_on_defect=True))
    assert message["subject"] == "Zoë1, fünf Fragen zum Dach"
    assert re.search(rb"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", raw)
    assert b"\n" not in raw.replace(b"\r\n", b"")
    for part in ("plain", "html"):
        body = message.get_body((part,)).get_content()  # type: ignore[attr-defined]
        assert "Dachgasse 1" in body
        assert "/u/" in body
