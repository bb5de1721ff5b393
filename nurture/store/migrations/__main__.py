"""Write the next migration from what the tables say: `python -m nurture.store.migrations "what it does"`. Read it before you commit it."""

import asyncio
import sys

from alembic import command
from sqlalchemy import Connection

from nurture.store.database import connect
from nurture.store.schema import config, migrate


def _write(connection: Connection, message: str) -> None:
    settings = config()
    settings.attributes["connection"] = connection
    scripts = list((connection.exec_driver_sql("SELECT version_num FROM alembic_version")).scalars())
    number = int(scripts[0]) + 1 if scripts else 1
    command.revision(settings, message=message, autogenerate=True, rev_id=f"{number:04}")


async def _main(message: str) -> None:
    db = connect("sqlite://")
    await migrate(db)
    async with db.engine.connect() as connection:
        await connection.run_sync(_write, message)
    await db.close()


if __name__ == "__main__":
    asyncio.run(_main(" ".join(sys.argv[1:]) or "change"))
