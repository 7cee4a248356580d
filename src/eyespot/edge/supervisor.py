"""`eyespot camera run`: starts the host's processes in order, keeps them running, and stops them in reverse order.

Must stay small and certain: it imports nothing that decodes, infers or serves. A death is an event of kind ``process``
that lasts until the process reports again. One that says nothing any more is killed, which makes it such a death.
"""

import asyncio
import contextlib
import hashlib
import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from eyespot.bus import nats, server, subjects
from eyespot.bus.contract import Bus
from eyespot.contracts.event import Event
from eyespot.contracts.service_access import ServiceUsers
from eyespot.contracts.status import StatusMessage
from eyespot.edge.child import Child, ChildSpec, exit_text
from eyespot.edge.config_file import load_config
from eyespot.edge.events.store import EventStore
from eyespot.edge.layout import HOST, StateLayout
from eyespot.edge.services.present import any_installed
from eyespot.edge.summary import Summary
from eyespot.edge.watchdog import BUS_ROLE, Watchdog
from eyespot.kernel.clock import Clock, from_seconds, seconds
from eyespot.kernel.config import inherited_env
from eyespot.kernel.errors import EyespotError, invalid
from eyespot.kernel.ids import new_id

log = logging.getLogger(__name__)

STATUS_EVERY_S = 2.0
JOIN_S, JOIN_TRIES = 2.0, 10
"""Patience with a bus that starts; its address is read anew for every try."""
MODULES = {"media": "eyespot.edge.media_process", "vision": "eyespot.edge.vision_process", "api": "eyespot.edge.api"}
FRAMES_MODULE = "eyespot.edge.frames"
"""Started once there are grants: without services nobody needs it."""
SERVICES_MODULE = "eyespot.edge.services"
"""Runs only while a service is installed."""
_LEAN = {
    "MALLOC_ARENA_MAX": "2",
    # Pictures come and go many times a second: kept in the heap, their pages need not be faulted in anew.
    "MALLOC_MMAP_THRESHOLD_": "8388608",
    "MALLOC_TRIM_THRESHOLD_": "16777216",
    "OMP_WAIT_POLICY": "passive",
}
_NATS_LEAN = {"GOMEMLIMIT": "24MiB", "GOGC": "50", "GOMAXPROCS": "2"}


