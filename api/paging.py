"""Lists come in pages: `{"data": [...], "next": "..."}`; the cursor of the next page goes into `?cursor=`, null ends the list."""

import base64
import binascii
import contextlib
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel

from nurture.domain.errors import NurtureError

T = TypeVar("T")
LIMIT = 100
LIMIT_MOST = 1000


class Page(BaseModel, Generic[T]):
    data: list[T]
    next: str | None = None


class Cursor:
    """`after`: the id of the last line seen."""

    def __init__(
        self,
        request: Request,
        response: Response,
        cursor: Annotated[str | None, Query(description="`next` of the page before; without it the list begins.", max_length=100)] = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MOST, description="Lines on a page.")] = LIMIT,
    ) -> None:
        self._request = request
        self._response = response
        self.limit = limit
        self.after = _read(cursor) if cursor else 0

    def page(self, lines: Sequence[T], key: Callable[[T], int]) -> Page[T]:
        """A page of lines fetched with `limit + 1`: one too many says that there is more."""
        shown = list(lines[: self.limit])
        following = _write(key(shown[-1])) if len(lines) > self.limit and shown else None
        if following:
            url = self._request.url.include_query_params(cursor=following)
            self._response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
        return Page(data=shown, next=following)


def _write(after: int) -> str:
    return base64.urlsafe_b64encode(f"a{after}".encode()).decode().rstrip("=")


def _read(text: str) -> int:
    found = None
    with contextlib.suppress(binascii.Error, ValueError):
        found = re.fullmatch(r"a(\d{1,18})", base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii"))
    if found is None or _write(int(found[1])) != text:
        raise NurtureError("this cursor is not one of ours; take it from `next` of the page before")
    return int(found[1])


Paging = Annotated[Cursor, Depends(Cursor)]
