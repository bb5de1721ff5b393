"""What the log of a service may say: where an error happened, never the values it happened with."""

from pathlib import Path

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from nurture.cli.working import configure_logs
from nurture.settings import load_settings
from nurture.store.database import Database


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_traceback_shows_no_local_variables(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    try:
        configure_logs(load_settings({"NURTURE_DATA_DIR": str(tmp_path), "NURTURE_LOG_FORMAT": form}))
        address = "anna@example.com"
        try:
            int("not a " + "number")
        except ValueError:
            structlog.get_logger().exception("job failed", job="send")
    finally:
        structlog.configure(**before)
    said = capsys.readouterr().err
    assert address not in said
    assert "job failed" in said
    assert "ValueError" in said
    assert "test_logs.py" in said


async def test_an_error_of_the_database_shows_no_values(db: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with db.read() as tx:
            await tx.execute(text("SELECT nothing FROM nowhere WHERE email = :email"), {"email": "anna@example.com"})
    assert "nowhere" in str(caught.value)
    assert "anna@example.com" not in str(caught.value)


async def test_a_commit_is_on_the_disk_whatever_the_server_was_told(db: Database) -> None:
    async with db.read() as tx:
        if db.sqlite:
            assert (await tx.execute(text("PRAGMA synchronous"))).scalar() == 2
            return
        name = (await tx.execute(text("SELECT current_database()"))).scalar()
        await tx.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
        await tx.commit()
    await db.engine.dispose()
    for _ in range(2):
        async with db.read() as tx:
            assert (await tx.execute(text("SHOW synchronous_commit"))).scalar() == "on"
