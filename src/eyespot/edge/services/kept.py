"""One service from the moment that it should run until it should not: started, watched, started again, given up."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from eyespot.contracts.frames_door import Grant
from eyespot.contracts.service import PolicyClass
from eyespot.contracts.service_bus import Beat
from eyespot.contracts.service_start import START_FILE
from eyespot.contracts.zones import ZonesMessage
from eyespot.edge.pause import first_of
from eyespot.edge.services.desk import Desk
from eyespot.edge.services.egress.limits import Counters as EgressCounters
from eyespot.edge.services.egress.proxy import EgressProxy
from eyespot.edge.services.engines.asleep import all_asleep
from eyespot.edge.services.engines.contract import Running
from eyespot.edge.services.engines.log_tail import TAIL_LINES
from eyespot.edge.services.frames_record import FramesRecord
from eyespot.edge.services.granted import cameras_of, check_granted, check_policy, definite_views
from eyespot.edge.services.health import TRIES_OF_UPDATE, Health
from eyespot.edge.services.hosting import host_of
from eyespot.edge.services.inference.model_desk import SOCKET as MODEL_SOCKET
from eyespot.edge.services.installed import Checked
from eyespot.edge.services.kernel_record import KernelRecord
from eyespot.edge.services.launching import prepare, run_folder, settings_of
from eyespot.edge.services.log_file import LogFile
from eyespot.edge.services.relay import Counters, Relay
from eyespot.edge.services.service_events import May
from eyespot.edge.services.sign_in import Place, wait_until_let_in
from eyespot.edge.services.store import Row, State
from eyespot.edge.services.zone_news import zones_of
from eyespot.kernel.errors import EyespotError
from eyespot.kernel.ids import new_id

log = logging.getLogger(__name__)

LOOK_S = 1.0
STOP_S = 5.0
REFUSED_REST_S = 5.0
"""One that cannot be started for a reason outside of it is tried again after so long."""


class Kept:
    """Keeps ``row`` running until ``stop``.

    Attributes:
        failed_why: set when it has failed for good; its owner has to start it.
    """

    def __init__(self, row: Row, desk: Desk) -> None:
        self.row = row
        self.state: State = "installed"
        self.why = ""
        self.failed_why = ""
        self._desk = desk
        self._health = Health(desk.clock)
        self._counters = Counters()
        self._checked: Checked | None = None
        self._classes: frozenset[PolicyClass] | None = None
        self._relay: Relay | None = None
        self._egress: EgressProxy | None = None
        self._egress_counters = EgressCounters()
        self._running: Running | None = None
        self._kernel = KernelRecord()
        self._frames = FramesRecord()
        self._life_id = ""
        self._log_file = LogFile(desk.layout.service_logs_dir, row.name)
        self._logs: list[str] = []
        self._logged = 0
        self._stopping = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"service {row.name}")

    async def stop(self) -> None:
        """End it; returns when nothing of it is left."""
        self._stopping.set()
        await self._task

    async def configure(self, row: Row) -> None:
        """Only its settings changed: tell it."""
        self.row = row
        if self._checked is not None:
            self._checked = replace(self._checked, row=row)
            await self._desk.say_settings(row.name, settings_of(self._desk.layout, self._checked))

    def is_touched_by(self, before: Sequence[PolicyClass], now: Sequence[PolicyClass]) -> bool:
        """Whether a change of what is forbidden here makes a difference to it; one that was never looked at: yes."""
        if set(before) == set(now):
            return False
        if self._classes is None:
            return True
        return bool(self._classes & set(before)) != bool(self._classes & set(now))

    def heard(self, beat: Beat) -> None:
        """It beat."""
        if self._running is None:
            return
        first = self._health.beat is None
        self._health.heard(beat)
        if first:
            self._come("running")

    def at_frames(self, door: Mapping[str, Any]) -> None:
        """The frames process told how its door is: how many frames of each view were offered, what was refused."""
        if self._running is not None:
            self._health.progress.offered(door.get("offered", {}))
        self._frames.take(door)

    def allowed(self) -> May | None:
        """What it may say; None while it does not run."""
        if self._checked is None or self._running is None:
            return None
        granted = self.row.granted
        return May(granted.emit, granted.record, cameras_of(self._checked.manifest, granted), self._life_id)

    def outputs(self) -> tuple[str, ...] | None:
        """Outputs that it may switch; None while it does not run."""
        return None if self._running is None else self.row.granted.outputs

    def zone_cameras(self) -> set[str]:
        """Cameras whose zones it is told; none while it does not run."""
        return set() if self._checked is None or self._running is None else _zone_cameras(self._checked)

    def logs(self) -> list[str]:
        """The newest lines of its output, of this life or the last; what is on disk where it had none yet."""
        if self._running is not None:
            return self._running.logs.lines()
        return self._logs or self._log_file.lines(TAIL_LINES)

    @property
    def delivered(self) -> int:
        """Messages of the bus that it was sent, in all its lives."""
        return self._counters.delivered

    @property
    def is_idle(self) -> bool:
        """Whether it runs, has read all that it was sent on the bus, and sleeps."""
        if self._running is None or self._relay is None or self._relay.busy:
            return False
        return all_asleep(self._running.identity.pid)

    def status(self) -> dict[str, Any]:
        """How it is, as JSON-ready values."""
        beat = self._health.beat
        found: dict[str, Any] = {"state": self.state, "why": self.why, "version": self.row.version}
        found |= {"deaths": self._health.deaths, "beat": beat.model_dump(mode="json") if beat else None}
        found |= {"views": self._health.progress.status(), "kernel": self._kernel.status(self._running)}
        found["frames"] = self._frames.status()
        if self._relay is not None:
            found["bus"] = self._relay.status()
        if (models := self._desk.models.status(self.row.name)) is not None:
            found["inference"] = models
        if self._egress is not None:
            found["network"] = self._egress.status()
        if self._running is not None:
            usage = self._running.usage()
            found |= {
                "cpu_s": round(usage.cpu_s, 2), "memory_bytes": usage.memory_bytes, "pids": usage.pids,
                "breaches": dict(self._running.breaches()), "enforced": dict(self._running.enforced),
            }  # fmt: skip
        return found

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                rest_s = await self._life()
            except EyespotError as error:
                rest_s = self._refused(error)
            except (
                Exception
            ) as error:  # a defect in one service's keeping must not end the others'; logged, tried again
                log.exception("service %s cannot be kept", self.row.name)
                rest_s = self._after_death(f"a defect of ours: {type(error).__name__}")
            if rest_s is None:
                await self._stopping.wait()
            elif not self._stopping.is_set():
                await first_of(self._stopping, self._desk.clock, rest_s)
        self._desk.admission.forget(self.row.name)
        self._come("stopped")

    async def _life(self) -> float | None:
        """One start to its end; returns how long to rest, None: for ever."""
        desk, name = self._desk, self.row.name
        self._come("starting")
        checked = await asyncio.to_thread(desk.installed.check, self.row)
        self._classes = frozenset(checked.manifest.permissions.policy)
        check_policy(checked.manifest, desk.forbidden())
        check_granted(checked.manifest, self.row.granted)
        self._life_id = new_id(desk.clock.wall_ns())
        most_mb_per_s = desk.most_mb_per_s()
        launch = await asyncio.to_thread(
            prepare, desk.layout, checked, self._life_id, self._zones(checked), most_mb_per_s
        )
        place = await desk.admission.admit(checked)
        self._checked = checked
        try:
            desk.models.admit(checked)
            await self._be_let_in(place)
            self._health.begin()
            self._logged = 0
            host = host_of(checked.manifest, checked.row.granted, checked.row.digest)
            self._running = await desk.engine(host).start(launch)
            self._health.begin()  # once more: an image that had to be loaded takes as long as it takes
            identity = self._running.identity
            grant = Grant(uid=identity.uid, pid_namespace=identity.pid_namespace, socket=launch.run / "bus.sock")
            await desk.models.open(checked, grant.model_copy(update={"socket": launch.run / MODEL_SOCKET}))
            self._relay = Relay(place, grant, desk.bus_address, desk.clock, counters=self._counters)
            await self._relay.open()
            self._egress = await desk.egress.open(name, grant, self.row.granted.network, self._egress_counters)
            views = definite_views(checked.manifest, self.row.granted)
            if views:
                frames = {"views": views, "socket": launch.run / "frames.sock"}
                desk.grants.give(name, grant.model_copy(update=frames))
            why = await self._watch(self._running)
        finally:
            await self._end()
        if why:
            await self._write_log([f"-- {why}"])
        return self._after_death(why) if why else 0.0

    def _zones(self, checked: Checked) -> tuple[ZonesMessage, ...]:
        wanted = _zone_cameras(checked)
        return tuple(zones_of(camera) for camera in self._desk.cameras() if camera.id in wanted)

    async def _be_let_in(self, place: Place) -> None:
        try:
            await wait_until_let_in(place, self._desk.bus_address, self._desk.clock)
        except EyespotError:
            self._desk.admission.forget(place.name)  # tell the server anew next time
            raise

    async def _watch(self, running: Running) -> str:
        """Until it ends or is to; returns why it ended unasked."""
        ended = asyncio.create_task(running.wait())
        stopping = asyncio.create_task(self._stopping.wait())
        settled = self.row.before is None
        try:
            while not ended.done():
                tick = asyncio.create_task(self._desk.clock.sleep(LOOK_S))
                await asyncio.wait({ended, stopping, tick}, return_when=asyncio.FIRST_COMPLETED)
                tick.cancel()
                if stopping.done():
                    return ""
                if why := self._unhealthy():
                    self._come("unhealthy", why)
                    return f"{why}, so it was killed"
                await self._keep_log(running)
                if not settled and self._health.settled:
                    settled = True
                    await asyncio.to_thread(self._desk.installed.store.settle, self.row.name, self.row.digest)
            return f"it ended: {ended.result().text}"
        finally:
            stopping.cancel()
            ended.cancel()

    def _unhealthy(self) -> str:
        """Why it is to be killed; empty while it is well."""
        if silent_s := self._health.silent_s:
            return f"it said nothing for {silent_s:.0f} s"
        return self._health.progress.stuck

    async def _keep_log(self, running: Running) -> None:
        """What it said since the last look goes to the disk; one that refuses costs the lines, nothing else."""
        lines, self._logged = running.logs.since(self._logged), running.logs.taken
        if new := self._kernel.look(running):
            log.warning("service %s: refused by the kernel: %s", self.row.name, ", ".join(new))
            lines += [f"-- refused by the kernel: {call}" for call in new]
        if lines:
            await self._write_log(lines)

    async def _write_log(self, lines: Sequence[str]) -> None:
        try:
            await asyncio.to_thread(self._log_file.write, lines, self._desk.clock.wall_ns())
        except OSError as error:
            log.warning("the log of %s is not kept: %s", self.row.name, error)

    async def _end(self) -> None:
        """Whatever happened, nothing of this life is left."""
        name = self.row.name
        self._desk.grants.take(name)
        if self._egress is not None:
            await self._egress.close()
        if self._running is not None:
            if self._stopping.is_set():
                await self._running.stop(STOP_S)
            else:
                await self._running.kill()
            await self._keep_log(self._running)
            self._kernel.end()
            self._logs, self._running = self._running.logs.lines(), None
        if self._relay is not None:
            await self._relay.close()
        await self._desk.models.close(name)
        (run_folder(self._desk.layout, name) / START_FILE).unlink(missing_ok=True)  # it may hold secrets

    def _after_death(self, why: str) -> float | None:
        rest_s = self._health.died()
        log.warning("service %s: %s", self.row.name, why)
        if self.row.before and self._health.deaths >= TRIES_OF_UPDATE and self._roll_back(why):
            return None
        if rest_s is None:
            self.failed_why = f"It died {self._health.deaths} times, the last time: {why}."
            self._come("failed", self.failed_why)
            return None
        self._come("backoff", why)
        return rest_s

    def _refused(self, error: EyespotError) -> float | None:
        log.warning("service %s: %s", self.row.name, error)
        if not error.kind.value.retryable and self._roll_back(str(error)):
            return None
        self._come("refused", str(error))
        return REFUSED_REST_S if error.kind.value.retryable else None

    def _roll_back(self, why: str) -> bool:
        """Back to the version before; whoever reads the store then keeps that one."""
        before = self.row.before
        if before is None or not self._desk.installed.store.roll_back(self.row.name, self.row.digest):
            return False
        self._come("failed", f"{self.row.version} gave way to {before[0]}: {why}")
        return True

    def _come(self, state: State, why: str = "") -> None:
        if (state, why) != (self.state, self.why):
            self.state, self.why = state, why
            try:
                self._desk.installed.store.note(self.row.name, self._desk.clock.wall_ns(), state, why)
            except EyespotError as error:
                log.error("%s", error)


def _zone_cameras(checked: Checked) -> set[str]:
    granted = checked.row.granted
    return set(cameras_of(checked.manifest, granted)) if "zones" in granted.read else set()