class Supervisor:
    """Runs one camera host.

    Args:
        config_path: the config file; each process reads it by itself.
        on_url: called once with the address of the web app when it is up.

    Raises ``INVALID`` when the config cannot be used; nothing was made or changed then.
    """

    def __init__(
        self, config_path: Path, state: Path, clock: Clock, *, on_url: Callable[[str], None] = lambda _: None
    ) -> None:
        load_config(config_path)  # before anything is made: a host with a bad config leaves no trace
        self._config_path = config_path.absolute()
        self._layout = StateLayout.of(state)
        self._clock = clock
        self._on_url = on_url
        self._children: dict[str, Child] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._watchdog = Watchdog(clock)
        self._reasons: dict[str, tuple[str, int]] = {}
        self._bus_port = 0
        self._bus_moved = False
        self._down: dict[str, Event] = {}
        self._store = EventStore(self._layout.events_db)
        self._bus: Bus | None = None
        self._config_etag = ""
        self.summary = Summary()

    async def run(self, stop: asyncio.Event, for_s: float | None = None) -> dict[str, Any]:
        """Run until ``stop`` is set (SIGTERM and SIGINT set it) or ``for_s`` has passed; returns the summary."""
        begin_ns = self._clock.monotonic_ns()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        for event in self._store.close_interrupted(("process",)):
            log.warning("the host went down during: %s of %s", event.kind, event.label)
        try:
            await self._start()
            await self._watch(stop, for_s)
        finally:
            await self._stop()
            self._store.close()
        return self.summary.document(seconds(self._clock.monotonic_ns() - begin_ns))

    async def _start(self) -> None:
        plan = server.prepare(self._layout.run_dir, self._layout.state)
        self._bus_port = plan.port
        env = inherited_env()
        self._add(ChildSpec(BUS_ROLE, plan.command, {**env, **_NATS_LEAN}, stop_s=5.0))
        await self._join()
        self._layout.grants_file.unlink(missing_ok=True)  # those of an earlier life: whoever decides writes them anew
        for role, module in MODULES.items():
            self._add_own(role, module)
        await self._follow_services()

    async def _join(self) -> None:
        """Connect to the bus at whatever address it has by now; raises ``UNAVAILABLE``."""
        for tries_left in reversed(range(JOIN_TRIES)):
            self._bus_moved = False
            try:
                self._bus = await nats.connect(self._layout.run_dir, "supervisor", wait_s=JOIN_S)
                break
            except EyespotError:
                if not tries_left:
                    raise
        if self._bus is not None:
            self._tasks.append(asyncio.create_task(self._listen(self._bus)))
            await self._bus.serve(subjects.control("supervisor"), self._let_services_in)

    async def _let_services_in(self, request: bytes) -> bytes:
        """The services process says who of the services may join; the server has it before this returns."""
        try:
            wanted = ServiceUsers.model_validate_json(request)
        except ValidationError as error:
            raise invalid("The list of services does not parse.") from error
        await asyncio.to_thread(server.let_in, self._layout.run_dir, wanted.users)
        self._children[BUS_ROLE].reload()
        return b"{}"

    async def _follow_services(self) -> None:
        """Start what services need when the first is installed, end it when the last is gone."""
        wanted = any_installed(self._layout.services_dir)
        if wanted and "services" not in self._children:
            self._add_own("services", SERVICES_MODULE)
        elif not wanted and "services" in self._children:
            await self._end_child("services")
            self._layout.grants_file.unlink(missing_ok=True)

    async def _end_child(self, role: str) -> None:
        if role in self._children:
            await self._children.pop(role).stop()
            if role in self._down:
                self._end_event(role)

    def _add_own(self, role: str, module: str) -> None:
        where = ["--config", str(self._config_path), "--state", str(self._layout.state)]
        self._add(ChildSpec(role, [sys.executable, "-m", module, *where], {**inherited_env(), **_LEAN}))

    async def _follow_views(self) -> None:
        """Views are cut while somebody is granted some, and while a package waits whose owner may look at samples."""
        wanted = any_installed(self._layout.incoming_dir) or self._layout.grants_file.exists()
        if not wanted:
            await self._end_child("frames")
        elif "frames" not in self._children:
            self._add_own("frames", FRAMES_MODULE)

    def _add(self, spec: ChildSpec) -> None:
        child = self._children[spec.role] = Child(spec, self._clock, self._died)
        self._tasks.append(asyncio.create_task(child.run()))

    async def _watch(self, stop: asyncio.Event, for_s: float | None) -> None:
        end_ns = None if for_s is None else self._clock.monotonic_ns() + from_seconds(for_s)
        while not stop.is_set():
            left_s = STATUS_EVERY_S
            if end_ns is not None:
                left_s = min(left_s, seconds(end_ns - self._clock.monotonic_ns()))
                if left_s <= 0:
                    return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), left_s)
            if self._bus_moved:
                await self._follow_bus()
            await self._report()
            await self._look_at_config()
            await self._follow_services()
            self._end_silence()
            await self._follow_views()

    async def _stop(self) -> None:
        """Viewers first, the recorder after all who read from it, the bus last."""
        for role in ("api", "services", "frames", "vision", "media"):
            if role in self._children:
                await self._children[role].stop()
        for event in list(self._down.values()):
            self._end_event(event.label)
        if self._bus is not None:
            await asyncio.sleep(0.05)
            await self._bus.close()
        if BUS_ROLE in self._children:
            await self._children[BUS_ROLE].stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self, bus: Bus) -> None:
        async for message in bus.subscribe(subjects.status(subjects.EVERY)):
            try:
                report = StatusMessage.model_validate_json(message.data)
            except ValidationError:
                log.warning("a status report on %s does not parse", message.subject)
                continue
            had_url = self.summary.url
            self.summary.note(report)
            self._watchdog.heard(report.role, report.pid)
            if report.role in self._down:
                self._end_event(report.role)
            if self.summary.url and self.summary.url != had_url:
                self._on_url(self.summary.url)

    async def _report(self) -> None:
        if self._bus is None:
            return
        bus_child = self._children.get(BUS_ROLE)
        if bus_child is not None and bus_child.now.pid and BUS_ROLE in self._down:
            self._end_event(BUS_ROLE)
        report = StatusMessage(
            role="supervisor",
            pid=0,
            wall_ns=self._clock.wall_ns(),
            uptime_s=seconds(self._clock.monotonic_ns()),
            totals={"processes": [child.status() for child in self._children.values()]},
        )
        await self._bus.publish(subjects.status("supervisor"), report.model_dump_json().encode())

    async def _look_at_config(self) -> None:
        """Tell the others when the file was changed, by hand or by the API, to something valid."""
        try:
            etag = hashlib.sha256(self._config_path.read_bytes()).hexdigest()
            if etag == self._config_etag:
                return
            load_config(self._config_path)
        except (OSError, EyespotError) as error:
            if self._config_etag != "bad":
                log.error("the config file cannot be used, the old settings stay: %s", error)
            self._config_etag = "bad"
            return
        first, self._config_etag = not self._config_etag, etag
        if not first and self._bus is not None:
            await self._bus.publish(subjects.config_changed(), b"")

    def _end_silence(self) -> None:
        """Kill who is stuck; each is then started again like any other that died."""
        running = {role: child.now.pid for role, child in self._children.items() if child.now.pid is not None}
        for role, silent_s in self._watchdog.stuck(running).items():
            text = f"It said nothing for {silent_s:.0f} s, so it was killed and started again."
            log.error("%s is stuck: %s", role, text)
            self._reasons[role] = (text, self._clock.wall_ns() - from_seconds(silent_s))
            self._children[role].kill()

    async def _follow_bus(self) -> None:
        """The bus has another address: join it there, and start everybody else again, who know the old one alone."""
        if self._bus is not None:
            await self._bus.close()
            self._bus = None
        try:
            await self._join()
        except EyespotError as error:
            self._bus_moved = True
            log.error("%s", error)
            return
        for role, child in self._children.items():
            if role != BUS_ROLE:
                self._reasons[role] = ("The bus has another address, so it was started again.", self._clock.wall_ns())
                child.restart()

    def _move_bus(self) -> None:
        """Called when the bus server ended by itself: where somebody else has its port now, take another."""
        if server.is_free(self._bus_port):
            return
        log.error("port %d for the bus is taken by another program; another one is tried", self._bus_port)
        try:
            self._bus_port = server.prepare(self._layout.run_dir, self._layout.state).port
        except OSError as error:
            log.error("the bus cannot be moved: %s", error)
            return
        self._bus_moved = True

    def _died(self, role: str, code: int) -> None:
        text, since_wall_ns = self._reasons.pop(role, ("", self._clock.wall_ns()))
        self.summary.error(f"{role} died: {exit_text(code)}{text and '. '}{text}")
        if role == BUS_ROLE and code > 0:
            self._move_bus()
        restarts = self._children[role].now.restarts + 1
        detail = {"exit": exit_text(code), "restarts": restarts, **({"text": text} if text else {})}
        event = self._down.get(role)
        if event is None:
            event = Event(
                id=new_id(self._clock.wall_ns()), camera=HOST, kind="process", label=role, start_wall_ns=since_wall_ns
            )
        self._keep(event.model_copy(update={"detail": detail}))

    def _end_event(self, role: str) -> None:
        event = self._down.pop(role)
        self._keep(event.model_copy(update={"end_wall_ns": max(event.start_wall_ns, self._clock.wall_ns())}))

    def _keep(self, event: Event) -> None:
        if event.end_wall_ns is None:
            self._down[event.label] = event
        try:
            self._store.put(event)
        except EyespotError as error:
            log.error("%s", error)
            return
        if self._bus is not None:
            task = asyncio.create_task(self._publish(event))
            self._tasks.append(task)
            task.add_done_callback(self._tasks.remove)

    async def _publish(self, event: Event) -> None:
        if self._bus is not None:
            await self._bus.publish(subjects.events(event.camera), event.model_dump_json().encode())
