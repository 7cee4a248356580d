"""One frame of a view for the owner to look at: cut and ringed as for a service, read with the services' own reader.

The cut is private: its ring is handed to nobody, so that looking takes nothing from whoever reads the same view.
"""

import asyncio
import base64
from collections.abc import Callable
from contextlib import AbstractContextManager

from eyespot.contracts.view import BY_LABEL, View
from eyespot.contracts.view_sample import MAX_JPEG_BYTES, SampleObject, ViewSample
from eyespot.edge.frames.canvas import ORDERS
from eyespot.edge.frames.cut import Cut
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import unavailable
from eyespot.media.still import jpeg_of
from eyespot.sdk.ring_reader import RingFrame, RingReader

PATIENCE_S = 6.0
"""For the first picture; a camera with a longer time between key pictures may have none by then."""
LEAST_RATE_HZ = 4.0
"""A sample does not wait for the turn of a slow view: what is cut is the same."""


async def take_sample(view: View, clock: Clock, reading: Callable[[Cut], AbstractContextManager[None]]) -> ViewSample:
    """Cut one frame of ``view`` (of a definite camera and stream); where objects are shown, once tracks are known.

    Args:
        reading: pictures are offered to the cut inside.

    Raises ``UNAVAILABLE`` when no picture comes; as ``RingWriter``.
    """
    loop = asyncio.get_running_loop()
    written = asyncio.Event()
    faster = View.model_validate({**view.model_dump(exclude_unset=True), "rate_hz": max(view.rate_hz, LEAST_RATE_HZ)})

    def announce(_cut: Cut, _seq: int) -> None:
        loop.call_soon_threadsafe(written.set)

    cut = Cut(faster, clock, announce)
    try:
        reader = RingReader(cut.ring.descriptor)
        try:
            with reading(cut):
                frame = await _newest(reader, written, wants_tracks=view.form in BY_LABEL)
        finally:
            reader.close()
    finally:
        await asyncio.to_thread(cut.close)
    if frame is None:
        raise unavailable(
            f"Camera {view.camera} gave no picture within {PATIENCE_S:.0f} seconds.", "Look how it is, and try again."
        )
    return await asyncio.to_thread(_as_sample, view, frame)


async def _newest(reader: RingReader, written: asyncio.Event, *, wants_tracks: bool) -> RingFrame | None:
    """The first frame, or where tracks are wanted the first that was cut with some; else the last that came."""
    found: RingFrame | None = None
    try:
        async with asyncio.timeout(PATIENCE_S):
            while found is None or (wants_tracks and not found.stamp.tracks_ns):
                await written.wait()
                written.clear()
                found = reader.copy(reader.newest) or found
    except TimeoutError:
        pass  # what came until then has to do
    return found


def _as_sample(view: View, frame: RingFrame) -> ViewSample:
    stamp = frame.stamp
    return ViewSample(
        view=view, capture_ns=stamp.capture_ns, wall_ns=stamp.wall_ns, tracks_ns=stamp.tracks_ns,
        objects_seen=stamp.objects_seen,
        objects=tuple(SampleObject(track=one.track, label=one.label, score=one.score, box=one.box, crop=one.crop)
                      for one in frame.objects),
        jpeg=_encoded(view, frame),
    )  # fmt: skip


def _encoded(view: View, frame: RingFrame) -> bytes:
    return base64.b64encode(jpeg_of(frame.pixels, ORDERS[view.pixels], MAX_JPEG_BYTES)) if view.has_pixels else b""
