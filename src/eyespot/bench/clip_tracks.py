"""What vision would say of a clip on the bus: every so often a frame is detected in and followed, as a camera's would
be. For benches and tests of what listens to tracks.
"""

from pathlib import Path

import av
import numpy as np

from eyespot.contracts.track import TracksMessage
from eyespot.edge.config import CameraSettings
from eyespot.edge.config_parts import StreamSettings
from eyespot.edge.detector import FLOOR_SCORE
from eyespot.edge.scene import Scene
from eyespot.infer.package import ModelPackage
from eyespot.infer.session import open_session
from eyespot.kernel.clock import NS_PER_S
from eyespot.vision.heads.registry import find_head

BEGIN_WALL_NS = 1_790_000_000 * NS_PER_S
"""Wall time of a clip's first frame: some hour of 2026."""


def tracks_of(clip: Path, package: ModelPackage, rate_hz: float, camera: CameraSettings) -> list[TracksMessage]:
    """The messages of the whole ``clip``, with the zones of ``camera``; capture time begins at 0."""
    document, head = package.document, find_head(package.document.head)
    scene = Scene(camera, Path())
    scene.labels = document.labels
    said: list[TracksMessage] = []
    with av.open(str(clip)) as container:
        video = container.streams.video[0]
        aspect, fps = video.width / video.height, float(video.average_rate or 25)
        session = open_session(package, size_px=document.input.fit(aspect))
        height, width = session.input_px
        step = max(1, round(fps / rate_hz))
        for number, frame in enumerate(container.decode(video)):
            if number % step:
                continue
            picture = frame.to_ndarray(format=f"{document.input.order}24", width=width, height=height)
            found = head(
                session.run(picture.astype(np.uint8, copy=False)),
                labels=document.labels,
                score_threshold=FLOOR_SCORE,
                capture_ns=round(number * NS_PER_S / fps),
                aspect=aspect,
                input_px=session.input_px,
            )
            said.append(scene.detected(found, BEGIN_WALL_NS).message)
        session.close()
    return said


def plain_camera(name: str) -> CameraSettings:
    """A camera of that id with nothing set."""
    return CameraSettings(id=name, stream=(StreamSettings(name="main", source="synthetic:"),))
