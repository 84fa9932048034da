"""An answer that goes on until its reader has gone."""

from __future__ import annotations

import asyncio

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class Stream(StreamingResponse):
    """Ends as soon as the client leaves.

    The library's own way there is a task group of anyio, which would load another event loop's worth of code (1 MB).
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        said = asyncio.create_task(self.stream_response(send))
        gone = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait({said, gone}, return_when=asyncio.FIRST_COMPLETED)
            if said.done():
                said.result()
        finally:
            said.cancel()
            gone.cancel()
            await asyncio.wait({said, gone})
