"""The bench of stages is no part of `make test`; that it still knows the worker's steps is."""

from datetime import UTC, datetime
from pathlib import Path

from nurture.store.database import connect
from tests.bench.stages import work_by_stage
from tests.support.full_outbox import fill
from tests.support.smtp import SmtpSink


async def test_each_stage_is_known(tmp_path: Path, smtp_sink: SmtpSink) -> None:
    url = f"sqlite:///{tmp_path / 'nurture.db'}"
    db = connect(url)
    await fill(db, 600, 250, datetime.now(UTC))
    await db.close()
    spent = await work_by_stage(url, smtp_sink.url, sessions=4)
    assert [*spent] == ["claim", "render", "intent", "wire", "results"]
    assert min(spent.values()) > 0
