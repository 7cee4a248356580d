"""Does what it is asked to do with everything that a service can have, and answers what came of that."""

import asyncio
import contextlib
import logging
import os
import threading
from typing import Any

from eyespot.kernel.errors import EyespotError
from eyespot.sdk import Service
from eyespot.sdk.view_client import ViewClient

log = logging.getLogger("probe")


class Probe(Service):
    verbs = ("facts", "look", "infer", "switch", "count", "request", "fill", "crowd", "hoard", "chatter", "quit")

    def on_start(self) -> None:
        file = self.scratch / "lives"
        self.lives = int(file.read_text()) + 1 if file.exists() else 1
        file.write_text(str(self.lives))
        self.seen: dict[str, list[Any]] = {}
        self.heard: list[str] = []
        self.limits = [self.settings.limit]
        log.warning("life %d begins", self.lives)

    def on_stop(self) -> None:
        log.warning("life %d ends in order", self.lives)

    def on_frame(self, view: str, frame: Any) -> None:
        self.seen[view] = [list(frame.pixels.shape), str(frame.pixels.dtype), int(frame.pixels.max()) > 0]
        if view == "scene":
            self.scene = frame.pixels

    def on_event(self, event: Any) -> None:
        self.heard.append(f"event {event.label}")

    def on_tracks(self, tracks: Any) -> None:
        self.heard.append(f"tracks {tracks.camera}")

    def on_config(self, settings: Any) -> None:
        self.limits.append(settings.limit)

    async def on_request(self, verb: str, body: Any) -> Any:
        try:
            return {"gave": await getattr(self, f"do_{verb}")(**(body or {}))}
        except EyespotError as error:
            return {"refused": error.kind.name}

    async def do_facts(self) -> dict[str, Any]:
        told = {"lives": self.lives, "limits": self.limits, "seen": self.seen, "heard": self.heard}
        return {**told, "cameras": self.cameras, "pid_namespace": os.stat("/proc/self/ns/pid").st_ino}

    async def do_look(self, view: str) -> list[int]:
        """Open a view by hand, past what the SDK does by itself."""
        client = await asyncio.to_thread(ViewClient, self._link._place.run / "frames.sock", view)
        client.close()
        return [client.view.width_px, client.view.height_px]

    async def do_infer(self, package: str) -> list[list[int]]:
        picture = self.scene
        mean = (await self.infer(package, picture))["mean"][0]
        return [[round(float(one)) for one in values] for values in (mean, picture.reshape(-1, 3).mean(axis=0))]

    async def do_switch(self, output: str) -> None:
        await self.output(output).pulse(5)

    async def do_count(self, event: str) -> None:
        self.emit("count", n=1, event=event)

    async def do_request(self, subject: str) -> None:
        """Say something on a subject, past what the SDK lets through."""
        await self._link._bus.request(subject, b"{}", 0.3)

    async def do_fill(self, most_mb: int) -> int:
        """MB that fit into its storage."""
        written = 0
        with contextlib.suppress(OSError), (self.scratch / "fill").open("wb", buffering=0) as file:
            while written < most_mb << 20:
                written += file.write(b"x" * 65536)
        (self.scratch / "fill").unlink()
        return written >> 20

    async def do_crowd(self, most: int) -> int:
        """Threads that it can start."""
        done, threads = threading.Event(), []
        with contextlib.suppress(RuntimeError):
            while len(threads) < most:
                thread = threading.Thread(target=done.wait)
                thread.start()
                threads.append(thread)
        done.set()
        for thread in threads:
            thread.join()
        return len(threads)

    async def do_hoard(self, most_mb: int) -> None:
        """Take memory, after the answer."""
        asyncio.get_running_loop().call_later(0.2, lambda: [b"x" * (1 << 20) for _ in range(most_mb)])

    async def do_chatter(self, kb: int) -> None:
        for _ in range(kb):
            log.warning("x" * 1000)

    async def do_quit(self) -> None:
        asyncio.get_running_loop().call_later(0.2, _leave)


def _leave() -> None:
    raise SystemExit(3)
