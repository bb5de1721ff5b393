"""Long work in short pieces: one thread serves the relay, the ledger and the pages, and none of them should wait for a whole batch."""

from collections.abc import AsyncIterator, Generator, Sequence
from types import coroutine
from typing import TypeVar

T = TypeVar("T")


@coroutine
def give_way() -> Generator[None, None, None]:
    """Let the loop hear what has come in, and let those speak who waited for it. In one turn it would be heard and not answered: who
    goes on with his work has stood in the queue for longer.

    A turn is a bare `yield`, as in asyncio.sleep(0), which asks for it from two calls further down.
    """
    yield
    yield


async def in_pieces(rows: Sequence[T], size: int) -> AsyncIterator[Sequence[T]]:
    """So many rows at a time, others having their turn in between."""
    for start in range(0, len(rows), size):
        if start:
            await give_way()
        yield rows[start : start + size]
