"""Everything an operator may set, read once at start from `NURTURE_*`. What marketers decide is the `policy` document instead.

Each field's description is the documentation: `docs/settings.md` and the tests are held against it.
"""

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from nurture.domain.advice import did_you_mean
from nurture.domain.errors import NurtureError
from nurture.domain.scalars import Duration
from nurture.domain.throttles import written_rates
from nurture.domain.warming import WarmUp

PREFIX = "NURTURE_"
LEAST_SECRET = 16
TEST_PREFIX = "NURTURE_TEST_"  # switches of the test run, no settings


Secret = Annotated[str | None, Field(repr=False)]  # or an address that holds one: never in a log


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data_dir: Path = Field(Path("data"), description="Folder of the SQLite database, the secret key, captured letters and the ledger mark.")
    database_url: Secret = Field(None, description="postgresql://... or sqlite:///path; unset: SQLite in the data folder.")
    redis_url: Secret = Field(None, description="redis://...; unset: jobs run embedded in the worker.")
    smtp_url: Secret = Field(
        None, description="smtp://user:pass@host:587?tls=starttls|tls|none, or several by spaces; unset: letters are captured and shown."
    )
    base_url: str = Field("http://127.0.0.1:8000", description="The public address that links in letters begin with.")
    secret_key: Secret = Field(
        None, description="Signs links, seals secrets. Unset on SQLite: made once, kept 0600 in the data folder; required on PostgreSQL."
    )
    secret_key_old: Secret = Field(
        None, description="The key before the last change; links signed with it go on working, secrets sealed with it open."
    )
    sweep: Duration = Field(timedelta(seconds=5), description="How often the worker looks at the tables even when no bell rang.")
    in_flight: int = Field(
        256, ge=2, le=4096, description="Letters of one process between intent and answer: the bound of what a crash leaves unknown."
    )
    lease_silence: Duration = Field(timedelta(seconds=30), description="A worker silent for this long has lost its lease.")
    unknown_grace: Duration = Field(
        timedelta(minutes=10), description="How long an unknown letter waits for proof before the policy applies."
    )
    unknown_policy: Literal["retry_once", "hold"] = Field("retry_once", description="What becomes of a letter whose answer was lost.")
    settles: Duration = Field(
        timedelta(minutes=10), description="How long a verdict on an open or a click may still change before it counts."
    )
    keep_details: Duration = Field(
        timedelta(days=90), ge=timedelta(days=1), description="How long IP addresses and user agents of opens, clicks and visits are kept."
    )
    keep_hits: Duration | None = Field(
        None, ge=timedelta(days=90),
        description="How long opens, clicks and visits of machines and of unknown hands are kept; unset: for ever. What people did stays.",
    )  # fmt: skip
    keep_words: Duration = Field(
        timedelta(days=30), ge=timedelta(days=1), description="How long the words of ended service letters are kept; the row stays."
    )
    keep_ways: Duration | None = Field(
        None, ge=timedelta(days=90),
        description="How long people's ways through occasions of campaigns are kept after their end; unset: for ever. Letters stay.",
    )  # fmt: skip
    smtp_rate: float | None = Field(
        None, gt=0, description="Letters a second for the relay; the plan gives no minute more. Unset: only its own answers slow it."
    )  # fmt: skip
    smtp_domain_rates: str = Field(
        "", description="Letters for single recipient domains: `gmail.com=5/s, web.de=100/m, gmx.net=5000/h`. Others wait for nobody."
    )
    smtp_warm_up: str = Field(
        "", description="Daily ceiling of a new sender, growing: `2026-03-02 200 x1.5 until 50000`. Service letters pass and count."
    )
    smtp_idempotency_header: str = Field(
        "", description="Header with a key fixed for each delivery, for relays that drop repetitions: `Resend-Idempotency-Key`."
    )
    smtp_connections: int = Field(4, ge=1, le=64, description="Open sessions to a relay.")
    smtp_connect_timeout: Duration = Field(timedelta(seconds=60), description="Limit for connecting and the greeting.")
    smtp_command_timeout: Duration = Field(timedelta(minutes=5), description="Limit for each command up to the body.")
    smtp_dot_timeout: Duration = Field(timedelta(minutes=10), description="Limit for the answer after the final dot (RFC 5321 4.5.3.2.6).")
    smtp_verify: bool = Field(True, description="Check the relay's certificate.")
    dkim_dir: Path | None = Field(
        None, description="Folder of the DKIM keys; unset: dkim in the data folder. All processes that send need the same keys."
    )
    dns_server: str | None = Field(
        None, description="Name server that doctor and dkim ask, as 9.9.9.9 or 127.0.0.1:5353; unset: the system's."
    )
    bounce_domain: str | None = Field(
        None, description="Domain whose mail comes back to this service; each letter then has a return address of its own there."
    )
    lmtp_listen: str | None = Field(None, description="Where a local mail server hands over what came back, by LMTP; 127.0.0.1:2424.")
    inbound_ses: str | None = Field(None, description="ARN of the SNS topic (or several, by commas) that tells of bounces of Amazon SES.")
    inbound_mailgun: Secret = Field(None, description="Mailgun's webhook signing key.")
    inbound_sendgrid: str | None = Field(None, description="SendGrid's verification key for its event webhook.")
    inbound_postmark: Secret = Field(None, description="Password in the address of Postmark's webhook.")
    inbound_brevo: Secret = Field(None, description="Password or token of Brevo's webhook.")
    imap_url: Secret = Field(
        None, description="imaps://user:pass@host:993/INBOX; a mailbox with replies and reports, read every minute."
    )
    log_format: Literal["console", "json"] = Field("console", description="How the log is written.")
    public_metrics: bool = Field(False, description="Serve /metrics without a key.")
    webhooks_to_loopback: bool = Field(
        False,
        description="Call webhooks and read feeds on this very machine, also over http, to try them out. Other private addresses never.",
    )
    api_rate: int = Field(200, ge=0, le=100_000, description="Requests a second that one API key may make of one process; 0: any number.")
    trusted_proxies: str = Field("", description="Addresses, separated by commas, whose X-Forwarded-For is believed.")

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str | None) -> str | None:
        if value and not value.startswith(("postgresql://", "sqlite://")):
            raise ValueError("is not understood; write postgresql://user:password@host/name or sqlite:///path")
        return value

    @field_validator("redis_url")
    @classmethod
    def _known_bell(cls, value: str | None) -> str | None:
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("is not understood; write redis://host:6379/0")
        return value

    @field_validator("smtp_domain_rates")
    @classmethod
    def _known_rates(cls, value: str) -> str:
        written_rates(value)
        return value

    @field_validator("smtp_warm_up")
    @classmethod
    def _known_warm_up(cls, value: str) -> str:
        if value:
            WarmUp.read(value)
        return value

    @field_validator("smtp_idempotency_header")
    @classmethod
    def _known_header(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{1,60}", value):
            raise ValueError(f"{value!r} is no name of a header; write it like Resend-Idempotency-Key")
        return value

    @field_validator("bounce_domain")
    @classmethod
    def _a_domain(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", value):
            raise ValueError(f"{value!r} is no domain; write bounces.example.com, in lower case and as A-labels")
        return value

    @field_validator("secret_key")
    @classmethod
    def _hard_to_guess(cls, value: str | None) -> str | None:
        if value and len(value) < LEAST_SECRET:
            raise ValueError(f"has {len(value)} characters, and who guesses it can sign links; make one with: openssl rand -base64 32")
        return value

    @field_validator("base_url")
    @classmethod
    def _known_base(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError(f"{value!r} is not a public address; write https://letters.example.com")
        return value

    @property
    def dkim_folder(self) -> Path:
        return self.dkim_dir or self.data_dir / "dkim"

    @property
    def domain_rates(self) -> Mapping[str, float]:
        """Letters a second by recipient domain."""
        return written_rates(self.smtp_domain_rates)

    @property
    def warm_up(self) -> WarmUp | None:
        return WarmUp.read(self.smtp_warm_up) if self.smtp_warm_up else None

    @property
    def url(self) -> str:
        """The database to open; SQLite in the data folder unless told."""
        return self.database_url or f"sqlite:///{self.data_dir / 'nurture.db'}"


def _plain(rule: str, told: Mapping[str, object], given: object) -> str:
    """The checker's finding in words for an operator; empty where the message is our own."""
    write = {
        "literal_error": told.get("expected"), "int_parsing": "a whole number", "float_parsing": "a number",
        "bool_parsing": "true or false", "greater_than_equal": f"at least {told.get('ge')}", "less_than_equal": f"at most {told.get('le')}",
        "greater_than": f"more than {told.get('gt')}",
    }.get(rule)  # fmt: skip
    return f"{given!r} does not stand here; write {write}" if write else ""


def load_settings(environment: Mapping[str, str] | None = None, **overrides: object) -> Settings:
    """Read `NURTURE_*`; raises NurtureError naming the variable and what to write. Unknown variables are refused."""
    given = os.environ if environment is None else environment
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in given:
        if name.startswith(PREFIX) and name not in known and not name.startswith(TEST_PREFIX):
            raise NurtureError(f"{name} is not a setting{did_you_mean(name, known) or '; see docs/settings.md for the list.'}")
    values: dict[str, object] = {n: given[PREFIX + n.upper()] for n in Settings.model_fields if given.get(PREFIX + n.upper())}
    try:
        return Settings.model_validate(values | overrides)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        message = str(first.get("ctx", {}).get("error", first["msg"]))
        message = _plain(first["type"], first.get("ctx", {}), first["input"]) or message
        raise NurtureError(f"{PREFIX}{field.upper()}: {message}") from error
