"""Looks at frames, until its settings make it wait for ever in one of them, with its heartbeat going on."""

import asyncio

from eyespot.sdk import Service
from eyespot.sdk.ring_reader import RingFrame


class Watcher(Service):
    seen = 0

    async def on_frame(self, view: str, frame: RingFrame) -> None:
        if not self.seen:
            print("sees", view, flush=True)
        self.seen += 1
        if self.settings.wait:
            print("waits", flush=True)
            await asyncio.Event().wait()
