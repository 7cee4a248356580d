"""One test of a service: footage goes through the host's own pipeline, and what the confined service says is taken.

It goes as fast as it can be handled: the next packet is offered when vision and views are done with the one before and
the service has read what it was sent and sleeps again. So results do not depend on the machine's speed. Time in the
footage is what stamps say; a service that looks at a clock of its own, or waits, sees time pass by more slowly.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from eyespot.bus import subjects
from eyespot.contracts.event import Event
from eyespot.contracts.service import read_manifest
from eyespot.edge.apps_dev.expectations import MAX_FOUND, Case
from eyespot.edge.apps_dev.player import Outcome, Player, seeing, shared_by
from eyespot.edge.apps_dev.stage import Stage, staged
from eyespot.edge.apps_dev.tape import Tape
from eyespot.edge.apps_dev.try_out import needs_detection
from eyespot.edge.apps_dev.witness import Witness
from eyespot.edge.config import CameraSettings
from eyespot.edge.config_parts import DetectSettings, StreamSettings
from eyespot.edge.events.store import EventStore
from eyespot.edge.events.writer import EventWriter
from eyespot.edge.layout import StateLayout
from eyespot.edge.services.granted import definite_views, everything
from eyespot.edge.services.kept import Kept
from eyespot.kernel.clock import Clock, seconds
from eyespot.kernel.errors import unavailable

CAMERA = "camera-1"
LOOK_S = 0.02
WORKERS = 2


def camera_for(source: str, *, detect: bool) -> CameraSettings:
    """The one camera of a trial. Closer looks at far objects are left out: a host takes them while it has time."""
    stream = StreamSettings(source=source, pace="fast", loop=False)
    return CameraSettings(id=CAMERA, stream=(stream,), detect=DetectSettings(enabled=detect, regions=0))


async def run_trial(
    folder: Path, case: Case, source: str, state: Path, models: Path, clock: Clock, progress: Callable[[float], None]
) -> Outcome:
    """Play ``source`` as ``case`` says to the service in ``folder``, on a stage below ``state`` (new).

    Args:
        models: folder of model packages.
        progress: called with the seconds of footage that were played.

    Raises:
        EyespotError: ``INVALID`` for a bad service, settings or footage; ``UNAVAILABLE`` when it cannot be run here,
            or the service does not start, or ends.
    """
    manifest = read_manifest(folder)
    camera = camera_for(source, detect=needs_detection(manifest))
    layout, tape = StateLayout.of(state), Tape()
    found: dict[str, Event] = {}
    begin_ns = clock.monotonic_ns()

    def submit(event: Event) -> None:
        if event.kind == "service" and (event.id in found or len(found) < MAX_FOUND):
            found[event.id] = event
        events.submit(event)

    with closing(EventStore(layout.events_db)) as store, ThreadPoolExecutor(WORKERS, "decode") as workers:
        async with staged(layout, tape, camera, clock, submit) as stage:
            heard = {"tracks": subjects.tracks(CAMERA), "events": subjects.events(CAMERA)}
            witness = Witness(stage.bus, {heard[kind] for kind in manifest.permissions.read}, heard["tracks"])
            events = EventWriter(store, witness, clock)
            granted = everything(manifest, CAMERA)
            stage.installed.install(folder, CAMERA, granted=granted, settings=case.settings)
            kept = await _started(stage, manifest.service.name, clock)
            shared = shared_by(tape, witness, clock, workers, models, events)
            async with seeing(camera, shared, layout.media_dir, clock) as vision:
                player = Player(stage, tape, kept, witness, events, vision, clock)
                await player.until_joined(len(definite_views(manifest, granted)))
                outcome = await player.play(source, camera, case, progress)
            await player.conclude(outcome)
            shared.detectors.close()
    outcome.events, outcome.tracks = tuple(found.values()), tuple(witness.tracks)
    outcome.took_s = seconds(clock.monotonic_ns() - begin_ns)
    return outcome


async def _started(stage: Stage, name: str, clock: Clock) -> Kept:
    """The service once it runs; raises ``UNAVAILABLE`` when it cannot, with what it said."""
    while True:
        kept = stage.keeper.kept(name)
        if kept is not None and kept.state == "running":
            return kept
        if kept is not None and kept.state in ("backoff", "failed", "refused"):
            said = " / ".join(kept.logs()[-3:])
            raise unavailable(f"The service does not start: {kept.why}.", said)
        await clock.sleep(LOOK_S)
