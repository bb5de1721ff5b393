"""One import in a process of its own, to be killed: `python -m tests.support.import_run URL FILE ERRORS`.

Prints a JSON line after each chunk ({"rows", "rss"}, MiB) and one at the end ({"result", "rss"}).
"""

import asyncio
import json
import resource
import sys
from dataclasses import asdict
from pathlib import Path

from nurture.services.importing import Progress, import_csv
from nurture.store.database import connect
from tests.support.people import NOW


def _rss() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _say(progress: Progress) -> None:
    print(json.dumps({"rows": progress.rows, "rss": _rss()}), flush=True)


async def _main(url: str, file: str, errors: str) -> None:
    db = connect(url)
    result = await import_csv(db, Path(file), now=NOW, errors_path=Path(errors), progress=_say)
    await db.close()
    print(json.dumps({"result": asdict(result), "rss": _rss()}), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
