"""How long and how large a request may be before it is one: uvicorn's own protocol waits for ever and takes any head.

A head ends within HEAD_WITHIN seconds and HEAD_MOST bytes; a body brings LEAST bytes in every STILL seconds, or ends. What the service
itself does not take in yet - an import that it is busy with - is nobody's slowness.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_MOST = 64 * 1024
HEAD_WITHIN = 20.0
LEAST, STILL = 4 * 1024, 20.0


class Listener(HttpToolsProtocol):
    _due: asyncio.TimerHandle | None = None
    _open = True  # a head is awaited or has begun
    _head = _came = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_more()

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.is_closing():
            return
        self._came += len(data)
        cycle, was_open = self.cycle, self._open
        self._open = cycle is None or cycle.scope is not self.scope
        self._head = self._head + len(data) if was_open and self._open else 0
        if was_open and not self._open:
            self._settle()  # the body has its own time
        if self._head > HEAD_MOST:
            self.send_400_response("The head of this request is too long.")
        elif self._open or cycle.more_body or (cycle.response_complete and self.timeout_keep_alive_task is None):
            if self._due is None:
                self._await_more()
        else:
            self._settle()

    def _await_more(self) -> None:
        self._came = 0
        self._due = self.loop.call_later(HEAD_WITHIN if self._open else STILL, self._late)

    def _settle(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _late(self) -> None:
        if not self._open and (self._came >= LEAST or self.flow.read_paused):
            self._await_more()
        else:
            self._due = None
            self.transport.close()
