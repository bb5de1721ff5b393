"""docs/compose.yaml agrees with the image, the settings and the commands there are; no container engine runs here to say so itself."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from nurture.cli.session import build
from nurture.settings import PREFIX, load_settings

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "compose.yaml"
TEXT = FILE.read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("web", "worker")
DOCKERFILE = (ROOT / "Dockerfile").read_text()
GIVEN = {
    "POSTGRES_PASSWORD": "0123abcd", "NURTURE_SECRET_KEY": "k" * 44, "NURTURE_BASE_URL": "https://letters.example.com",
    "NURTURE_SMTP_URL": "smtp://u:p@mail.example.com:587?tls=starttls",
}  # fmt: skip


def filled(value: str) -> str:
    """As compose fills in variables: `:?` must be given, `:-` has a default."""

    def one(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        return GIVEN[name] if kind == ":?" else GIVEN.get(name, rest)

    return re.sub(r"\$\{([A-Z_]+)(:[?-])([^}]*)\}", one, value)


def test_only_known_words_at_the_top_and_every_named_volume_is_declared() -> None:
    assert set(COMPOSE) == {"name", "x-nurture", "services", "volumes"}
    used = {v.split(":")[0] for service in SERVICES.values() for v in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


def test_the_image_is_built_from_the_dockerfile_that_is_here() -> None:
    for name in OURS:
        made = SERVICES[name]["build"]
        assert (FILE.parent / made["context"]).resolve() == ROOT
        assert (ROOT / made["dockerfile"]).is_file()
    assert "VOLUME /data" in DOCKERFILE
    assert all(SERVICES[name]["volumes"] == ["data:/data"] for name in OURS), "one spool, one mark, one set of DKIM keys"
    assert SERVICES["web"]["ports"][0].endswith(":8000")
    assert "EXPOSE 8000" in DOCKERFILE


@pytest.mark.parametrize("name", OURS)
def test_its_environment_makes_valid_settings(name: str) -> None:
    environment = {key: filled(value) for key, value in SERVICES[name]["environment"].items()}
    assert all(key.startswith(PREFIX) for key in environment)
    settings = load_settings(environment | {"NURTURE_DATA_DIR": "/data"})  # as the image sets it
    assert settings.url == "postgresql://nurture:0123abcd@postgres/nurture"
    assert settings.redis_url == "redis://redis:6379/0"
    assert settings.secret_key == GIVEN["NURTURE_SECRET_KEY"]
    assert settings.log_format == "json"


@pytest.mark.parametrize("name", OURS)
def test_its_command_exists_with_its_options(name: str) -> None:
    program, command, *rest = SERVICES[name]["command"]
    found: Any = get_command(build()).commands[command]  # type: ignore[attr-defined]
    assert program == "nurture"
    found.make_context(command, list(rest))


def test_databases_are_healthy_before_we_start_and_a_worker_is_not_asked_for_pages() -> None:
    for name in OURS:
        assert {other: how["condition"] for other, how in SERVICES[name]["depends_on"].items()} == {
            "postgres": "service_healthy", "redis": "service_healthy",
        }  # fmt: skip
    for name in ("postgres", "redis"):
        check = SERVICES[name]["healthcheck"]
        assert set(check) == {"test", "interval", "timeout", "retries"}
        assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert SERVICES["worker"]["healthcheck"] == {"disable": True}
    assert "HEALTHCHECK" in DOCKERFILE
    assert "healthcheck" not in SERVICES["web"]


def test_no_secret_is_written_in_it_and_what_must_be_given_is_told_in_the_docs() -> None:
    asked = re.findall(r"\$\{([A-Z_]+):\?", TEXT)
    assert set(asked) == set(GIVEN)
    operations = (ROOT / "docs" / "operations.md").read_text()
    assert {name for name in asked if name not in operations} == set()
    assert "docs/compose.yaml" in operations
    postgres = SERVICES["postgres"]["environment"]
    assert filled(postgres["POSTGRES_PASSWORD"]) == "0123abcd"
    assert (postgres["POSTGRES_USER"], postgres["POSTGRES_DB"]) == ("nurture", "nurture")


def test_a_stop_leaves_time_for_what_is_on_the_wire() -> None:
    from nurture.cli.serving import STOP_SECONDS  # noqa: PLC0415 - heavy

    assert all(int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > STOP_SECONDS for name in OURS)
