"""`nurture doctor` through the command line: what it shows, how it ends, that it changes nothing."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nurture.cli.session import build
from tests.support.names import NameServer
from tests.support.smtp import SmtpSink

POLICY = """policy: default
sender: {name: Anna, address: anna@example.com}
postal_address: 1 Main Street, Town
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name_server: NameServer) -> Path:
    folder = tmp_path / "data"
    for name, value in (("DATA_DIR", str(folder)), ("DNS_SERVER", name_server.place), ("BASE_URL", "http://127.0.0.1:9")):
        monkeypatch.setenv(f"NURTURE_{name}", value)
    return folder


def test_a_fresh_folder_is_looked_at_and_left_alone(data: Path) -> None:
    done = CliRunner().invoke(build(), ["doctor"])
    assert done.exit_code == 1
    assert "FAIL  database    There is no database" in done.stdout
    assert "1 to mend." in done.stdout.splitlines()[-1]
    assert max(map(len, done.stdout.splitlines())) < 140
    assert not data.exists()


def test_the_whole_of_an_installation(
    data: Path, tmp_path: Path, smtp_sink: SmtpSink, name_server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = CliRunner()
    (tmp_path / "policy.yaml").write_text(POLICY)
    assert runner.invoke(build(), ["apply", str(tmp_path / "policy.yaml")]).exit_code == 0
    done = runner.invoke(build(), ["doctor", "--json"])
    told = json.loads(done.stdout)
    assert (done.exit_code, told["ok"]) == (1, False)
    levels = {finding["check"]: finding["level"] for finding in told["findings"]}
    assert (levels["policy"], levels["relay"], levels["SPF"], levels["DMARC"], levels["MX"]) == ("ok", "warn", "fail", "fail", "fail")
    (key,) = json.loads(runner.invoke(build(), ["dkim", "new", "--domain", "example.com", "--selector", "a", "--kind", "ed25519", "--json"]).stdout)
    name_server.publish({
        "example.com": {"TXT": ["v=spf1 ip4:127.0.0.1 -all"], "MX": ["5 mx.example.com."]},
        "_dmarc.example.com": {"TXT": ["v=DMARC1; p=none; rua=mailto:a@example.com"]}, key["name"]: {"TXT": [key["text"]]},
    })  # fmt: skip
    assert runner.invoke(build(), ["dkim", "use", "a"]).exit_code == 0
    done = runner.invoke(build(), ["doctor"])
    assert (done.exit_code, "0 to mend" in done.stdout) == (0, True), done.stdout
    assert "ok    DKIM a" in done.stdout
    monkeypatch.setenv("NURTURE_SMTP_URL", smtp_sink.url)
    done = runner.invoke(build(), ["doctor"])
    assert "FAIL  base URL" in done.stdout
    assert "ok    SPF relay" in done.stdout
    assert "1 to mend" in done.stdout
    assert smtp_sink.letters == []
