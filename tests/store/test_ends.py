"""A process that ends with an error ends: no thread of a connection that is still open keeps it."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import asyncio, sys
from nurture.store.database import connect
async def main():
    db = connect(sys.argv[1])
    async with db.read() as tx:
        await tx.exec_driver_sql("SELECT 1")
    await db.alone("CREATE TABLE t (n)", ())
    raise SystemExit(3)
asyncio.run(main())
"""


def test_a_process_ends_with_connections_open(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, f"sqlite:///{tmp_path / 'a.db'}"], timeout=30, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 3
