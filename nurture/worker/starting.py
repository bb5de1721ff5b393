"""Before the first letter: what looks wrong halts; and what `nurture resume` says to it."""

import gc

from nurture.bootstrap import App
from nurture.store.claims import last_hand_off
from nurture.store.mark import Mark, behind, read_mark, write_mark
from nurture.store.throttles import open_throttles
from nurture.store.workers import newest_start
from nurture.store.workspace import halt, load_workspace, resume
from nurture.worker.clock import CLOCK_OFF


async def check_start(app: App) -> str | None:
    """Halt before the first letter where the past looks wrong: a restored backup, times from the future. Returns the reason in force."""
    folder, now = app.settings.data_dir, app.clock()
    mark = read_mark(folder)  # before the database: another worker may commit a claim, and tell the mark of it, at any moment
    async with app.db.write() as tx:
        workspace = await load_workspace(tx)
        newest = await newest_start(tx)
        stands = await last_hand_off(tx, mark.handed.row) if mark and mark.handed else None
        reason = behind(mark, workspace.identity, workspace.claims, stands)
        if reason is None and newest is not None and newest > now + CLOCK_OFF:
            reason = f"the database holds times from the future ({newest.isoformat()}); set this machine's clock, then run `nurture resume`"
        if reason:
            await halt(tx, reason)
        return workspace.halted or reason


async def accept_past(app: App) -> str | None:
    """`nurture resume`: go on from where the database stands, and try at once what rests. Returns what had halted it."""
    async with app.db.write() as tx:
        reason = await resume(tx)
        rested = [name.partition(":")[2] for name in await open_throttles(tx)]
        workspace = await load_workspace(tx)
    write_mark(app.settings.data_dir, Mark(workspace.identity, workspace.claims))
    return reason or (f"{', '.join(rested)} refused the sender" if rested else None)


def spare_the_collector() -> None:
    """What is loaded lives as long as the worker: looking through it again took a fifth of the time of planning. And batches make thousands
    of values that hold no circles: looking for them after every 700 took a fifteenth.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
