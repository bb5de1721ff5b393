"""One import in a process of its own, to be killed: `python -m tests.support.import_run URL FILE ERRORS`.

Prints a JSON line after each chunk ({"rows", "rss"}, MiB) and one at the end ({"result", "rss"}).
"""

import asyncio
import json
import re
import sys
from dataclasses import asdict
from pathlib import Path

from nurture.services.importing import Progress, import_csv
from nurture.store.database import connect
from tests.support.people import NOW


def _rss() -> int:
    """The high-water mark of this process alone, MiB: what getrusage tells begins with that of the parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024  # type: ignore[index]


def _say(progress: Progress) -> None:
    print(json.dumps({"rows": progress.rows, "rss": _rss()}), flush=True)


async def _main(url: str, file: str, errors: str) -> None:
    db = connect(url)
    result = await import_csv(db, Path(file), now=NOW, errors_path=Path(errors), progress=_say)
    await db.close()
    print(json.dumps({"result": asdict(result), "rss": _rss()}), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
